import { strict as assert } from 'node:assert';
import { configure } from '../../../src/engine/settings/configuration';
import { findTechnique } from '../../../src/engine/settings/techniques';
import { run } from '../../../src/engine/run/run';
import type { Program } from '../../../src/language/program';

/** What every guest must see alike, whatever lies below it. */
export const techniques = ['native', 'deprivileged', 'deprivileged:update=zap', 'deprivileged:shadow_pages=16', 'shadow-wp', 'shadow-wp:update=zap', 'shadow-wp:shadow_pages=16',
  'shadow-unsync', 'shadow-unsync:prefetch=0,previous_roots=0,early_unshadow=on', 'shadow-unsync:shadow_pages=16', 'shadow-rebuild', 'shadow-vtlb', 'shadow-vtlb:shadow_pages=16', 'ept', 'npt', 'interpret',
] as const;

/** One run as the guest saw it: its log without spurious faults, and how it ended. */
export function seenByGuest(program: Program, mmu: string): readonly string[] {
  const seen: string[] = [];
  const report = run(program, mmu, {
    guestLog: (line) => {
      if (line['spurious'] === true) return;
      // Numbers of lines shift with the spurious faults that are left out.
      const { seq: _, ...rest } = line;
      seen.push(JSON.stringify(rest));
    },
  });
  if ('error' in report) assert.fail(report.error);
  const { passed, failed, message } = report.outcome;
  seen.push(`${passed} passed, ${failed} failed${message === undefined ? '' : `, ${message}`}`);
  return seen;
}

/** The techniques, but for those of the other vendor where the program names one, and without `deprivileged` where it asks for what its guests have not. */
export function ofVendor(program: Program, techniques: readonly string[]): readonly string[] {
  const vendor = program.platform.find(({ name }) => name === 'vendor')?.values[0];
  return techniques.filter((mmu) => {
    const technique = findTechnique(mmu.split(':')[0]!);
    const isOfVendor = vendor === undefined || typeof technique === 'string' || technique.vendor === undefined || technique.vendor === vendor;
    return isOfVendor && (!mmu.startsWith('deprivileged') || !('error' in configure(program, mmu)));
  });
}

/** Holds the techniques to what the guest sees under `native`. */
export function assertAgreement(program: Program): void {
  const native = seenByGuest(program, techniques[0]);
  for (const mmu of ofVendor(program, techniques).filter((each) => each !== techniques[0])) {
    const other = seenByGuest(program, mmu);
    const at = native.findIndex((line, i) => line !== other[i]);
    if (at < 0 && other.length === native.length) continue;
    const around = (lines: readonly string[]): string => lines.slice(Math.max(0, at - 3), at + 3).map((line) => line.slice(0, 300)).join('\n    ');
    assert.fail(`line ${at} of the guest's log differs under ${mmu}\n  native:\n    ${around(native)}\n  ${mmu}:\n    ${around(other)}`);
  }
}
