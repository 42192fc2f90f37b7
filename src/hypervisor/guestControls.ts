import { brokenControlRule, type ControlContext } from '../hardware/processor/controlRegisterChecks';
import { changesPdpteBits } from '../hardware/processor/controlRegisterRules';
import { EFER } from '../hardware/processor/controlRegisters';
import { pagingMode } from '../hardware/paging/pagingMode';
import type { Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';

/** A virtual CPU with control registers as its guest has them: low halves. */
export interface ControlOwner {
  readonly processor: Processor;
  readonly cr0: number;
  readonly cr4: number;
  readonly efer: number;
  readonly vcpu: { readonly cr3Lo: number };
}

/**
 * Does CR0, CR3 or CR4 (`cr`) take the value? The exit comes before the processor has looked at it: its rules are the
 * hypervisor's to apply. The guest's own machine has no VMX: what VMX asks of CR0 and CR4 is the hypervisor's business.
 */
export function takesControl({ processor, cr0, cr4, efer, vcpu }: ControlOwner, cr: number, lo: number, hi: number): boolean {
  const { vendor, maxphyaddr } = processor.settings;
  const context: ControlContext = {
    vendor, maxphyaddr, features: processor.features, vmx: 'none', cr0, cr3: vcpu.cr3Lo, cr4, efer,
    cs: efer & EFER.LMA ? '64-bit' : 'other',
  };
  const register = cr === 0 ? 'cr0' : cr === 4 ? 'cr4' : 'cr3';
  return brokenControlRule(register, context, lo, hi) === undefined;
}

/** SDM Vol. 3, "PDPTE Registers": MOV to CR3 loads them, and MOV to CR0 or CR4 that changes certain bits. */
export function loadsPdptes(owner: ControlOwner, cr: number, lo: number): boolean {
  const cr0 = cr === 0 ? lo : owner.cr0;
  const cr4 = cr === 4 ? lo : owner.cr4;
  if (pagingMode(cr0, cr4, owner.efer).registerLevel === undefined) return false;
  return cr === 3 || (cr === 0 ? changesPdpteBits(REGISTER.cr0, owner.cr0, cr0) : changesPdpteBits(REGISTER.cr4, owner.cr4, cr4));
}
