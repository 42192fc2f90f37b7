import { strict as assert } from 'node:assert';
import { CR0, CR4, EFER } from '../../../src/hardware/processor/controlRegisters';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import type { GuestVmxInstructions } from '../../../src/hardware/vmx/guestVmxInstructions';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { LAUNCH_STATE, VMCS, VMCS_LAUNCH_STATE } from '../../../src/hardware/vmx/vmcs';
import { TestMachine } from '../testMachine';
import { machineWithVmcs } from './goodVmcs';

const UD = 6;

interface Row {
  readonly name: string;
  readonly run: (vmx: GuestVmxInstructions) => number;
  readonly reason: number;
  readonly length: bigint;
  /** Operand, descriptor and gva halves of the pending operation. */
  readonly pending: readonly number[];
}

const rows: readonly Row[] = [
  { name: 'VMCLEAR', run: (vmx) => vmx.vmclear(0x5000, 1), reason: EXIT_REASON.vmclear, length: 4n, pending: [0x5000, 1, 0, 0, 0, 0] },
  { name: 'VMPTRLD', run: (vmx) => vmx.vmptrld(0x5000, 1), reason: EXIT_REASON.vmptrld, length: 3n, pending: [0x5000, 1, 0, 0, 0, 0] },
  { name: 'VMREAD', run: (vmx) => vmx.vmread(0x4402, 0), reason: EXIT_REASON.vmread, length: 3n, pending: [0, 0, 0x4402, 0, 0, 0] },
  { name: 'VMWRITE', run: (vmx) => vmx.vmwrite(0x201a, 0, 7, 8), reason: EXIT_REASON.vmwrite, length: 3n, pending: [7, 8, 0x201a, 0, 0, 0] },
  { name: 'VMLAUNCH', run: (vmx) => vmx.vmlaunch(), reason: EXIT_REASON.vmlaunch, length: 3n, pending: [0, 0, 0, 0, 0, 0] },
  { name: 'VMRESUME', run: (vmx) => vmx.vmresume(), reason: EXIT_REASON.vmresume, length: 3n, pending: [0, 0, 0, 0, 0, 0] },
  { name: 'INVEPT', run: (vmx) => vmx.invept(1, 0x601e, 2), reason: EXIT_REASON.invept, length: 5n, pending: [1, 0, 0x601e, 2, 0, 0] },
  { name: 'INVVPID', run: (vmx) => vmx.invvpid(0, 3, 0, 0x7000, 4), reason: EXIT_REASON.invvpid, length: 5n, pending: [0, 0, 3, 0, 0x7000, 4] },
];

describe('a VMX instruction of a guest', () => {
  for (const { name, run, reason, length, pending } of rows) {
    it(`${name} exits at any CPL, with its length and its operands pending`, () => {
      for (const cpl of [0, 3]) {
        const machine = machineWithVmcs();
        assert.equal(machine.processor.launch(), STATUS.done);
        machine.set({ cpl });
        machine.onExit = () => RESUME.completed;
        assert.equal(run(machine.processor.vmx), STATUS.done);
        assert.deepEqual(machine.exits.map((exit) => exit.reason), [reason]);
        assert.equal(machine.field('exit_instruction_length'), length);
        const { operandLo, operandHi, descriptorLo, descriptorHi, gvaLo, gvaHi } = machine.processor.pending;
        assert.deepEqual([operandLo, operandHi, descriptorLo, descriptorHi, gvaLo, gvaHi], pending);
      }
    });

    it(`${name} is #UD where there is no VMX operation`, () => {
      for (const vendor of ['intel', 'amd'] as const) {
        const { processor } = new TestMachine({ vendor });
        assert.equal(run(processor.vmx), STATUS.exception);
        assert.equal(processor.vector, UD);
      }
    });
  }

  it('is #UD before it exits in real-address, virtual-8086 and compatibility mode', () => {
    const modes: readonly ((machine: TestMachine) => void)[] = [
      ({ processor: { registers } }) => { registers[2 * REGISTER.cr0]! &= ~(CR0.PE | CR0.PG); },
      ({ processor: { registers } }) => { registers[2 * REGISTER.rflags]! |= 1 << 17; },
      ({ processor: { segments } }) => segments.set(SEGMENT.cs, { selector: 0x10, rights: 0xc09b, limit: -1, baseLo: 0, baseHi: 0 }),
    ];
    for (const change of modes) {
      const machine = machineWithVmcs();
      machine.processor.launch();
      assert.notEqual(machine.processor.registers[2 * REGISTER.efer]! & EFER.LMA, 0);
      change(machine);
      assert.equal(machine.processor.vmx.vmlaunch(), STATUS.exception);
      assert.deepEqual([machine.processor.vector, machine.exits.length], [UD, 0]);
    }
  });
});

describe('root mode that makes another VMCS current', () => {
  it('enters its guest by VMLAUNCH when that VMCS is clear, and the instruction that exited is left', () => {
    const machine = machineWithVmcs();
    const { processor } = machine;
    processor.launch();
    machine.onExit = () => {
      processor.vmcs[VMCS_LAUNCH_STATE] = LAUNCH_STATE.clear;
      machine.vmcs({ guest_cr3: 0x20_0000, guest_cr4: CR4.PAE | CR4.VMXE | CR4.PGE });
      return RESUME.switched;
    };
    assert.equal(machine.load(0x5000n), STATUS.exception, 'nothing is mapped, and page faults are the guest\'s');
    assert.equal(processor.vmx.vmlaunch(), STATUS.switched);
    assert.equal(machine.register('cr3'), 0x20_0000n);
    assert.equal(processor.vmcs[VMCS_LAUNCH_STATE], LAUNCH_STATE.launched);
    assert.equal(processor.cpuid(), STATUS.switched, 'an instruction of that guest may be left as well');
    assert.equal(processor.vmcs[VMCS.exit_reason], EXIT_REASON.cpuid);
  });
});
