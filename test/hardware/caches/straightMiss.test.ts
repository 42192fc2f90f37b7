import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { KIND } from '../../../src/hardware/events/eventTable';
import { CLOCK_LIMIT } from '../../../src/hardware/caches/cachedLines';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { assertAlike } from './quietAndTold';
import { A, D, G, LONG_MODE, P, RW, TestMachine, US, XD } from '../testMachine';

/** Pages of two neighbouring 2-MByte regions, more than the TLB has lines for. */
const PAGE = 0x60_0000n;
const addresses = Array.from({ length: 12 }, (_, n) => PAGE + BigInt(n % 3) * 0x20_0000n + BigInt(n) * 0x1000n);
const FRAME = 0x100_0000n;
const LARGE = 0x4000_0000n;
const TOP = 0x20_0000n;
const OTHER_ROOT = 0x30_0000n;
const USED = P | RW | US | A | D;
const modes = { '4-level': { cr3: 0x10_0000n, cr4: CR4.PAE | CR4.PGE }, '5-level': { cr3: TOP, cr4: CR4.PAE | CR4.PGE | CR4.LA57 } } as const;
type Mode = keyof typeof modes;

/** What is turned over in a page's entry. */
const changes: readonly bigint[] = [P, RW, US, A, D, G, XD, 1n << 50n, 0x10_0000n, 5n << 59n];
const controls: readonly number[] = [CR4.SMAP, CR4.PGE, CR4.PKE, CR4.PCIDE];

type Step = readonly [what: 'load' | 'store' | 'change' | 'upper' | 'control' | 'level' | 'invlpg' | 'large' | 'flush' | 'back', a: number, b: number];
const number = fc.nat({ max: 1000 });
const step: fc.Arbitrary<Step> = fc.tuple(
  fc.oneof(
    { weight: 24, arbitrary: fc.constant('load' as const) }, { weight: 8, arbitrary: fc.constant('store' as const) },
    fc.constantFrom('change' as const, 'upper' as const, 'control' as const, 'level' as const, 'invlpg' as const, 'large' as const,
      'flush' as const, 'back' as const)),
  number, number);

function machineFor(mode: Mode): TestMachine {
  const machine = new TestMachine({ tlbEntries: 8, tlbWays: 4 });
  addresses.forEach((gva, n) => {
    machine.map(gva, FRAME + BigInt(n) * 0x1000n, USED);
    machine.put(FRAME + BigInt(n) * 0x1000n, 0x1122_3344_5566_7788n * BigInt(n + 1) & 0xffff_ffff_ffff_ffffn);
  });
  machine.map(LARGE, 0x200_0000n, USED, 2);
  machine.put(TOP, 0x10_0000n | P | RW | US);
  machine.set({ ...LONG_MODE, ...modes[mode] });
  // The first walks set the accessed flags above, and fill the TLB.
  for (const gva of addresses) machine.load(gva, 1);
  for (const gva of addresses) machine.load(gva, 1);
  return machine;
}

function perform(machine: TestMachine, [what, a, b]: Step, back: () => void): unknown {
  const { processor } = machine;
  const page = addresses[a % addresses.length]!;
  const gva = page + BigInt([0, 1, 4, 0x7fe, 0xffc, 0xffd][b % 6]!);
  switch (what) {
    case 'load': return [machine.load(gva, [1, 2, 4, 8][b % 4]), machine.value, machine.hpa, machine.cr2];
    case 'store': return [machine.store(gva, 0x0102_0304_0506_0708n, [1, 2, 4, 8][b % 4]), machine.hpa, machine.cr2];
    case 'change': {
      const at = machine.entryAt(page, 1);
      machine.put(at, machine.word(at) ^ changes[b % changes.length]!); return;
    }
    case 'upper': {
      const at = machine.entryAt(page, 2 + a % 2);
      machine.put(at, machine.word(at) ^ [RW, US, A, XD][b % 4]!); return;
    }
    case 'control': {
      machine.set({ cr4: Number(machine.register('cr4')) ^ controls[b % controls.length]!, pkru: b });
      return undefined;
    }
    case 'level': { processor.setLevel(processor.level === 0 ? 3 : 0); return; }
    case 'invlpg': return machine.invlpg(gva);
    case 'large': return [machine.load(LARGE + BigInt(b), 4), machine.value];
    case 'flush': return machine.move('cr3', machine.register('cr3'));
    case 'back': { back(); return; }
  }
}

