import { strict as assert } from 'node:assert';
import { invalidationRows } from '../../../src/hardware/caches/invalidationRows';
import { CR0, CR4 } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { NESTED_CONTROL, VMCB } from '../../../src/hardware/svm/vmcb';
import { SECONDARY } from '../../../src/hardware/vmx/vmcs';
import { EPT_ROOT, G, halves, LONG_MODE, P, R, RW, TestMachine, US, WB, X } from '../testMachine';
import { type Line, linesOf, populate, ROOMY } from './populatedCaches';

/*
 * The oracle: which lines an operation drops, written from the manuals' prose and not from the table. SDM Vol. 3,
 * "Operations that Invalidate TLBs and Paging-Structure Caches", "Operations That Invalidate Cached Mappings"; APM Vol. 2,
 * "TLB Control". Each operation runs on a real processor whose caches have lines of every kind, tag and page; of them
 * exactly those may be gone that the oracle names.
 */
const PAGE = 0x60_0000n;
const OTHER = 0x80_0060_0000n;
const GLOBAL_PAGES = [0x100_0060_0000n, 0x180_0060_0000n, 0x200_0060_0000n];
const GPA = 0x1000_0000n;
const OTHER_GPA = 0x80_1000_0000n;
const OTHER_ROOT = 0x900_0000n;
const DESCRIPTOR = 0x280_0060_0000n;

/** Where the operation is executed: its context is what "current" means. */
interface Place { readonly name: string; readonly vpid: number; readonly pcid: number; readonly root: bigint; readonly make: () => TestMachine }

const withPcid = (cr4 = 0): { cr4: number; cr3: bigint } => ({ cr4: CR4.PAE | CR4.PGE | CR4.PCIDE | cr4, cr3: 0x10_0001n });

function machine(vendor: 'intel' | 'amd' = 'intel'): TestMachine {
  const made = new TestMachine({ ...ROOMY, vendor });
  made.map(PAGE, GPA, P);
  made.map(OTHER, OTHER_GPA, P | RW);
  made.map(DESCRIPTOR, 0x40_0000n, P | RW);
  return made;
}

/** Made-up lines would cover the guest's tables too: true ones are there first. */
function ready(made: TestMachine): TestMachine {
  assert.equal(made.load(DESCRIPTOR), STATUS.done);
  return made;
}

function guest(vpid: number | undefined): TestMachine {
  const made = machine().set(withPcid(CR4.VMXE));
  made.mapEpt(GPA, 0x2000_0000n, R | WB);
  made.mapEpt(OTHER_GPA, 0x2000_1000n, R | WB);
  return ready(made.enterWithEpt(vpid === undefined ? {} : { vpid }));
}

/** A guest that may turn paging off. */
function unrestricted(made: TestMachine): TestMachine {
  return made.vmcs({ secondary_controls: made.field('secondary_controls') | BigInt(SECONDARY.unrestrictedGuest) });
}

function shadowed(vpid: number): TestMachine {
  const made = guest(vpid);
  made.vmcs({ secondary_controls: made.field('secondary_controls') & ~2n });
  made.processor.reload();
  return ready(made);
}

function svmGuest(asid: number): TestMachine {
  const made = machine('amd').set(withPcid());
  const { vmcb, registers } = made.processor;
  // Nested tables are ordinary ones, and every access to them a user's: 1 GByte for the guest's tables, one read-only for OTHER_GPA.
  made.put(0xa0_0000n, 0xa0_1000n | P | RW | US);
  made.put(0xa0_1000n, P | RW | US | 0x80n);
  made.put(0xa0_0008n, 0xa0_2000n | P | RW | US);
  made.put(0xa0_2000n, P | US | 0x80n);
  registers[2 * 24] = 1;
  vmcb[VMCB.asid] = asid;
  vmcb[VMCB.nested_control] = NESTED_CONTROL.enable;
  vmcb[VMCB.n_cr3] = 0xa0_0000;
  vmcb[VMCB.host_cr0] = LONG_MODE.cr0;
  vmcb[VMCB.host_cr4] = LONG_MODE.cr4;
  vmcb[VMCB.host_efer] = LONG_MODE.efer;
  made.processor.reload();
  return ready(made);
}

