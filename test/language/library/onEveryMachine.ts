import { strict as assert } from 'node:assert';
import { run } from '../../../src/engine/run/run';
import type { Program } from '../../../src/language/program';
import { compiled } from '../../engine/onMachine';
import { seenByGuest } from '../../hypervisor/programs/agreement';

/** Paging modes that the library is held to. */
export const modes = ['32-bit', 'pae', '4-level', '5-level'] as const;
export type Mode = (typeof modes)[number];

/** Techniques under which a scenario's expectations must hold, in any mode. */
const techniques: readonly string[] = ['native', 'shadow-wp', 'shadow-wp:update=zap', 'ept'];

/** A scenario's declarations and lines in a paging mode. */
export function inMode(mode: Mode, text: string, ram = '16M'): string {
  return `machine { paging ${mode}, ram ${ram} }\n${text}`;
}

/** The scenario's expectations hold under every technique, and nothing else is wrong. */
export function expectationsHold(mode: Mode, program: Program): void {
  for (const technique of techniques) {
    const said: string[] = [];
    const report = run(program, technique, { say: (line) => said.push(`line ${line.line}: ${line.text}`) });
    if ('error' in report) assert.fail(report.error);
    const { message, ok, passed } = report.outcome;
    assert.deepEqual({ message, said, ok }, { message: undefined, said: [], ok: true }, technique);
    assert.ok(passed > 0, 'nothing was expected');
  }
}

/** The expectations hold, and the guest sees the same under all: its accesses, its faults, and its page tables at the end. */
export function holds(mode: Mode, text: string, ram?: string): void {
  const program = compiled(inMode(mode, text, ram));
  expectationsHold(mode, program);
  const seen = techniques.map((technique) => seenByGuest(program, technique));
  seen.forEach((lines, i) => {
    const at = lines.findIndex((line, number) => line !== seen[0]![number]);
    if (at >= 0 || lines.length !== seen[0]!.length) {
      assert.fail(`line ${at} of the guest's log differs:\n  native: ${seen[0]![at]}\n  ${techniques[i]}: ${lines[at]}`);
    }
  });
}

/** A test of the claim in every mode. */
export function inEveryMode(claim: string, text: string | ((mode: Mode) => string), ram?: string): void {
  for (const mode of modes) it(`${claim} (${mode})`, () => holds(mode, typeof text === 'string' ? text : text(mode), ram));
}
