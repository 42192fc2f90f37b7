import { CR0 } from '../../processor/controlRegisters';
import { SEGMENT_RIGHTS, SEGMENT_TYPE, segmentNames } from '../../segments/segmentRegisters';
import { SECONDARY, VMCS } from '../vmcs';
import { checksOf, type EntryCheck, type EntryContext, has, hasSecondary, highOf, isCanonicalField, isIa32eGuest, lowOf } from './entryCheck';

type Segment = (typeof segmentNames)[number];
type Rule = (context: EntryContext, segment: Segment) => boolean;

const codeAndData: readonly Segment[] = ['cs', 'ss', 'ds', 'es', 'fs', 'gs'];
const dataOnly: readonly Segment[] = ['ds', 'es', 'fs', 'gs'];
const TI = 1 << 2;
const RPL = 3;
const VM = 1 << 17;
/** Bits 11:8 and 31:17. */
const RESERVED_RIGHTS = 0xf00 | -(1 << 17);
/** Access rights of every segment in virtual-8086 mode: accessed read/write data, DPL 3, present. */
const VIRTUAL_8086_RIGHTS = 0xf3;
const READ_WRITE_DATA = 3;
const LAST_DATA_OR_NONCONFORMING = 11;
const BUSY_TSS = 11;
const BUSY_TSS_16 = 3;
const LDT = 2;

const segmentFields = Object.fromEntries(segmentNames.map((name) => [name, {
  selector: VMCS[`guest_${name}_selector`], base: VMCS[`guest_${name}_base`],
  limit: VMCS[`guest_${name}_limit`], access_rights: VMCS[`guest_${name}_access_rights`],
}])) as Record<Segment, Record<'selector' | 'base' | 'limit' | 'access_rights', number>>;
const field = (segment: Segment, part: 'selector' | 'base' | 'limit' | 'access_rights'): number => segmentFields[segment][part];
const rights = (c: EntryContext, segment: Segment): number => lowOf(c, field(segment, 'access_rights'));
const selector = (c: EntryContext, segment: Segment): number => lowOf(c, field(segment, 'selector'));
const type = (c: EntryContext, segment: Segment): number => rights(c, segment) & SEGMENT_RIGHTS.typeMask;
const dpl = (c: EntryContext, segment: Segment): number => (rights(c, segment) >>> SEGMENT_RIGHTS.dplShift) & SEGMENT_RIGHTS.dplMask;
const isUsable: Rule = (c, segment) => (rights(c, segment) & SEGMENT_RIGHTS.unusable) === 0;
const isVirtual8086 = (c: EntryContext): boolean => has(c, VMCS.guest_rflags, VM);
const isUnrestricted = (c: EntryContext): boolean => hasSecondary(c, SECONDARY.unrestrictedGuest);

const inVirtual8086 = (segments: readonly Segment[], rule: Rule) => (c: EntryContext): boolean => (
  isVirtual8086(c) && segments.some((segment) => rule(c, segment))
);
const outsideVirtual8086 = (segments: readonly Segment[], rule: Rule) => (c: EntryContext): boolean => (
  !isVirtual8086(c) && segments.some((segment) => rule(c, segment))
);
/** CS is judged whether usable or not, the others while they are usable. */
const whereUsed = (segments: readonly Segment[], rule: Rule): ((c: EntryContext) => boolean) => outsideVirtual8086(
  segments, (c, segment) => (segment === 'cs' || isUsable(c, segment)) && rule(c, segment),
);
const without = (flag: number): Rule => (c, segment) => (rights(c, segment) & flag) === 0;
const hasReserved: Rule = (c, segment) => (rights(c, segment) & RESERVED_RIGHTS) !== 0;

/** G says in which unit the limit counts: bytes have no bits 31:20, pages all of bits 11:0. */
const hasWrongGranularity: Rule = (c, segment) => {
  const limit = lowOf(c, field(segment, 'limit'));
  return (rights(c, segment) & SEGMENT_RIGHTS.granularity) === 0 ? limit >>> 20 !== 0 : (limit & 0xfff) !== 0xfff;
};

const isDataType: Rule = (c, segment) => (type(c, segment) & SEGMENT_TYPE.code) === 0;

function hasWrongCsType(c: EntryContext): boolean {
  const found = type(c, 'cs');
  if (isUnrestricted(c) && found === READ_WRITE_DATA) return false;
  return (found & SEGMENT_TYPE.code) === 0 || (found & SEGMENT_TYPE.accessed) === 0;
}

function hasWrongCsDpl(c: EntryContext): boolean {
  if (isDataType(c, 'cs')) return dpl(c, 'cs') !== 0;
  const isConforming = (type(c, 'cs') & SEGMENT_TYPE.conforming) !== 0;
  return isConforming ? dpl(c, 'cs') > dpl(c, 'ss') : dpl(c, 'cs') !== dpl(c, 'ss');
}

const isUnreadable: Rule = (c, segment) => (
  (type(c, segment) & SEGMENT_TYPE.accessed) === 0 || !isDataType(c, segment) && (type(c, segment) & SEGMENT_TYPE.readable) === 0
);

const isMorePrivileged: Rule = (c, segment) => (
  !isUnrestricted(c) && type(c, segment) <= LAST_DATA_OR_NONCONFORMING && dpl(c, segment) < (selector(c, segment) & RPL)
);

