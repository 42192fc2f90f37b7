import { strict as assert } from 'node:assert';
import { run } from '../../../src/engine/run';
import { compiled } from '../../engine/onMachine';
import { assertAgreement } from '../../hypervisor/programs/agreement';

/** Paging modes that the library is held to, and the techniques under which a scenario's expectations must hold. */
export const modes = ['4-level'] as const;
export type Mode = (typeof modes)[number];
const techniques = ['native', 'shadow-wp', 'ept'];

/** A scenario's declarations and lines in a paging mode. */
export function inMode(mode: Mode, text: string, ram = '16M'): string {
  return `machine { paging ${mode}, ram ${ram} }\n${text}`;
}

/**
 * The scenario's expectations hold under every technique, nothing else is wrong, and the guest sees the same under all:
 * its accesses, its faults, and its page tables at the end.
 */
export function holds(text: string): void {
  const program = compiled(text);
  for (const technique of techniques) {
    const said: string[] = [];
    const report = run(program, technique, { say: (line) => said.push(`line ${line.line}: ${line.text}`) });
    if ('error' in report) assert.fail(report.error);
    assert.deepEqual(
      { message: report.outcome.message, said, ok: report.outcome.ok }, { message: undefined, said: [], ok: true }, technique,
    );
    assert.ok(report.outcome.passed > 0, 'nothing was expected');
  }
  assertAgreement(program);
}

/** A test of the claim in every mode. */
export function inEveryMode(claim: string, text: string, ram?: string): void {
  for (const mode of modes) it(`${claim} (${mode})`, () => holds(inMode(mode, text, ram)));
}
