import { strict as assert } from 'node:assert';
import { configure } from '../../src/engine/settings/configuration';
import { Machine } from '../../src/engine/machine/machine';
import { outcomeOf } from '../../src/engine/run/outcome';
import { RUN } from '../../src/engine/interpreter/runState';
import { CR0, CR4 } from '../../src/hardware/processor/controlRegisters';
import { LAUNCH_STATE, PRIMARY, SECONDARY, VMCS, VMCS_LAUNCH_STATE } from '../../src/hardware/vmx/vmcs';
import { compiled } from '../engine/onMachine';

const TEXT = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x604000 rw user }\ncpu 0 {\n  switch(p)\n}';

function machineFor(mmu: string): Machine {
  const program = compiled(TEXT);
  const configuration = configure(program, mmu);
  if ('error' in configuration) assert.fail(configuration.error);
  return new Machine(program, configuration);
}

/** What each way lets exit: the controls of KVM. */
const expected = {
  'shadow-wp': { pageFaults: true, cr3: true, invlpg: true, cr0Wp: true, cr4Paging: true, ept: false, unrestricted: false },
  'ept': { pageFaults: false, cr3: false, invlpg: false, cr0Wp: false, cr4Paging: false, ept: true, unrestricted: true },
} as const;

describe('the VMCS of a hypervisor', () => {
  for (const [mmu, wanted] of Object.entries(expected)) {
    it(`under ${mmu} lets exit what this way of virtualizing memory must see, and no more`, () => {
      const { vmcs } = machineFor(mmu).processors[0]!;
      const primary = vmcs[VMCS.primary_controls]!;
      const secondary = vmcs[VMCS.secondary_controls]!;
      const paging = CR4.PAE | CR4.PSE | CR4.PGE | CR4.SMEP | CR4.SMAP;
      assert.deepEqual({
        pageFaults: vmcs[VMCS.exception_bitmap] === 1 << 14,
        cr3: (primary & PRIMARY.cr3LoadExiting) !== 0 && (primary & PRIMARY.cr3StoreExiting) !== 0,
        invlpg: (primary & PRIMARY.invlpgExiting) !== 0,
        cr0Wp: (vmcs[VMCS.cr0_guest_host_mask]! & CR0.WP) !== 0,
        cr4Paging: (vmcs[VMCS.cr4_guest_host_mask]! & paging) === paging,
        ept: (secondary & SECONDARY.enableEpt) !== 0,
        unrestricted: (secondary & SECONDARY.unrestrictedGuest) !== 0,
      }, wanted);
      assert.equal(vmcs[VMCS_LAUNCH_STATE], LAUNCH_STATE.launched, 'VMLAUNCH took it');
      if (!wanted.pageFaults) assert.equal(vmcs[VMCS.exception_bitmap], 0);
    });
  }

  for (const mmu of Object.keys(expected)) {
    it(`under ${mmu}, when a VM entry refuses it, ends the run with the rule`, () => {
      const machine = machineFor(mmu);
      const { run } = machine.interpreter;
      machine.processors[0]!.vmcs[VMCS.host_tr_selector] = 0;
      while (run.status === RUN.running) machine.interpreter.step();
      const { ok, message } = outcomeOf(machine);
      assert.equal(ok, false);
      assert.match(message ?? '', /the hypervisor stopped the VM: VM entry fails with VM-instruction error 8, .*the host TR selector is 0 \(SDM/);
    });
  }
});
