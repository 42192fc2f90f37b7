import type { Machine } from '../engine/machine/machine';
import type { RunningVm } from '../engine/machine/runningVm';
import { ACCESS } from '../hardware/paging/accessKinds';
import { refusalText } from '../hardware/paging/refusalText';
import type { TranslationSpace } from '../hardware/paging/translationSpace';
import { WALK } from '../hardware/paging/walkOutcome';
import { SlotMemory } from '../hypervisor/slotMemory';
import { addressText, frameAddress, frameOfHalves, halvesText, qualified } from './addressText';
import { indexFieldOf } from './indexField';
import type { StoppedMachine } from './stoppedMachine';

const PAGE_MASK = 0xfffn;

/** One step of a translation. */
export interface TranslationRow {
  /** `gva`, `gpa`, `hva`, `hpa`, then what the processor itself uses: `shadow`, `EPT`, `TLB`. */
  readonly name: string;
  /** `gpa:0x5018`, or a clause why there is none. */
  readonly value: string;
  /** Table entries that give it, from the root down: `PML4E 0, PDPTE 0, PDE 3, PTE 0`; empty when it is no matter of entries. */
  readonly by: string;
}

/** The chain an address goes through as the tables stand, rights aside, and what the processor has of it. Touches nothing. */
export function translation({ machine }: Pick<StoppedMachine, 'machine'>, cpu: number, gva: bigint): readonly TranslationRow[] {
  const lo = Number(BigInt.asIntN(32, gva));
  const hi = Number(BigInt.asIntN(32, gva >> 32n));
  const vm = machine.vmOf(cpu);
  const rows: TranslationRow[] = [{ name: 'gva', value: qualified(machine, vm, addressText('gva', gva)), by: '' }];
  const isMapped = machine.questions.translate(cpu, lo, hi);
  const guest = vm.technique.guestTables(cpu);
  if (isMapped) {
    rows.push({ name: 'gpa', value: qualified(machine, vm, halvesText('gpa', guest.result.gpaLo, guest.result.gpaHi)), by: entriesText(guest, lo, hi) });
    rows.push(...behindSlots(machine, vm, guest.result.gpaLo, guest.result.gpaHi));
  } else {
    rows.push({ name: 'gpa', value: machine.questions.unmappedText(machine.questions.endVm, machine.questions.endLevel, lo, hi), by: entriesText(guest, lo, hi) });
  }
  return [...rows, ...ofProcessor(machine, cpu, lo, hi), tlbRow(machine, cpu, lo, hi)];
}

/** Guest-physical to host-virtual by a memory slot, to host-physical by the host process's page table; to that at once with `backing direct`. */
function behindSlots(machine: Machine, vm: RunningVm, gpaLo: number, gpaHi: number): readonly TranslationRow[] {
  const { guestMemory } = vm.technique;
  const gfn = frameOfHalves(gpaLo, gpaHi);
  const offset = BigInt(gpaLo) & PAGE_MASK;
  const at = (space: 'hva' | 'hpa', page: number): string => addressText(space, frameAddress(page) | offset);
  const frame = guestMemory.frameOf(gfn);
  if (!(guestMemory instanceof SlotMemory)) {
    return [{ name: 'hpa', value: frame < 0 ? 'no memory is installed there' : at('hpa', frame), by: '' }];
  }
  const slot = guestMemory.slots.find(gfn);
  if (slot < 0) return [{ name: 'hva', value: 'outside every memory slot', by: '' }];
  if (guestMemory.host === undefined) return [{ name: 'hpa', value: at('hpa', frame), by: `memory slot ${slot}, which is host frames of its own` }];
  const hvaPage = guestMemory.slots.hvaPage(slot, gfn);
  const { space } = guestMemory.host.process;
  const by = entriesText(space, space.result.addressLo, space.result.addressHi);
  return [
    { name: 'hva', value: qualified(machine, vm, at('hva', hvaPage)), by: `memory slot ${slot}` },
    { name: 'hpa', value: frame < 0 ? 'not backed by the host yet' : at('hpa', frame), by },
  ];
}

/** What the tables in force give, where they are not the guest's own alone. */
function ofProcessor(machine: Machine, cpu: number, lo: number, hi: number): readonly TranslationRow[] {
  const processor = machine.processors[cpu]!;
  const kept = machine.vmOf(cpu).technique.roots(cpu)[0]?.space;
  if (kept === undefined) return [];
  const outcome = processor.walkWithoutEffects(lo, hi, ACCESS.read | ACCESS.implicit);
  const space = processor.inspection;
  const value = outcome === WALK.mapped
    ? halvesText('hpa', space.result.hpaLo, space.result.hpaHi) : refusalText(space) ?? 'it is refused';
  if (kept === 'shadow') return [{ name: 'shadow', value, by: entriesText(space, lo, hi) }];
  const nested = space.nested;
  const isFinal = nested !== undefined && nested.servedLevel === 0;
  const by = isFinal ? entriesText(nested, nested.result.addressLo, nested.result.addressHi) : '';
  return [{ name: nested?.format.name ?? kept, value, by }];
}

function tlbRow(machine: Machine, cpu: number, lo: number, hi: number): TranslationRow {
  const { l1, l2 } = machine.processors[cpu]!.caches;
  for (const [tlb, where] of [[l1, ''], [l2, 'L2 ']] as const) {
    const line = tlb?.peek(lo, hi) ?? -1;
    if (tlb === undefined || line < 0) continue;
    const offset = lo & ((1 << tlb.shift(line)) - 1);
    return { name: 'TLB', value: halvesText('hpa', tlb.hpaLo(line) | offset, tlb.hpaHi(line)), by: `${where}line ${line}` };
  }
  return { name: 'TLB', value: 'no line', by: '' };
}

/** The entries that the last walk of a space read for (lo, hi), from the root down. */
function entriesText(space: TranslationSpace, lo: number, hi: number): string {
  const { result, compiled } = space;
  const names: string[] = [];
  for (let level = result.top; level >= result.level && level > 0; level--) {
    names.push(`${compiled.format.levelNames[level] ?? ''} ${indexFieldOf(compiled, level, lo, hi)}`);
  }
  return names.join(', ');
}
