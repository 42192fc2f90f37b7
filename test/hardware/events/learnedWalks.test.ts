import { strict as assert } from 'node:assert';
import type { EventBus } from '../../../src/hardware/events/eventBus';
import { ReferenceRing } from '../../../src/hardware/events/referenceRing';
import { KIND } from '../../../src/hardware/events/eventTable';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { walk } from '../../../src/hardware/paging/walk';
import { EFFECTS, WALK } from '../../../src/hardware/paging/walkOutcome';
import type { TranslationSpace } from '../../../src/hardware/paging/translationSpace';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import type { Processor } from '../../../src/hardware/processor/processor';
import type { ProcessorSettings } from '../../../src/hardware/processor/rootMode';
import { guest, PAGE as SVM_PAGE } from '../svm/svmGuest';
import { A, D, EA, ED, halves, LONG_MODE, P, R, RW, TestMachine, US, W, WB, X, XD } from '../testMachine';
import { resultFields } from '../paging/specialized/bothWalks';

const ROOTS = [0x10_0000n, 0x58_0000n] as const;
const FRAMES = 0x200_0000n;
const HIGH_GPA = 0x80_4000_0000n;
/** The table above the four levels of the others. */
const TOP = 0x5c_0000n;
const USED = P | RW | US | A | D;
/** Two pages of one region, one of its neighbour, two whose regions have the same row as the first's: by bits 31 and 38:32. */
const PAGES = [0x40_0000n, 0x40_1000n, 0x60_0000n, 0x40_0000n + (1n << 31n), 0x7f_0040_0000n] as const;

function machineBehind(behind: 'nothing' | 'EPT' | 'EPT with flags', settings: Partial<ProcessorSettings> = {}): TestMachine {
  const machine = new TestMachine(settings);
  for (const root of ROOTS) {
    PAGES.forEach((page, index) => {
      machine.map(page, FRAMES + BigInt(index) * 0x1000n + (root === ROOTS[0] ? 0n : 0x10_0000n), USED, 1, root);
      for (let level = 2; level <= 4; level++) machine.put(machine.entryAt(page, level, root), machine.word(machine.entryAt(page, level, root)) | A);
    });
  }
  if (behind === 'nothing') return machine;
  for (let page = FRAMES; page < FRAMES + 0x20_0000n; page += 0x1000n) machine.mapEpt(page, page + 0x100_0000n, R | W | X | WB | EA | ED);
  machine.enterWithEpt({ accessedDirty: behind === 'EPT' ? 'off' : 'on' });
  // Once with every flag, so that what follows finds them set.
  for (const page of PAGES) walk(machine.processor.space, ...halves(page), ACCESS.write, EFFECTS.hardware);
  return machine;
}

/** What is walked, and what is written between: by the rules of x86 nobody can tell a walk that was remembered. */
function journey(machine: TestMachine, note: (outcome: number) => void): void {
  const { space } = machine.processor;
  const read = (page: bigint, access: number = ACCESS.read): void => note(walk(space, ...halves(page + 0x123n), access, EFFECTS.hardware));
  const rounds = (count: number, pages: readonly bigint[] = PAGES): void => {
    for (let round = 0; round < count; round++) for (const page of pages) read(page);
  };
  const rewrite = (level: number, change = 0n): void => {
    const at = machine.entryAt(PAGES[0], level);
    machine.put(at, machine.word(at) ^ change);
  };
  rounds(3, [PAGES[0], PAGES[1], PAGES[2]]);
  rounds(4, [PAGES[4]]);
  rounds(4, [PAGES[3]]);
  read(PAGES[0], ACCESS.write);
  rounds(3);
  // Last entries are read anew; those above are watched.
  rewrite(1, D);
  rounds(2);
  read(PAGES[0], ACCESS.write);
  rewrite(1, P);
  rounds(2, [PAGES[0], PAGES[1]]);
  rewrite(1, P);
  rewrite(1, 0x8000n);
  rounds(2, [PAGES[0], PAGES[1]]);
  for (const level of [2, 3, 4]) {
    rewrite(level, US);
    rounds(4, [PAGES[0], PAGES[1]]);
  }
  rewrite(2, A);
  rounds(4, [PAGES[0], PAGES[1]]);
  for (const root of [ROOTS[1], ROOTS[0], ROOTS[1]]) {
    machine.set({ cr3: root });
    rounds(3, [PAGES[0], PAGES[2]]);
  }
  machine.set({ cr3: ROOTS[0], cr4: LONG_MODE.cr4 | CR4.SMEP });
  rounds(3, [PAGES[0]]);
}

