import { CR4, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { ENTRY, INTERRUPTION, SECONDARY, type VmcsFieldName } from '../../../src/hardware/vmx/vmcs';
import type { TestMachine } from '../testMachine';

/** Changes of a VMCS that a VM entry takes, as words of the tests about its checks. */
export type Values = Partial<Record<VmcsFieldName, number | bigint>>;
export type Change = Values | ((machine: TestMachine) => Values);

/** The values that a change gives to the fields of this machine's VMCS. */
export const valuesOf = (change: Change, machine: TestMachine): Values => (typeof change === 'function' ? change(machine) : change);
export const BEYOND = 1n << 46n;
export const NOT_CANONICAL = 1n << 60n;
export const plus = (name: VmcsFieldName, bits: number) => (machine: TestMachine): Values => ({ [name]: machine.field(name) | BigInt(bits >>> 0) });
export const minus = (name: VmcsFieldName, bits: number) => (machine: TestMachine): Values => ({ [name]: machine.field(name) & ~BigInt(bits >>> 0) });
export const both = (...changes: readonly Change[]) => (machine: TestMachine): Values => {
  const all: Values = {};
  for (const change of changes) Object.assign(all, valuesOf(change, machine));
  return all;
};
export const event = (type: number, vector: number, flags = 0): Values => ({ entry_interruption_info: (INTERRUPTION.valid | type | vector | flags) >>> 0 });
export const secondary = (bits: number): Change => plus('secondary_controls', bits);
export const EPTP = 0x80_0000n | 0x1en;
export const ept: Change = both(secondary(SECONDARY.enableEpt), { eptp: EPTP });
export const eptWith = (bits: number): Change => both(secondary(SECONDARY.enableEpt | bits), { eptp: EPTP });
export const rights = (segment: string, set: number, clear = 0) => (machine: TestMachine): Values => {
  const name = `guest_${segment}_access_rights` as VmcsFieldName;
  return { [name]: (machine.field(name) & ~BigInt(clear)) | BigInt(set >>> 0) };
};
const VM = 1 << 17;
const segments = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'] as const;
/** A guest in virtual-8086 mode, outside IA-32e mode. */
export const legacy: Change = both(
  minus('entry_controls', ENTRY.ia32eModeGuest), minus('guest_ia32_efer', EFER.LMA | EFER.LME), minus('guest_cr4', CR4.PAE),
  rights('cs', 1 << 14, 1 << 13),
);
export const virtual8086: Change = both(legacy, { guest_rflags: RFLAGS.fixed | VM }, Object.fromEntries(segments.flatMap((name) => [
  [`guest_${name}_selector`, 0x100], [`guest_${name}_base`, 0x1000], [`guest_${name}_limit`, 0xffff], [`guest_${name}_access_rights`, 0xf3],
])));
export const unrestricted: Change = eptWith(SECONDARY.unrestrictedGuest);
export const pae: Change = both(
  minus('entry_controls', ENTRY.ia32eModeGuest), minus('guest_ia32_efer', EFER.LMA | EFER.LME), rights('cs', 1 << 14, 1 << 13),
);
