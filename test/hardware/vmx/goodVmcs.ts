import { prepareVmcs } from '../../../src/hypervisor/prepareVmcs';
import type { Processor } from '../../../src/hardware/processor/processor';
import { PRIMARY, SECONDARY } from '../../../src/hardware/vmx/vmcs';
import type { ProcessorSettings } from '../../../src/hardware/processor/rootMode';
import { TestMachine } from '../testMachine';

/** What of a VMCS a test wants beside what every hypervisor here sets up. */
export interface Wants {
  readonly primary?: number;
  readonly secondary?: number;
  readonly settings?: Partial<ProcessorSettings>;
}

/** A machine whose VMCS a VM entry takes: a long-mode guest without EPT, VPID 1. */
export function machineWithVmcs({ primary = 0, secondary = 0, settings = {} }: Wants = {}): TestMachine {
  const machine = new TestMachine(settings);
  fill(machine.processor, primary, secondary);
  machine.vmcs({ vpid: 1 });
  return machine;
}

function fill(processor: Processor, primary: number, secondary: number): void {
  prepareVmcs(processor, {
    pin: 0, primary: PRIMARY.useMsrBitmaps | PRIMARY.secondaryControls | primary, secondary: SECONDARY.enableVpid | secondary, ownedCr0: 0, ownedCr4: 0, msrBitmap: 0,
  });
}
