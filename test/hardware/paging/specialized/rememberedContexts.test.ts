import { strict as assert } from 'node:assert';
import { ReferenceRing } from '../../../../src/hardware/events/referenceRing';
import { ACCESS } from '../../../../src/hardware/paging/accessKinds';
import { walk } from '../../../../src/hardware/paging/walk';
import { EFFECTS, WALK } from '../../../../src/hardware/paging/walkOutcome';
import { CR0, CR4, EFER } from '../../../../src/hardware/processor/controlRegisters';
import { NESTED_CONTROL } from '../../../../src/hardware/svm/vmcb';
import { SECONDARY } from '../../../../src/hardware/vmx/vmcs';
import { GPA as GUEST_PAGE, guest, OPEN, PAGE as SVM_PAGE, write } from '../../svm/svmGuest';
import { A, D, EA, ED, EPT_ROOT, halves, LONG_MODE, P, PS, R, RW, TestMachine, US, W, WB, X, XD } from '../../testMachine';
import { resultFields, withoutSpecializedWalks } from './bothWalks';

const PAGE = 0x40_0000n;
const GPA = 0x200_0000n;
const OPEN_EPT = R | W | X | WB | EA | ED;
/** A second EPT 4 GBytes above the first, so that the low halves of their addresses are the same. */
const HIGH = 1n << 32n;

/** Where other EPTs than the first are, and what is other in them. */
const OTHER = { page: EPT_ROOT + 0x10_0000n, high: EPT_ROOT + HIGH, readOnly: EPT_ROOT + 0x20_0000n, tables: EPT_ROOT + 0x30_0000n, readOnlyTables: EPT_ROOT + 0x40_0000n } as const;
/** From the guest's tables to those that the guest has in `OTHER.tables` at the same addresses. */
const AWAY = 0x1000_0000n;


function behindEpt(): TestMachine {
  const machine = new TestMachine();
  machine.map(PAGE, GPA, P | RW | US | A | D);
  for (let level = 2; level <= 4; level++) machine.put(machine.entryAt(PAGE, level), machine.word(machine.entryAt(PAGE, level)) | A);
  machine.mapEpt(GPA, 0x900_0000n, OPEN_EPT);
  machine.enterWithEpt();
  const copy = (to: bigint, leaf: bigint, tables?: bigint): void => {
    // The tables of low memory are shared; those of the page are its own.
    const [pdpt, directory, table] = [to + 0x1000n, to + 0x2000n, to + 0x3000n];
    machine.put(to, pdpt | R | W | X | EA);
    machine.put(pdpt, directory | R | W | X | EA);
    const first = machine.word(EPT_ROOT) & ~0xfffn;
    const low = machine.word(first) & ~0xfffn;
    for (let entry = 0n; entry < 16n; entry++) machine.put(directory + entry * 8n, machine.word(low + entry * 8n));
    if (tables !== undefined) machine.put(directory, tables);
    machine.put(directory + (GPA >> 21n) * 8n, table | R | W | X | EA);
    machine.put(table, leaf);
  };
  copy(OTHER.page, 0xa00_0000n | OPEN_EPT);
  copy(OTHER.high, 0xb00_0000n | OPEN_EPT, AWAY | OPEN_EPT | PS);
  copy(OTHER.readOnly, 0xc00_0000n | R | WB | EA | ED);
  copy(OTHER.tables, 0x900_0000n | OPEN_EPT, AWAY | OPEN_EPT | PS);
  copy(OTHER.readOnlyTables, 0x900_0000n | OPEN_EPT, R | X | WB | EA | ED | PS);
  for (let at = 0x10_0000n; at < 0x10_8000n; at += 8n) machine.put(at + AWAY, machine.word(at));
  machine.put(machine.entryAt(PAGE, 2) + AWAY, machine.word(machine.entryAt(PAGE, 2)) & ~RW);
  machine.put(machine.entryAt(PAGE, 1) + AWAY, (GPA + 0x1000n) | P | RW | US | A | D);
  for (const root of [EPT_ROOT, ...Object.values(OTHER)]) {
    const table = root === EPT_ROOT ? machine.eptEntryAt(GPA, 1) : root + 0x3000n;
    machine.put(table + 8n, 0xd00_0000n | OPEN_EPT);
  }
  return machine;
}

