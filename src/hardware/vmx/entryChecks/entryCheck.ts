import type { PdpteRegisters } from '../../paging/pdpteRegisters';
import type { PhysicalMemory } from '../../memory/physicalMemory';
import type { ProcessorFeatures } from '../../processor/processorFeatures';
import { ENTRY, EXIT, VMCS } from '../vmcs';
import { secondaryControls } from '../vmxTransitions';

/** What a VM entry is checked against. */
export interface EntryContext {
  readonly vmcs: Int32Array;
  /** Where the areas lie that a VMCS names: of a VMCS that a guest hypervisor has, the guest's. */
  readonly memory: Pick<PhysicalMemory, 'load32'>;
  readonly features: ProcessorFeatures;
  readonly maxphyaddr: number;
  readonly pdptes: Pick<PdpteRegisters, 'isIllegal' | 'namesIllegal'>;
}

/** One rule that a VM entry holds to. */
export interface EntryCheck {
  /** What the VMCS must not have, as a clause. */
  readonly name: string;
  /** Title of the section of SDM Vol. 3 that has the rule. */
  readonly section: string;
  readonly broken: (context: EntryContext) => boolean;
}

/** Rows of one section. */
export function checksOf(
  section: string, rows: readonly (readonly [name: string, broken: (context: EntryContext) => boolean])[],
): readonly EntryCheck[] {
  return rows.map(([name, broken]) => ({ name, section, broken }));
}

/** Low and high half of a field; `field`: its first word in the block, a `VMCS`. */
export function lowOf({ vmcs }: EntryContext, field: number): number {
  return vmcs[field]!;
}

export function highOf({ vmcs }: EntryContext, field: number): number {
  return vmcs[field + 1]!;
}

/** Is any bit of `mask` set in the low half of a field? */
export function has(context: EntryContext, field: number, mask: number): boolean {
  return (lowOf(context, field) & mask) !== 0;
}

/** Is any bit of `mask` set in the secondary controls in force? */
export function hasSecondary({ vmcs }: EntryContext, mask: number): boolean {
  return (secondaryControls(vmcs) & mask) !== 0;
}

export function isIa32eGuest(context: EntryContext): boolean {
  return has(context, VMCS.entry_controls, ENTRY.ia32eModeGuest);
}

export function isHost64(context: EntryContext): boolean {
  return has(context, VMCS.exit_controls, EXIT.hostAddressSpaceSize);
}

/** Does the field have a bit at or above the physical-address width? */
export function isBeyondPhysical(context: EntryContext, field: number): boolean {
  return (highOf(context, field) & -(1 << (context.maxphyaddr - 32))) !== 0;
}

/** Is the field no page's address that this processor can have? */
export function isNoPage(context: EntryContext, field: number): boolean {
  return has(context, field, 0xfff) || isBeyondPhysical(context, field);
}

/** Canonical by the widest linear address that the processor has. */
export function isCanonicalField(context: EntryContext, field: number): boolean {
  const sign = highOf(context, field) >> (context.features.la57 === 'on' ? 24 : 15);
  return sign === 0 || sign === -1;
}
