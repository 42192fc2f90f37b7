import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { CLOCK_LIMIT } from '../../../src/hardware/caches/cachedLines';
import { CR4, EFER } from '../../../src/hardware/processor/controlRegisters';
import { KIND } from '../../../src/hardware/events/eventTable';
import { NESTED_CONTROL, VMCB, type VmcbFieldName } from '../../../src/hardware/svm/vmcb';
import { PRIMARY, SECONDARY } from '../../../src/hardware/vmx/vmcs';
import { RESUME } from '../../../src/hardware/processor/processor';
import { assertAlike } from './quietAndTold';
import { assertSameState } from '../paging/specialized/bothWalks';
import { A, D, EA, ED, EPT_ROOT, G, LONG_MODE, P, R, RW, TestMachine, US, W, WB, X, XD } from '../testMachine';

/** Pages of three neighbouring 2-MByte regions, more than either TLB has lines for, on both sides of 4 GBytes as all that they lead to. */
const PAGE = 0xffe0_0000n;
const GPA = 0x1_ffe0_0000n;
const HPA = 0x2_fff8_0000n;
const addresses = Array.from({ length: 12 }, (_, n) => PAGE + BigInt(n % 3) * 0x20_0000n + BigInt(n) * 0x1000n);
const gpas = addresses.map((_, n) => GPA + BigInt((n >> 1) % 2) * 0x20_0000n + BigInt(n) * 0x1000n);
const hpas = addresses.map((_, n) => HPA + BigInt(n) * 0x1_0000n);
const LARGE = 0x4000_0000n;
const ROOT = 0x10_0000n;
const OTHER_ROOT = 0x17_f000n;
const LARGE_GPA = 0x200_0000n;
const TABLES_END = 0x18_0000n;
const USED = P | RW | US | A | D;
const SMALL_TLB = { entries: 8, ways: 4 } as const;
const WALK_CACHES = { pde: { entries: 16, ways: 4 }, pdpte: { entries: 4, ways: 4 }, pml4e: { entries: 2, ways: 2 }, pml5e: { entries: 2, ways: 2 }, nestedTlb: SMALL_TLB };

/** Behind what, and the flags of an open entry there. */
const behind = {
  'EPT': { leaf: R | W | X | WB, changes: [R, W, X, WB, 1n << 47n, 0x10_0000n, ED] },
  'EPT with accessed and dirty flags': { leaf: R | W | X | WB | EA | ED, changes: [R, W, X, WB, 1n << 47n, 0x10_0000n, EA, ED] },
  'nested paging': { leaf: P | RW | US | A | D, changes: [P, RW, US, A, D, G, XD, 1n << 47n, 0x10_0000n, 5n << 59n] },
} as const;
type Behind = keyof typeof behind;

/** What is turned over in a page's entry. */
const changes: readonly bigint[] = [P, RW, US, A, D, G, XD, 1n << 47n, 0x1000n, 5n << 59n];
const controls: readonly number[] = [CR4.SMAP, CR4.PGE, CR4.PCIDE];

const modes = [{ cr4: CR4.PAE | CR4.PGE }, { cr4: CR4.PAE | CR4.SMAP }, { efer: LONG_MODE.efer & ~EFER.NXE }] as const;

type Step = readonly [
  what: 'load' | 'store' | 'change' | 'upper' | 'nested' | 'nested upper' | 'control' | 'level' | 'invlpg' | 'large' | 'flush' | 'back', a: number, b: number,
];
const number = fc.nat({ max: 1000 });
const step: fc.Arbitrary<Step> = fc.tuple(
  fc.oneof(
    { weight: 30, arbitrary: fc.constant('load' as const) }, { weight: 10, arbitrary: fc.constant('store' as const) },
    fc.constantFrom('change' as const, 'upper' as const, 'nested' as const, 'nested upper' as const, 'control' as const, 'level' as const,
      'invlpg' as const, 'large' as const, 'flush' as const, 'back' as const)),
  number, number);