type Change = readonly [about: string, act: (machine: TestMachine) => void];
const eptp = (root: bigint, more = 0n) => (machine: TestMachine): void => {
  machine.vmcs({ eptp: root | 0x1en | more }).processor.reload();
};
const secondary = (controls: number) => (machine: TestMachine): void => {
  machine.vmcs({ secondary_controls: controls }).processor.reload();
};
const registers = (values: Parameters<TestMachine['set']>[0]) => (machine: TestMachine): void => {
  machine.set(values);
};
const behindEptChanges: readonly Change[] = [
  ['another EPT', eptp(OTHER.page)], ['the first', eptp(EPT_ROOT)], ['one 4 GBytes above it', eptp(OTHER.high)], ['the first', eptp(EPT_ROOT)],
  ['one of read-only pages', eptp(OTHER.readOnly)], ['the first', eptp(EPT_ROOT)],
  ['one of other guest tables', eptp(OTHER.tables)], ['the first', eptp(EPT_ROOT)],
  ['one of read-only guest tables', eptp(OTHER.readOnlyTables)], ['which are written to', eptp(OTHER.readOnlyTables, 0x40n)], ['which are read', eptp(OTHER.readOnlyTables)],
  ['accessed and dirty flags', eptp(EPT_ROOT, 0x40n)], ['no such flags', eptp(EPT_ROOT)],
  ['mode-based execute control', secondary(SECONDARY.enableEpt | SECONDARY.modeBasedExecute)], ['none', secondary(SECONDARY.enableEpt)],
  ['no execute-disable', registers({ efer: EFER.LME | EFER.LMA })], ['execute-disable', registers({ efer: LONG_MODE.efer })],
  ['no EPT', secondary(0)], ['EPT', secondary(SECONDARY.enableEpt)],
];

const nativeChanges: readonly Change[] = [
  ['no write protection', registers({ cr0: LONG_MODE.cr0 & ~CR0.WP })], ['write protection', registers({ cr0: LONG_MODE.cr0 })],
  ['the bit of execute-disable above the page', (machine) => machine.put(machine.entryAt(PAGE, 2), machine.word(machine.entryAt(PAGE, 2)) | XD)],
  ['no execute-disable, where the bit is reserved', registers({ efer: EFER.LME | EFER.LMA })], ['execute-disable', registers({ efer: LONG_MODE.efer })],
  ['SMEP', registers({ cr4: CR4.PAE | CR4.SMEP })], ['none', registers({ cr4: CR4.PAE })],
  ['keys', registers({ cr4: CR4.PAE | CR4.PKE, pkru: 3 })], ['none', registers({ cr4: CR4.PAE, pkru: 0 })],
  ['a root 4 GBytes above', (machine) => {
    for (let at = 0n; at < 0x1000n; at += 8n) machine.put(0x10_0000n + HIGH + at, machine.word(0x10_0000n + at));
    const pdpt = 0x20_0000n + HIGH;
    machine.put(0x10_0000n + HIGH, pdpt | P | RW | US | A);
    machine.put(pdpt, (pdpt + 0x1000n) | P | RW | US | A);
    machine.put(pdpt + 0x1000n + 8n * (PAGE >> 21n), (pdpt + 0x2000n) | P | RW | US | A);
    machine.put(pdpt + 0x2000n, 0x777_0000n | P | RW | US | A | D);
    machine.set({ cr3: 0x10_0000n + HIGH });
  }], ['the first', registers({ cr3: 0x10_0000n })],
];

const accesses = [ACCESS.read, ACCESS.write, ACCESS.fetch, ACCESS.read | ACCESS.user, ACCESS.fetch | ACCESS.user] as const;

