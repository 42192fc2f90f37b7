import type { Machine } from '../engine/machine/machine';
import type { RunningVm } from '../engine/machine/runningVm';
import { SlotMemory } from '../hypervisor/slotMemory';
import type { Space } from '../protocol/requests';
import { addressText, frameText, qualified } from './addressText';
import type { StoppedMachine } from './stoppedMachine';
import { ENTRY_WORDS, leadsToTable, tableEntries, tableReferenced } from './tableEntries';
import { hostFrameOf, tableSets, type TableSet } from './tableSet';

const PAGE = 4096;
const SPACES: readonly Space[] = ['guest', 'shadow', 'ept', 'host'];

/**
 * `name`: the VM whose a guest-physical address is, where there are several.
 * Whether a table that can be reached from a known root lies in the `length` bytes from a physical address on, as the
 * tables stand; an error, as a sentence, when no memory of that space is there. Touches nothing.
 */
export function tablesAt(
  { machine }: Pick<StoppedMachine, 'machine'>, space: 'gpa' | 'hpa', address: number, length: number, name?: string,
): { readonly isTable: boolean } | { readonly error: string } {
  const first = Math.floor(address / PAGE);
  const last = Math.floor((address + length - 1) / PAGE);
  const vm = space === 'hpa' ? machine.vms[0] : vmNamed(machine, name);
  if (vm === undefined) return { error: `write whose it is, as in ${machine.vms.map((each) => qualified(machine, each, 'gpa:0x…')).join(' or ')}.` };
  const outside = outsideText(machine, vm, space, first, addressText(space, BigInt(address)));
  if (outside !== undefined) return { error: outside };
  for (const set of SPACES.flatMap((each) => setsOf(machine, each))) {
    if (space === 'gpa' && (set.frameSpace !== 'gpa' || set.vm !== vm)) continue;
    for (const table of tablesOf(machine, set)) {
      const frame = space === 'gpa' ? table : hostFrameOf(set, table);
      if (frame >= first && frame <= last) return { isTable: true };
    }
  }
  return { isTable: false };
}

function setsOf(machine: Machine, space: Space): readonly TableSet[] {
  const sets = tableSets(machine, space);
  return 'message' in sets ? [] : sets;
}

/** The VM of that name; without one the only VM. */
function vmNamed({ vms }: Machine, name: string | undefined): RunningVm | undefined {
  return name === undefined && vms.length === 1 ? vms[0] : vms.find((vm) => vm.name === name);
}

function outsideText(machine: Machine, { technique: { guestMemory } }: RunningVm, space: 'gpa' | 'hpa', frame: number, address: string): string | undefined {
  if (space === 'hpa') {
    const bytes = machine.configuration.hostRam;
    return frame * PAGE < bytes ? undefined : `${address} is outside the host's memory, which ends at ${addressText('hpa', BigInt(bytes))}.`;
  }
  if (frame >= guestMemory.frames) return `${address} is outside the guest's memory, which ends at ${frameText('gpa', guestMemory.frames)}.`;
  const isInHole = guestMemory instanceof SlotMemory && guestMemory.slots.find(frame) < 0;
  return isInHole ? `${address} lies in no memslot.` : undefined;
}

/** Frames of the tables that the roots of a set lead to, in the space that they lie in. */
function tablesOf(machine: Machine, { compiled, ...set }: TableSet): ReadonlySet<number> {
  const levels = new Map<number, number>();
  const visit = (table: number, level: number): void => {
    // A table that two levels share is gone through once for the higher one, which sees all that the lower one does.
    if ((levels.get(table) ?? 0) >= level) return;
    levels.set(table, level);
    const entries = tableEntries(machine.memory, compiled, hostFrameOf({ ...set, compiled }, table));
    for (let at = 0; at < entries.length; at += ENTRY_WORDS) {
      const lo = entries[at + 1]!;
      if (leadsToTable(compiled, level, lo)) visit(tableReferenced(compiled, lo, entries[at + 2]!), level - 1);
    }
  };
  for (const { table } of set.roots) visit(table, compiled.levels);
  return new Set(levels.keys());
}
