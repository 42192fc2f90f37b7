import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { refusalText } from '../../../src/hardware/paging/refusalText';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { SECONDARY, VMCS } from '../../../src/hardware/vmx/vmcs';
import { describeQualification, modificationLogFullFields } from '../../../src/hardware/vmx/exitQualification';
import { A, D, EA, ED, halves, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
const GPA = 0x1_4000_0000n;
const HPA = 0x2000_0000n;
const LOG = 0x3000_0000n;
const PML_FULL = 62;

/** A guest with EPT flags and page-modification logging, its tables' pages dirty in EPT already. */
function guest(options: { readonly pml?: 'on' | 'off'; readonly flags?: 'on' | 'off'; readonly index?: number } = {}): TestMachine {
  const machine = new TestMachine();
  machine.map(PAGE, GPA, P | RW | US);
  machine.map(PAGE + 0x1000n, GPA + 0x1000n, P | RW | US);
  machine.enterWithEpt({ accessedDirty: options.flags ?? 'on' });
  for (const offset of [0n, 0x1000n]) machine.mapEpt(GPA + offset, HPA + offset, R | W | X | WB);
  for (let gpa = 0n; gpa < 0x80_0000n; gpa += 0x20_0000n) {
    for (const level of [4, 3, 2]) set(machine, machine.eptEntryAt(gpa, level), level === 2 ? EA | ED : EA);
  }
  machine.vmcs({
    secondary_controls: SECONDARY.enableEpt | (options.pml === 'off' ? 0 : SECONDARY.enablePml), pml_address: LOG, pml_index: options.index ?? 511,
  });
  machine.processor.reload();
  return machine;
}

function set(machine: TestMachine, at: bigint, bits: bigint): void {
  machine.put(at, machine.word(at) | bits);
}

const entry = (machine: TestMachine, index: number): bigint => machine.word(LOG + 8n * BigInt(index));

describe('page-modification logging', () => {
  it('writes the page of a store whose EPT dirty flag goes from 0 to 1, from the last entry down', () => {
    const machine = guest();
    assert.equal(machine.store(PAGE + 0x10n, 1n), STATUS.done);
    assert.equal(machine.store(PAGE + 0x1ff8n, 1n), STATUS.done);
    assert.deepEqual([entry(machine, 511), entry(machine, 510), machine.field('pml_index')], [GPA, GPA + 0x1000n, 509n]);
    assert.equal(machine.word(machine.eptEntryAt(GPA, 1)) & (EA | ED), EA | ED);
  });

  it('writes nothing for a load, for a second store, or while the control is 0 or EPT flags are off', () => {
    const machine = guest();
    machine.load(PAGE);
    assert.equal(machine.field('pml_index'), 511n);
    machine.store(PAGE, 1n);
    machine.store(PAGE, 2n);
    assert.equal(machine.field('pml_index'), 510n);
    for (const options of [{ pml: 'off' }, { flags: 'off' }] as const) {
      const silent = guest(options);
      assert.equal(silent.store(PAGE, 1n), STATUS.done);
      assert.equal(silent.field('pml_index'), 511n);
    }
  });

  it('writes nothing for a page that is dirty already, though its accessed flag is set now', () => {
    const machine = guest();
    set(machine, machine.eptEntryAt(GPA, 1), ED);
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.equal(machine.word(machine.eptEntryAt(GPA, 1)) & EA, EA);
    assert.equal(machine.field('pml_index'), 511n);
  });

  it('logs the guest-physical address by 4-KByte pages, though EPT maps a larger one', () => {
    const machine = guest();
    machine.mapEpt(0x1_8000_0000n, 0x4000_0000n, R | W | WB, 3);
    machine.map(PAGE, 0x1_8012_3000n, P | RW | US);
    machine.processor.invept(...halves(machine.field('eptp')));
    machine.store(PAGE + 0x456n, 1n, 1);
    assert.equal(entry(machine, 511), 0x1_8012_3000n);
  });

  it('logs each page of a store that crosses from one into the other', () => {
    const machine = guest();
    machine.store(PAGE + 0xffcn, 0x1122_3344_5566_7788n);
    assert.deepEqual([entry(machine, 511), entry(machine, 510), machine.field('pml_index')], [GPA, GPA + 0x1000n, 509n]);
  });

  it('logs the pages of guest tables, which with EPT flags every walk writes', () => {
    const machine = guest();
    const tables = machine.eptEntryAt(0x10_0000n, 2);
    machine.put(tables, machine.word(tables) & ~ED);
    machine.load(PAGE);
    assert.deepEqual([entry(machine, 511), machine.field('pml_index')], [machine.register('cr3'), 510n], 'the page of the first table read');
  });

  it('counts the index from 0 to FFFFH, and then the log is full', () => {
    const machine = guest({ index: 0 });
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.deepEqual([entry(machine, 0), machine.field('pml_index')], [GPA, 0xffffn]);
    assert.equal(machine.store(PAGE + 0x1000n, 1n), STATUS.stopped);
    assert.equal(machine.exits[0]?.reason, PML_FULL);
  });

  for (const index of [512, 0xffff]) {
    it(`exits before the access while the index is ${index}: no flag is set, nothing is written or counted`, () => {
      const machine = guest({ index });
      const before = machine.word(machine.eptEntryAt(GPA, 1));
      machine.vmcs({ guest_physical_address: 0x1234, guest_linear_address: 0x5678 });
      assert.equal(machine.store(PAGE, 7n), STATUS.stopped);
      assert.deepEqual(machine.exits, [{ reason: PML_FULL, qualification: 0n, gpa: 0n, gla: 0n }]);
      assert.deepEqual([machine.word(machine.eptEntryAt(GPA, 1)), machine.word(HPA), machine.field('pml_index')], [before, 0n, BigInt(index)]);
      assert.equal(machine.word(machine.eptEntryAt(GPA, 4)) & EA, EA, 'of the guest tables, which share it');
      assert.equal(machine.word(machine.eptEntryAt(GPA, 3)) & EA, 0n);
    });
  }

  it('asks for room when an accessed flag alone is to be set, as the manual has it', () => {
    const machine = guest({ index: 512 });
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.equal(machine.exits[0]?.reason, PML_FULL);
    assert.equal(machine.word(machine.eptEntryAt(GPA, 1)) & EA, 0n);
  });

  it('does not ask for room when no flag is to be set', () => {
    const machine = guest({ index: 512 });
    for (const level of [4, 3, 2, 1]) set(machine, machine.eptEntryAt(GPA, level), level === 1 ? EA | ED : EA);
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.equal(machine.exits.length, 0);
  });

  it('runs the access again after root mode has emptied the log', () => {
    const machine = guest({ index: 0xffff });
    machine.onExit = (exit) => {
      assert.equal(exit.reason, PML_FULL);
      machine.processor.vmcs[VMCS.pml_index] = 511;
      return RESUME.retry;
    };
    assert.equal(machine.store(PAGE, 7n), STATUS.done);
    assert.deepEqual([machine.exits.length, machine.word(HPA), entry(machine, 511), machine.field('pml_index')], [1, 7n, GPA, 510n]);
  });

  it('comes after EPT\'s own refusals: a violation is one though the log is full', () => {
    const machine = guest({ index: 512 });
    const page = machine.eptEntryAt(GPA, 1);
    machine.put(page, machine.word(page) & ~W);
    machine.store(PAGE, 1n);
    assert.equal(machine.exits[0]?.reason, 48);
  });

  it('comes for the access that loads PDPTEs as for any other', () => {
    const machine = guest({ index: 512 });
    const { pdptes, space } = { pdptes: machine.processor['pdptes'], space: machine.processor.space };
    const page = machine.eptEntryAt(0x10_0000n, 2);
    machine.put(page, machine.word(page) & ~(EA | ED));
    assert.equal(pdptes.load(0x10_0000, space.nested), 2);
    assert.equal(machine.word(page) & EA, 0n);
  });

  it('loses an entry where no memory answers, counts it, and lets the access go on', () => {
    const machine = guest();
    machine.vmcs({ pml_address: 1n << 40n });
    assert.equal(machine.store(PAGE, 7n), STATUS.done);
    assert.deepEqual([machine.field('pml_index'), machine.word(HPA)], [510n, 7n]);
  });

  it('goes back with a checkpoint: index, log and flags', () => {
    const machine = guest();
    const before = machine.registry.checkpoint();
    const leaf = machine.word(machine.eptEntryAt(GPA, 1));
    machine.store(PAGE, 7n);
    machine.registry.restore(before);
    machine.processor.reload();
    assert.deepEqual([machine.field('pml_index'), entry(machine, 511), machine.word(machine.eptEntryAt(GPA, 1))], [511n, 0n, leaf]);
    machine.store(PAGE, 7n);
    assert.deepEqual([machine.field('pml_index'), entry(machine, 511)], [510n, GPA]);
  });

  it('is not touched by inspection', () => {
    const machine = guest();
    machine.walk(PAGE, ACCESS.write);
    assert.deepEqual([machine.field('pml_index'), entry(machine, 511)], [511n, 0n]);
  });

  it('tells each entry in an event of its own, and a full log in the end of the walk', () => {
    const machine = guest();
    machine.listen();
    machine.store(PAGE, 1n);
    const told = machine.events.filter((event) => event.kind === 'page_modification_logged');
    assert.deepEqual(told.map((event) => event.json), [{
      cpu: 0, actor: 'walker', kind: 'page_modification_logged', gpa: '0x140000000', hpa: '0x30000ff8', index: 511,
    }]);
    machine.vmcs({ pml_index: 512 });
    machine.listen();
    machine.store(PAGE + 0x1000n, 1n);
    const ends = machine.events.filter((event) => event.kind === 'walk_done').map((event) => event.json['what']);
    assert.equal(ends.at(-1), 'page-modification log full');
  });

  it('says which entry has the flag that cannot be set, be it above the page', () => {
    const machine = guest({ index: 512 });
    for (const [level, name] of [[3, 'EPT PDPTE'], [2, 'EPT PDE'], [1, 'EPT PTE']] as const) {
      assert.equal(machine.store(PAGE, 1n), STATUS.stopped);
      assert.equal(
        refusalText(machine.processor.space),
        `no flag of the ${name} can be set: the page-modification log is full, for the final guest-physical address`,
      );
      set(machine, machine.eptEntryAt(GPA, level), EA);
    }
  });

  it('names NMI unblocking, the one field that its exit has', () => {
    const machine = guest({ index: 512 });
    machine.processor['interruption'].hasUnblockedNmi = 1;
    machine.load(PAGE);
    assert.equal(machine.exits[0]?.qualification, 1n << 12n);
    assert.equal(describeQualification(modificationLogFullFields, 1 << 12), 'NMI unblocking due to IRET');
  });

  it('keeps the guest\'s own flags set that were set before the final address was refused', () => {
    const machine = guest({ index: 512 });
    machine.store(PAGE, 1n);
    assert.equal(machine.word(machine.entryAt(PAGE, 1)) & (A | D), A | D);
  });
});
