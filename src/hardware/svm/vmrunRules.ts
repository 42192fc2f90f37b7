import { cr4Defined, eferReserved } from '../processor/controlRegisterChecks';
import { CR0, CR4, EFER } from '../processor/controlRegisters';
import type { ProcessorFeatures } from '../processor/processorFeatures';
import { IOPM_BYTES, MSRPM_BYTES } from './permissionMaps';
import { isIntercepted, SVM_EXIT } from './svmExitCodes';
import { usesNestedPaging } from './svmTransitions';
import { EVENT, EVENT_TYPE, TLB_CONTROL, VMCB, type VmcbFieldName } from './vmcb';

/** One check of VMRUN. */
export interface VmrunRule {
  /** What is wrong, as a clause. */
  readonly name: string;
  /** Title of the section of APM Vol. 2 that has it. */
  readonly section: string;
  readonly broken: (vmcb: Int32Array, processor: VmrunProcessor) => boolean;
}

/** The processor that is to run the guest: one of AMD's. */
export interface VmrunProcessor {
  readonly maxphyaddr: number;
  readonly features: ProcessorFeatures;
}

const CHECKS = 'Canonicalization and Consistency Checks';
const CS_ATTRIBUTE = { L: 1 << 9, D: 1 << 10 } as const;
const INJECTED_TYPES: readonly number[] = Object.values(EVENT_TYPE);
const TLB_CONTROLS: readonly number[] = Object.values(TLB_CONTROL);
const NMI_VECTOR = 2;
const LAST_EXCEPTION = 31;
/** #BP and #OF are instructions' own; #BR has no place in 64-bit mode, where BOUND does not exist. */
const BOUND_RANGE = 5;

const lo = (vmcb: Int32Array, name: VmcbFieldName): number => vmcb[VMCB[name]]!;
const hi = (vmcb: Int32Array, name: VmcbFieldName): number => vmcb[VMCB[name] + 1]!;
const has = (vmcb: Int32Array, name: VmcbFieldName, bits: number): boolean => (lo(vmcb, name) & bits) !== 0;

/** Does a high half have a bit at or above MAXPHYADDR, or is it no physical address at all? */
function isBeyond(half: number, maxphyaddr: number): boolean {
  return (half & ~((1 << (maxphyaddr - 32)) - 1)) !== 0;
}

function mapIsBeyond(vmcb: Int32Array, name: 'iopm_base_pa' | 'msrpm_base_pa', bytes: number, maxphyaddr: number): boolean {
  const first = (hi(vmcb, name) >>> 0) * 2 ** 32 + ((lo(vmcb, name) & ~0xfff) >>> 0);
  return first + bytes > 2 ** maxphyaddr;
}

function injectsNothingPossible(vmcb: Int32Array): boolean {
  const event = lo(vmcb, 'eventinj');
  if ((event & EVENT.valid) === 0) return false;
  const type = (event >>> EVENT.typeShift) & EVENT.typeMask;
  const vector = event & EVENT.vectorMask;
  if (!INJECTED_TYPES.includes(type)) return true;
  if (type !== EVENT_TYPE.exception) return false;
  const in64BitMode = has(vmcb, 'guest_efer', EFER.LMA) && has(vmcb, 'guest_cs_attributes', CS_ATTRIBUTE.L);
  return vector > LAST_EXCEPTION || vector === NMI_VECTOR || vector === BOUND_RANGE && in64BitMode;
}

