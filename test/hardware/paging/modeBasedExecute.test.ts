import { strict as assert } from 'node:assert';
import { CR0, CR4 } from '../../../src/hardware/processor/controlRegisters';
import { compileFormat } from '../../../src/hardware/paging/compiledFormat';
import { decodeEntry } from '../../../src/hardware/paging/decodeEntry';
import { EPT4 } from '../../../src/hardware/paging/formats/ept4';
import { refusalText } from '../../../src/hardware/paging/refusalText';
import { STATUS } from '../../../src/hardware/processor/processor';
import type { ProcessorFeatures } from '../../../src/hardware/processor/processorFeatures';
import { SECONDARY } from '../../../src/hardware/vmx/vmcs';
import { halves, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
const GPA = 0x1_4000_0000n;
const HPA = 0x2000_0000n;
/** Bit 10 of an EPT entry: executable by user-mode linear addresses. */
const XU = 1n << 10n;
const Q = { fetch: 4n, linear: 1n << 7n, final: 1n << 8n } as const;
const rights = (bits: bigint): bigint => ((bits & 7n) << 3n) | (bits & XU ? 1n << 6n : 0n);

/** A guest behind EPT whose page is mapped with `guestBits`, and in EPT with `eptBits`. */
function guest(control: 'on' | 'off', guestBits: bigint, eptBits: bigint, features: Partial<ProcessorFeatures> = {}): TestMachine {
  const machine = new TestMachine({ features });
  machine.map(PAGE, GPA, guestBits);
  machine.enterWithEpt();
  machine.mapEpt(GPA, HPA, eptBits);
  // The entries above stand open in both ways.
  for (const level of [4, 3, 2]) machine.put(machine.eptEntryAt(GPA, level), machine.word(machine.eptEntryAt(GPA, level)) | XU);
  if (control === 'on') {
    machine.vmcs({ secondary_controls: SECONDARY.enableEpt | SECONDARY.modeBasedExecute });
    machine.processor.reload();
  }
  return machine;
}

describe('mode-based execute control for EPT', () => {
  // SDM Vol. 3, "Mode-Based Execute Control for EPT": bit 2 is for supervisor-mode linear addresses, bit 10 for the others.
  for (const [control, address, bits, allowed] of [
    ['off', 'user', R | X, true], ['off', 'user', R | XU, false], ['off', 'supervisor', R | X, true], ['off', 'supervisor', R | XU, false],
    ['on', 'user', R | X, false], ['on', 'user', R | XU, true], ['on', 'supervisor', R | X, true], ['on', 'supervisor', R | XU, false],
    ['on', 'user', R | X | XU, true], ['on', 'supervisor', R | X | XU, true], ['on', 'user', R, false],
  ] as const) {
    const given = `${bits & X ? 'X' : ''}${bits & XU ? ' XU' : ''}`.trim() || 'neither';
    it(`${control}: a fetch from a ${address}-mode address is ${allowed ? 'allowed' : 'refused'} by ${given}`, () => {
      const machine = guest(control, address === 'user' ? P | US : P, bits | WB);
      assert.equal(machine.fetch(PAGE), allowed ? STATUS.done : STATUS.stopped);
      if (allowed) return;
      const told = control === 'on' ? bits : bits & 7n;
      assert.equal(machine.exits[0]?.qualification, Q.fetch | Q.linear | Q.final | rights(told));
    });
  }

  it('goes by the mode of the address, not of the access: CPL 0 that fetches from a user page needs XU', () => {
    for (const [bits, status] of [[R | X, STATUS.stopped], [R | XU, STATUS.done]] as const) {
      const machine = guest('on', P | US, bits | WB);
      assert.equal(machine.processor.level, 0);
      assert.equal(machine.fetch(PAGE), status);
    }
  });

  it('takes an address for a user-mode one only when U/S is 1 in all guest entries', () => {
    const machine = guest('on', P | US, R | X | WB);
    const table = machine.entryAt(PAGE, 3);
    machine.put(table, machine.word(table) & ~US);
    assert.equal(machine.fetch(PAGE), STATUS.done);
  });

  it('takes every address for a user-mode one while CR0.PG is 0', () => {
    for (const [bits, status] of [[R | X, STATUS.stopped], [R | XU, STATUS.done]] as const) {
      const machine = new TestMachine();
      machine.set({ cr0: CR0.PE, efer: 0 });
      machine.enterWithEpt();
      const gpa = 0x4000_0000n;
      machine.mapEpt(gpa, HPA, bits | WB);
      for (const level of [4, 3, 2]) machine.put(machine.eptEntryAt(gpa, level), machine.word(machine.eptEntryAt(gpa, level)) | XU);
      machine.vmcs({ secondary_controls: SECONDARY.enableEpt | SECONDARY.modeBasedExecute | SECONDARY.unrestrictedGuest });
      machine.processor.reload();
      assert.equal(machine.fetch(gpa), status);
    }
  });

  it('withholds XU when it is clear at any level', () => {
    for (const level of [1, 2, 3, 4]) {
      const machine = guest('on', P | US, R | X | XU | WB);
      const entry = machine.eptEntryAt(GPA, level);
      machine.put(entry, machine.word(entry) & ~XU);
      assert.equal(machine.fetch(PAGE), STATUS.stopped, `level ${level}`);
      assert.equal(machine.exits[0]?.qualification, Q.fetch | Q.linear | Q.final | rights(R | X));
    }
  });

  it('says nothing about reads and writes', () => {
    const machine = guest('on', P | RW | US, R | W | WB);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
  });

  it('lets bit 10 alone make an entry present; without the control that entry is not', () => {
    for (const [control, status] of [['on', STATUS.done], ['off', STATUS.stopped]] as const) {
      const machine = guest(control, P | US, XU | WB);
      assert.equal(machine.fetch(PAGE), status);
      assert.equal(machine.exits[0]?.qualification, control === 'on' ? undefined : Q.fetch | Q.linear | Q.final);
    }
  });

  it('is a misconfiguration, by XU alone, where the processor has no execute-only translations', () => {
    for (const [bits, reason] of [[XU, 49], [X, 49], [R | XU, undefined]] as const) {
      const machine = guest('on', P | US, bits | WB, { eptExecuteOnly: 'off' });
      machine.fetch(PAGE);
      assert.equal(machine.exits[0]?.reason, reason);
    }
  });

  it('holds for a translation in the TLB too: what a supervisor address may fetch a user address may not', () => {
    const machine = guest('on', P | US, R | X | XU | WB);
    assert.equal(machine.fetch(PAGE), STATUS.done);
    assert.equal(machine.load(PAGE), STATUS.done);
    const entry = machine.eptEntryAt(GPA, 1);
    machine.put(entry, machine.word(entry) & ~XU);
    assert.equal(machine.fetch(PAGE), STATUS.done, 'the line keeps the right until INVEPT');
    machine.processor.invept(...halves(machine.field('eptp')));
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.fetch(PAGE), STATUS.stopped, 'a line filled by a read refuses the fetch');
    assert.equal(machine.exits[0]?.qualification, Q.fetch | Q.linear | Q.final | rights(R | X));
  });

  it('stands below the guest\'s own rules: SMEP is a page fault before EPT is asked', () => {
    const machine = guest('on', P | US, R | X | WB);
    machine.set({ cr4: machine.register('cr4') | BigInt(CR4.SMEP) });
    assert.equal(machine.fetch(PAGE), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.exits.length], [14, 0]);
  });

  it('names the bit in a decoded entry, and the kind of address in the refusal, only while it is 1', () => {
    const entry = halves(HPA | R | XU | WB);
    for (const modeBasedExecute of ['on', 'off'] as const) {
      const compiled = compileFormat(EPT4, { maxphyaddr: 46, noExecute: 'on', executeOnly: 'on', modeBasedExecute });
      const decoded = decodeEntry(compiled, 1, ...entry, 'hpa');
      const field = decoded.fields.find((each) => each.name === 'XU');
      assert.equal(field?.meaning, modeBasedExecute === 'on' ? 'executable by user-mode addresses' : undefined);
      assert.deepEqual(
        decoded.rights.map((right) => [right.name, right.given]),
        [['readable', true], ['writable', false], ['executable', false], ...(modeBasedExecute === 'on' ? [['user-executable', true]] : [])],
      );
    }
    const machine = guest('on', P | US, R | X | WB);
    machine.walk(PAGE, 2);
    assert.equal(
      refusalText(machine.processor.inspection),
      'the EPT entries do not give the right to an instruction fetch from a user-mode linear address, for the final guest-physical address',
    );
  });
});