const NATIVE: Place = { name: 'without virtualization', vpid: 0, pcid: 1, root: 0n, make: () => ready(machine().set(withPcid())) };
const GUEST: Place = { name: 'in a guest with EPT and VPID 1', vpid: 1, pcid: 1, root: EPT_ROOT, make: () => guest(1) };
const SHADOWED: Place = { name: 'in a guest with VPID 1 and no EPT', vpid: 1, pcid: 1, root: 0n, make: () => shadowed(1) };
const UNTAGGED: Place = { name: 'in a guest with EPT and no VPID', vpid: 0, pcid: 1, root: EPT_ROOT, make: () => guest(undefined) };
const SVM: Place = { name: 'in a guest of SVM with ASID 1', vpid: 1, pcid: 1, root: 0n, make: () => svmGuest(1) };
const PAE: Place = {
  name: 'in a guest with PAE paging, EPT and VPID 1', vpid: 1, pcid: 0, root: EPT_ROOT,
  make: () => guest(1).set({ cr4: CR4.PAE | CR4.VMXE, efer: 0 }),
};
const HERE = [NATIVE, GUEST, SHADOWED, SVM];

const isLinear = (line: Line): boolean => line.mapping !== 'guest-physical';
const ofPcid = (line: Line, pcid: number): boolean => line.pcid === pcid || line.isGlobal;

interface Case {
  readonly row: keyof typeof invalidationRows;
  readonly name: string;
  readonly places: readonly Place[];
  /** Before lines are put in. */
  readonly prepare?: (on: TestMachine) => void;
  readonly act: (on: TestMachine, place: Place) => void;
  readonly drops: (line: Line, place: Place) => boolean;
}

function invpcid(type: number, pcid: number, address: bigint) {
  return (on: TestMachine): void => {
    on.put(0x40_0000n, BigInt(pcid));
    on.put(0x40_0008n, address);
    if (on.field('primary_controls') !== 0n) on.vmcs({ secondary_controls: on.field('secondary_controls') | 0x1000n });
    assert.equal(on.processor.invpcid(type, ...halves(DESCRIPTOR)), STATUS.done);
  };
}

/** A global page at OTHER_GPA, cached as it is. */
function loadGlobal(on: TestMachine): void {
  on.map(GLOBAL_PAGES[1]!, OTHER_GPA, P | RW | G);
  assert.equal(on.load(GLOBAL_PAGES[1]!), STATUS.done);
}

/** Operands that an earlier operation named, and that no later one may take for its own: a VPID, PCID and root that lines have. */
function nameOthers({ processor: { caches: { given } } }: TestMachine): void {
  [given.vpid, given.pcid] = [2, 2];
  [given.rootLo, given.rootHi] = halves(OTHER_ROOT);
  [given.lo, given.hi] = halves(OTHER);
  [given.gpaLo, given.gpaHi] = halves(OTHER_GPA);
}

const moved = (name: 'cr0' | 'cr3' | 'cr4', value: (on: TestMachine) => number | bigint) => (on: TestMachine): void => {
  assert.equal(on.move(name, value(on)), STATUS.done);
};

