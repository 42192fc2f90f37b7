import type { EventView } from '../engine/debuggee';
import type { EventName } from '../hardware/events/eventTable';
import { ACCESS } from '../hardware/paging/accessKinds';
import { PFEC } from '../hardware/paging/pageFaultErrorCode';
import { describeQualification, eptViolationFields, EPT_QUALIFICATION } from '../hardware/vmx/exitQualification';
import { exitReasonOf } from '../hardware/vmx/exitReasons';
import { addressText } from './addressText';
import { addressWalk, type WalkedTables } from './addressWalk';
import { changedBits } from './changedBits';
import { pageFaultCodeText } from './eventInformation';
import { exitCause } from './exitCauses';
import { shadowedTables } from './shadowPageRows';
import type { StoppedMachine } from './stoppedMachine';
import { processesWithRoot } from './tableSet';
import { walkPicture } from './walkPicture';

/** What an event means: sentences, and the section of a manual that has the rule. */
export interface EventStory {
  readonly sentences: readonly string[];
  /** Empty where no manual has it: KVM's own ways. */
  readonly section: string;
}

/** An event where the debugger stands, of thread `actor`. */
interface Told {
  readonly target: StoppedMachine;
  readonly event: EventView;
  readonly actor: number;
}

interface StoryRow {
  readonly section: string | ((told: Told) => string);
  readonly tell: (told: Told) => readonly string[];
}

const PAGE_FAULTS = 'SDM Vol. 3, "Page-Fault Exceptions"';
const INVALIDATIONS = 'SDM Vol. 3, "Operations that Invalidate TLBs and Paging-Structure Caches"';
/** KVM's Documentation/virt/kvm/x86/mmu.rst. */
const KVM_EVENTS = 'KVM mmu.rst, "Reaction to events"';
const KVM_SHADOW_PAGES = 'KVM mmu.rst, "Shadow pages"';
const KVM_SYNC = 'KVM mmu.rst, "Synchronized and unsynchronized pages"';