describe('what generated walks remember holds good only in the context that it was learned in', () => {
  for (const [behind, make, changes, told] of [
    ['EPT', behindEpt, behindEptChanges] as const,
    ['nothing', () => {
      const machine = new TestMachine();
      machine.map(PAGE, GPA, P | RW | US | A | D);
      for (let level = 2; level <= 4; level++) machine.put(machine.entryAt(PAGE, level), machine.word(machine.entryAt(PAGE, level)) | A);
      return machine;
    }, nativeChanges] as const,
  ].flatMap((row) => (['nobody', 'a ring'] as const).map((told) => [...row, told] as const))) {
    it(`behind ${behind}, with ${told} told of reads: each change of registers or VMCS is followed by what a walk of every entry finds`, () => {
      const [generated, plain] = [make(), make()];
      withoutSpecializedWalks(plain.processor);
      const rings = [generated, plain].map(({ bus }) => {
        const ring = new ReferenceRing(2000);
        if (told === 'a ring') bus.recordReferences(ring);
        return ring;
      });
      const compare = (about: string): void => {
        for (let round = 0; round < 3; round++) {
          for (const access of accesses) {
            const [found, right] = [generated, plain].map(({ processor: { space } }) => (
              [walk(space, ...halves(PAGE + 8n), access, EFFECTS.hardware), resultFields(space.result)]));
            assert.deepEqual(found, right, `${about}, access ${access}, round ${round}`);
          }
        }
        const [recorded, right] = rings.map((ring) => {
          const events: number[][] = [];
          ring.events((record) => events.push([...record]));
          ring.clear();
          return events;
        });
        assert.equal(recorded!.length > 0, told === 'a ring');
        assert.deepEqual(recorded, right, about);
      };
      compare('at first');
      // Forwards and backwards, so that each context is met when others are known.
      for (const [about, act] of [...changes, ...[...changes].reverse()]) {
        for (const machine of [generated, plain]) act(machine);
        compare(about);
      }
    });
  }

  it('behind nested paging: another nCR3, and other registers of the host', () => {
    const NESTED = 0x300_0000n;
    const HIGH_NESTED = NESTED + HIGH;
    const machines = [0, 1].map((which) => {
      const machine = guest();
      // A second root, of the same tables but for the last: the page lies elsewhere.
      const root = machine.vmcb('n_cr3');
      const chain = [root];
      for (const shift of [39n, 30n, 21n]) chain.push(machine.word(chain.at(-1)! + 8n * (GUEST_PAGE >> shift & 0x1ffn)) & ~0xfffn);
      for (const to of [NESTED, HIGH_NESTED]) {
        chain.forEach((table, depth) => {
          for (let at = 0n; at < 0x1000n; at += 8n) machine.put(to + BigInt(depth) * 0x1000n + at, machine.word(table + at));
        });
        for (const depth of [0n, 1n, 2n]) machine.put(to + depth * 0x1000n, (to + (depth + 1n) * 0x1000n) | OPEN);
        machine.put(to + 0x3000n + 8n * (GUEST_PAGE >> 12n), (to === NESTED ? 0xa000n : 0xb000n) | OPEN);
      }
      // The guest's own tables are in pages that the host does not execute.
      const tables = NESTED + 0x3000n + 8n * (machine.vmcb('guest_cr3') >> 12n);
      for (let page = 0n; page < 16n; page++) machine.put(tables + 8n * page, machine.word(tables + 8n * page) | XD);
      if (which === 1) withoutSpecializedWalks(machine.processor);
      return { machine, root };
    });
    const compare = (about: string): void => {
      for (let round = 0; round < 3; round++) {
        for (const access of accesses) {
          const [found, right] = machines.map(({ machine: { processor: { space } } }) => (
            [walk(space, ...halves(SVM_PAGE + 8n), access, EFFECTS.hardware), resultFields(space.result)]));
          assert.deepEqual(found, right, `${about}, access ${access}, round ${round}`);
        }
      }
    };
    compare('at first');
    for (let turn = 0; turn < 2; turn++) {
      for (const about of ['another nCR3', 'one 4 GBytes above', 'another nCR3', 'no execute-disable of the host', 'execute-disable', 'the first', 'no execute-disable of the host', 'execute-disable', 'no nested paging', 'nested paging'] as const) {
        for (const { machine, root } of machines) {
          if (about === 'another nCR3') write(machine, { n_cr3: NESTED });
          else if (about === 'one 4 GBytes above') write(machine, { n_cr3: HIGH_NESTED });
          else if (about === 'the first') write(machine, { n_cr3: root });
          else if (about.endsWith('nested paging')) write(machine, { nested_control: about === 'nested paging' ? BigInt(NESTED_CONTROL.enable) : 0n });
          else write(machine, { host_efer: BigInt(EFER.LME | EFER.LMA | EFER.SVME | (about === 'execute-disable' ? EFER.NXE : 0)) });
          machine.processor.reload();
        }
        compare(about);
      }
    }
  });

  it('finds, after each of two EPTs, the page of that one', () => {
    const machine = behindEpt();
    const found: bigint[] = [];
    for (const root of [EPT_ROOT, OTHER.page, OTHER.high, EPT_ROOT, OTHER.high]) {
      machine.vmcs({ eptp: root | 0x1en }).processor.reload();
      for (let round = 0; round < 3; round++) {
        assert.equal(walk(machine.processor.space, ...halves(PAGE), ACCESS.read, EFFECTS.hardware), WALK.mapped);
        found.push(BigInt(machine.processor.space.result.hpaLo));
      }
    }
    assert.deepEqual(found, [0x900_0000n, 0xa00_0000n, 0xd00_0000n, 0x900_0000n, 0xd00_0000n].flatMap((hpa) => [hpa, hpa, hpa]));
  });
});
