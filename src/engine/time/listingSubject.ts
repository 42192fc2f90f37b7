import { VALUES_AT, field } from '../../hardware/events/eventTable';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { NPF_INFO_HI } from '../../hardware/svm/exitInformation';
import { CR_ACCESS, EPT_QUALIFICATION, crAccessQualification, decodeQualification } from '../../hardware/vmx/exitQualification';
import { exitReasonOf, type ExitReasonKey } from '../../hardware/vmx/exitReasons';
import type { Listing } from '../../hypervisor/listing';
import { pairToBigInt } from '../arithmetic';
import { exceptionAt, exceptionName } from '../names';
import { printValue } from '../interpreter/printValue';

type Procedure = Listing['procedures'][number];

/**
 * What a running procedure of a listing is about, behind its name: of the one that a VM exit begins with, that exit, ` — EPT violation
 * at gpa:0x3000, write`; of any other what it was called with, `(gpa:0x3000, write)`. `call`: the event that it began with.
 */
export function listingSubject(procedure: Procedure, call: Int32Array, exit: Int32Array | undefined): string {
  const about = exit === undefined ? undefined : exitText(exit);
  if (about !== undefined) return ` — ${about}`;
  const { parameters, values } = procedure;
  if (parameters === 0) return '';
  return `(${values.slice(0, parameters).map((_, i) => argumentText(procedure, call, i)).join(', ')})`;
}

/** The reason of an exit alone, ` (EPT violation)`; of an exception its name, ` (page_fault)`. */
export function exitName(exit: Int32Array): string {
  const reason = exitReasonOf(exit[field.reason.at]!);
  if (reason === undefined) return '';
  return ` (${reason.key === 'exception_nmi' ? exceptionName(exit[field.vector.at]!) : reason.key === 'cr_access' ? controlRegisterText(exit[field.qualification.at]!) : reason.name})`;
}

/** What an exit is about besides its reason. */
const details: Partial<Record<ExitReasonKey, (exit: Int32Array) => string>> = {
  ept_violation: (exit) => ` at ${address(exit, 'gpa')}, ${eptAccess(exit[field.qualification.at]!)}`,
  ept_misconfiguration: (exit) => ` at ${address(exit, 'gpa')}`,
  npf: (exit) => ` at ${address(exit, 'gpa')}, ${nptAccess(exit[field.qualification.at]!, exit[field.qualification.at + 1]!)}`,
  invlpg: (exit) => ` of ${address(exit, 'gva')}`,
};

function exitText(exit: Int32Array): string | undefined {
  const reason = exitReasonOf(exit[field.reason.at]!);
  if (reason === undefined) return undefined;
  if (reason.key === 'exception_nmi') return exceptionAt(exit[field.vector.at]!, exit[field.code.at]!, pairToBigInt(exit[field.gva.at]!, exit[field.gva.at + 1]!));
  if (reason.key === 'cr_access') return controlRegisterText(exit[field.qualification.at]!);
  return `${reason.name}${details[reason.key as ExitReasonKey]?.(exit) ?? ''}`;
}

/** `MOV to CR3`; CLTS and LMSW say of themselves which register they write. */
function controlRegisterText(qualification: number): string {
  const decoded = decodeQualification(crAccessQualification, qualification);
  const type = decoded.get('access type') ?? CR_ACCESS.movTo;
  const [register, access] = crAccessQualification;
  const said = access.values[type] ?? access.name;
  return type <= CR_ACCESS.movFrom ? said.replace('CR', register.values[decoded.get('control register') ?? 0] ?? 'CR') : said;
}

/** An address says what it is; what is no address its name, or what its bits mean. */
function argumentText({ values }: Procedure, call: Int32Array, index: number): string {
  const { name, kind } = values[index]!;
  const lo = call[VALUES_AT + 2 * index]!;
  const hi = call[VALUES_AT + 2 * index + 1]!;
  const value = pairToBigInt(lo, hi);
  switch (name) {
    case 'write': return lo === 0 ? 'read' : 'write';
    case 'qualification': return eptAccess(lo);
    case 'error_code': return values[0]?.kind === 'gva' ? codeAccess(lo) : values[0]?.kind === 'gpa' ? nptAccess(lo, hi) : `error code ${printValue(value, kind)}`;
    default: return name === kind ? printValue(value, kind) : `${name} ${printValue(value, kind)}`;
  }
}

/** Of an access that the processor makes of its own to read or flag a guest's paging structure. */
const IN_TABLES = ' in the guest\'s tables';

function eptAccess(qualification: number): string {
  const { read, write, fetch, linearAddressValid, translationResult } = EPT_QUALIFICATION;
  const words = [...qualification & fetch ? ['fetch'] : [], ...qualification & read ? ['read'] : [], ...qualification & write ? ['write'] : []];
  const isTable = (qualification & linearAddressValid) !== 0 && (qualification & translationResult) === 0;
  return `${words.join(' and ')}${isTable ? IN_TABLES : ''}`;
}

/** U is always 1: to the nested tables every access of a guest is one of a user. APM Vol. 2, "Nested versus Guest Page Faults, Fault Ordering". */
function nptAccess(code: number, codeHi: number): string {
  return `${codeAccess(code & ~PFEC.U)}${codeHi & NPF_INFO_HI.guestTable ? IN_TABLES : ''}`;
}

/** `user write`: the access of a page-fault error code, whatever refused it. */
function codeAccess(code: number): string {
  return `${code & PFEC.U ? 'user ' : ''}${code & PFEC.ID ? 'fetch' : code & PFEC.W ? 'write' : 'read'}`;
}

function address(record: Int32Array, space: 'gva' | 'gpa'): string {
  return printValue(pairToBigInt(record[field[space].at]!, record[field[space].at + 1]!), space);
}
