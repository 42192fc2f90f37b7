import { V_INTR, VMCB } from './vmcb';

export const NO_VIRTUAL_INTERRUPT = -1;

/**
 * Vector of the virtual interrupt that the VMCB asks for and that the task priority lets through, or NO_VIRTUAL_INTERRUPT.
 * RFLAGS.IF and the interrupt shadow are the caller's to ask. APM Vol. 2, "Virtual Interrupts".
 */
export function pendingVirtualInterrupt(vmcb: Int32Array): number {
  const control = vmcb[VMCB.v_intr]!;
  if ((control & V_INTR.irq) === 0) return NO_VIRTUAL_INTERRUPT;
  const priority = (control >>> V_INTR.priorityShift) & V_INTR.priorityMask;
  if ((control & V_INTR.ignoreTpr) === 0 && priority <= (control & V_INTR.tprMask)) return NO_VIRTUAL_INTERRUPT;
  return vmcb[VMCB.v_intr + 1]! & V_INTR.vectorMaskHi;
}

/** The guest has taken it. APM Vol. 2, "Virtual Interrupts": V_IRQ is cleared. */
export function takeVirtualInterrupt(vmcb: Int32Array): void {
  vmcb[VMCB.v_intr]! &= ~V_INTR.irq;
}