function machineFor(what: Behind): TestMachine {
  const machine = new TestMachine({ vendor: what === 'nested paging' ? 'amd' : 'intel', tlbEntries: 8, tlbWays: 4, walkCaches: WALK_CACHES });
  const { leaf } = behind[what];
  for (let gpa = 0x10_0000n; gpa < TABLES_END; gpa += 0x1000n) machine.mapEpt(gpa, gpa, leaf);
  addresses.forEach((gva, n) => {
    machine.map(gva, gpas[n]!, USED);
    machine.mapEpt(gpas[n]!, hpas[n]!, leaf);
    machine.put(hpas[n]!, 0x1122_3344_5566_7788n * BigInt(n + 1) & 0xffff_ffff_ffff_ffffn);
  });
  machine.map(LARGE, LARGE_GPA, USED, 2);
  machine.mapEpt(LARGE_GPA, 0x300_0000n, leaf, 2);
  // What is read by mistake at an address that nobody gave looks like an entry.
  for (let at = 0n; at < 0x1000n; at += 8n) machine.put(at, 0x300_0000n | USED | leaf);
  machine.set({ ...LONG_MODE, cr4: CR4.PAE | CR4.PGE });
  enter(machine, what);
  machine.onExit = () => {
    // Whatever was taken from the nested tables comes back, as a hypervisor would map what is missing.
    for (const [n, gpa] of gpas.entries()) machine.put(machine.eptEntryAt(gpa, 1), hpas[n]! | leaf);
    for (const gpa of [gpas[0]!, gpas[2]!]) machine.put(machine.eptEntryAt(gpa, 2), machine.word(machine.eptEntryAt(gpa, 2)) | 7n);
    return RESUME.retry;
  };
  for (const gva of [...addresses, ...addresses]) machine.load(gva, 1);
  return machine;
}

function enter(machine: TestMachine, what: Behind): void {
  if (what !== 'nested paging') {
    machine.enterShadowed({
      primary_controls: PRIMARY.secondaryControls >>> 0, eptp: EPT_ROOT | 0x1en | (what === 'EPT with accessed and dirty flags' ? 0x40n : 0n),
      secondary_controls: SECONDARY.enableEpt | SECONDARY.enableVpid,
    });
    return;
  }
  const { vmcb } = machine.processor;
  const fields: Partial<Record<VmcbFieldName, number>> = {
    intercept_misc2: 1, asid: 1, nested_control: NESTED_CONTROL.enable, n_cr3: Number(EPT_ROOT), host_cr0: LONG_MODE.cr0, host_cr4: LONG_MODE.cr4,
    host_efer: LONG_MODE.efer, guest_cr0: LONG_MODE.cr0, guest_cr3: Number(machine.register('cr3')), guest_cr4: CR4.PAE | CR4.PGE,
    guest_efer: LONG_MODE.efer | EFER.SVME, guest_rflags: 2,
  };
  for (const [name, value] of Object.entries(fields)) vmcb[VMCB[name as VmcbFieldName]] = value;
  machine.processor.enterVirtualization();
}

function perform(machine: TestMachine, what: Behind, [kind, a, b]: Step, back: () => void): unknown {
  const { processor } = machine;
  const page = addresses[a % addresses.length]!;
  const gpa = gpas[a % gpas.length]!;
  const gva = page + BigInt([0, 1, 4, 0x7fe, 0xffc, 0xffd][b % 6]!);
  const turn = (at: bigint, bits: bigint): void => machine.put(at, machine.word(at) ^ bits);
  const nested = behind[what].changes;
  switch (kind) {
    case 'load': return [machine.load(gva, [1, 2, 4, 8][b % 4]), machine.value, machine.hpa, machine.cr2];
    case 'store': return [machine.store(gva, 0x0102_0304_0506_0708n, [1, 2, 4, 8][b % 4]), machine.hpa, machine.cr2];
    case 'change': { turn(machine.entryAt(page, 1), changes[b % changes.length]!); return; }
    case 'upper': { turn(machine.entryAt(page, 2), [RW, US, A, XD][b % 4]!); return; }
    case 'nested': { turn(machine.eptEntryAt(gpa, 1), nested[b % nested.length]!); return; }
    case 'nested upper': { turn(machine.eptEntryAt(gpa, 2), [R, W, 4n][b % 3]!); return; }
    case 'control': {
      machine.set({ cr4: Number(machine.register('cr4')) ^ controls[b % controls.length]!, pkru: b });
      return;
    }
    case 'level': { processor.setLevel(processor.level === 0 ? 3 : 0); return; }
    case 'invlpg': return machine.invlpg(gva);
    case 'large': return [machine.load(LARGE + BigInt(b), 4), machine.value];
    case 'flush': return machine.move('cr3', machine.register('cr3'));
    case 'back': { back(); return; }
  }
}

