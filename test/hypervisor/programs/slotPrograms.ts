import { VMCS } from '../../../src/hardware/vmx/vmcs';
import type { Machine } from '../../../src/engine/machine/machine';

/** ROM, and MMIO that entries tell of. */
export const slotted = `machine {
    paging 4-level
    slot low 0 .. 16M ram
    slot bios 32M .. 33M rom
    slot device 40M .. 41M mmio
  }
  process p { 0x600000 .. 0x604000 rw user }
  cpu 0 {
    switch(p)
    map(p, 0x700000, gpa:32M, rw); map(p, 0x701000, gpa:40M, rwx); map(p, 0x702000, gpa:33M - 4K, rw); map(p, 0x703000, gpa:1T, rw)
    user x = [0x700000]; user [0x700000] = 1; user [0x700ffc] += 1; user [0x701ffc] += 1
    user x = [0x701000]; user [0x701000] = 1; user fetch(0x701000); user x = [0x703000]
  }`;

/** Slots that come, move and go, and the log of their dirty pages. */
export const changing = `machine {
    paging 4-level
    dirty_log LOG
    slot low 0 .. 16M ram
    slot bios 32M .. 33M rom
  }
  process p { 0x600000 .. 0x604000 rw user }
  cpu 0 {
    switch(p)
    map(p, 0x700000, gpa:48M, rw); map(p, 0x701000, gpa:64M, rw); map(p, 0x702000, gpa:48M + 4K, rw); map(p, 0x703000, gpa:32M, rw)
    map(p, 0x704000, gpa:8M, rw)
    user x = [0x700000]; user [0x701000] = 1; user [0x600000] = 1
    host add_slot(extra, gpa:48M, 1M)
    user x = [0x700000]; user [0x702000] = 1; user x = [0x701000]
    host log_dirty(extra, true); host log_dirty(low, true)
    user [0x600000] = 1; user [0x601000] = 1; user [0x700000] = 1; user [0x703ffc] = 1; user [0x700ffc] = 1
    entry [pte_at(p, 0x600000)] |= 0x200; user [0x700ffc] = 2
    host { log = get_dirty_log(extra); log = get_dirty_log(extra); log = get_dirty_log(low) }
    user [0x600000] = 1; user [0x702000] = 2
    x = [direct(gpa:9M)]; entry [direct(gpa:9M)] = 0
    host move_slot(extra, gpa:64M)
    user x = [0x701000]
    host log_dirty(low, false); host log_dirty(extra, false)
    host remove_slot(extra)
    user x = [0x701000]
    user [0x600000] = 1; user [0x601000] = 1
    host log_dirty(low, true)
    user [0x600000] = 1; user [0x601000] = 1
  }`;

/** Guest tables in a slot that goes: such as no vCPU has as its root, then the root's own. */
export const goingTables = `machine {
    paging 4-level
    slot low 0 .. 16M ram
    slot extra 16M .. 18M ram
    slot more 18M .. 20M ram
  }
  process p { 0x600000 .. 0x604000 rw user }
  cpu 0 {
    switch(p)
    entry [direct(gpa:16M)] = pte(gpa:8M, rw, user)
    entry [slot_for(p, 0x40000000, 2M)] = pde(gpa:16M, rwx, user)
    user [0x40000000] = 1
    for i in 0 .. 512 { entry [direct(gpa:18M) + i * 8] = entry [direct(p.root) + i * 8] }
    host remove_slot(extra)
    cr3 = gpa:18M
    user x = [0x600000]
    host remove_slot(more)
    user x = [0x600000]
  }`;
/** Lines of `changing`, from 0: of the first `log_dirty`, and of stores that are logged at the end. */
export const WRAP_AT = 14;
export const FULL_AT = 27;

/** A guest whose stack is no memory, when an event comes. */
export const stackOnDevice = `machine { paging 4-level, ram 16M, delivery memory }
  process p { 0x600000 .. 0x601000 rw user }
  on interrupt 0x40 { x = 1 }
  cpu 0 {
    switch(p)
    map(p, 0x701000, gpa:64M, rw)
    rsp = 0x701800
    int(0x40)
  }`;

/** One entry is left in the page-modification log. */
export function fillLog(machine: Machine): void {
  machine.processors[0]!.vmcs[VMCS.pml_index] = 0;
}

/** The EPT PDE of low memory maps a large page. */
export function mapLarge(machine: Machine): void {
  const { nested } = machine.processors[0]!.inspection;
  machine.processors[0]!.walkWithoutEffects(0x600000, 0, 0);
  const { result } = nested!;
  machine.memory.store32(result.entryHpaLo[2]!, result.entryHpaHi[2]!, result.entryLo[2]! | 0x80);
}

/** The next generation of the slots is one that an MMIO entry cannot tell from the first. */
export function comeRound(machine: Machine): void {
  machine.registry.contents().get('vm.memslots_used')![1] = 2 ** 18 - 1;
}

/** The EPT PTE of gva:0x600000 has W without R, and does not say MMIO. */
export function misconfigure(machine: Machine): void {
  const { inspection } = machine.processors[0]!;
  machine.processors[0]!.walkWithoutEffects(0x600000, 0, 4);
  const { result } = inspection.nested!;
  machine.memory.store32(result.entryHpaLo[1]!, result.entryHpaHi[1]!, (result.entryLo[1]! & ~7) | 2);
}

/** The nested PML4E that gva:0x600000 is reached through has PS set, which is reserved there. */
export function setReservedBit(machine: Machine): void {
  const { nested } = machine.processors[0]!.inspection;
  machine.processors[0]!.walkWithoutEffects(0x600000, 0, 0);
  const { result } = nested!;
  machine.memory.store32(result.entryHpaLo[4]!, result.entryHpaHi[4]!, result.entryLo[4]! | 0x80);
}