/** The events that have more to tell than their own line. */
const stories: Partial<Record<EventName, StoryRow>> = {
  vm_exit: { section: (told) => causeOf(told)?.section ?? '', tell: exitStory },
  nested_vm_exit: { section: (told) => causeOf(told)?.section ?? '', tell: (told) => ['The hypervisor in the guest asked for this exit, so it is entered instead of being handled by the host.', ...exitStory(told)] },
  ept_violation: { section: 'SDM Vol. 3, "EPT Violations"', tell: eptStory },
  ept_misconfiguration: { section: 'SDM Vol. 3, "EPT Misconfigurations"', tell: eptStory },
  hidden_fault: { section: KVM_EVENTS, tell: hiddenStory },
  true_fault: { section: PAGE_FAULTS, tell: (told) => ['It is the guest\'s own: the page fault goes on to its handler.', ...guestLeaf(told)] },
  spurious_fault: { section: KVM_EVENTS, tell: (told) => ['Nobody has to do anything: the access only runs again. Another CPU has mended the tables since, or a TLB line was stale.', ...guestLeaf(told)] },
  exception_delivered: { section: PAGE_FAULTS, tell: deliveredStory },
  page_fault: { section: PAGE_FAULTS, tell: (told) => [faultCodeStory(told), ...processorsWalk(told)] },
  page_table_write: { section: 'SDM Vol. 3, "Caching Translation Information"', tell: tableWriteStory },
  page_table_write_trapped: { section: KVM_EVENTS, tell: (told) => [...trapStory(told), ...tableWriteStory(told)] },
  cr_write: { section: INVALIDATIONS, tell: controlRegisterStory },
  invlpg: { section: 'SDM Vol. 2, "INVLPG"', tell: () => ['INVLPG takes away what this CPU has cached of the page, of the current PCID and global too, and all its paging-structure caches of that PCID. Other CPUs keep theirs.'] },
  tlb_flush: { section: INVALIDATIONS, tell: (told) => [whoseTlb(told), 'What is taken away is walked for anew; what stays may be stale if tables have changed.'] },
  tlb_hit: { section: 'SDM Vol. 3, "Caching Translation Information"', tell: cachedStory },
  stale_tlb_hit: {
    section: 'SDM Vol. 3, "Caching Translation Information"',
    tell: (told) => ['The line was made of entries that have changed since, and nobody has invalidated it: the processor may use it all the same.', ...cachedWalk(told)],
  },
  triple_fault: { section: 'SDM Vol. 3, "Interrupt 8—Double Fault Exception (#DF)"', tell: () => ['The guest could not take an exception, nor the double fault that came of it: a processor shuts down here.'] },
  shadow_page_created: { section: KVM_SHADOW_PAGES, tell: (told) => ['The hypervisor had no table for this guest table in this role: it makes one, and write-protects the guest\'s.', ...shadowPage(told)] },
  shadow_page_zapped: { section: KVM_SHADOW_PAGES, tell: (told) => ['The table goes: entries that led to it are cleared, and the next walk finds them not present.', ...shadowPage(told)] },
  shadow_page_unsynced: { section: KVM_SYNC, tell: (told) => ['The guest may write this table without exits from now on; its shadow is compared with it at the next INVLPG or load of CR3.', ...shadowPage(told)] },
  shadow_page_synced: { section: KVM_SYNC, tell: (told) => ['The shadow is compared with the guest\'s table entry by entry, and what differs is taken over.', ...shadowPage(told)] },
  vtlb_table_created: { section: KVM_SHADOW_PAGES, tell: () => ['The virtual TLB stands for no table of the guest\'s: its tables are filled on faults, and what they hold may be stale until the guest invalidates it.'] },
  vtlb_table_zapped: { section: INVALIDATIONS, tell: () => ['The virtual TLB is emptied as a processor\'s would be: what was in this table is walked for anew, on faults.'] },
  swap_written: { section: KVM_EVENTS, tell: () => ['The host needs the frame: it has taken back every entry that led there, and the next access to the page faults and reads it in again.'] },
  memslot_changed: { section: 'KVM mmu.rst, "Zapping all pages (page generation count)"', tell: () => ['Translations made of the slots before are void: their entries go, and MMIO entries of an older generation are looked up anew.'] },
  mmu_notifier: { section: KVM_EVENTS, tell: () => ['The host changes its page table; before that, the hypervisor takes back every entry that leads to these pages.'] },
  host_fault: { section: PAGE_FAULTS, tell: () => ['The VMM process has no such page yet: the host\'s memory manager gives it a frame, as it would for any process.'] },
  page_modification_logged: { section: 'SDM Vol. 3, "Page-Modification Logging"', tell: () => ['The processor sets the dirty flag of an EPT entry and writes the page\'s address to the log, without an exit while there is room.'] },
  virtualization_exception: { section: 'SDM Vol. 3, "Virtualization Exceptions"', tell: (told) => ['The entry that refused lets the violation become #VE: the guest handles it, without a VM exit.', ...secondLevel(told)] },
  eptp_switch: { section: 'SDM Vol. 3, "VM Functions"', tell: () => ['The guest chooses another EPT by itself, of the list that the hypervisor gave it, without a VM exit.'] },
  ad_update: { section: 'SDM Vol. 3, "Accessed and Dirty Flags"', tell: flagStory },
  nested_vm_entry: { section: 'SDM Vol. 3, "VM Entries"', tell: () => ['The host checks the VMCS that the guest hypervisor made, merges it with its own, and runs the guest\'s guest by the result.'] },
};

/** What an event of thread `actor` means, as things stand at the present moment. Touches nothing. */
export function eventStory(target: StoppedMachine, event: EventView, actor: number): EventStory {
  const row = stories[event.kind as EventName];
  if (row === undefined) return { sentences: [], section: '' };
  const told = { target, event, actor };
  return { sentences: row.tell(told).filter((sentence) => sentence !== ''), section: typeof row.section === 'string' ? row.section : row.section(told) };
}

function valueOf({ event }: Told, field: string): bigint {
  return event.fields[field] ?? 0n;
}

function causeOf(told: Told): ReturnType<typeof exitCause> {
  const { target: { machine }, event } = told;
  const { technique } = machine.vmOf(told.actor);
  const how = technique.name === 'deprivileged' ? 'deprivileged' : machine.configuration.vendor === 'amd' ? 'svm' : 'vmx';
  return exitCause(Number(event.fields['reason'] ?? 0n), Number(BigInt.asIntN(32, event.fields['qualification'] ?? 0n)), how);
}

function exitStory(told: Told): readonly string[] {
  const cause = causeOf(told);
  const key = exitReasonOf(Number(valueOf(told, 'reason')))?.key;
  const why = cause === undefined ? '' : `Why: ${cause.why}.`;
  if (key === 'ept_violation' || key === 'ept_misconfiguration' || key === 'npf') return [why, ...eptStory(told)];
  if (key === 'exception_nmi' && valueOf(told, 'vector') === 14n) {
    return [why, `It is a page fault at ${addressText('gva', valueOf(told, 'gva'))}; whether it is the guest's, the hypervisor finds out from the guest's tables.`, ...processorsWalk(told)];
  }
  return [why];
}