/** In the manual's order; the first broken one is told. Fields that the machine does not have are not checked. */
export const vmrunRules: readonly VmrunRule[] = [
  { name: 'EFER.SVME is 0', section: CHECKS, broken: (vmcb) => !has(vmcb, 'guest_efer', EFER.SVME) },
  { name: 'CR0.NW is 1 while CR0.CD is 0', section: CHECKS, broken: (vmcb) => has(vmcb, 'guest_cr0', CR0.NW) && !has(vmcb, 'guest_cr0', CR0.CD) },
  { name: 'CR0 has a bit of 63:32', section: CHECKS, broken: (vmcb) => hi(vmcb, 'guest_cr0') !== 0 },
  { name: 'CR3 has a bit at or above MAXPHYADDR', section: CHECKS, broken: (vmcb, { maxphyaddr }) => isBeyond(hi(vmcb, 'guest_cr3'), maxphyaddr) },
  {
    name: 'CR4 has a bit that is not defined', section: CHECKS,
    broken: (vmcb, { features }) => hi(vmcb, 'guest_cr4') !== 0 || has(vmcb, 'guest_cr4', ~cr4Defined({ vendor: 'amd', features })),
  },
  {
    name: 'EFER has a bit that is not defined', section: CHECKS,
    broken: (vmcb) => hi(vmcb, 'guest_efer') !== 0 || eferReserved(lo(vmcb, 'guest_efer'), 'amd') !== 0,
  },
  {
    name: 'EFER.LME and CR0.PG are 1 while CR4.PAE is 0', section: CHECKS,
    broken: (vmcb) => has(vmcb, 'guest_efer', EFER.LME) && has(vmcb, 'guest_cr0', CR0.PG) && !has(vmcb, 'guest_cr4', CR4.PAE),
  },
  {
    name: 'EFER.LME and CR0.PG are 1 while CR0.PE is 0', section: CHECKS,
    broken: (vmcb) => has(vmcb, 'guest_efer', EFER.LME) && has(vmcb, 'guest_cr0', CR0.PG) && !has(vmcb, 'guest_cr0', CR0.PE),
  },
  {
    name: 'EFER.LME, CR0.PG, CR4.PAE, CS.L and CS.D are all 1', section: CHECKS,
    broken: (vmcb) => has(vmcb, 'guest_efer', EFER.LME) && has(vmcb, 'guest_cr0', CR0.PG) && has(vmcb, 'guest_cr4', CR4.PAE)
      && has(vmcb, 'guest_cs_attributes', CS_ATTRIBUTE.L) && has(vmcb, 'guest_cs_attributes', CS_ATTRIBUTE.D),
  },
  { name: 'VMRUN is not intercepted', section: CHECKS, broken: (vmcb) => !isIntercepted(vmcb, SVM_EXIT.vmrun) },
  {
    name: 'the MSR permissions map reaches beyond MAXPHYADDR', section: CHECKS,
    broken: (vmcb, { maxphyaddr }) => mapIsBeyond(vmcb, 'msrpm_base_pa', MSRPM_BYTES, maxphyaddr),
  },
  {
    name: 'the I/O permissions map reaches beyond MAXPHYADDR', section: CHECKS,
    broken: (vmcb, { maxphyaddr }) => mapIsBeyond(vmcb, 'iopm_base_pa', IOPM_BYTES, maxphyaddr),
  },
  { name: 'EVENTINJ asks for an event that cannot be injected', section: 'Event Injection', broken: injectsNothingPossible },
  { name: 'the ASID is 0, which is the host\'s', section: CHECKS, broken: (vmcb) => lo(vmcb, 'asid') === 0 },
  { name: 'TLB_CONTROL has a reserved value', section: 'TLB Flush', broken: (vmcb) => !TLB_CONTROLS.includes(lo(vmcb, 'tlb_control')) },
  {
    name: 'nested paging is on while the host\'s CR0.PG is 0', section: 'Enabling Nested Paging',
    broken: (vmcb) => usesNestedPaging(vmcb) && !has(vmcb, 'host_cr0', CR0.PG),
  },
  {
    name: 'nCR3 has a bit at or above MAXPHYADDR', section: 'Enabling Nested Paging',
    broken: (vmcb, { maxphyaddr }) => usesNestedPaging(vmcb) && isBeyond(hi(vmcb, 'n_cr3'), maxphyaddr),
  },
];

/** The first rule that VMRUN of this VMCB breaks, with its source, or undefined. */
export function brokenVmrunRule(vmcb: Int32Array, processor: VmrunProcessor): string | undefined {
  const rule = vmrunRules.find((each) => each.broken(vmcb, processor));
  return rule === undefined ? undefined : `${rule.name} (APM Vol. 2, "${rule.section}")`;
}
