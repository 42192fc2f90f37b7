import { costModelRows, costRows, type Cost } from '../src/engine/costs/costTable';

/** `docs/costs.md`: what estimated cycles are made of, out of the table that makes them. */
export function costsPage(): string {
  const cost = ({ cycles, mark, source }: Cost): string => `${cycles} | ${mark} | ${source}`;
  const models = costModelRows.flatMap(({ name, documentation, costs }) => {
    const own = Object.entries(costs).map(([of, each]) => `| \`${of}\` | ${cost(each!)} |`);
    return [
      `### \`${name}\``, '', documentation, '',
      ...(own.length === 0 ? ['All costs as in the table above.'] : ['| cost | cycles | mark | source |', '| --- | --- | --- | --- |', ...own]), '',
    ];
  });
  return `${[
    '# Estimated cycles',
    '',
    'Techniques trade one kind of event for another, and events do not cost the same. `compare`, `--json` and the debugger\'s Counters scope',
    'therefore multiply each count by what one of its kind is taken to cost, and say the sum beside the counts that it comes from. It is for',
    'comparing techniques on one scenario, and no measurement of any machine. A cost marked *read* stands in the source named; one marked',
    '*assumed* stands for an order of magnitude.',
    '',
    '| cost | of each of the | cycles | mark | source |',
    '| --- | --- | --- | --- | --- |',
    ...costRows.map(({ name, cause, cost: each }) => `| \`${name}\` | ${cause} | ${cost(each)} |`),
    '',
    'What the host does by itself (reclaim, merging, migration) is the same under every technique and left out.',
    '',
    '## Models',
    '',
    'A model is a processor generation: it says where it differs from the table. `platform { costs nehalem }` chooses one for a scenario,',
    '`pagewalk compare FILE --costs nehalem` for one comparison. Costs of your own come behind it: `platform { costs nehalem walk_reference 200 }`,',
    '`--costs nehalem:walk_reference=200,access=2`.',
    '',
    ...models,
  ].join('\n').trimEnd()}\n`;
}
