import { frameOfAddress } from '../../hardware/memory/frameNumber';
import { pageHi, pageLo } from '../../hypervisor/memslots';
import type { AddressOwner } from '../../language/hostActions';
import { canonicalAddress } from './canonicalAddress';
import type { Machine } from '../machine/machine';
import type { RunningVm } from '../machine/runningVm';

export type AddressSpace = AddressOwner['space'];

const PAGE_SHIFT = 12n;

/** The page that an address lies in: a guest's, by its frame there, or one of the machine's frames; or nothing. */
export type AddressPlace =
  | { readonly kind: 'guest'; readonly vm: RunningVm; readonly gfn: number }
  | { readonly kind: 'host'; readonly frame: number }
  | { readonly kind: 'nowhere' };

const NOWHERE: AddressPlace = { kind: 'nowhere' };

/**
 * Where an address of CPU `cpu` leads, as tables and slots stand: linear addresses by the guest's tables, rights aside;
 * guest-physical and host-virtual ones are those of the CPU's VM. A guest frame need not be in any slot. Touches nothing.
 */
export function placeOfAddress(machine: Machine, cpu: number, space: AddressSpace, address: bigint): AddressPlace {
  const page = Number(address >> PAGE_SHIFT);
  const vm = machine.vmOf(cpu);
  switch (space) {
    case 'gva': return ofLinear(machine, cpu, address);
    case 'gpa': return { kind: 'guest', vm, gfn: page };
    case 'hva': {
      const gfn = vm.technique.vm?.slots.gfnOfHva(page) ?? -1;
      return gfn < 0 ? NOWHERE : { kind: 'guest', vm, gfn };
    }
    case 'hpa': return machine.memory.isInstalled(pageLo(page), pageHi(page)) ? { kind: 'host', frame: page } : NOWHERE;
  }
}

function ofLinear(machine: Machine, cpu: number, address: bigint): AddressPlace {
  const vm = machine.vmOf(cpu);
  const tables = vm.technique.guestTables(machine.processors[cpu]?.cpu ?? cpu);
  if (canonicalAddress(tables.compiled, address) !== address) return NOWHERE;
  const lo = Number(BigInt.asIntN(32, address));
  const hi = Number(BigInt.asIntN(32, address >> 32n));
  if (!machine.questions.translate(cpu, lo, hi)) return NOWHERE;
  return { kind: 'guest', vm, gfn: frameOfAddress(tables.result.gpaLo, tables.result.gpaHi) };
}
