import type { Machine } from '../engine/machine/machine';
import { ACCESS } from '../hardware/paging/accessKinds';
import { decodeEntry } from '../hardware/paging/decodeEntry';
import { refusalText } from '../hardware/paging/refusalText';
import type { TranslationSpace } from '../hardware/paging/translationSpace';
import { walk } from '../hardware/paging/walk';
import { EFFECTS, WALK } from '../hardware/paging/walkOutcome';
import { SlotMemory } from '../hypervisor/slotMemory';
import { addressText, frameAddress, halvesText, type AddressSpace } from './addressText';
import { canonicalAddress } from '../engine/questions/canonicalAddress';
import { entryLine } from './entryText';
import { indexFieldOf } from './indexField';
import type { Row } from './rows';
import type { StoppedMachine } from './stoppedMachine';

/** One dimension of a walk: the entries that it reads, from the root down, and what comes of it. */
export interface WalkedTables {
  /** `guest tables`, `EPT`, `memory slot 0, then the host's tables`. */
  readonly title: string;
  /** Name `PML4E 0 at gpa:0x100000`, value the entry decoded. */
  readonly entries: readonly Row[];
  readonly outcome: string;
  /** Whether the way goes on from here. */
  readonly leads: boolean;
}

/** What an access asks of the tables: an `ACCESS` integer. */
export interface AskedWalk {
  readonly cpu: number;
  readonly space: AddressSpace;
  readonly address: bigint;
  readonly access: number;
}

const LAST_FRAME_SHIFT = 12n;
const PAGE_MASK = 0xfffn;

/**
 * Walks for any address, as the tables stand and without effects: the guest's tables, what the processor uses in their place or
 * behind them, then the way from slot to host frame. A guest-physical address begins behind the guest's tables.
 */
export function addressWalk({ machine }: Pick<StoppedMachine, 'machine'>, asked: AskedWalk): readonly WalkedTables[] | { readonly error: string } {
  const { cpu, space, address } = asked;
  if (space === 'hpa') return { error: `${addressText('hpa', address)} is memory itself: no tables translate it. Ask \`maps\` which entries lead there.` };
  const [lo, hi] = halves(address);
  if (space === 'hva') return hostWalk(machine, cpu, lo, hi);
  if (space === 'gpa') return [...secondLevel(machine, asked), ...slotWalk(machine, cpu, address)];
  const guest = machine.vmOf(cpu).technique.guestTables(cpu);
  if (canonicalAddress(guest.compiled, address) !== address) return { error: `${addressText('gva', address)} is not canonical: an access to it raises #GP, or #SS, before any walk.` };
  const outcome = walk(guest, lo, hi, asked.access, EFFECTS.none);
  const own: WalkedTables = {
    title: guest.compiled.levels === 0 ? 'no guest tables: paging is off' : `guest tables of CR3 ${halvesText('gpa', guest.rootLo, guest.rootHi)}`,
    entries: walkedEntries(guest, 'gpa'),
    outcome: outcomeText(guest, outcome, 'gpa'),
    leads: outcome === WALK.mapped,
  };
  const { gpaLo, gpaHi } = guest.result;
  const behind = outcome === WALK.mapped ? slotWalk(machine, cpu, BigInt.asUintN(64, (BigInt(gpaHi) << 32n) | BigInt(gpaLo >>> 0))) : [];
  return [own, ...ofProcessor(machine, asked), ...behind];
}

/** The tables that the processor itself walks, where those are not the guest's alone: a shadow, or EPT for the final address. */
function ofProcessor(machine: Machine, { cpu, address, access }: AskedWalk): readonly WalkedTables[] {
  const processor = machine.processors[cpu]!;
  const kept = machine.vmOf(cpu).technique.roots(cpu)[0];
  if (kept === undefined) return [];
  const outcome = processor.walkWithoutEffects(...halves(address), access);
  const { inspection } = processor;
  if (kept.space === 'shadow') {
    return [{ title: `shadow tables from ${halvesText('hpa', inspection.rootLo, inspection.rootHi)}`, entries: walkedEntries(inspection, 'hpa'), outcome: outcomeText(inspection, outcome, 'hpa'), leads: outcome === WALK.mapped }];
  }
  const { nested } = inspection;
  if (nested === undefined) return [];
  const name = nested.format.name;
  const isFinal = nested.servedLevel === 0;
  const served = inspection.format.levelNames[nested.servedLevel] ?? '';
  return [{
    title: isFinal ? `${name} for the final guest-physical address` : `${name} for the table of the ${served}`,
    entries: walkedEntries(nested, 'hpa'),
    outcome: outcome === WALK.mapped ? `maps ${halvesText('hpa', inspection.result.hpaLo, inspection.result.hpaHi)}` : refusalText(inspection) ?? 'refused',
    leads: outcome === WALK.mapped,
  }];
}