describe('a straight miss behind nested tables', () => {
  for (const what of Object.keys(behind) as Behind[]) {
    it(`is as a search, two walks and fills would be (${what})`, () => {
      fc.assert(fc.property(fc.array(step, { minLength: 8, maxLength: 60 }), (steps) => {
        assertAlike(() => machineFor(what), steps, (machine, each, back) => perform(machine, what, each, back));
      }), { numRuns: 25 });
    });

    it(`leaves every entry that is not as it takes them to search, walks and fills (${what})`, () => {
      const machines = [machineFor(what), machineFor(what)] as const;
      machines[1].bus.listen(() => undefined, [KIND.tlb_miss]);
      const saved = machines.map((machine) => machine.registry.checkpoint());
      // Of the page that both TLBs have had no line for the longest; and of the tables above, upper entries first.
      const page = addresses[0]!;
      const gpa = gpas[0]!;
      const turned = [
        ...[1, 2].flatMap((level) => changes.map((bits) => [(machine: TestMachine) => machine.entryAt(page, level), bits] as const)),
        ...[1, 2].flatMap((level) => behind[what].changes.map((bits) => [(machine: TestMachine) => machine.eptEntryAt(gpa, level), bits] as const)),
      ];
      for (const [index, [entry, bits]] of turned.entries()) {
        for (const kind of ['load', 'store'] as const) for (const cpl of [0, 3]) for (const mode of modes) {
          const did = machines.map((machine, side) => {
            machine.registry.restore(saved[side]!);
            machine.set({ cpl, ...mode });
            const at = entry(machine);
            machine.put(at, machine.word(at) ^ bits);
            const accesses = [kind, 'load'].map((each) => perform(machine, what, [each as 'load', 0, 2], () => undefined));
            return [accesses, machine.exits.length];
          });
          const name = `${index}: 0x${bits.toString(16)}, ${kind} at CPL ${cpl}, ${JSON.stringify(mode)}`;
          assert.deepEqual(did[0], did[1], name);
          assertSameState(machines[0].registry, machines[1].registry, name);
        }
      }
    });

    it(`is none of a page that a larger line maps, or whose key is asked for (${what})`, () => {
      const turnOver: Record<string, (machine: TestMachine) => void> = {
        'a global line of 2 MBytes, of another PCID': (machine) => {
          machine.set({ cr4: CR4.PAE | CR4.PGE | CR4.PCIDE });
          for (const gva of [...addresses, ...addresses]) machine.load(gva, 4);
          machine.map(addresses[0]!, LARGE_GPA, USED | G, 2, OTHER_ROOT);
          machine.set({ cr3: OTHER_ROOT | 1n });
          machine.load(addresses[0]!, 4);
          machine.set({ cr3: ROOT });
        },
        'nested lines of 2 MBytes': (machine) => machine.load(LARGE, 4),
        'keys': (machine) => machine.set({ cr4: CR4.PAE | CR4.PGE | CR4.PKE, pkru: 1, cpl: 3 }),
      };
      for (const [name, turn] of Object.entries(turnOver)) {
        const machines = [machineFor(what), machineFor(what)] as const;
        machines[1].bus.listen(() => undefined, [KIND.tlb_miss]);
        for (const machine of machines) turn(machine);
        for (const n of [6, 0, 9, 2, 4]) {
          const [did, right] = machines.map((machine) => [machine.load(addresses[n]!, 4), machine.value, machine.hpa, machine.cr2]);
          assert.deepEqual(did, right, `${name}, page ${n}`);
          assertSameState(machines[0].registry, machines[1].registry, `${name}, page ${n}`);
        }
      }
    });

    it(`is what a miss is whose PDEs are cached (${what}), and leaves no walk behind`, () => {
      const machine = machineFor(what);
      const { result } = machine.processor.space;
      const walked = result.addressLo;
      const before = machine.processor.counters.slice();
      machine.load(addresses[1]!, 4);
      machine.load(addresses[2]!, 4);
      assert.deepEqual([result.addressLo, machine.value, machine.hpa], [walked, 0x33_6698n, hpas[2]]);
      assert.ok(machine.processor.counters.some((count, index) => count === before[index]! + 4), 'two references each');
      machine.bus.listen(() => undefined, [KIND.structure_cache_hit]);
      machine.load(addresses[4]!, 4);
      assert.equal(result.addressLo, Number(addresses[4]!) | 0);
    });
  }

  it('leaves the clocks to be started anew by fills that are none', () => {
    for (const name of ['tlb', 'nestedTlb', 'pde', 'nested pde'] as const) {
      const machine = machineFor('EPT');
      const { caches } = machine.processor;
      const cache = { 'tlb': caches.l1, 'nestedTlb': caches.nestedTlb, 'pde': caches.linearWalk?.levels[2], 'nested pde': caches.nestedWalk?.levels[2] }[name]!;
      cache.words[cache.clockAt] = CLOCK_LIMIT - 2;
      machine.load(addresses[0]!, 4);
      machine.load(addresses[1]!, 4);
      assert.ok(cache.words[cache.clockAt]! <= 24, `${name}: ${cache.words[cache.clockAt]}`);
    }
  });
});
