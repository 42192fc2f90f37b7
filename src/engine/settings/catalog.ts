import { PAGE_SHIFTS } from '../../hardware/caches/tlb';
import { machineRefusal, MAXPHYADDR } from '../../hardware/processor/machineRules';
import type { Backing } from '../../hypervisor/host/hostMemory';
import type { Catalog, SettingRow } from '../../language/catalog';
import { costModelOf } from '../costs/costModel';
import { costModelRows } from '../costs/costTable';
import { hostActionRefusal } from '../host/hostActionNeeds';
import { findTechnique, runningTechniques, techniqueNames } from './techniques';

type Values = readonly (string | number)[];
const KIB = 1024;
const GIB = 1024 ** 3;
const MAX_RAM = 64 * GIB;
/** What `backing` may say, and what it means. */
export const backings: ReadonlyMap<string | number, Backing> = new Map<string | number, Backing>([[4 * KIB, '4K'], [2048 * KIB, '2M'], ['direct', 'direct']]);

/** The setting takes one of these words. */
function oneOf(...words: readonly string[]): SettingRow['check'] {
  return (values) => (values.length === 1 && words.includes(String(values[0])) ? undefined : `write ${words.join(' or ')}`);
}

function wholeNumber(from: number, to: number): SettingRow['check'] {
  return (values) => {
    const value = values[0];
    return values.length === 1 && typeof value === 'number' && value >= from && value <= to
      ? undefined : `write a number from ${from} to ${to}`;
  };
}

function ram(values: Values): string | undefined {
  const size = values[0];
  if (values.length !== 1 || typeof size !== 'number') return 'write a size such as 16M';
  if (size % (4 * KIB) !== 0) return 'RAM is made of whole pages: write a multiple of 4K';
  return size > MAX_RAM ? 'write at most 64G' : undefined;
}

function kernel(values: Values): string | undefined {
  return values[0] === 'standard' || values[0] === 'none' ? undefined : 'write standard or none; procedures of your own override the library\'s';
}

function backing(values: Values): string | undefined {
  return values.length === 1 && backings.has(values[0] ?? '') ? undefined : 'write 4K, 2M or direct';
}

function costs(values: Values): string | undefined {
  const model = costModelOf(values);
  return 'error' in model ? model.error : undefined;
}

/** Its form is the language's to check. */
function slot(values: Values): string | undefined {
  return Number(values[2]) > MAX_RAM ? 'a slot ends at 64G at most' : undefined;
}

function tlb(values: Values): string | undefined {
  const [entries, entriesWord, ways, waysWord] = values;
  if (values.length !== 4 || entriesWord !== 'entries' || waysWord !== 'ways' || typeof entries !== 'number' || typeof ways !== 'number') {
    return 'write it as 64 entries 4 ways';
  }
  if (entries > 4096) return 'write at most 4096 entries';
  return machineRefusal({ vendor: 'intel', maxphyaddr: MAXPHYADDR.most, caches: [{ name: 'TLB', entries, ways }] });
}

function tlbPages(values: Values): string | undefined {
  const known = values.every((size) => typeof size === 'number' && PAGE_SHIFTS.some((shift) => 2 ** shift === size));
  return known && values.includes(4 * KIB) ? undefined : 'write 4K, and those of 2M, 4M and 1G that a line can hold whole';
}

function maxphyaddr(values: Values): string | undefined {
  const width = values[0];
  if (values.length !== 1 || typeof width !== 'number') return `write a number from ${MAXPHYADDR.least} to ${MAXPHYADDR.most}`;
  return machineRefusal({ vendor: 'intel', maxphyaddr: width });
}

function technique(values: Values): string | undefined {
  if (values.length !== 1) return 'write one technique, as one word such as shadow-wp';
  const found = findTechnique(String(values[0]));
  return typeof found === 'string' ? found : undefined;
}