/** Whatever is asked for, walks go level by level. */
function plain(space: TranslationSpace): void {
  Object.defineProperty(space, 'specialized', { get: () => 0, set: () => undefined });
}

type How = 'generated' | 'level by level';

/** What is recorded of reads by generated walks; or what a listener is told by walks of every level, of which the ring would have the latest. */
function reads({ processor, bus }: { readonly processor: Processor; readonly bus: EventBus }, how: How, capacity: number): () => number[][] {
  const found: number[][] = [];
  if (how === 'level by level') {
    plain(processor.space);
    bus.listen((record) => found.push([...record]), [KIND.table_read]);
    return () => found.slice(-capacity);
  }
  const ring = new ReferenceRing(capacity);
  bus.recordReferences(ring);
  return () => {
    ring.events((record) => found.push([...record]));
    assert.equal(ring.length, found.length);
    return found;
  };
}

interface Walker { readonly ring: number[][]; readonly notes: unknown[] }

function walked(machine: TestMachine, how: How, capacity: number): Walker {
  const { processor } = machine;
  const ring = reads(machine, how, capacity);
  const notes: unknown[] = [];
  const counters = processor.counters;
  journey(machine, (outcome) => {
    const { nested, result } = processor.space;
    // Of a page fault of the guest's own, what was walked for its tables is nobody's to ask.
    notes.push([outcome, resultFields(result), outcome === WALK.mapped ? nested?.result.references : 0, counters.reduce((sum, count) => sum + count, 0)]);
  });
  return { ring: ring(), notes };
}

