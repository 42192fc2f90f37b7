import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { ReferenceRing } from '../../../../src/hardware/events/referenceRing';
import { ACCESS } from '../../../../src/hardware/paging/accessKinds';
import { walk } from '../../../../src/hardware/paging/walk';
import { EFFECTS, WALK } from '../../../../src/hardware/paging/walkOutcome';
import { CR0, EFER } from '../../../../src/hardware/processor/controlRegisters';
import type { Checkpoint } from '../../../../src/hardware/state/registry';
import { A, D, EA, ED, halves, LONG_MODE, P, R, RW, TestMachine, US, W, WB, X, XD } from '../../testMachine';
import { assertSameState, spaceFields, withoutSpecializedWalks } from './bothWalks';

const ROOTS = [0x10_0000n, 0x58_0000n] as const;
/** Two pages of one region, one of its neighbour, one far away. */
const PAGES = [0x40_0000n, 0x40_1000n, 0x60_0000n, 0x7f_c000_0000n] as const;
const FRAMES = 0x200_0000n;
const USED = P | RW | US | A | D;
/** What a write makes of an entry. */
const changes: readonly bigint[] = [P, RW, US, A, D, XD, 1n << 50n, 0x1000n];
const nestedChanges: readonly bigint[] = [R, W, X, EA, ED, 1n << 50n];
const accesses = [ACCESS.read, ACCESS.write, ACCESS.fetch, ACCESS.read | ACCESS.user, ACCESS.write | ACCESS.user] as const;
const behinds = ['nothing', 'EPT', 'EPT with accessed and dirty flags'] as const;
type Behind = (typeof behinds)[number];

type Step = readonly [what: 'walk' | 'change' | 'change back' | 'change nested' | 'root' | 'controls' | 'checkpoint' | 'restore', a: number, b: number];

/** A machine with both roots' tables, whose entries have been used. */
class Side {
  readonly machine = new TestMachine();
  private readonly entries: bigint[] = [];
  private readonly nestedEntries: bigint[] = [];
  private readonly first: bigint[];
  private readonly checkpoints: Checkpoint[] = [];

  constructor(behind: Behind) {
    const { machine } = this;
    for (const root of ROOTS) {
      PAGES.forEach((page, index) => {
        machine.map(page, FRAMES + BigInt(index) * 0x1000n, USED, 1, root);
        for (let level = 1; level <= 4; level++) {
          const at = machine.entryAt(page, level, root);
          machine.put(at, machine.word(at) | A);
          if (!this.entries.includes(at)) this.entries.push(at);
        }
      });
    }
    if (behind !== 'nothing') {
      PAGES.forEach((_, index) => {
        const gpa = FRAMES + BigInt(index) * 0x1000n;
        machine.mapEpt(gpa, gpa + 0x100_0000n, R | W | X | WB | EA | ED);
      });
      machine.enterWithEpt({ accessedDirty: behind === 'EPT' ? 'off' : 'on' });
      // Page tables too are mapped by 4-KByte pages somewhere, so that their entries can change one by one.
      for (let level = 1; level <= 4; level++) this.nestedEntries.push(machine.eptEntryAt(FRAMES, level));
      this.nestedEntries.push(machine.eptEntryAt(ROOTS[0], 2), machine.eptEntryAt(ROOTS[1], 2));
    }
    this.first = [...this.entries, ...this.nestedEntries].map((at) => machine.word(at));
  }

  /** What the step comes to, for both sides to agree on. */
  do([what, a, b]: Step): unknown {
    const { machine } = this;
    const { space } = machine.processor;
    const all = [...this.entries, ...this.nestedEntries];
    switch (what) {
      case 'walk': {
        const outcome = walk(space, ...halves(PAGES[a % PAGES.length]! + BigInt(b)), accesses[b % accesses.length]!, EFFECTS.hardware);
        return [outcome, spaceFields(space)];
      }
      case 'change': {
        const at = this.entries[a % this.entries.length]!;
        machine.put(at, machine.word(at) ^ changes[b % changes.length]!);
        return undefined;
      }
      case 'change nested': {
        if (this.nestedEntries.length === 0) return undefined;
        const at = this.nestedEntries[a % this.nestedEntries.length]!;
        machine.put(at, machine.word(at) ^ nestedChanges[b % nestedChanges.length]!);
        return undefined;
      }
      case 'change back': {
        machine.put(all[a % all.length]!, this.first[a % all.length]!);
        return undefined;
      }
      case 'root': return void machine.set({ cr3: ROOTS[a % 2]! });
      case 'controls': return void machine.set({ cr0: LONG_MODE.cr0 ^ (a % 2 === 0 ? 0 : CR0.WP), efer: LONG_MODE.efer ^ (b % 2 === 0 ? 0 : EFER.NXE) });
      case 'checkpoint': return void this.checkpoints.push(machine.registry.checkpoint());
      case 'restore': {
        const checkpoint = this.checkpoints[a % Math.max(1, this.checkpoints.length)];
        if (checkpoint === undefined) return undefined;
        this.checkpoints.length = this.checkpoints.indexOf(checkpoint) + 1;
        machine.registry.restore(checkpoint);
        machine.processor.reload();
        return undefined;
      }
    }
  }
}