/** The settings of `machine` and `platform`, by name. */
export const settingRows: readonly SettingRow[] = [
  { name: 'paging', section: 'machine', form: '4-level', documentation: 'Paging mode that boot ends in.', check: () => undefined },
  { name: 'ram', section: 'machine', form: '16M', documentation: "The guest's RAM, from guest-physical address 0.", check: ram },
  { name: 'slot', section: 'machine', form: 'low 0 .. 16M ram', documentation: 'A run of guest-physical addresses: ram, rom or mmio; what no slot covers is a hole.', check: slot },
  { name: 'mmu', section: 'machine', form: 'shadow-wp', documentation: 'Technique that the scenario runs under unless it is told otherwise.', check: technique },
  { name: 'update', section: 'machine', form: 'eager or zap', documentation: 'shadow-wp: what follows an emulated write to a page table.', check: oneOf('eager', 'zap') },
  { name: 'shadow_pages', section: 'machine', form: '1000', documentation: 'Shadow pages that may exist at once.', check: wholeNumber(16, 100_000) },
  { name: 'prefetch', section: 'machine', form: '8', documentation: 'shadow-unsync: entries of an aligned group that are filled with one of them; 0 fills that one alone.', check: wholeNumber(0, 512) },
  { name: 'previous_roots', section: 'machine', form: '3', documentation: 'shadow-unsync: shadow roots that are kept beside the current one.', check: wholeNumber(0, 16) },
  { name: 'early_unshadow', section: 'machine', form: 'on or off', documentation: 'shadow-unsync: the second store in a row to a table above the last level ends its shadow; without it, the third.', check: oneOf('on', 'off') },
  { name: 'dirty_log', section: 'machine', form: 'wp or pml', documentation: 'How the first write to a page of a logged slot is noticed: it faults on a leaf without W, or (under ept) the processor logs it.', check: oneOf('wp', 'pml') },
  { name: 'kernel', section: 'machine', form: 'standard', documentation: 'The kernel library of the guest.', check: kernel },
  { name: 'delivery', section: 'machine', form: 'direct', documentation: 'How vectors are delivered: without touching memory, or through the IDT, with a frame pushed on the stack.', check: oneOf('direct', 'memory') },
  { name: 'unrestricted_guest', section: 'machine', form: 'on or off', documentation: 'ept: the processor itself runs a guest without protection or paging; off: it does so in virtual-8086 mode, and by a page table that maps all addresses to themselves. Shadow paging has no such control.', check: oneOf('on', 'off') },
  { name: 'ept_violation_ve', section: 'machine', form: 'on or off', documentation: 'ept: the control "EPT-violation #VE". A CPU that has named a page for the information area, by `rbx = page >> 12` and `vmcall(25)`, gets violations of EPT entries with bit 63 clear, which `set_epte` writes, as virtualization exceptions; all others exit.', check: oneOf('on', 'off') },
  { name: 'ram', section: 'platform', form: '64M', documentation: "The host's RAM; four times the guest's unless it is set.", check: ram },
  { name: 'vendor', section: 'platform', form: 'intel or amd', documentation: "Whose processor: decides what a refused TLB line does, and which techniques there are.", check: oneOf('intel', 'amd') },
  { name: 'maxphyaddr', section: 'platform', form: '46', documentation: 'Width of physical addresses, in bits.', check: maxphyaddr },
  { name: 'tlb', section: 'platform', form: '64 entries 4 ways', documentation: 'Size of the TLB; LRU within a set.', check: tlb },
  { name: 'tlb_l2', section: 'platform', form: '1024 entries 8 ways', documentation: 'A second level of TLB, which is looked in when the first has no line; without it there is none.', check: tlb },
  { name: 'tlb_pages', section: 'platform', form: '4K 2M 1G', documentation: 'Page sizes that a TLB line can hold whole; a larger page is held in fragments.', check: tlbPages },
  { name: 'tags', section: 'platform', form: 'on or off', documentation: 'TLB lines carry a VPID, so that VM exits and entries leave them.', check: oneOf('on', 'off') },
  { name: 'walk_caches', section: 'platform', form: 'on or off', documentation: 'Paging-structure caches and the nested TLB: walks read only the entries that these lack.', check: oneOf('on', 'off') },
  { name: 'rewalk_on_permission_fault', section: 'platform', form: 'on or off', documentation: "A TLB line that refuses an access is walked again before a fault is raised; AMD's processors do.", check: oneOf('on', 'off') },
  { name: 'costs', section: 'platform', form: 'nehalem', documentation: `Cost model that estimated cycles are of: ${costModelRows.map(({ name }) => name).join(', ')}; after it costs of your own, such as \`vm_exit 900\`.`, check: costs },
  { name: 'sabotage', section: 'platform', form: 'identity_map_all or load_guest_cr3_raw', documentation: 'What no hypervisor may do, done on purpose: guest-physical addresses that are in no slot lead to the host-physical ones of the same number; or the processor gets CR3 as the guest loads it.', check: oneOf('identity_map_all', 'load_guest_cr3_raw') },
  { name: 'swap', section: 'platform', form: '32M', documentation: "The host's swap device, to which `swap_out` and reclaim write guest pages; without it there is none.", check: ram },
  { name: 'backing', section: 'platform', form: '4K, 2M or direct', documentation: 'Pages that the host backs guest memory with: 4K, or 2M where a memslot has room for them. With direct there is no host-virtual layer: each memslot is host frames of its own, from the start.', check: backing },
];

/** What the engine tells the language. */
export const catalog: Catalog = {
  techniques: runningTechniques.map(({ name, documentation }) => ({ name, documentation })),
  techniqueNames,
  settings: settingRows,
  hostActionRefusal,
};