const cases: readonly Case[] = [
  {
    row: 'invlpg', name: 'INVLPG', places: HERE,
    act: (on) => assert.equal(on.invlpg(PAGE), STATUS.done),
    drops: (line, { vpid, pcid }) => isLinear(line) && line.vpid === vpid
      && (line.isTlb ? ofPcid(line, pcid) && line.covers(PAGE) : line.pcid === pcid),
  },
  {
    row: 'invlpg', name: 'INVLPG of a global page, cached under another PCID,', places: HERE,
    act: (on) => assert.equal(on.invlpg(GLOBAL_PAGES[2]!), STATUS.done),
    drops: (line, { vpid, pcid }) => isLinear(line) && line.vpid === vpid
      && (line.isTlb ? ofPcid(line, pcid) && line.covers(GLOBAL_PAGES[2]!) : line.pcid === pcid),
  },
  {
    row: 'movCr3', name: 'MOV to CR3 with PCIDs', places: HERE,
    act: moved('cr3', () => 0x10_0002n),
    drops: (line, { vpid }) => isLinear(line) && line.vpid === vpid && line.pcid === 2 && !line.isGlobal,
  },
  {
    row: 'movCr3', name: 'MOV to CR3 without PCIDs', places: [{ ...NATIVE, pcid: 0, make: () => machine().set({ cr4: CR4.PAE | CR4.PGE }) }],
    act: moved('cr3', (on) => on.register('cr3')),
    drops: (line) => isLinear(line) && line.vpid === 0 && line.pcid === 0 && !line.isGlobal,
  },
  {
    row: 'movCr3', name: 'MOV to CR3 with bit 63', places: HERE,
    act: moved('cr3', () => 0x10_0002n | (1n << 63n)),
    drops: () => false,
  },
  {
    row: 'everyPcid', name: 'MOV to CR4 that changes PGE', places: HERE,
    act: moved('cr4', (on) => on.register('cr4') & ~BigInt(CR4.PGE)),
    drops: (line, { vpid }) => isLinear(line) && line.vpid === vpid,
  },
  {
    row: 'everyPcid', name: 'MOV to CR4 that clears PCIDE', places: HERE,
    act: moved('cr4', (on) => on.register('cr4') & ~BigInt(CR4.PCIDE)),
    drops: (line, { vpid }) => isLinear(line) && line.vpid === vpid,
  },
  {
    row: 'currentPcid', name: 'MOV to CR4 that sets SMEP', places: HERE,
    act: moved('cr4', (on) => on.register('cr4') | BigInt(CR4.SMEP)),
    drops: (line, { vpid, pcid }) => isLinear(line) && line.vpid === vpid && ofPcid(line, pcid),
  },
  {
    row: 'currentPcid', name: 'MOV to CR4 that changes PAE',
    places: [{ ...NATIVE, pcid: 0, make: () => machine().set({ efer: 0, cr4: CR4.PAE | CR4.PGE }) }],
    act: moved('cr4', (on) => on.register('cr4') & ~BigInt(CR4.PAE)),
    drops: (line) => isLinear(line) && line.vpid === 0 && ofPcid(line, 0),
  },
  {
    row: 'currentPcid', name: 'MOV to CR4 that changes SMAP or PKE, or clears SMEP', places: [{ ...NATIVE, make: () => machine().set(withPcid(CR4.SMEP)) }],
    act: moved('cr4', (on) => (on.register('cr4') & ~BigInt(CR4.SMEP)) | BigInt(CR4.SMAP | CR4.PKE)),
    drops: () => false,
  },
  {
    row: 'pagingOff', name: 'MOV to CR0 that clears PG',
    places: [
      { ...NATIVE, pcid: 0, make: () => machine().set({ efer: 0, cr4: CR4.PAE | CR4.PGE }) },
      { ...SVM, pcid: 0, make: () => svmGuest(1).set({ efer: 0, cr4: CR4.PAE | CR4.PGE }) },
      { ...GUEST, pcid: 0, make: () => unrestricted(guest(1)).set({ efer: 0, cr4: CR4.PAE | CR4.PGE | CR4.VMXE }) },
    ],
    act: moved('cr0', (on) => on.register('cr0') & ~BigInt(CR0.PG >>> 0)),
    drops: (line, { vpid }) => isLinear(line) && line.vpid === vpid,
  },
  {
    row: 'pagingOff', name: 'MOV to CR0 that changes WP', places: HERE,
    act: moved('cr0', (on) => on.register('cr0') & ~BigInt(CR0.WP)),
    drops: () => false,
  },
  {
    row: 'invpcidAddress', name: 'INVPCID of an address', places: HERE, act: invpcid(0, 2, PAGE),
    drops: (line, { vpid }) => isLinear(line) && line.vpid === vpid && line.pcid === 2 && !line.isGlobal && line.covers(PAGE),
  },
  {
    row: 'invpcidAddress', name: 'INVPCID of the address of a global page', places: HERE, act: invpcid(0, 2, GLOBAL_PAGES[2]!),
    drops: () => false,
  },
  {
    row: 'invpcidContext', name: 'INVPCID of a context', places: HERE, act: invpcid(1, 2, PAGE),
    drops: (line, { vpid }) => isLinear(line) && line.vpid === vpid && line.pcid === 2 && !line.isGlobal,
  },
  {
    row: 'invpcidAllWithGlobals', name: 'INVPCID of all contexts, globals too,', places: HERE, act: invpcid(2, 0, 0n),
    drops: (line, { vpid }) => isLinear(line) && line.vpid === vpid,
  },
  {
    row: 'invpcidAll', name: 'INVPCID of all contexts', places: HERE, act: invpcid(3, 0, 0n),
    drops: (line, { vpid }) => isLinear(line) && line.vpid === vpid && !line.isGlobal,
  },
  {
    row: 'pageFault', name: 'a page fault', places: HERE,
    prepare: (on) => assert.equal(on.load(PAGE), STATUS.done),
    act: (on) => {
      on.vmcs({ exception_bitmap: 0 });
      assert.equal(on.store(PAGE, 1n), STATUS.exception);
    },
    drops: (line, { vpid, pcid }) => isLinear(line) && line.vpid === vpid && ofPcid(line, pcid) && line.covers(PAGE),
  },
  {
    row: 'pageFault', name: 'a page fault at a global page, cached under another PCID,', places: HERE,
    act: (on) => {
      on.vmcs({ exception_bitmap: 0 });
      assert.equal(on.store(GLOBAL_PAGES[2]!, 1n), STATUS.exception);
    },
    drops: (line, { vpid, pcid }) => isLinear(line) && line.vpid === vpid && ofPcid(line, pcid) && line.covers(GLOBAL_PAGES[2]!),
  },
  {
    row: 'vmTransition', name: 'a VM exit and entry without VPID', places: [UNTAGGED],
    act: (on) => {
      on.onExit = () => 1;
      on.vmcs({ primary_controls: on.field('primary_controls') | 0x200n });
      assert.equal(on.invlpg(PAGE), STATUS.done);
    },
    drops: (line) => isLinear(line) && line.vpid === 0,
  },
  {
    row: 'vmTransition', name: 'a VM exit and entry with VPID', places: [GUEST],
    act: (on) => {
      on.onExit = () => 1;
      on.vmcs({ primary_controls: on.field('primary_controls') | 0x200n });
      assert.equal(on.invlpg(PAGE), STATUS.done);
    },
    drops: () => false,
  },
  {
    row: 'eptViolation', name: 'an EPT violation', places: [GUEST],
    prepare: (on) => assert.equal(on.load(OTHER), STATUS.done),
    act: (on) => assert.equal(on.store(OTHER, 1n), STATUS.stopped),
    drops: (line, { vpid, pcid, root }) => line.root === root && (
      line.mapping === 'guest-physical' ? line.covers(OTHER_GPA)
        : line.mapping === 'combined' && line.vpid === vpid && ofPcid(line, pcid) && line.covers(OTHER)
    ),
  },
  {
    row: 'eptViolation', name: 'an EPT violation at a global page', places: [GUEST], prepare: loadGlobal,
    act: (on) => assert.equal(on.store(GLOBAL_PAGES[1]!, 1n), STATUS.stopped),
    drops: (line, { vpid, pcid, root }) => line.root === root && (
      line.mapping === 'guest-physical' ? line.covers(OTHER_GPA)
        : line.mapping === 'combined' && line.vpid === vpid && ofPcid(line, pcid) && line.covers(GLOBAL_PAGES[1]!)
    ),
  },
  {
    row: 'eptViolationOfPdptes', name: 'an EPT violation of a load of PDPTEs', places: [PAE],
    prepare: (on) => on.put(on.eptEntryAt(GPA, 1), 0x2000_0000n | X | WB),
    act: (on) => assert.equal(on.move('cr3', GPA), STATUS.stopped),
    drops: (line, { root }) => line.root === root && line.mapping === 'guest-physical' && line.covers(GPA),
  },
  {
    row: 'nestedPageFault', name: 'a nested page fault', places: [SVM],
    prepare: (on) => assert.equal(on.load(OTHER), STATUS.done),
    act: (on) => assert.equal(on.store(OTHER, 1n), STATUS.stopped),
    drops: (line, { vpid, pcid }) => line.vpid === vpid && (
      line.mapping === 'guest-physical' ? line.root === 0n && line.covers(OTHER_GPA)
        : line.mapping === 'combined' && ofPcid(line, pcid) && line.covers(OTHER)
    ),
  },
  {
    row: 'nestedPageFault', name: 'a nested page fault at a global page', places: [SVM], prepare: loadGlobal,
    act: (on) => assert.equal(on.store(GLOBAL_PAGES[1]!, 1n), STATUS.stopped),
    drops: (line, { vpid, pcid }) => line.vpid === vpid && (
      line.mapping === 'guest-physical' ? line.root === 0n && line.covers(OTHER_GPA)
        : line.mapping === 'combined' && ofPcid(line, pcid) && line.covers(GLOBAL_PAGES[1]!)
    ),
  },
  {
    row: 'invvpidAddress', name: 'INVVPID of an address', places: [GUEST],
    act: (on) => assert.equal(on.processor.vmxInvalidations.invvpid(0, 2, ...halves(PAGE)).kind, 'succeed'),
    drops: (line) => isLinear(line) && line.vpid === 2 && line.covers(PAGE),
  },
  {
    row: 'invvpidAddress', name: 'INVVPID of the address of a global page', places: [GUEST],
    act: (on) => assert.equal(on.processor.vmxInvalidations.invvpid(0, 2, ...halves(GLOBAL_PAGES[1]!)).kind, 'succeed'),
    drops: (line) => isLinear(line) && line.vpid === 2 && line.covers(GLOBAL_PAGES[1]!),
  },
  {
    row: 'invvpidContext', name: 'INVVPID of a context', places: [GUEST],
    act: (on) => assert.equal(on.processor.vmxInvalidations.invvpid(1, 2, 0, 0).kind, 'succeed'),
    drops: (line) => isLinear(line) && line.vpid === 2,
  },
  {
    row: 'invvpidAll', name: 'INVVPID of all contexts', places: [GUEST],
    act: (on) => assert.equal(on.processor.vmxInvalidations.invvpid(2, 0, 0, 0).kind, 'succeed'),
    drops: (line) => isLinear(line) && line.vpid !== 0,
  },
  {
    row: 'invvpidContextRetainingGlobals', name: 'INVVPID of a context, retaining globals,', places: [GUEST],
    act: (on) => assert.equal(on.processor.vmxInvalidations.invvpid(3, 2, 0, 0).kind, 'succeed'),
    drops: (line) => isLinear(line) && line.vpid === 2 && !line.isGlobal,
  },
  {
    row: 'inveptContext', name: 'INVEPT of a context', places: [GUEST],
    act: (on) => assert.equal(on.processor.vmxInvalidations.invept(1, Number(OTHER_ROOT) | 0x1e, 0).kind, 'succeed'),
    drops: (line) => line.mapping !== 'linear' && line.root === OTHER_ROOT,
  },
  {
    row: 'inveptAll', name: 'INVEPT of all contexts', places: [GUEST],
    act: (on) => assert.equal(on.processor.vmxInvalidations.invept(2, 0, 0).kind, 'succeed'),
    drops: (line) => line.mapping !== 'linear',
  },
  {
    row: 'invlpga', name: 'INVLPGA', places: [SVM],
    act: (on) => on.processor.invlpga(...halves(PAGE), 2),
    drops: (line) => isLinear(line) && line.vpid === 2 && (!line.isTlb || line.covers(PAGE)),
  },
  {
    row: 'invlpga', name: 'INVLPGA of a global page', places: [SVM],
    act: (on) => on.processor.invlpga(...halves(GLOBAL_PAGES[1]!), 2),
    drops: (line) => isLinear(line) && line.vpid === 2 && (!line.isTlb || line.covers(GLOBAL_PAGES[1]!)),
  },
  ...([
    ['everyAsid', 1, () => true],
    ['asid', 3, (line: Line) => line.vpid === 1],
    ['asidKeepingGlobals', 7, (line: Line) => line.vpid === 1 && !line.isGlobal],
  ] as const).map(([row, control, drops]): Case => ({
    row, name: `TLB_CONTROL ${control} at VMRUN`, places: [SVM],
    act: (on) => {
      const { caches } = on.processor;
      caches.given.vpid = 1;
      caches.invalidate(invalidationRows[row]);
    },
    drops,
  })),
];

