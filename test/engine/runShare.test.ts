import { strict as assert } from 'node:assert';
import { catalog } from '../../src/engine/settings/catalog';
import { startRun } from '../../src/engine/run/run';
import { compileScenario } from '../../src/language/compile';

/** Shares as they are told when one looks every few thousand instructions. */
function shares(lines: string): readonly (number | undefined)[] {
  const text = `machine { paging 4-level, ram 16M, mmu native }\nglobal g = 0\ncpu 0 {\n${lines}\n}\n`;
  const { program, diagnostics } = compileScenario({ path: 'a.guest', text, catalog, readImport: () => undefined });
  assert.ok(program, JSON.stringify(diagnostics));
  const run = startRun(program, undefined);
  assert.ok(!('error' in run));
  const told: (number | undefined)[] = [];
  while (!run.work(() => true)) {
    if (run.statements > 0) told.push(run.share());
  }
  return told;
}

function assertRises(told: readonly (number | undefined)[], from: number, to: number): void {
  const known = told.filter((share) => share !== undefined);
  assert.ok(known.length > 10, String(told));
  known.forEach((share, index) => assert.ok(index === 0 || share >= known[index - 1]!, `${share} after ${known[index - 1]}`));
  assert.ok(known[0]! <= from && known.at(-1)! >= to, `${known[0]} to ${known.at(-1)}`);
}

describe('the share of a run that is done', () => {
  it('is how far `for` has come', () => { assertRises(shares('  for i in 0 .. 30000 { g += i }'), 0.1, 0.9); });
  it('is how far `repeat` has come', () => { assertRises(shares('  repeat 30000 { g += 1 }'), 0.1, 0.9); });
  it('is by the outermost loop, also in what it calls', () => {
    assertRises(shares('  for i in 0 .. 40 { zero(gpa:8M)\n g = i }'), 0.1, 0.9);
  });
  it('goes on from one loop to the next', () => {
    const told = shares('  repeat 30000 { g += 1 }\n  repeat 30000 { g += 1 }');
    assertRises(told, 0.1, 0.9);
    assert.ok(told.some((share) => share !== undefined && share > 0.4 && share < 0.5));
  });
  it('is not known of `while`', () => {
    const told = shares('  while g < 30000 { g += 1 }');
    assert.ok(told.length > 10 && told.every((share) => share === undefined));
  });
});