describe('walks that a ring of references has learned', () => {
  for (const behind of ['nothing', 'EPT', 'EPT with flags'] as const) {
    for (const capacity of [1, 2, 7, 19, 20, 21, 50, 4000]) {
      it(`behind ${behind}, in a ring of ${capacity}: as if each reference had been recorded`, () => {
        const [generated, levels] = [walked(machineBehind(behind), 'generated', capacity), walked(machineBehind(behind), 'level by level', capacity)];
        assert.deepEqual(generated.notes, levels.notes);
        assert.deepEqual(generated.ring, levels.ring);
      });
    }
  }

  for (const [about, make] of [
    ['of a guest with 5 levels behind EPT, whose nested walks alone are generated', () => {
      const machine = machineBehind('EPT');
      machine.put(TOP, ROOTS[0] | P | RW | US | A);
      return machine.set({ cr3: TOP, cr4: LONG_MODE.cr4 | CR4.LA57 });
    }],
    ['whose tables and pages lie above 4 GBytes', () => {
      const machine = machineBehind('nothing');
      // The chain of the first page, each table 5, 6, 7 GBytes above, and execute-disable in the last entry.
      const chain = [ROOTS[0] + (4n << 32n), 0x70_0000n + (5n << 32n), 0x71_0000n + (6n << 32n), 0x72_0000n + (7n << 32n)];
      for (const page of PAGES.slice(0, 2)) {
        chain.forEach((table, depth) => {
          const at = table + 8n * (page >> BigInt(39 - 9 * depth) & 0x1ffn);
          machine.put(at, (chain[depth + 1] ?? page + (9n << 32n) | XD) | P | RW | US | A | D);
        });
      }
      return machine.set({ cr3: chain[0]! });
    }],
    ['of a page that is above 4 GBytes for EPT', () => {
      const machine = machineBehind('EPT');
      machine.put(machine.entryAt(PAGES[1], 1), HIGH_GPA | USED);
      machine.mapEpt(HIGH_GPA, 0x123_4000n, R | W | X | WB | EA | ED);
      return machine;
    }],
    ['with caches of paging structures', () => machineBehind('nothing', { walkCaches: 'on' })],
    ['with such caches behind EPT', () => machineBehind('EPT', { walkCaches: 'on' })],
  ] as const) {
    it(`${about}: as if each reference had been recorded`, () => {
      const rings = (['generated', 'level by level'] as const).map((how) => {
        const machine = make();
        const { space } = machine.processor;
        const ring = reads(machine, how, 4000);
        for (let round = 0; round < 5; round++) {
          for (const page of [PAGES[0], PAGES[1], PAGES[2]]) walk(space, ...halves(page + 8n), ACCESS.read, EFFECTS.hardware);
          if (round === 3) machine.processor.invlpg(...halves(PAGES[0]));
        }
        return ring();
      });
      assert.ok(rings[0]!.length > 8);
      assert.deepEqual(rings[0], rings[1]);
    });
  }

  it('are not learned from one that has set a flag above its last entry: what it read is there no more', () => {
    for (const level of [2, 3, 4]) {
      const rings = (['generated', 'level by level'] as const).map((how) => {
        const machine = machineBehind('nothing');
        const { space } = machine.processor;
        const ring = reads(machine, how, 4000);
        const at = machine.entryAt(PAGES[0], level);
        const seen = (): void => void walk(space, ...halves(PAGES[0]), ACCESS.read, EFFECTS.hardware);
        seen();
        machine.put(at, machine.word(at) & ~A);
        seen();
        seen();
        seen();
        machine.put(at, machine.word(at) & ~A);
        for (let n = 0; n < 4; n++) seen();
        return ring();
      });
      assert.deepEqual(rings[0], rings[1], `level ${level}`);
    }
  });

  it('take one place of it each, as long as nothing above their last entries is written', () => {
    const machine = machineBehind('nothing');
    const { space } = machine.processor;
    const ring = new ReferenceRing(64);
    machine.bus.recordReferences(ring);
    const places = (page: bigint): number => {
      const before = ring.added;
      walk(space, ...halves(page), ACCESS.read, EFFECTS.hardware);
      return ring.added - before;
    };
    assert.deepEqual([0, 0, 0, 1].map((page) => places(PAGES[page]!)), [4, 4, 1, 1]);
    machine.put(machine.entryAt(PAGES[0], 1), machine.word(machine.entryAt(PAGES[0], 1)));
    assert.equal(places(PAGES[0]), 1, 'the last entry is read anew anyway');
    for (const level of [2, 3, 4]) {
      machine.put(machine.entryAt(PAGES[0], level), machine.word(machine.entryAt(PAGES[0], level)));
      assert.deepEqual([0, 0, 0].map((page) => places(PAGES[page]!)), [4, 4, 1], `level ${level}`);
    }
    machine.set({ cr3: ROOTS[1] });
    assert.deepEqual([0, 0, 0].map((page) => places(PAGES[page]!)), [4, 4, 1], 'another root');
    const other = new ReferenceRing(64);
    machine.bus.recordReferences(other);
    walk(space, ...halves(PAGES[0]), ACCESS.read, EFFECTS.hardware);
    assert.equal(other.added, 4, 'another ring has learned nothing');
  });

  it('are forgotten when there are more of them than places, and what the ring still has stays', () => {
    const CAPACITY = 40;
    const [machine, levels] = [machineBehind('nothing'), machineBehind('nothing')];
    plain(levels.processor.space);
    const ring = new ReferenceRing(CAPACITY);
    machine.bus.recordReferences(ring);
    let told: number[][] = [];
    levels.bus.listen((record) => told.push([...record]), [KIND.table_read]);
    const eras = new Set<object>();
    for (let round = 0; round < 1100; round++) {
      for (const one of [machine, levels]) {
        const at = one.entryAt(PAGES[0], 2);
        one.put(at, one.word(at));
        for (let n = 0; n < 3; n++) walk(one.processor.space, ...halves(PAGES[n % 2]!), ACCESS.read, EFFECTS.hardware);
      }
      told = told.slice(-CAPACITY);
      eras.add(ring.era);
      if (round % 50 !== 0 && round < 1060) continue;
      const learned: number[][] = [];
      ring.events((record) => learned.push([...record]));
      assert.deepEqual(learned, told, `round ${round}`);
    }
    assert.equal(eras.size, 2, 'they were forgotten once');
  });

  it('are told a listener one by one', () => {
    const machine = machineBehind('EPT');
    const { space } = machine.processor;
    const told: number[] = [];
    machine.bus.recordReferences(new ReferenceRing(64));
    for (let n = 0; n < 6; n++) walk(space, ...halves(PAGES[0]), ACCESS.read, EFFECTS.hardware);
    machine.bus.listen((record) => told.push(record[0]!), [KIND.table_read]);
    walk(space, ...halves(PAGES[0]), ACCESS.read, EFFECTS.hardware);
    assert.equal(told.length, 20);
  });

  it('of a guest behind nested paging are recorded with both dimensions', () => {
    const rings = (['generated', 'level by level'] as const).map((how) => {
      const machine = guest();
      const { space } = machine.processor;
      // Twice for the flags of both dimensions.
      for (let n = 0; n < 2; n++) walk(space, ...halves(SVM_PAGE), ACCESS.write, EFFECTS.hardware);
      const ring = reads(machine, how, 4000);
      for (let n = 0; n < 6; n++) for (const access of [ACCESS.read, ACCESS.fetch]) walk(space, ...halves(SVM_PAGE + BigInt(n)), access, EFFECTS.hardware);
      return ring();
    });
    assert.ok(rings[0]!.length > 100);
    assert.deepEqual(rings[0], rings[1]);
  });
});
