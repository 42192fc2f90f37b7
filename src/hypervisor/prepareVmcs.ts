import { CR0, CR4, EFER } from '../hardware/processor/controlRegisters';
import type { Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';
import { saveGuestState } from '../hardware/vmx/guestState';
import { ENTRY, EXIT, PIN, PRIMARY, VMCS, type VmcsFieldName } from '../hardware/vmx/vmcs';
import { adjustControls } from '../hardware/vmx/vmxControls';

/** What one way of virtualizing memory asks of its VMCS; the rest is as any hypervisor here has it. */
export interface VmcsWishes {
  /** Controls that it wants, beside those that must be 1. */
  readonly pin: number;
  readonly primary: number;
  readonly secondary: number;
  /** Bits of CR0 and CR4 that the host owns, beside those that VMX operation fixes. */
  readonly ownedCr0: number;
  readonly ownedCr4: number;
  /** Host frame of the MSR bitmaps. */
  readonly msrBitmap: number;
}

/** Bits that are 1 in VMX operation and that the guest, which has no VMX, need not have so: the host owns them. */
const FIXED_CR0 = CR0.NE;
const FIXED_CR4 = CR4.VMXE;

/** CR0 and CR4 for the guest to run with, where the guest itself has these values. */
export function cr0ForGuest(lo: number): number {
  return lo | FIXED_CR0;
}

export function cr4ForGuest(lo: number): number {
  return lo | FIXED_CR4;
}

/** What any hypervisor here wants to hear of: interrupts, HLT, ports, MSRs by their bitmap. */
export const HEARD_PIN = PIN.externalInterruptExiting;
export const HEARD_PRIMARY = PRIMARY.hltExiting | PRIMARY.unconditionalIoExiting | PRIMARY.useMsrBitmaps | PRIMARY.secondaryControls;

/** Selectors of a GDT as Linux has it on x86-64. */
const SEGMENT_SELECTOR = { code: 0x10, data: 0x18, task: 0x40 } as const;

/** What a 64-bit kernel has: selectors, and control registers with paging as its own page table needs it. */
const host: readonly (readonly [VmcsFieldName, number])[] = [
  ['host_cr0', CR0.PE | CR0.ET | CR0.NE | CR0.WP | CR0.PG],
  ['host_cr4', CR4.PAE | CR4.VMXE],
  ['host_ia32_efer', EFER.LME | EFER.LMA | EFER.NXE],
  ['host_cs_selector', SEGMENT_SELECTOR.code], ['host_ss_selector', SEGMENT_SELECTOR.data], ['host_tr_selector', SEGMENT_SELECTOR.task],
];

/**
 * Fills in a VMCS from the state that the processor's registers have: the guest begins as the machine would without a
 * hypervisor. Whatever the wishes need besides (EPTP, VPID, exception bitmap) is the caller's.
 */
export function prepareVmcs(processor: Pick<Processor, 'registers' | 'segments' | 'vmcs' | 'features'>, wishes: VmcsWishes): void {
  const { registers, segments, vmcs, features } = processor;
  const set = (name: VmcsFieldName, lo: number, hi = 0): void => {
    vmcs[VMCS[name]] = lo;
    vmcs[VMCS[name] + 1] = hi;
  };
  const acknowledges = wishes.pin & PIN.externalInterruptExiting ? EXIT.acknowledgeInterrupt : 0;
  set('pin_controls', adjustControls('pin', wishes.pin, features));
  set('primary_controls', adjustControls('primary', wishes.primary, features));
  set('secondary_controls', adjustControls('secondary', wishes.secondary, features));
  set('exit_controls', adjustControls('exit', EXIT.hostAddressSpaceSize | acknowledges | EXIT.saveEfer | EXIT.loadEfer, features));
  set('entry_controls', adjustControls('entry', ENTRY.loadEfer | ENTRY.loadPkrs, features));
  set('msr_bitmap', wishes.msrBitmap << 12);
  set('vmcs_link_pointer', -1, -1);
  for (const [name, value] of host) set(name, value);
  saveGuestState({ registers, segments, vmcs });
  const cr0 = registers[2 * REGISTER.cr0]!;
  const cr4 = registers[2 * REGISTER.cr4]!;
  set('cr0_guest_host_mask', wishes.ownedCr0 | FIXED_CR0);
  set('cr4_guest_host_mask', wishes.ownedCr4 | FIXED_CR4);
  set('cr0_read_shadow', cr0);
  set('cr4_read_shadow', cr4);
  set('guest_cr0', cr0ForGuest(cr0));
  set('guest_cr4', cr4ForGuest(cr4));
}
