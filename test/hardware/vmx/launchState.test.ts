import { strict as assert } from 'node:assert';
import { CR0, CR4 } from '../../../src/hardware/processor/controlRegisters';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { TestMachine } from '../testMachine';
import { machineWithVmcs } from './goodVmcs';

/* SDM Vol. 3, "VMLAUNCH/VMRESUME": which of the two a VMCS takes goes by its launch state. */

/** A launched guest whose CPUID exits once, to a handler that does this before it resumes. */
function resumedAfter(act: (machine: TestMachine) => unknown): TestMachine {
  const machine = machineWithVmcs();
  assert.equal(machine.processor.launch(), STATUS.done);
  machine.onExit = () => {
    act(machine);
    return RESUME.completed;
  };
  const status = machine.processor.cpuid();
  assert.equal(status, machine.processor.stopReason === '' ? STATUS.done : STATUS.stopped);
  return machine;
}

describe('the launch state of a VMCS', () => {
  it('lets VMRESUME enter after VMLAUNCH, and VMPTRLD of the current one does not change it', () => {
    assert.equal(resumedAfter(() => undefined).processor.stopReason, '');
    assert.equal(resumedAfter((machine) => machine.processor.vmcsInstructions.makeCurrent()).processor.stopReason, '');
  });

  it('is none after VMCLEAR, and root mode launches anew what VMPTRLD then makes current', () => {
    const gone = resumedAfter((machine) => machine.processor.vmcsInstructions.clear());
    assert.equal(gone.processor.stopReason, 'VM entry fails: there is no current VMCS');
    const clear = resumedAfter(({ processor: { vmcsInstructions } }) => [vmcsInstructions.clear(), vmcsInstructions.makeCurrent()]);
    assert.equal(clear.processor.stopReason, '');
    assert.equal(clear.processor.launch(), STATUS.stopped);
    assert.match(clear.processor.stopReason, /error 4, VMLAUNCH with non-clear VMCS/);
  });

  it('stays clear when VMLAUNCH fails, so that it may be tried again', () => {
    for (const wrong of [{ cr3_target_count: 9 }, { guest_rflags: 0 }] as const) {
      const machine = machineWithVmcs();
      const good = { cr3_target_count: machine.field('cr3_target_count'), guest_rflags: machine.field('guest_rflags') };
      machine.vmcs(wrong);
      assert.equal(machine.processor.launch(), STATUS.stopped);
      machine.vmcs(good);
      assert.equal(machine.processor.launch(), STATUS.done, machine.processor.stopReason);
    }
  });
});

describe('an entry that fails', () => {
  it('has a qualification without anything of an exit before it', () => {
    const machine = resumedAfter(() => undefined);
    machine.onExit = () => {
      machine.vmcs({ exit_qualification: 0x1234_5678_9abc_def0n, guest_rflags: 0 });
      return RESUME.completed;
    };
    assert.equal(machine.processor.cpuid(), STATUS.stopped);
    assert.equal(machine.field('exit_qualification'), 0n);
  });

  it('by PDPTEs that a loader put there names them', () => {
    const ROOT = 0x20_0000n;
    for (const [pdpte, status] of [[0x5001n, STATUS.done], [0x5003n, STATUS.stopped]] as const) {
      const machine = new TestMachine().set({ cr0: CR0.PE | CR0.PG | CR0.NE | CR0.ET, cr4: CR4.PAE, efer: 0, cr3: ROOT });
      machine.put(ROOT, pdpte);
      machine.enterShadowed();
      assert.equal(machine.processor.stopReason === '' ? STATUS.done : STATUS.stopped, status);
      if (status === STATUS.stopped) assert.match(machine.processor.stopReason, /^VM entry fails with exit reason 33, invalid guest state, qualification 2: \S.*PDPTE/);
      else assert.equal(machine.processor.registers[2 * REGISTER.pdpte0], 0x5001);
    }
  });
});
