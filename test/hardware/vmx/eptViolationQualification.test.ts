import { strict as assert } from 'node:assert';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { decodeQualification, describeQualification, eptViolationFields } from '../../../src/hardware/vmx/exitQualification';
import { A, D, P, R, RW, TestMachine, US, W, WB, X, XD } from '../testMachine';
import { EPT_LEAF, NESTED_ROOT, ROOT, TABLES, TablesByHand } from '../paging/tablesByHand';

const PAGE = 0x60_0000n;
const GPA = 0x1_4000_0000n;
const HPA = 0x2000_0000n;
const Q = { read: 1n, write: 2n, fetch: 4n, linear: 1n << 7n, final: 1n << 8n, user: 1n << 9n, writable: 1n << 10n, xd: 1n << 11n } as const;
const rights = (bits: bigint): bigint => (bits & 7n) << 3n;

function guest(advanced: 'on' | 'off', leafBits: bigint): TestMachine {
  const machine = new TestMachine({ features: { eptAdvancedExitInformation: advanced } });
  machine.map(PAGE, GPA, leafBits);
  return machine.enterWithEpt();
}

describe('the exit qualification of an EPT violation', () => {
  for (const access of ['load', 'store', 'fetch'] as const) {
    const accessBit = { load: Q.read, store: Q.write, fetch: Q.fetch }[access];
    for (const eptBits of [0n, R, R | W, R | X, X, R | W | X]) {
      const needed = { load: R, store: W, fetch: X }[access];
      const name = eptBits === 0n ? 'nothing' : [[R, 'R'], [W, 'W'], [X, 'X']].filter(([bit]) => eptBits & (bit as bigint)).map(([, n]) => n).join('');
      it(`of a ${access} where EPT gives ${name} has the access, the rights, and the translation's place`, () => {
        const machine = guest('off', P | RW | US);
        machine.mapEpt(GPA, HPA, eptBits === 0n ? 0n : eptBits | WB);
        const status = access === 'load' ? machine.load(PAGE) : access === 'store' ? machine.store(PAGE, 1n) : machine.fetch(PAGE);
        if (eptBits & needed) return assert.equal(status, STATUS.done);
        assert.equal(status, STATUS.stopped);
        assert.equal(machine.exits[0]?.qualification, accessBit | rights(eptBits) | Q.linear | Q.final);
      });
    }
  }

  it('of a read-modify-write is that of a write', () => {
    const machine = guest('off', P | RW | US);
    machine.mapEpt(GPA, HPA, R | WB);
    machine.processor.readModifyWrite(Number(PAGE), 0, 4, 0, 1, 0);
    assert.equal(machine.exits[0]?.qualification, Q.write | rights(R) | Q.linear | Q.final);
  });

  // SDM Vol. 3, "Exit Qualification for EPT Violations": bits 11:9.
  for (const [bits, told, words] of [
    [P, 0n, ''], [P | RW, Q.writable, 'writable'], [P | US, Q.user, 'user'], [P | RW | US, Q.user | Q.writable, 'user, writable'],
    [P | XD, Q.xd, 'XD'], [P | RW | US | XD, Q.user | Q.writable | Q.xd, 'user, writable, XD'],
  ] as const) {
    it(`tells of the guest's own page with advanced information: ${words || 'supervisor, read-only'}`, () => {
      for (const advanced of ['on', 'off'] as const) {
        const machine = guest(advanced, bits);
        // Twice: the second time the guest's accessed flags are set already.
        for (const time of [0, 1]) {
          assert.equal(machine.load(PAGE), STATUS.stopped);
          assert.equal(machine.exits[time]?.qualification, Q.read | Q.linear | Q.final | (advanced === 'on' ? told : 0n));
        }
      }
    });
  }

  it('takes advanced information from all guest entries together', () => {
    const machine = guest('on', P | RW | US);
    const [upper, middle] = [machine.entryAt(PAGE, 4), machine.entryAt(PAGE, 2)];
    machine.put(upper, machine.word(upper) & ~US);
    machine.put(middle, machine.word(middle) & ~RW | XD);
    machine.load(PAGE);
    assert.equal(machine.exits[0]?.qualification, Q.read | Q.linear | Q.final | Q.xd);
  });

  it('has no advanced information for an access to a guest table', () => {
    const machine = guest('on', P | RW | US);
    machine.put(machine.eptEntryAt(0x10_0000n, 2), 0n);
    machine.load(PAGE);
    assert.equal(machine.exits[0]?.qualification, Q.read | Q.linear);
  });

  it('calls every address user-mode, writable and executable while CR0.PG is 0', () => {
    const machine = new TestMachine({ features: { eptAdvancedExitInformation: 'on' } });
    machine.set({ cr0: CR0.PE, efer: 0 }).enterWithEpt();
    machine.load(0x4000_0000n);
    assert.equal(machine.exits[0]?.qualification, Q.read | Q.linear | Q.final | Q.user | Q.writable);
  });

  it('calls every page executable in 32-bit paging, which has no XD', () => {
    const machine = new TablesByHand({ features: { eptAdvancedExitInformation: 'on' } });
    machine.map(TABLES['32-bit'], ROOT, 0x60_0000n, 0x40_0000_00n | P | RW | US);
    machine.mapLowMemory(TABLES.ept4, EPT_LEAF);
    machine.enter('32-bit').enterVmx(NESTED_ROOT | 0x1en);
    machine.load(0x60_0000n);
    assert.equal(machine.vmcs('exit_qualification'), Q.read | Q.linear | Q.final | Q.user | Q.writable);
  });

  for (const accessedDirty of ['off', 'on'] as const) {
    it(`has no linear address for the PDPTEs that MOV to CR3 loads, a read with EPT flags ${accessedDirty}`, () => {
      const machine = new TablesByHand({ features: { eptAdvancedExitInformation: 'on' } });
      machine.mapLowMemory(TABLES.ept4, EPT_LEAF);
      machine.map(TABLES.pae, ROOT, PAGE, 0x9000n | P | RW);
      machine.enter('pae').enterVmx(NESTED_ROOT | 0x1en | (accessedDirty === 'on' ? 0x40n : 0n));
      assert.equal(machine.move('cr3', 0x4000_0020), STATUS.stopped);
      assert.deepEqual(
        [machine.vmcs('exit_reason'), machine.vmcs('exit_qualification'), machine.vmcs('guest_physical_address'), machine.vmcs('guest_linear_address')],
        [48n, Q.read, 0x4000_0020n, 0n],
      );
    });
  }

  it('is told by one table, forth and back', () => {
    const machine = guest('on', P | RW | US | XD);
    machine.mapEpt(GPA, HPA, R | X | WB);
    machine.store(PAGE, 1n);
    const lo = Number(machine.exits[0]?.qualification);
    const set = [...decodeQualification(eptViolationFields, lo)].filter(([, value]) => value === 1).map(([name]) => name);
    assert.deepEqual(set, [
      'data write', 'readable', 'executable', 'guest-linear address valid', 'translation result',
      'user-mode linear address', 'read/write page', 'execute-disable page',
    ]);
    assert.equal(describeQualification(eptViolationFields, lo), set.join(', '));
    const encoded = eptViolationFields.reduce((bits, { name, bits: [, low] }) => set.includes(name) ? bits | (1 << low) : bits, 0);
    assert.equal(encoded, lo);
  });

  it('has bit 12 for an access of an IRET that has unblocked NMIs, and not for one of event delivery', () => {
    for (const [delivering, bit] of [[0, 1n << 12n], [1, 0n]] as const) {
      const machine = guest('off', P | RW | US);
      const interruption = machine.processor['interruption'];
      interruption.hasUnblockedNmi = 1;
      interruption.isDelivering = delivering;
      machine.load(PAGE);
      assert.equal(machine.exits[0]?.qualification, Q.read | Q.linear | Q.final | bit);
    }
  });
});

