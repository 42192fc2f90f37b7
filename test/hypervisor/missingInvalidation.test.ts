import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { configure } from '../../src/engine/settings/configuration';
import { Machine } from '../../src/engine/machine/machine';
import { RUN } from '../../src/engine/interpreter/runState';
import type { Program } from '../../src/language/program';
import { compiled } from '../engine/onMachine';
import { drawnTechniques } from './equivalence/equalRuns';
import { TranslationOracle } from './equivalence/translationOracle';

/** A statement of a guest that forgets to invalidate; `page` and `value` are taken modulo what there is. */
interface Step {
  readonly kind: 'load' | 'store' | 'fetch' | 'pte' | 'frame' | 'pde' | 'invlpg' | 'cr3' | 'swap';
  readonly page: number;
  readonly value: number;
}

const step: fc.Arbitrary<Step> = fc.record({
  kind: fc.constantFrom<Step['kind'][]>('load', 'load', 'load', 'store', 'store', 'store', 'fetch', 'pte', 'pte', 'pte', 'frame', 'pde', 'invlpg', 'cr3', 'swap', 'swap'),
  page: fc.nat(3), value: fc.nat(63),
});

const hex = (value: number): string => `0x${value.toString(16)}`;

function lineOf({ kind, page, value }: Step): string {
  const at = TranslationOracle.address(page);
  switch (kind) {
    case 'load': return `user x = [${hex(at)}]\n  expect refused`;
    case 'store': return `user [${hex(at + 8)}] = ${value}\n  expect refused`;
    case 'fetch': return `user fetch(${hex(at)})\n  expect refused`;
    // P, RW, US, A and D, one or two of them.
    case 'pte': return `entry [${hex(TranslationOracle.tables[value & 1]! + page * 8)}] ^= ${hex([1, 2, 4, 0x20, 0x40, 0x62, 2, 1][value >> 1 & 7]!)}`;
    case 'frame': return `entry [${hex(TranslationOracle.tables[value & 1]! + page * 8)}] = ${hex(TranslationOracle.frame(value >> 1) | [7, 5, 0x67, 0x27][value >> 4]!)}`;
    case 'pde': return (value & 4) === 0 ? `entry [${hex(TranslationOracle.directoryEntry)}] ^= ${hex([2, 4, 0x20, 1][value & 3]!)}`
      : `entry [${hex(TranslationOracle.directoryEntry)}] = ${hex(TranslationOracle.tables[value & 1]! | 7)}`;
    case 'invlpg': return `invlpg(${hex(at)})`;
    // What the host takes, no stale translation may lead to, whatever the guest has forgotten.
    case 'swap': return `host swap_out(gpa:${hex(TranslationOracle.frame(4 * (value & 1) + page))})`;
    case 'cr3': return `cr3 = gpa:${hex(TranslationOracle.root)}`;
  }
}

/** The tables are those that the oracle knows; the kernel lies in a large page below them. */
const scenario = (steps: readonly Step[], isCached: boolean): string => `machine { paging 4-level, ram 4M, kernel none }
platform { tlb 8 entries 2 ways, walk_caches ${isCached ? 'on' : 'off'}, swap 1M }
on page_fault(gva address, code) { refuse }
cpu 0 {
  entry [0x10000] = 0x11007; entry [0x11000] = 0x12007; entry [0x12000] = 0x83; entry [${hex(TranslationOracle.directoryEntry)}] = ${hex(TranslationOracle.tables[0]! | 7)}
  for i in 0 .. 4 { entry [gva:(${hex(TranslationOracle.tables[0]!)} + i * 8)] = ${hex(TranslationOracle.frame(0) | 7)} + i * 4K }
  for i in 0 .. 4 { entry [gva:(${hex(TranslationOracle.tables[1]!)} + i * 8)] = ${hex(TranslationOracle.frame(4) | 7)} + i * 4K }
  for i in 0 .. 8 { [gva:(${hex(TranslationOracle.frame(0))} + i * 4K)] = i }
  cr3 = gpa:${hex(TranslationOracle.root)}
  cr0.PG = 1
  ${steps.map(lineOf).join('\n  ')}
}
`;

/** What the technique did that no translation allows which the manuals do; nothing when all is well. */
function findings(program: Program, mmu: string): readonly string[] | undefined {
  const configuration = configure(program, mmu);
  if ('error' in configuration) return undefined;
  const machine = new Machine(program, configuration);
  const { interpreter } = machine;
  const oracle = new TranslationOracle(machine);
  while (interpreter.run.status === RUN.running) {
    interpreter.step();
    oracle.look();
  }
  machine.bus.silence();
  return oracle.findings;
}

describe('a guest that forgets to invalidate', function () {
  this.timeout(240_000);

  it('gets under every technique a translation that the manuals allow: at each level what the entry is, or was since the last invalidation', () => {
    let runs = 0;
    fc.assert(fc.property(fc.array(step, { minLength: 6, maxLength: 30 }), fc.boolean(), fc.nat(0xffff), (steps, isCached, settings) => {
      const program = compiled(scenario(steps, isCached));
      for (const mmu of drawnTechniques(settings)) {
        const wrong = findings(program, mmu);
        if (wrong !== undefined) assert.deepEqual(wrong, [], mmu);
        runs++;
      }
    }), { numRuns: 100, seed: 20261121 });
    assert.ok(runs >= 300);
  });
});