describe('a straight miss', () => {
  for (const mode of ['4-level', '5-level'] as const) {
    it(`is as a search, a walk and a fill would be (${mode})`, () => {
      fc.assert(fc.property(fc.array(step, { minLength: 8, maxLength: 60 }), (steps) => {
        assertAlike(() => machineFor(mode), steps, perform);
      }), { numRuns: 120 });
    });

    it(`is what a miss is whose tables are known (${mode}), and leaves no walk behind`, () => {
      const machine = machineFor(mode);
      const { result } = machine.processor.space;
      machine.load(addresses[0]!, 1);
      const walked = Number(addresses[11]!);
      result.addressLo = walked;
      machine.load(addresses[1]!, 4);
      assert.deepEqual([result.addressLo, machine.value, machine.hpa], [walked, 0xaacc_ef10n, FRAME + 0x1000n]);
      machine.store(addresses[2]!, 7n, 4);
      assert.equal(result.addressLo, walked);
      // Whoever listens to misses is told of a walk.
      machine.bus.listen(() => undefined, [KIND.tlb_miss]);
      machine.load(addresses[4]!, 4);
      assert.equal(result.addressLo, Number(addresses[4]!));
    });
  }

  it('is none where a flag is to be set', () => {
    const machine = machineFor('4-level');
    const at = machine.entryAt(addresses[0]!, 1);
    machine.put(at, machine.word(at) & ~A);
    machine.load(addresses[0]!, 4);
    assert.equal(machine.word(at) & A, A);
    const clean = machine.entryAt(addresses[1]!, 1);
    machine.put(clean, machine.word(clean) & ~D);
    machine.store(addresses[1]!, 1n, 4);
    assert.equal(machine.word(clean) & D, D);
  });

  it('makes no line global while CR4.PGE is 0', () => {
    const machine = machineFor('4-level');
    for (const gva of addresses) {
      const at = machine.entryAt(gva, 1);
      machine.put(at, machine.word(at) | G);
    }
    for (const gva of [...addresses, ...addresses]) machine.load(gva, 4);
    machine.set({ cr4: CR4.PAE });
    machine.load(addresses[0]!, 4);
    const { tlb } = machine.processor;
    assert.equal(tlb.isGlobal(tlb.peek(Number(addresses[0]), 0)), false);
  });

  it('goes by the tables of the root in force', () => {
    const machine = machineFor('4-level');
    machine.map(addresses[0]!, FRAME + 0x5000n, USED, 1, OTHER_ROOT);
    machine.set({ cr3: OTHER_ROOT });
    machine.load(addresses[0]!, 4);
    assert.equal(machine.hpa, FRAME + 0x5000n);
  });

  it('is none of an address that a larger page of another PCID is global for', () => {
    const machine = machineFor('4-level');
    machine.set({ cr4: CR4.PAE | CR4.PGE | CR4.PCIDE });
    for (const gva of addresses) machine.load(gva, 4);
    machine.map(PAGE, 0x200_0000n, USED | G, 2, OTHER_ROOT);
    machine.set({ cr3: OTHER_ROOT | 1n });
    machine.load(PAGE + 0x10_0000n, 4);
    machine.set({ cr3: modes['4-level'].cr3 });
    machine.load(addresses[0]!, 4);
    assert.equal(machine.hpa, 0x200_0000n);
  });

  it('leaves the clock to be started anew by a fill that is none', () => {
    const machine = machineFor('4-level');
    const { tlb } = machine.processor;
    tlb.words[tlb.clockAt] = CLOCK_LIMIT - 2;
    machine.load(addresses[0]!, 4);
    machine.load(addresses[1]!, 4);
    assert.ok(tlb.words[tlb.clockAt]! <= 16, `${tlb.words[tlb.clockAt]}`);
  });
});