function eventsOf(ring: ReferenceRing): number[][] {
  const found: number[][] = [];
  ring.events((record) => found.push([...record]));
  return found;
}

const number = fc.nat({ max: 4095 });
const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 12, arbitrary: fc.tuple(fc.constant('walk' as const), number, number) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('change' as const, 'change nested' as const), number, number) },
  { weight: 3, arbitrary: fc.tuple(fc.constant('change back' as const), number, number) },
  { weight: 2, arbitrary: fc.tuple(fc.constantFrom('root' as const, 'controls' as const, 'checkpoint' as const, 'restore' as const), number, number) },
);

describe('what generated walks remember of upper entries', () => {
  for (const behind of behinds) {
    it(`behind ${behind}: is as if it were not there, whoever writes entries, switches roots or goes back in time`, () => {
      fc.assert(fc.property(fc.array(step, { minLength: 30, maxLength: 150 }), (steps) => {
        const generated = new Side(behind);
        const plain = new Side(behind);
        withoutSpecializedWalks(plain.machine.processor);
        steps.forEach((next, index) => {
          assert.deepEqual(generated.do(next), plain.do(next), `step ${index}, ${next[0]}`);
        });
        assertSameState(generated.machine.registry, plain.machine.registry, 'afterwards');
      }), { numRuns: 120 });
    });
  }

  for (const behind of behinds) {
    it(`behind ${behind}: has a ring of references record what it would be told by walks that read every entry`, () => {
      fc.assert(fc.property(fc.array(step, { minLength: 30, maxLength: 150 }), fc.constantFrom(5, 40, 4000), (steps, capacity) => {
        const [generated, plain] = [new Side(behind), new Side(behind)];
        withoutSpecializedWalks(plain.machine.processor);
        const rings = [generated, plain].map(({ machine }) => {
          const ring = new ReferenceRing(capacity);
          machine.bus.recordReferences(ring);
          return ring;
        });
        steps.forEach((next, index) => {
          assert.deepEqual(generated.do(next), plain.do(next), `step ${index}, ${next[0]}`);
        });
        const [recorded, told] = rings.map(eventsOf);
        assert.deepEqual(recorded, told);
        assertSameState(generated.machine.registry, plain.machine.registry, 'afterwards');
      }), { numRuns: 120 });
    });
  }

  it('is what the ring learns of: walks like earlier ones are one entry of it, for many references', () => {
    const { machine } = new Side('EPT');
    const { space } = machine.processor;
    const ring = new ReferenceRing(64);
    machine.bus.recordReferences(ring);
    const read = (): number => {
      const before = ring.added;
      assert.equal(walk(space, ...halves(PAGES[0]), ACCESS.read, EFFECTS.hardware), WALK.mapped);
      return ring.added - before;
    };
    // Seen, learned, its final address seen and learned; from then on one entry a dimension.
    assert.deepEqual([1, 2, 3, 4, 5, 6].map(read), [20, 20, 5, 5, 2, 2]);
    machine.put(machine.entryAt(PAGES[0], 3), machine.word(machine.entryAt(PAGES[0], 3)));
    assert.equal(read(), 20);
  });

  it('is used: a word that changes behind memory\'s back is not seen, until one that memory writes is', () => {
    const { machine } = new Side('nothing');
    const { memory } = machine;
    const { space } = machine.processor;
    const read = (): number => walk(space, ...halves(PAGES[0]), ACCESS.read, EFFECTS.hardware);
    assert.equal(read(), WALK.mapped);
    memory.words[memory.wordAt(...halves(machine.entryAt(PAGES[0], 2)))] = 0;
    assert.equal(read(), WALK.mapped);
    machine.put(machine.entryAt(PAGES[0], 3), machine.word(machine.entryAt(PAGES[0], 3)));
    assert.equal(read(), WALK.pageFault);
  });

  it('counts every entry that it stands for', () => {
    const { machine } = new Side('EPT');
    const { space } = machine.processor;
    const references = [1, 2, 3].map(() => {
      walk(space, ...halves(PAGES[0]), ACCESS.read, EFFECTS.hardware);
      return space.result.references;
    });
    // Four entries of the guest, three of EPT for each and four for the page.
    assert.deepEqual(references, [20, 20, 20]);
  });
});