/** EPT or nested paging for a guest-physical address, where the processor of `cpu` has it. */
function secondLevel(machine: Machine, { cpu, address, access }: AskedWalk): readonly WalkedTables[] {
  const { nested } = machine.processors[cpu]!.inspection;
  if (nested === undefined) return [];
  const outcome = walk(nested, ...halves(address), access | ACCESS.user, EFFECTS.none);
  return [{
    title: `${nested.format.name} from ${halvesText('hpa', nested.rootLo, nested.rootHi)}`,
    entries: walkedEntries(nested, 'hpa'),
    outcome: outcomeText(nested, outcome, 'hpa'),
    leads: outcome === WALK.mapped,
  }];
}

/** Guest-physical to host-virtual by a memory slot, then by the VMM process's page table. */
function slotWalk(machine: Machine, cpu: number, gpa: bigint): readonly WalkedTables[] {
  const { guestMemory } = machine.vmOf(cpu).technique;
  if (!(guestMemory instanceof SlotMemory)) return [];
  const gfn = Number(gpa >> LAST_FRAME_SHIFT);
  const slot = guestMemory.slots.find(gfn);
  if (slot < 0) return [{ title: 'memory slots', entries: [], outcome: `${addressText('gpa', gpa)} lies in none: an access is emulated as MMIO`, leads: false }];
  if (guestMemory.host === undefined) {
    return [{ title: `memory slot ${slot}, which is host frames of its own`, entries: [], outcome: `is ${addressText('hpa', frameAddress(guestMemory.frameOf(gfn)) | (gpa & PAGE_MASK))}`, leads: true }];
  }
  const hva = frameAddress(guestMemory.slots.hvaPage(slot, gfn)) | (gpa & PAGE_MASK);
  return [
    { title: `memory slot ${slot}`, entries: [], outcome: `is ${addressText('hva', hva)} in the VMM process`, leads: true },
    ...hostWalk(machine, cpu, ...halves(hva)),
  ];
}

function hostWalk(machine: Machine, cpu: number, lo: number, hi: number): readonly WalkedTables[] {
  const { guestMemory } = machine.vmOf(cpu).technique;
  const space = guestMemory instanceof SlotMemory ? guestMemory.host?.process.space : undefined;
  if (space === undefined) return [{ title: 'host tables', entries: [], outcome: 'there is no host process, so no host-virtual address leads anywhere', leads: false }];
  const outcome = walk(space, lo, hi, ACCESS.read | ACCESS.implicit, EFFECTS.none);
  return [{ title: `the host's tables from ${halvesText('hpa', space.rootLo, space.rootHi)}`, entries: walkedEntries(space, 'hpa'), outcome: outcomeText(space, outcome, 'hpa'), leads: outcome === WALK.mapped }];
}

/** The entries that the last walk of a space read. */
function walkedEntries({ result, compiled }: TranslationSpace, frameSpace: 'gpa' | 'hpa'): readonly Row[] {
  const rows: Row[] = [];
  for (let level = result.top; level >= result.level && level > 0; level--) {
    const decoded = decodeEntry(compiled, level, result.entryLo[level]!, result.entryHi[level]!, frameSpace);
    const at = halvesText(frameSpace, result.entryAddressLo[level]!, result.entryAddressHi[level]!);
    rows.push({ name: `${decoded.name} ${indexFieldOf(compiled, level, result.addressLo, result.addressHi)} at ${at}`, value: entryLine(decoded) });
  }
  return rows;
}

/** `maps gpa:0x101000`, or why not. */
function outcomeText(space: TranslationSpace, outcome: number, to: 'gpa' | 'hpa'): string {
  const { result } = space;
  if (outcome !== WALK.mapped) return `refused: ${refusalText(space) ?? 'no entry maps it'}`;
  const at = to === 'gpa' ? halvesText('gpa', result.gpaLo, result.gpaHi) : halvesText('hpa', result.hpaLo, result.hpaHi);
  return `maps ${at}`;
}

function halves(address: bigint): readonly [number, number] {
  return [Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n))];
}