/** Which entry of EPT or of the nested tables refused, and what was asked of it. */
function eptStory(told: Told): readonly string[] {
  const qualification = Number(BigInt.asIntN(32, valueOf(told, 'qualification')));
  const isVmx = told.target.machine.configuration.vendor !== 'amd';
  const isFinal = (qualification & EPT_QUALIFICATION.translationResult) !== 0;
  const asked = !isVmx || told.event.kind === 'ept_misconfiguration' ? ''
    : `Asked for: ${describeQualification(eptViolationFields.slice(0, 3), qualification)}, ${isFinal ? 'for what the linear address translates to' : 'for a paging-structure entry of the guest'}.`;
  return [asked, ...secondLevel(told)];
}

function secondLevel(told: Told): readonly string[] {
  return walkSentences(told, 'gpa', valueOf(told, 'gpa'), qualifiedAccess(Number(BigInt.asIntN(32, valueOf(told, 'qualification')))));
}

function qualifiedAccess(qualification: number): number {
  if (qualification & EPT_QUALIFICATION.write) return ACCESS.write;
  return qualification & EPT_QUALIFICATION.fetch ? ACCESS.fetch : ACCESS.read;
}

function hiddenStory(told: Told): readonly string[] {
  const { target: { machine }, actor } = told;
  const why = machine.vmOf(actor).technique.roots(actor)[0]?.space === 'shadow'
    ? 'The guest\'s own tables allow the access and the hypervisor\'s shadow of them does not: the hypervisor fills it in, and the guest never sees the fault.'
    : 'The tables that the guest hypervisor made allow the access and those that the host made of them do not: the host fills them in, and the guest never sees the fault.';
  return [why, ...guestLeaf(told), ...processorsWalk(told)];
}

function deliveredStory(told: Told): readonly string[] {
  if (valueOf(told, 'vector') !== 14n) return [];
  return [faultCodeStory(told), 'It is the guest\'s own, so its handler gets it.', ...guestLeaf(told)];
}

function faultCodeStory(told: Told): string {
  return `It is #PF ${pageFaultCodeText(Number(valueOf(told, 'code')))}; CR2 is ${addressText('gva', valueOf(told, 'gva'))}.`;
}

/** Where the guest's own tables end for the address, and whether they allow the access of the error code. */
function guestLeaf(told: Told): readonly string[] {
  const code = Number(valueOf(told, 'code'));
  const kind = code & PFEC.ID ? ACCESS.fetch : code & PFEC.W ? ACCESS.write : ACCESS.read;
  return walkSentences(told, 'gva', valueOf(told, 'gva'), kind | (code & PFEC.U ? ACCESS.user : 0));
}

/** The first dimension of a walk for an address: its last entry, and what came of it. */
function walkSentences({ target, actor }: Told, space: 'gva' | 'gpa', address: bigint, access: number): readonly string[] {
  const walked = addressWalk(target, { cpu: actor, space, address, access });
  const first = 'error' in walked ? undefined : walked[0];
  return first === undefined ? [] : [dimensionSentence(first)];
}

function dimensionSentence({ title, entries, outcome }: WalkedTables): string {
  const last = entries[entries.length - 1];
  const name = title.replace(/ (?:of CR3|from|for) .*$/, '');
  if (last?.value === 'not present') return `${capital(name)}: ${last.name} is not present.`;
  return last === undefined ? `${capital(name)}: ${outcome}.` : `${capital(name)}: ${last.name} is ${last.value}; ${outcome}.`;
}

/** How the walk that the processor made of its tables ended. */
function processorsWalk({ target, actor }: Told): readonly string[] {
  const { walks } = walkPicture(target, { threadId: actor + 1 });
  const last = walks[walks.length - 1];
  return last?.outcome === undefined ? [] : [`The processor's walk of ${last.title} ended so: ${last.outcome}.`];
}

