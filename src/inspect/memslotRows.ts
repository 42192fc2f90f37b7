import type { Machine } from '../engine/machine/machine';
import type { RunningVm } from '../engine/machine/runningVm';
import type { Memslots } from '../hypervisor/memslots';
import type { VirtualMachine } from '../hypervisor/virtualMachine';
import { frameAddress, frameText, qualified, sizeText } from './addressText';
import { indexed, named, numberIn, type Row } from './rows';

/** The memory slots of a VM, with their generation; below each what KVM's `kvm_memory_slot` has. */
export function memslotsRow(machine: Machine, vm: RunningVm, { slots, dirty }: Pick<VirtualMachine, 'slots' | 'dirty'>): Row {
  const there = Array.from({ length: slots.count }, (_, slot) => slot).filter((slot) => slots.isThere(slot));
  return {
    name: 'memory slots',
    value: `${there.length}, generation ${slots.generation}`,
    below: named(() => there.map((slot) => slotRow(machine, vm, slots, dirty, slot))),
  };
}

function slotRow(machine: Machine, vm: RunningVm, slots: Memslots, dirty: VirtualMachine['dirty'], slot: number): Row {
  const base = slots.baseGfn(slot);
  const pages = slots.pages(slot);
  const at = (gfn: number): string => qualified(machine, vm, frameText('gpa', gfn));
  const place = slots.isDirect(slot) ? frameText('hpa', slots.frame(slot, base)) : qualified(machine, vm, frameText('hva', slots.hvaPage(slot, base)));
  const flags = [...slots.isReadOnly(slot) ? ['KVM_MEM_READONLY'] : [], ...slots.isLogging(slot) ? ['KVM_MEM_LOG_DIRTY_PAGES'] : []];
  const size = sizeText(frameAddress(pages));
  return {
    name: `slot ${slot}`,
    value: [`${at(base)} ${size} → ${place}`, ...flags].join(', '),
    below: named(() => [
      { name: 'base_gfn', value: at(base) },
      { name: 'npages', value: `${pages}` },
      { name: slots.isDirect(slot) ? 'host frames' : 'userspace_addr', value: place },
      { name: 'flags', value: flags.length === 0 ? 'none' : flags.join(' ') },
      ...slots.isLogging(slot) ? [dirtyRow(dirty, base, base + pages, at)] : [],
    ]),
  };
}

function dirtyRow(dirty: VirtualMachine['dirty'], first: number, end: number, at: (gfn: number) => string): Row {
  const gfns: number[] = [];
  for (let gfn = dirty.next(first, end); gfn >= 0; gfn = dirty.next(gfn + 1, end)) gfns.push(gfn);
  return {
    name: 'dirty_bitmap',
    value: `${gfns.length} ${gfns.length === 1 ? 'page' : 'pages'} written since the log was asked for, noticed by ${dirty.noticedBy === 'fault' ? 'write faults' : 'page-modification logging'}`,
    below: indexed(gfns, (gfn, index) => ({ name: `[${index}]`, value: at(gfn) }), numberIn),
  };
}