describe('what an operation invalidates', () => {
  for (const { name, places, prepare, act, drops } of cases) {
    for (const place of places) {
      it(`${name} ${place.name}`, () => {
        const on = place.make();
        prepare?.(on);
        populate(on.processor.caches, {
          vpids: [0, 1, 2], pcids: [0, 1, 2], roots: [0n, EPT_ROOT, OTHER_ROOT],
          linearPages: [PAGE, OTHER], globalPages: GLOBAL_PAGES, guestPhysicalPages: [GPA, OTHER_GPA],
        });
        on.processor.reload();
        nameOthers(on);
        const before = linesOf(on.processor.caches);
        act(on, place);
        const after = new Set(linesOf(on.processor.caches).map(({ text }) => text));
        const gone = before.filter(({ text }) => !after.has(text)).map(({ text }) => text);
        assert.deepEqual(gone.sort(), before.filter((line) => drops(line, place)).map(({ text }) => text).sort());
      });
    }
  }

  it('has each row of the table tested', () => {
    assert.deepEqual(Object.keys(invalidationRows).filter((row) => !cases.some((each) => each.row === row)), []);
  });

  it('is nothing for INVLPG of an address that is not canonical', () => {
    const on = NATIVE.make();
    assert.equal(on.load(PAGE), STATUS.done);
    const before = linesOf(on.processor.caches);
    assert.equal(on.invlpg(0x8000_0000_0060_0000n), STATUS.done);
    assert.deepEqual(linesOf(on.processor.caches).map(({ text }) => text), before.map(({ text }) => text));
  });
});
