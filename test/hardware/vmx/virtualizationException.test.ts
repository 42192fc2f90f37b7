import { strict as assert } from 'node:assert';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { SECONDARY } from '../../../src/hardware/vmx/vmcs';
import { halves, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
const GPA = 0x1_4000_0000n;
const HPA = 0x2000_0000n;
const AREA = 0x3000_0000n;
const SVE = 1n << 63n;
const VE = 20;
const Q = { read: 1n, write: 2n, linear: 1n << 7n, final: 1n << 8n } as const;

function guest(control: 'on' | 'off' = 'on', accessedDirty: 'on' | 'off' = 'off'): TestMachine {
  const machine = new TestMachine();
  machine.map(PAGE, GPA, P | RW | US);
  machine.enterWithEpt({ accessedDirty });
  machine.eptEntryAt(GPA, 1);
  machine.vmcs({
    secondary_controls: SECONDARY.enableEpt | (control === 'on' ? SECONDARY.eptViolationVe : 0),
    virtualization_exception_information_address: AREA, eptp_index: 0x12,
  });
  machine.processor.reload();
  return machine;
}

/** What the area tells: exit reason, the word that says it is in use, qualification, addresses, EPTP index. */
function area(machine: TestMachine): readonly bigint[] {
  const first = machine.word(AREA);
  return [first & 0xffff_ffffn, first >> 32n, machine.word(AREA + 8n), machine.word(AREA + 16n), machine.word(AREA + 24n), machine.word(AREA + 32n)];
}

describe('a virtualization exception', () => {
  it('takes the place of the exit of a convertible EPT violation, and tells of it in the information area', () => {
    const machine = guest();
    assert.equal(machine.store(PAGE + 0x123n, 1n), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.processor.errorCode, machine.exits.length], [VE, 0, 0]);
    assert.deepEqual(area(machine), [48n, 0xffff_ffffn, Q.write | Q.linear | Q.final, PAGE + 0x123n, GPA + 0x123n, 0x12n]);
    assert.equal(machine.cr2, 0n, 'CR2 is a page fault\'s');
  });

  it('comes again only after software has cleared the word at offset 4: until then it is a VM exit', () => {
    const machine = guest();
    machine.load(PAGE);
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.equal(machine.exits[0]?.reason, 48);
    machine.put(AREA, 0n);
    assert.equal(machine.load(PAGE), STATUS.exception);
    machine.put(AREA, 0x1_0000_0000n);
    assert.equal(machine.load(PAGE), STATUS.stopped, 'any bit of the word');
  });

  it('does not come where no memory answers for the area: its word reads as ones', () => {
    const machine = guest();
    machine.vmcs({ virtualization_exception_information_address: 1n << 40n });
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.equal(machine.exits[0]?.reason, 48);
  });

  it('writes sixteen bits of EPTP index and nothing behind them', () => {
    const machine = guest();
    machine.vmcs({ eptp_index: 0x1ff });
    machine.put(AREA + 32n, 0xaaaa_bbbb_cccc_ddddn);
    machine.put(AREA + 40n, 0x1122_3344_5566_7788n);
    machine.load(PAGE);
    assert.deepEqual([machine.word(AREA + 32n), machine.word(AREA + 40n)], [0xaaaa_bbbb_cccc_01ffn, 0x1122_3344_5566_7788n]);
  });

  // SDM Vol. 3, "Convertible EPT Violations": the entry that is not present, or else the one that maps the page.
  for (const level of [4, 3, 2, 1]) {
    it(`is suppressed by bit 63 of an entry of level ${level} that is not present`, () => {
      for (const [bits, status] of [[0n, STATUS.exception], [SVE, STATUS.stopped]] as const) {
        const machine = guest();
        machine.put(machine.eptEntryAt(GPA, level), bits);
        assert.equal(machine.load(PAGE), status);
      }
    });
  }

  for (const [name, level, size] of [['4-KByte', 1, 0n], ['2-MByte', 2, 0n], ['1-GByte', 3, 0n]] as const) {
    it(`is suppressed by bit 63 of the entry that maps a ${name} page without the right`, () => {
      for (const [bits, status] of [[0n, STATUS.exception], [SVE, STATUS.stopped]] as const) {
        const machine = guest();
        machine.mapEpt(GPA, 0x4000_0000n + size, R | WB | bits, level);
        assert.equal(machine.store(PAGE, 1n), status);
      }
    });
  }

  it('is not suppressed by bit 63 of a present entry that references a table', () => {
    const machine = guest();
    for (const level of [4, 3, 2]) machine.put(machine.eptEntryAt(GPA, level), machine.word(machine.eptEntryAt(GPA, level)) | SVE);
    assert.equal(machine.load(PAGE), STATUS.exception);
  });

  it('does not come with the control off, nor while CR0.PE is 0', () => {
    assert.equal(guest('off').load(PAGE), STATUS.stopped);
    for (const [cr0, status] of [[CR0.PE, STATUS.exception], [0, STATUS.stopped]] as const) {
      const machine = guest();
      machine.set({ cr0, efer: 0 });
      machine.vmcs({ secondary_controls: SECONDARY.enableEpt | SECONDARY.eptViolationVe | SECONDARY.unrestrictedGuest });
      assert.equal(machine.load(0x5000_0000n), status);
    }
  });

  it('does not come while an event is being delivered', () => {
    const machine = guest();
    machine.processor['interruption'].isDelivering = 1;
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.equal(machine.exits[0]?.reason, 48);
  });

  it('is never made of an EPT misconfiguration, nor of an address that EPT does not translate', () => {
    const machine = guest();
    machine.mapEpt(GPA, HPA, W | WB);
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.equal(machine.exits[0]?.reason, 49);
    const wide = new TestMachine({ maxphyaddr: 52 });
    wide.map(PAGE, 1n << 50n, P | RW);
    wide.enterWithEpt();
    wide.vmcs({ secondary_controls: SECONDARY.enableEpt | SECONDARY.eptViolationVe, virtualization_exception_information_address: AREA });
    assert.equal(wide.load(PAGE), STATUS.stopped);
    assert.equal(wide.exits[0]?.reason, 48);
  });

  it('is made of a violation by an access to a guest table too', () => {
    for (const [accessedDirty, access] of [['off', Q.read], ['on', Q.read | Q.write]] as const) {
      const machine = guest('on', accessedDirty);
      machine.put(machine.eptEntryAt(0x10_0000n, 2), 0n);
      assert.equal(machine.load(PAGE), STATUS.exception);
      const table = machine.register('cr3') + ((PAGE >> 39n) & 0x1ffn) * 8n;
      assert.deepEqual(area(machine), [48n, 0xffff_ffffn, access | Q.linear, PAGE, table, 0x12n]);
    }
  });

  it('is made of a guest flag that EPT does not let be written, unless bit 63 of the page that holds it says no', () => {
    for (const [bits, status] of [[0n, STATUS.exception], [SVE, STATUS.stopped]] as const) {
      const machine = guest();
      const page = machine.eptEntryAt(0x10_0000n, 2);
      machine.put(page, machine.word(page) & ~W | bits);
      assert.equal(machine.load(PAGE), status);
      const told = Q.write | ((R | X) << 3n) | Q.linear;
      if (status === STATUS.exception) assert.equal(machine.word(AREA + 8n), told);
      else assert.equal(machine.exits[0]?.qualification, told);
    }
  });

  it('exits by bit 20 of the exception bitmap, with the area filled and no error code', () => {
    const machine = guest();
    machine.vmcs({ exception_bitmap: 1 << VE });
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.deepEqual(machine.exits[0] && [machine.exits[0].reason, machine.exits[0].qualification], [0, 0n]);
    assert.equal(machine.field('exit_interruption_info'), 0x8000_0314n);
    assert.equal(machine.word(AREA + 24n), GPA);
  });

  it('is a fault: once its handler has had the page mapped the access goes through', () => {
    const machine = guest();
    assert.equal(machine.store(PAGE, 7n), STATUS.exception);
    machine.mapEpt(GPA, HPA, R | W | WB);
    assert.equal(machine.store(PAGE, 7n), STATUS.done);
    assert.equal(machine.word(HPA), 7n);
  });

  it('leaves the cached translations of the address invalid, as a VM exit by the violation does', () => {
    const machine = guest();
    machine.mapEpt(GPA, HPA, R | WB);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.store(PAGE, 1n), STATUS.exception);
    assert.ok(machine.processor.tlb.peek(...halves(PAGE)) < 0);
  });

  it('says so in one event, and in no VM exit', () => {
    const machine = guest();
    machine.onExit = () => RESUME.stopped;
    machine.listen();
    machine.load(PAGE);
    const told = machine.events.find((event) => event.kind === 'virtualization_exception');
    assert.deepEqual(told?.json, {
      cpu: 0, actor: 'walker', kind: 'virtualization_exception', qualification: '0x181', gva: '0x600000', gpa: '0x140000000', hpa: '0x30000000', index: 0x12,
    });
    assert.deepEqual(machine.kinds().filter((kind) => kind === 'vm_exit' || kind === 'ept_violation'), []);
  });
});
