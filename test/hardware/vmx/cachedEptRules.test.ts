import { strict as assert } from 'node:assert';
import { STATUS } from '../../../src/hardware/processor/processor';
import { SECONDARY, VM_FUNCTION } from '../../../src/hardware/vmx/vmcs';
import { A, D, EA, ED, EPT_ROOT, halves, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
const GPA = 0x1_4000_0000n;
const HPA = 0x2000_0000n;
const LOG = 0x3000_0000n;
const LIST = 0x3100_0000n;
const OTHER_ROOT = 0x3200_0000n;
const XU = 1n << 10n;

/** Eight pages of a guest in one EPT page table, with the controls on. */
function guest(walkCaches: 'on' | 'off', controls: number, leaf: bigint): TestMachine {
  const machine = new TestMachine({ walkCaches });
  for (let i = 0n; i < 8n; i++) machine.map(PAGE + (i << 12n), GPA + (i << 12n), P | RW | US);
  machine.enterWithEpt({ accessedDirty: 'on', vpid: 3 });
  for (let i = 0n; i < 8n; i++) machine.mapEpt(GPA + (i << 12n), HPA + (i << 12n), leaf | WB);
  for (let gpa = 0n; gpa < 0x80_0000n; gpa += 0x20_0000n) {
    for (const level of [4, 3, 2]) machine.put(machine.eptEntryAt(gpa, level), machine.word(machine.eptEntryAt(gpa, level)) | EA | (level === 2 ? ED : 0n) | XU);
  }
  for (const level of [3, 2]) machine.put(machine.eptEntryAt(GPA, level), machine.word(machine.eptEntryAt(GPA, level)) | XU);
  machine.vmcs({
    secondary_controls: SECONDARY.enableEpt | SECONDARY.enableVpid | controls, pml_address: LOG, pml_index: 511,
    vm_function_controls: VM_FUNCTION.eptpSwitching, eptp_list_address: LIST,
  });
  machine.processor.reload();
  return machine;
}

const invept = (machine: TestMachine): void => machine.processor.invept(...halves(machine.field('eptp')));

for (const walkCaches of ['off', 'on'] as const) {
  describe(`with paging-structure and nested caches ${walkCaches}`, () => {
    it('each page is logged once, whatever is cached by then', () => {
      const machine = guest(walkCaches, SECONDARY.enablePml, R | W);
      for (let i = 0n; i < 8n; i++) assert.equal(machine.load(PAGE + (i << 12n)), STATUS.done);
      for (const time of [1n, 2n]) for (let i = 0n; i < 8n; i++) assert.equal(machine.store(PAGE + (i << 12n), time), STATUS.done);
      assert.equal(machine.field('pml_index'), 503n);
      for (let i = 0n; i < 8n; i++) assert.equal(machine.word(LOG + 8n * (511n - i)), GPA + (i << 12n));
    });

    it('a dirty flag that root mode clears is logged again after INVEPT, and before it not', () => {
      const machine = guest(walkCaches, SECONDARY.enablePml, R | W);
      machine.store(PAGE, 1n);
      const leaf = machine.eptEntryAt(GPA, 1);
      machine.put(leaf, machine.word(leaf) & ~ED);
      machine.store(PAGE, 2n);
      assert.deepEqual([machine.field('pml_index'), machine.word(leaf) & ED], [510n, 0n], 'the cached translation is dirty');
      invept(machine);
      machine.store(PAGE, 3n);
      assert.deepEqual([machine.field('pml_index'), machine.word(leaf) & ED], [509n, ED]);
    });

    it('a full log stops a write whose translation was cached clean', () => {
      const machine = guest(walkCaches, SECONDARY.enablePml, R | W);
      machine.load(PAGE);
      machine.vmcs({ pml_index: 0xffff });
      assert.equal(machine.store(PAGE, 1n), STATUS.stopped);
      assert.deepEqual([machine.exits[0]?.reason, machine.word(HPA)], [62, 0n]);
    });

    it('XU that an upper entry loses holds on until INVEPT, and then no more', () => {
      const machine = guest(walkCaches, SECONDARY.modeBasedExecute, R | W | X | XU);
      assert.equal(machine.fetch(PAGE), STATUS.done);
      const table = machine.eptEntryAt(GPA, 2);
      machine.put(table, machine.word(table) & ~XU);
      assert.equal(machine.fetch(PAGE), STATUS.done);
      invept(machine);
      assert.equal(machine.fetch(PAGE), STATUS.stopped);
      assert.equal((machine.exits[0]?.qualification ?? 0n) >> 3n & 0xfn, 0b0111n, 'R, W and X, not XU');
    });

    it('XU is kept apart from X in what is cached of upper entries', () => {
      const machine = guest(walkCaches, SECONDARY.modeBasedExecute, R | W | X | XU);
      const table = machine.eptEntryAt(GPA, 2);
      machine.put(table, machine.word(table) & ~XU);
      machine.load(PAGE);
      assert.equal(machine.fetch(PAGE + 0x1000n), STATUS.stopped);
      machine.put(table, machine.word(table) & ~X | XU);
      invept(machine);
      machine.load(PAGE);
      assert.equal(machine.fetch(PAGE + 0x1000n), STATUS.done);
    });

    it('EPTP switching finds nothing of the other EPT, and its own again when it comes back', () => {
      const machine = guest(walkCaches, SECONDARY.enableVmFunctions, R | W | X);
      machine.put(OTHER_ROOT, (OTHER_ROOT + 0x1000n) | R | W | X);
      machine.put(OTHER_ROOT + 0x1000n, machine.word(machine.eptEntryAt(0n, 3)));
      machine.put(LIST, EPT_ROOT | 0x5en);
      machine.put(LIST + 8n, OTHER_ROOT | 0x5en);
      machine.store(PAGE, 7n);
      machine.set({ rax: 0, rcx: 1 });
      machine.processor.vmfunc();
      assert.equal(machine.load(PAGE), STATUS.stopped);
      assert.equal(machine.exits[0]?.gpa, GPA);
      machine.set({ rcx: 0 });
      machine.processor.vmfunc();
      machine.listen();
      assert.equal(machine.load(PAGE), STATUS.done);
      assert.deepEqual([machine.value, machine.kinds().includes('table_read')], [7n, false]);
    });

    it('a virtualization exception is suppressed by the entry that refuses, whatever led to it', () => {
      for (const [sve, status] of [[0n, STATUS.exception], [1n << 63n, STATUS.stopped]] as const) {
        const machine = guest(walkCaches, SECONDARY.eptViolationVe, R | W);
        machine.vmcs({ virtualization_exception_information_address: 0x3300_0000 });
        machine.load(PAGE);
        const leaf = machine.eptEntryAt(GPA + 0x3000n, 1);
        machine.put(leaf, sve);
        assert.equal(machine.store(PAGE + 0x3000n, 1n), status);
      }
    });
  });
}

describe('a flag of a guest entry in a page that EPT caches as read-only', () => {
  it('is set when the tables in memory let it by now: raising rights needs no INVEPT', () => {
    const machine = new TestMachine({ walkCaches: 'on' });
    const leaf = machine.map(PAGE, 0x40_0000n, P | RW | A);
    for (const level of [4, 3, 2]) machine.put(machine.entryAt(PAGE, level), machine.word(machine.entryAt(PAGE, level)) | A);
    machine.enterWithEpt();
    const above = machine.eptEntryAt(0n, 2);
    machine.put(above, 0n);
    for (let gpa = 0n; gpa < 0x20_0000n; gpa += 0x1000n) machine.mapEpt(gpa, gpa, R | W | X | WB);
    machine.put(above, machine.word(above) & ~W);
    assert.equal(machine.load(PAGE), STATUS.done);
    machine.put(above, machine.word(above) | W);
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.equal(machine.word(leaf) & D, D);
  });
});