/** SDM Vol. 3, "Checks on Guest Segment Registers". */
export const guestSegmentChecks: readonly EntryCheck[] = [
  ...checksOf('Checks on Guest Segment Registers', [
    ['the TI flag of guest TR is 1', (c) => (selector(c, 'tr') & TI) !== 0],
    ['the TI flag of guest LDTR is 1', (c) => isUsable(c, 'ldtr') && (selector(c, 'ldtr') & TI) !== 0],
    ['the RPL of guest SS is not that of CS', (c) => (
      !isVirtual8086(c) && !isUnrestricted(c) && ((selector(c, 'ss') ^ selector(c, 'cs')) & RPL) !== 0
    )],
    ['a base in virtual-8086 mode is not the selector times 16', inVirtual8086(codeAndData, (c, segment) => (
      lowOf(c, field(segment, 'base')) !== (selector(c, segment) & 0xffff) << 4 || highOf(c, field(segment, 'base')) !== 0
    ))],
    ['a guest base is not canonical', (c) => (
      !isCanonicalField(c, VMCS.guest_tr_base) || !isCanonicalField(c, VMCS.guest_fs_base) || !isCanonicalField(c, VMCS.guest_gs_base)
      || isUsable(c, 'ldtr') && !isCanonicalField(c, VMCS.guest_ldtr_base)
    )],
    ['a guest base has a bit above 31', whereUsed(['cs', 'ss', 'ds', 'es'], (c, segment) => highOf(c, field(segment, 'base')) !== 0)],
    ['a limit in virtual-8086 mode is not 64 KBytes', inVirtual8086(codeAndData, (c, segment) => lowOf(c, field(segment, 'limit')) !== 0xffff)],
    ['access rights in virtual-8086 mode are not F3H', inVirtual8086(codeAndData, (c, segment) => rights(c, segment) !== VIRTUAL_8086_RIGHTS)],
    ['guest CS is not an accessed code segment', (c) => !isVirtual8086(c) && hasWrongCsType(c)],
    ['guest SS is not an accessed writable data segment', whereUsed(['ss'], (c) => (
      !isDataType(c, 'ss') || (type(c, 'ss') & READ_WRITE_DATA) !== READ_WRITE_DATA
    ))],
    ['a guest data segment is not accessed and readable', whereUsed(dataOnly, isUnreadable)],
    ['the S flag of a guest segment is 0', whereUsed(codeAndData, without(SEGMENT_RIGHTS.codeOrData))],
    ['the DPL of guest CS does not go with its type and with SS', (c) => !isVirtual8086(c) && hasWrongCsDpl(c)],
    ['the DPL of guest SS is not its RPL', (c) => !isVirtual8086(c) && !isUnrestricted(c) && dpl(c, 'ss') !== (selector(c, 'ss') & RPL)],
    ['the DPL of guest SS is not 0 in real-address mode', (c) => (
      !isVirtual8086(c) && (isDataType(c, 'cs') || !has(c, VMCS.guest_cr0, CR0.PE)) && dpl(c, 'ss') !== 0
    )],
    ['the DPL of a guest data segment is below its RPL', whereUsed(dataOnly, isMorePrivileged)],
    ['a guest segment is not present', whereUsed(codeAndData, without(SEGMENT_RIGHTS.present))],
    ['reserved access rights of a guest segment are 1', whereUsed(codeAndData, hasReserved)],
    ['guest CS is both a 64-bit and a 32-bit segment', (c) => (
      !isVirtual8086(c) && isIa32eGuest(c) && (rights(c, 'cs') & SEGMENT_RIGHTS.long) !== 0 && (rights(c, 'cs') & SEGMENT_RIGHTS.big) !== 0
    )],
    ['the limit of a guest segment does not go with its G flag', whereUsed(codeAndData, hasWrongGranularity)],
    ['guest TR is no busy TSS', (c) => (
      type(c, 'tr') !== BUSY_TSS && (isIa32eGuest(c) || type(c, 'tr') !== BUSY_TSS_16)
    )],
    ['the S flag of guest TR is 1', (c) => !without(SEGMENT_RIGHTS.codeOrData)(c, 'tr')],
    ['guest TR is not present', (c) => without(SEGMENT_RIGHTS.present)(c, 'tr')],
    ['reserved access rights of guest TR are 1', (c) => hasReserved(c, 'tr')],
    ['the limit of guest TR does not go with its G flag', (c) => hasWrongGranularity(c, 'tr')],
    ['guest TR is unusable', (c) => !isUsable(c, 'tr')],
    ['guest LDTR is no LDT', (c) => isUsable(c, 'ldtr') && type(c, 'ldtr') !== LDT],
    ['the S flag of guest LDTR is 1', (c) => isUsable(c, 'ldtr') && !without(SEGMENT_RIGHTS.codeOrData)(c, 'ldtr')],
    ['guest LDTR is not present', (c) => isUsable(c, 'ldtr') && without(SEGMENT_RIGHTS.present)(c, 'ldtr')],
    ['reserved access rights of guest LDTR are 1', (c) => isUsable(c, 'ldtr') && hasReserved(c, 'ldtr')],
    ['the limit of guest LDTR does not go with its G flag', (c) => isUsable(c, 'ldtr') && hasWrongGranularity(c, 'ldtr')],
  ]),
  ...checksOf('Checks on Guest Descriptor-Table Registers', [
    ['a guest descriptor-table base is not canonical', (c) => !isCanonicalField(c, VMCS.guest_gdtr_base) || !isCanonicalField(c, VMCS.guest_idtr_base)],
    ['a guest descriptor-table limit is above 64 KBytes', (c) => (
      lowOf(c, VMCS.guest_gdtr_limit) >>> 16 !== 0 || lowOf(c, VMCS.guest_idtr_limit) >>> 16 !== 0
    )],
  ]),
];
