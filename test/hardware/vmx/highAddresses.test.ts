import { strict as assert } from 'node:assert';
import { STATUS } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { PRIMARY, SECONDARY, VM_FUNCTION } from '../../../src/hardware/vmx/vmcs';
import { EA, ED, EPT_ROOT, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';
import { machineWithVmcs } from './goodVmcs';

/* What a VMCS names may lie above 4 GBytes; no two of the addresses here have the same high half. */
const PAGE = 0x7f12_0060_0000n;
const GPA = 0x1_4000_0000n;
const HPA = 0x2000_0000n;
const LOG = 0x2_3000_0000n;
const LIST = 0x3_3100_0000n;
const INFORMATION = 0x4_3300_0000n;
const IO_A = 0x5_0030_0000n;
const IO_B = 0x6_0030_0000n;
const MSRS = 0x7_0030_0000n;

function guest(leaf: bigint, controls: number): TestMachine {
  const machine = new TestMachine();
  machine.map(PAGE, GPA, P | RW | US);
  machine.enterWithEpt({ accessedDirty: 'on' });
  machine.mapEpt(GPA, HPA, leaf | WB);
  machine.vmcs({
    secondary_controls: SECONDARY.enableEpt | controls, pml_address: LOG, pml_index: 511, eptp_list_address: LIST,
    vm_function_controls: VM_FUNCTION.eptpSwitching, virtualization_exception_information_address: INFORMATION,
  });
  machine.processor.reload();
  return machine;
}

describe('an address of a VMCS above 4 GBytes', () => {
  it('is where pages are logged', () => {
    const machine = guest(R | W | EA, SECONDARY.enablePml);
    for (const level of [4, 3, 2]) machine.put(machine.eptEntryAt(GPA, level), machine.word(machine.eptEntryAt(GPA, level)) | EA);
    for (let gpa = 0n; gpa < 0x80_0000n; gpa += 0x20_0000n) {
      for (const level of [4, 3, 2]) machine.put(machine.eptEntryAt(gpa, level), machine.word(machine.eptEntryAt(gpa, level)) | EA | (level === 2 ? ED : 0n));
    }
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.equal(machine.word(LOG + 8n * 511n), GPA);
  });

  it('is where VMFUNC finds its list', () => {
    const machine = guest(R | W | X, SECONDARY.enableVmFunctions);
    const other = EPT_ROOT | 0x5en;
    machine.put(LIST + 8n * 3n, other);
    machine.set({ rax: 0, rcx: 3 });
    assert.equal(machine.processor.vmfunc(), STATUS.done);
    assert.deepEqual([machine.field('eptp'), machine.exits.length], [other, 0]);
  });

  it('is where a virtualization exception is told of', () => {
    const machine = guest(R, SECONDARY.eptViolationVe);
    assert.equal(machine.store(PAGE + 0x123n, 1n), STATUS.exception);
    assert.equal(machine.processor.vector, 20);
    assert.deepEqual([machine.word(INFORMATION + 16n), machine.word(INFORMATION + 24n)], [PAGE + 0x123n, GPA + 0x123n]);
  });

  it('is where ports and MSRs have their bits', () => {
    const io = (port: number): TestMachine => {
      const machine = machineWithVmcs({ primary: PRIMARY.useIoBitmaps });
      machine.vmcs({ io_bitmap_a: IO_A, io_bitmap_b: IO_B, msr_bitmap: MSRS });
      machine.processor.launch();
      machine.put(IO_A + 8n, -1n);
      machine.put(IO_B, -1n);
      machine.put(MSRS, 1n << 16n);
      machine.processor.registers[2 * REGISTER.rdx] = port;
      machine.processor.registers[2 * REGISTER.rcx] = 0x10;
      return machine;
    };
    assert.deepEqual([io(0x40).processor.input(1), io(0x80).processor.input(1)], [STATUS.stopped, STATUS.done]);
    assert.deepEqual([io(0x8000).processor.input(1), io(0x8040).processor.input(1)], [STATUS.stopped, STATUS.done]);
    const machine = io(0);
    machine.processor.rdmsr();
    assert.deepEqual(machine.exits.map(({ reason }) => reason), [EXIT_REASON.rdmsr]);
  });
});

describe('what an exit tells', () => {
  it('is all of a linear address that EPT refuses', () => {
    const machine = guest(R, 0);
    assert.equal(machine.store(PAGE + 0x123n, 1n), STATUS.stopped);
    assert.deepEqual(machine.exits.map(({ reason, gla, gpa }) => [reason, gla, gpa]), [[EXIT_REASON.ept_violation, PAGE + 0x123n, GPA + 0x123n]]);
  });

  it('is the length of INT3, and none of an exception that no program raised', () => {
    const machine = machineWithVmcs();
    machine.vmcs({ exception_bitmap: (1 << 3) | (1 << 6) });
    machine.processor.launch();
    const length = (): bigint => machine.field('exit_instruction_length');
    assert.deepEqual([machine.processor.breakpoint(), length()], [STATUS.stopped, 1n]);
    assert.deepEqual([machine.processor.raiseException(6, 0), length()], [STATUS.stopped, 0n]);
    assert.deepEqual([machine.processor.breakpoint(), length()], [STATUS.stopped, 1n]);
  });
});
