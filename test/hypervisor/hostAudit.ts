import { USE } from '../../src/hypervisor/host/hostFrames';
import type { VirtualMachine } from '../../src/hypervisor/virtualMachine';
import type { Machine } from '../../src/engine/machine/machine';
import { ENTRIES, entryAt, hex, isLarge, isPresent, isWritable, span } from './tableWords';

const LEVELS = 4;

/**
 * What is wrong with the host's memory manager as it stands; nothing when all is well. Judged by the words of the processes'
 * page tables: reverse maps, map counts, owners, the swap device's counts and the counters of frames must say what these do.
 */
export function auditHost(machine: Machine): readonly string[] {
  const vms = machine.vms.flatMap(({ technique }) => (technique.vm === undefined ? [] : [technique.vm]));
  const [first] = vms;
  return first === undefined ? [] : auditHostOf(vms);
}

/** The same of one host, and the VMs that are on it. */
export function auditHostOf(vms: readonly VirtualMachine[]): readonly string[] {
  return new HostAudit(vms, vms[0]!.host.pages).run();
}

class HostAudit {
  private readonly wrong: string[] = [];
  /** Pages that map a frame, as `VM/HVA page`, and how many of them may write it. */
  private readonly mappings = new Map<number, string[]>();
  private readonly writers = new Map<number, number>();
  private readonly swapped = new Map<number, number>();
  private readonly tables = new Set<number>();
  /** Frames that are a memory slot's own, and the VM whose it is. */
  private readonly direct = new Map<number, number>();

  constructor(private readonly vms: readonly VirtualMachine[], private readonly host: VirtualMachine['host']['pages']) {}

  run(): readonly string[] {
    for (const vm of this.vms) {
      const before = this.tables.size;
      if (vm.memory.host === undefined) this.directSlots(vm);
      else this.table(vm, vm.memory.host.process.rootFrame, LEVELS, 0);
      this.equal(vm.frames.count(USE.hostTable), this.tables.size - before, `host tables of VM ${vm.number}`);
    }
    const { frames, swap } = this.host;
    const counted = new Map<string, number>();
    for (let frame = 0; frame < frames.end; frame++) {
      const use = frames.useOf(frame);
      if (use !== USE.free) counted.set(`${use}/${frames.ownerOf(frame)}`, (counted.get(`${use}/${frames.ownerOf(frame)}`) ?? 0) + 1);
      if (use === USE.guestPage && this.direct.has(frame)) this.directPage(frame);
      else if (use === USE.guestPage) this.guestPage(frame);
      else if (this.mappings.has(frame)) this.say(`${hex(frame)} is mapped by ${this.mappings.get(frame)!.join()}, and backs no guest page`);
    }
    for (const vm of this.vms) {
      for (const use of Object.values(USE)) {
        if (use !== USE.free) this.equal(vm.frames.count(use), counted.get(`${use}/${vm.number}`) ?? 0, `frames of use ${use} of VM ${vm.number}`);
      }
    }
    for (let page = 1; page <= swap.highest; page++) this.equal(swap.countOf(page), this.swapped.get(page) ?? 0, `entries that name swap page ${page}`);
    this.equal(swap.used, this.swapped.size, 'pages of the swap device in use');
    return this.wrong;
  }

  private table(vm: VirtualMachine, table: number, level: number, firstPage: number): void {
    this.tables.add(table);
    this.equal(this.host.frames.useOf(table), USE.hostTable, `use of the host table at ${hex(table)}`);
    for (let index = 0; index < ENTRIES; index++) {
      const entry = entryAt(this.vms[0]!.host.reach, table, index);
      const page = firstPage + index * span(level);
      if (!isPresent(entry)) {
        if ((entry.lo | entry.hi) === 0) continue;
        if (level > 1) this.say(`entry ${index} of the host table at ${hex(table)} is not present, and no PTE`);
        else this.swapped.set(entry.frame, (this.swapped.get(entry.frame) ?? 0) + 1);
      } else if (level === 1 || isLarge(entry)) {
        if (vm.slots.gfnOfHva(page) < 0) this.say(`VM ${vm.number} has a page at hva ${hex(page)}, which no memslot holds`);
        for (let i = 0; i < span(level); i++) {
          this.mappings.set(entry.frame + i, [...this.mappings.get(entry.frame + i) ?? [], `${vm.number}/${page + i}`]);
          if (isWritable(entry)) this.writers.set(entry.frame + i, vm.number);
        }
      } else {
        this.table(vm, entry.frame, level - 1, page);
      }
    }
  }

  /** Slots with host frames of their own, all of them, and no two the same. */
  private directSlots({ slots, number }: VirtualMachine): void {
    for (let slot = 0; slot < slots.count; slot++) {
      for (let gfn = slots.baseGfn(slot); gfn < slots.baseGfn(slot) + slots.pages(slot); gfn++) {
        const frame = slots.frame(slot, gfn);
        if (this.direct.has(frame)) this.say(`two slots have ${hex(frame)}`);
        this.direct.set(frame, number);
        this.equal(this.host.frames.useOf(frame), USE.guestPage, `use of ${hex(frame)}, which is a slot's`);
      }
    }
  }

  private directPage(frame: number): void {
    this.equal(this.host.frames.ownerOf(frame), this.direct.get(frame)!, `owner of ${hex(frame)} and the VM whose slot has it`);
    this.equal(this.host.frames.mapCountOf(frame) + this.host.rmap.first(frame), 0, `host entries for ${hex(frame)}, which no page table of the host maps`);
  }

  private guestPage(frame: number): void {
    const { frames, rmap } = this.host;
    const mappings = this.mappings.get(frame) ?? [];
    const listed: string[] = [];
    for (let link = rmap.first(frame); link !== 0; link = rmap.next(link)) listed.push(`${rmap.vmOf(link)}/${rmap.hvaPageOf(link)}`);
    this.equal(listed.sort().join(), [...mappings].sort().join(), `reverse map of ${hex(frame)} and the entries that map it`);
    this.equal(frames.mapCountOf(frame), mappings.length, `map count of ${hex(frame)}`);
    if (mappings.length === 0) this.say(`${hex(frame)} backs no page, and is not free`);
    const writer = this.writers.get(frame);
    if (writer === undefined) return;
    if (mappings.length > 1) this.say(`${hex(frame)} is writable, and ${mappings.join()} map it`);
    this.equal(frames.ownerOf(frame), writer, `owner of ${hex(frame)} and the VM that may write it`);
  }

  private equal(found: number | string, wanted: number | string, what: string): void {
    if (found !== wanted) this.say(`${what}: ${found} and ${wanted}`);
  }

  private say(text: string): void {
    this.wrong.push(text);
  }
}