describe('the update of a guest flag while EPT accessed and dirty flags are off', () => {
  for (const level of [4, 3, 2, 1]) {
    it(`into a page without W is an EPT violation at the entry of level ${level}: a write, to a paging structure`, () => {
      const machine = new TestMachine();
      machine.map(PAGE, GPA, P | RW | US | A | D);
      for (const above of [4, 3, 2]) machine.put(machine.entryAt(PAGE, above), machine.word(machine.entryAt(PAGE, above)) | A);
      const entry = machine.entryAt(PAGE, level);
      machine.put(entry, machine.word(entry) & ~(A | D));
      machine.enterWithEpt();
      machine.mapEpt(GPA, HPA, R | W | X | WB);
      // The table's page in a 4-KByte EPT page of its own, read-only.
      const table = machine.eptEntryAt(entry, 2);
      machine.put(table, 0x90_0000n | R | W | X);
      for (let i = 0n; i < 512n; i++) machine.put(0x90_0000n + i * 8n, (entry & ~0x1f_ffffn) + i * 0x1000n | R | W | X | WB);
      const page = 0x90_0000n + ((entry >> 12n) & 0x1ffn) * 8n;
      machine.put(page, machine.word(page) & ~W);
      assert.equal(machine.store(PAGE, 1n), STATUS.stopped);
      const [exit] = machine.exits;
      assert.deepEqual([exit?.qualification, exit?.gpa, exit?.gla], [Q.write | rights(R | X) | Q.linear, entry, PAGE]);
      assert.equal(machine.word(entry) & (A | D), 0n, 'and the flag is not set');
    });
  }
});
