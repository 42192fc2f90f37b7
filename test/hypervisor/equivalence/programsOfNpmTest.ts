/** What `npm test` runs of the random programs, as arguments of `npm run test:equivalence`: `mutation:hypervisor` plants bugs in the same. */
export const programsOfNpmTest: readonly string[] = ['--programs', '2000', '--seed', '1', '--under', '3'];
