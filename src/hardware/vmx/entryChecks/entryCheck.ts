import type { PdpteRegisters } from '../../paging/pdpteRegisters';
import type { PhysicalMemory } from '../../memory/physicalMemory';
import type { ProcessorFeatures } from '../../processor/processorFeatures';
import { ENTRY, EXIT, VMCS, type VmcsFieldName } from '../vmcs';
import { secondaryControls } from '../vmxTransitions';

/** What a VM entry is checked against. */
export interface EntryContext {
  readonly vmcs: Int32Array;
  readonly memory: PhysicalMemory;
  readonly features: ProcessorFeatures;
  readonly maxphyaddr: number;
  readonly pdptes: PdpteRegisters;
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

/** Low and high half of a field. */
export function lowOf({ vmcs }: EntryContext, name: VmcsFieldName): number {
  return vmcs[VMCS[name]]!;
}

export function highOf({ vmcs }: EntryContext, name: VmcsFieldName): number {
  return vmcs[VMCS[name] + 1]!;
}

/** Is any bit of `mask` set in the low half of a field? */
export function has(context: EntryContext, name: VmcsFieldName, mask: number): boolean {
  return (lowOf(context, name) & mask) !== 0;
}

/** Is any bit of `mask` set in the secondary controls in force? */
export function hasSecondary({ vmcs }: EntryContext, mask: number): boolean {
  return (secondaryControls(vmcs) & mask) !== 0;
}

export function isIa32eGuest(context: EntryContext): boolean {
  return has(context, 'entry_controls', ENTRY.ia32eModeGuest);
}

export function isHost64(context: EntryContext): boolean {
  return has(context, 'exit_controls', EXIT.hostAddressSpaceSize);
}

/** Does the field have a bit at or above the physical-address width? */
export function isBeyondPhysical(context: EntryContext, name: VmcsFieldName): boolean {
  return (highOf(context, name) & -(1 << (context.maxphyaddr - 32))) !== 0;
}

/** Is the field no page's address that this processor can have? */
export function isNoPage(context: EntryContext, name: VmcsFieldName): boolean {
  return has(context, name, 0xfff) || isBeyondPhysical(context, name);
}

/** Canonical by the widest linear address that the processor has. */
export function isCanonicalField(context: EntryContext, name: VmcsFieldName): boolean {
  const sign = highOf(context, name) >> (context.features.la57 === 'on' ? 24 : 15);
  return sign === 0 || sign === -1;
}
