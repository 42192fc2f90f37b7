import { strict as assert } from 'node:assert';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { RETRY_LIMIT } from '../../../src/hardware/processor/instructionEnd';
import { type Processor, RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { refusedInstruction } from '../../../src/hardware/processor/refusedInstruction';
import { DESCRIPTOR_TABLE, NO_SEGMENT, SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { SECONDARY, VMCS } from '../../../src/hardware/vmx/vmcs';
import { ProtectedMachine } from '../delivery/protectedByHand';
import { TestMachine, whole } from '../testMachine';
import { machineWithVmcs } from '../vmx/goodVmcs';

const UNDEFINED = 6;
const GDT = [0x7654_3000, 0xffff_8000] as const;
const IDT = [0x1234_5000, 0xffff_9000] as const;
const LDT = 0x58;
const TASK = 0x40;

interface Sensitive {
  readonly name: string;
  readonly execute: (processor: Processor) => number;
  readonly gives: bigint;
  /** Its exit by "descriptor-table exiting": reason, and instruction information. SMSW has none. */
  readonly exit?: readonly [reason: number, information: number];
}

/** In memory at RAX, with 64-bit addresses and no index; or in RAX. */
const IN_MEMORY = 2 << 7 | 1 << 22;
const IN_REGISTER = 1 << 10;
const instructions: readonly Sensitive[] = [
  { name: 'SGDT', execute: ({ sensitive }) => sensitive.sgdt(), gives: 0xffff_8000_7654_3000n, exit: [EXIT_REASON.gdtr_idtr, IN_MEMORY] },
  { name: 'SIDT', execute: ({ sensitive }) => sensitive.sidt(), gives: 0xffff_9000_1234_5000n, exit: [EXIT_REASON.gdtr_idtr, IN_MEMORY | 1 << 28] },
  { name: 'SLDT', execute: ({ sensitive }) => sensitive.sldt(), gives: BigInt(LDT), exit: [EXIT_REASON.ldtr_tr, IN_REGISTER] },
  { name: 'STR', execute: ({ sensitive }) => sensitive.str(), gives: BigInt(TASK), exit: [EXIT_REASON.ldtr_tr, IN_REGISTER | 1 << 28] },
  { name: 'SMSW', execute: ({ sensitive }) => sensitive.smsw(), gives: BigInt(CR0.PE | CR0.ET | CR0.NE) },
];

function load(machine: TestMachine): TestMachine {
  const { segments } = machine.processor;
  segments.setTable(DESCRIPTOR_TABLE.gdtr, GDT[0], GDT[1] | 0, 0x7f);
  segments.setTable(DESCRIPTOR_TABLE.idtr, IDT[0], IDT[1] | 0, 0xfff);
  segments.set(SEGMENT.ldtr, { ...NO_SEGMENT, selector: LDT });
  return machine;
}

/** In non-root operation, with or without the control. */
function guest(control: 'on' | 'off'): TestMachine {
  const machine = machineWithVmcs({ secondary: control === 'on' ? SECONDARY.descriptorTableExiting : 0 });
  assert.equal(machine.processor.launch(), STATUS.done, machine.processor.stopReason);
  return load(machine);
}

function given({ processor }: TestMachine): bigint {
  return whole(processor.valueLo, processor.valueHi);
}

describe('a sensitive instruction that is not privileged', () => {
  for (const { name, execute, gives, exit } of instructions) {
    it(`${name} gives any CPL what the processor has`, () => {
      for (const cpl of [0, 3]) {
        const machine = load(new TestMachine());
        machine.processor.setLevel(cpl);
        if (name === 'SMSW') machine.set({ cr0: 0xe000_0000n | BigInt(CR0.PE | CR0.ET | CR0.NE) });
        assert.deepEqual([execute(machine.processor), given(machine)], [STATUS.done, gives], `CPL ${cpl}`);
      }
    });

    it(`${name} ${exit === undefined ? 'never exits' : 'exits by "descriptor-table exiting" alone, at any CPL'}`, () => {
      for (const control of ['on', 'off'] as const) {
        for (const cpl of [0, 3]) {
          const machine = guest(control);
          machine.processor.setLevel(cpl);
          const status = execute(machine.processor);
          if (exit === undefined || control === 'off') {
            assert.deepEqual([status, machine.exits.length], [STATUS.done, 0]);
            if (name !== 'SMSW') assert.equal(given(machine), gives);
          } else {
            assert.equal(status, STATUS.stopped);
            const [{ reason, qualification }] = machine.exits as [TestMachine['exits'][0]];
            const read = (field: 'exit_instruction_info' | 'exit_instruction_length'): number => Number(machine.field(field));
            assert.deepEqual([reason, qualification, read('exit_instruction_info'), read('exit_instruction_length')], [exit[0], 0n, exit[1], 3]);
          }
        }
      }
    });
  }

  it('is of root mode\'s own no exit, whatever the VMCS asks for', () => {
    const machine = load(machineWithVmcs({ secondary: SECONDARY.descriptorTableExiting }));
    for (const { execute } of instructions) assert.equal(execute(machine.processor), STATUS.done);
    assert.equal(machine.exits.length, 0);
  });

  it('has 32-bit addresses outside IA-32e mode, as its exit tells', () => {
    const machine = guest('on');
    machine.set({ efer: 0 });
    machine.processor.sensitive.sgdt();
    assert.equal(machine.field('exit_instruction_info'), BigInt(1 << 7 | 1 << 22));
  });

  it('is done by root mode after its exit where that says so, runs again where it says so, and is given up at last', () => {
    const machine = guest('on');
    machine.onExit = () => {
      machine.processor.valueLo = 0x123;
      return RESUME.completed;
    };
    assert.deepEqual([machine.processor.sensitive.sgdt(), machine.processor.valueLo, machine.exits.length], [STATUS.done, 0x123, 1]);
    const stubborn = guest('on');
    stubborn.onExit = () => RESUME.retry;
    assert.equal(stubborn.processor.sensitive.str(), STATUS.stopped);
    assert.deepEqual([stubborn.exits.length, stubborn.processor.stopReason], [RETRY_LIMIT, 'STR exits again and again']);
  });

  it('leaves no instruction information to an exit of another reason', () => {
    const machine = guest('on');
    machine.onExit = () => RESUME.completed;
    machine.processor.sensitive.sidt();
    assert.notEqual(machine.processor.vmcs[VMCS.exit_instruction_info], 0);
    machine.processor.cpuid();
    assert.equal(machine.processor.vmcs[VMCS.exit_instruction_info], 0);
  });

  it('SMSW has CR0 as mask and read shadow show it to the guest', () => {
    const machine = guest('off');
    machine.vmcs({ cr0_guest_host_mask: BigInt(CR0.TS | CR0.PE), cr0_read_shadow: BigInt(CR0.TS) });
    machine.processor.sensitive.smsw();
    assert.equal(given(machine) & BigInt(CR0.TS | CR0.PE), BigInt(CR0.TS));
  });

  it('SLDT and STR are #UD in real-address and in virtual-8086 mode, the others are not', () => {
    const real = (): TestMachine => {
      const machine = new TestMachine();
      machine.set({ cr0: CR0.ET, cr4: 0, efer: 0 });
      return machine;
    };
    for (const { name, execute } of instructions) {
      for (const machine of [real(), new ProtectedMachine().virtual8086()]) {
        const refused = name === 'SLDT' || name === 'STR';
        assert.equal(execute(machine.processor), refused ? STATUS.exception : STATUS.done, name);
        if (!refused) continue;
        assert.equal(machine.processor.vector, UNDEFINED);
        assert.equal(refusedInstruction(machine.processor), 'SLDT and STR are not there in real-address and virtual-8086 mode');
      }
    }
  });
});