function tableWriteStory(told: Told): readonly string[] {
  const [old, value] = [valueOf(told, 'old'), valueOf(told, 'value')];
  const level = Number(valueOf(told, 'level')) || (shadowsOf(told)[0]?.level ?? 0);
  const bits = changedBits(told.target.machine, told.actor, level, old, value);
  const isPresent = (old & 1n) === 1n;
  return [
    bits === '' ? '' : `It changes ${bits}.`,
    isPresent ? 'The entry was present, so translations made of it may be cached: until the guest invalidates them, they may still be used.' : 'The entry was not present, so nothing can have been cached of it.',
  ];
}

/** Shadow pages that stand for the guest table that is written. */
function shadowsOf({ target: { machine }, actor, event }: Told): readonly { readonly page: number; readonly level: number }[] {
  const gfn = Number((event.fields['gpa'] ?? 0n) >> 12n);
  const tables = shadowedTables(machine.vmOf(actor).technique);
  if (tables === undefined) return [];
  const { pages, levelOf, isDirect } = tables;
  const used = Array.from({ length: pages.end }, (_, page) => page).filter((page) => page > 0 && pages.isInUse(page) && pages.gfnOf(page) === gfn);
  return used.filter((page) => !isDirect(pages.roleOf(page))).map((page) => ({ page, level: levelOf(pages.roleOf(page)) }));
}

function trapStory(told: Told): readonly string[] {
  const numbers = shadowsOf(told).map(({ page }) => page);
  const which = numbers.length === 0 ? 'a table of the hypervisor\'s' : `shadow page${numbers.length === 1 ? '' : 's'} ${numbers.join(', ')}`;
  return [`The page is write-protected: ${which} ${numbers.length > 1 ? 'stand' : 'stands'} for it, and must not fall behind.`];
}

function controlRegisterStory(told: Told): readonly string[] {
  if (valueOf(told, 'index') !== 3n) return [];
  const { machine } = told.target;
  const value = valueOf(told, 'value');
  const vm = machine.vmOf(told.actor);
  const names = processesWithRoot(machine, vm, Number((value & 0xf_ffff_ffff_f000n) >> 12n));
  const kept = vm.technique.roots(told.actor)[0]?.space;
  return [
    names.length === 0 ? '' : `It is the root of process ${names.join(', ')}.`,
    'Lines of the PCID in use are invalidated, global ones excepted, unless bit 63 of the operand asks for none.',
    kept === 'shadow' ? 'The hypervisor has to load a shadow root instead, so it exits.' : kept === undefined ? '' : 'The guest owns CR3 behind nested tables: no exit is needed.',
  ];
}

/** What the tables say now of an address that a TLB line answered. */
function cachedStory(told: Told): readonly string[] {
  return ['The line answers without a walk: what tables say by now is not asked.', ...cachedWalk(told)];
}

/** What a walk would come to by now, for the access that a TLB line answers. */
function cachedWalk(told: Told): readonly string[] {
  const access = told.target.eventsOfStep().filter(({ kind, cpu }) => kind === 'access' && cpu === told.event.cpu).at(-1);
  return walkSentences(told, 'gva', valueOf(told, 'gva'), access === undefined ? ACCESS.read | ACCESS.implicit : Number(access.fields['code'] ?? 0n));
}

/** The TLB that is meant, where it is not that of the CPU that has come to the stop, as in `kvm_flush_remote_tlbs`. */
function whoseTlb({ target: { machine }, event, actor }: Told): string {
  const acting = machine.processors[actor]?.cpu;
  if (acting === event.cpu) return '';
  const owner = machine.program.actors[machine.processors.findIndex(({ cpu }) => cpu === event.cpu)]?.name;
  return owner === undefined ? '' : `It is the TLB of ${owner}, which ${machine.program.actors[actor]?.name ?? 'the host'} has invalidated.`;
}

function shadowPage(told: Told): readonly string[] {
  const tables = shadowedTables(told.target.machine.vmOf(told.actor).technique);
  const page = Number(valueOf(told, 'index'));
  if (tables === undefined || !tables.pages.isInUse(page)) return [];
  const role = tables.roleFields(tables.pages.roleOf(page)).map(({ name, value }) => `${name} ${value}`);
  return [`Its role: ${role.join(', ')}.`];
}

function flagStory(told: Told): readonly string[] {
  const { machine } = told.target;
  const bits = valueOf(told, 'space') === 0n ? changedBits(machine, told.actor, Number(valueOf(told, 'level')), valueOf(told, 'old'), valueOf(told, 'value')) : '';
  return [bits === '' ? '' : `It changes ${bits}: ${told.event.actor === 'walker' ? 'the processor' : 'the hypervisor, in its place,'} notes that the translation was used.`];
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
