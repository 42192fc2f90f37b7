import { ShadowUnsync } from '../../src/hypervisor/shadowUnsync/shadowUnsync';
import type { ShadowWp } from '../../src/hypervisor/shadowWp/shadowWp';
import {
  accessOf, directModeIn, has4ByteGpte, hasCr0Wp, hasSmepAndNotWp, isDirect, keyOf as keyOfRole, levelOf, modeIn, quadrantOf, roleText,
} from '../../src/hypervisor/shadowWp/role';
import { USE } from '../../src/hypervisor/host/hostFrames';
import type { Machine } from '../../src/engine/machine/machine';
import {
  ENTRIES, entryAt, hex, isAccessed, isDirty, isLarge, isPresent, isWritable, keyOf, rightsOf, span, type Entry,
} from './tableWords';

const WRITABLE = 1;
const USER = 2;
const EXECUTABLE = 4;
/** Bit 51: KVM's mark of MMIO outside EPT. */
const MMIO_HI = 1 << (51 - 32);
const ROOTS = [0, 1, 2, 3] as const;
/** Roots in sets of four, as deprivileged has them. */
const ALL_ROOTS = Array.from({ length: 12 }, (_, i) => i);
const SETS = [0, 1, 2] as const;
const CR4_PSE_ROLE = 1 << 18;

/** What is wrong with the shadow MMU of `machine` as it stands between two instructions of the guest; nothing when all is well. */
export function auditShadow(machine: Machine, technique: ShadowWp): readonly string[] {
  return new ShadowAudit(machine, technique).run();
}

/**
 * Judges the shadow by the words in memory: every entry against the guest's entry behind it, the memslots and the
 * host's table; and every list, hash and count against the entries. Nothing here asks the code that made them.
 */
export class ShadowAudit {
  readonly wrong: string[] = [];
  /** Leaves by the guest frame they map, other entries by the shadow page they lead to: host addresses of the entries. */
  private readonly leavesOf = new Map<number, number[]>();
  private readonly largeLeavesOf = new Map<number, number[]>();
  private readonly parentsOf = new Map<number, number[]>();

  constructor(protected readonly machine: Machine, protected readonly technique: ShadowWp) {}

  run(): readonly string[] {
    const { pages } = this.technique;
    let used = 0;
    for (let page = 1; page < pages.end; page++) {
      if (!pages.isInUse(page)) continue;
      used++;
      this.page(page);
    }
    this.equal(pages.used, used, 'shadow pages in use');
    const vcpus = [...this.technique.vm.vcpus];
    const paeRoots = vcpus.reduce((sum, vcpu) => sum + SETS.filter((set) => vcpu.paeRootOf(set) !== 0).length, 0);
    this.equal(this.technique.vm.frames.count(USE.shadowTable), used + paeRoots, 'host frames of shadow tables');
    vcpus.forEach((_, cpu) => this.roots(cpu));
    if (used > pages.limit) this.say(`${used} shadow pages where ${pages.limit} are allowed`);
    this.lists();
    return this.wrong;
  }

  /** The roots that the processor walks from are those that the hypervisor counts: one, or four behind PDPTEs. */
  protected roots(cpu: number): void {
    const { pages, vm } = this.technique;
    const processor = this.machine.processors[cpu]!;
    const vcpu = vm.vcpus.of(cpu);
    const { levels } = processor.inspection.compiled;
    const { rootLo, rootHi } = processor.inspection;
    const cr3 = (rootLo >>> 12) | (rootHi << 20);
    if (levels > 3) {
      this.equal(cr3, pages.frameOf(vcpu.rootPage), `CR3 of CPU ${cpu} and the table of its root`);
      this.equal(levelOf(pages.roleOf(vcpu.rootPage)), levels, `level of the root of CPU ${cpu}`);
      return;
    }
    this.paeRoots(cpu, cr3, 0);
  }

  /** CR3 names the PDPTEs of a set of roots, which are those roots'. */
  protected paeRoots(cpu: number, cr3: number, set: number): void {
    const { pages, vm } = this.technique;
    const vcpu = vm.vcpus.of(cpu);
    this.equal(cr3, vcpu.paeRootOf(set), `CR3 of CPU ${cpu} and its PDPTEs`);
    for (const root of ROOTS) {
      const page = vcpu.rootPageOf(ROOTS.length * set + root);
      const entry = entryAt(this.machine.memory, vcpu.paeRootOf(set), root);
      const at = `shadow PDPTE ${root} of CPU ${cpu}`;
      this.equal(isPresent(entry) ? 1 : 0, page === 0 ? 0 : 1, at);
      if (page === 0) continue;
      this.equal(entry.lo & 0xfff, 1, `flags of ${at}`);
      this.equal(entry.frame, pages.frameOf(page), `table of ${at}`);
      this.equal(levelOf(pages.roleOf(page)), 2, `level below ${at}`);
      if (has4ByteGpte(pages.roleOf(page))) this.equal(quadrantOf(pages.roleOf(page)), root, `quadrant below ${at}`);
    }
  }

  private page(page: number): void {
    const { pages, vm } = this.technique;
    const role = pages.roleOf(page);
    const frame = pages.frameOf(page);
    this.identity(page);
    const roots = [...vm.vcpus].reduce((sum, vcpu) => sum + ALL_ROOTS.filter((root) => vcpu.rootPageOf(root) === page).length, 0);
    this.equal(pages.rootCount(page), roots + this.previousRoots(page), `roots counted of ${this.name(page)}`);
    if (this.isUnsync(page)) this.unsync(page);
    this.equal(vm.frames.useOf(frame), USE.shadowTable, `use of the frame of ${this.name(page)}`);
    this.equal(vm.frames.detailOf(frame), page, `page noted beside the frame of ${this.name(page)}`);
    for (let index = 0; index < ENTRIES; index++) {
      const entry = entryAt(this.machine.memory, frame, index);
      if (!isPresent(entry)) {
        if ((entry.lo | entry.hi) !== 0) this.say(`entry ${index} of ${this.name(page)} is not present and not zero`);
      } else if (levelOf(role) === 1) {
        this.leaf(page, index, entry);
      } else if (isLarge(entry)) {
        this.largeLeaf(page, index, entry);
      } else {
        this.link(page, index, entry);
      }
    }
  }

  private leaf(page: number, index: number, entry: Entry): void {
    const { pages, vm } = this.technique;
    const at = `leaf ${index} of ${this.name(page)}`;
    if (entry.hi & MMIO_HI) return this.mmio(page, index, entry, at);
    const gfn = this.leafFrame(page, index, entry, at);
    this.equal(pages.leafGfn(page, index), gfn, `frame noted for ${at}`);
    add(this.leavesOf, gfn, pages.frameOf(page) * 512 + index);
    if (vm.slots.find(gfn) < 0) this.say(`${at} maps ${hex(gfn)}, which no memslot holds`);
    this.equal(entry.frame, vm.memory.frameOf(gfn), `host frame of ${at} and of the host's table for ${hex(gfn)}`);
    this.equal(vm.frames.useOf(entry.frame), USE.guestPage, `use of the frame that ${at} maps`);
    if (!isAccessed(entry)) this.say(`${at} is not accessed`);
    if (isWritable(entry) !== isDirty(entry)) this.say(`${at} has W and D not alike`);
    if (isWritable(entry) && !vm.memory.isWritable(gfn)) this.say(`${at} is writable, and the host's entry for ${hex(gfn)} is not`);
    if (isWritable(entry) && vm.slots.isReadOnly(vm.slots.find(gfn))) this.say(`${at} is writable and maps ROM at ${hex(gfn)}`);
    if (isWritable(entry) && vm.dirty.awaitsWrite(gfn) !== 0) this.say(`${at} is writable, and ${hex(gfn)} is clean in a logged slot`);
    if (isWritable(entry) && this.holdsTable(gfn)) this.say(`${at} is writable and maps the shadowed page table ${hex(gfn)}`);
  }

  /** A leaf of 2 MBytes: all that holds of a leaf, for each of its pages; and nobody's table is among them. */
  private largeLeaf(page: number, index: number, entry: Entry): void {
    const { pages, vm } = this.technique;
    const at = `large leaf ${index} of ${this.name(page)}`;
    this.equal(levelOf(pages.roleOf(page)), 2, `level of ${at}`);
    this.equal(entry.frame % ENTRIES, 0, `frame of ${at} within 2 MBytes`);
    const first = this.largeFrame(page, index, entry, at);
    this.equal(pages.leafGfn(page, index), first, `frame noted for ${at}`);
    add(this.largeLeavesOf, first, pages.frameOf(page) * 512 + index);
    if (!isAccessed(entry)) this.say(`${at} is not accessed`);
    if (isWritable(entry) !== isDirty(entry)) this.say(`${at} has W and D not alike`);
    for (let gfn = first; gfn < first + ENTRIES; gfn++) {
      if (vm.slots.find(gfn) < 0) this.say(`${at} maps ${hex(gfn)}, which no memslot holds`);
      this.equal(entry.frame + gfn - first, vm.memory.frameOf(gfn), `host frame of ${at} and of the host's table for ${hex(gfn)}`);
      this.equal(vm.frames.useOf(entry.frame + gfn - first), USE.guestPage, `use of a frame that ${at} maps`);
      if (!isWritable(entry)) continue;
      if (!vm.memory.isWritable(gfn)) this.say(`${at} is writable, and the host's entry for ${hex(gfn)} is not`);
      if (vm.slots.isReadOnly(vm.slots.find(gfn))) this.say(`${at} is writable and maps ROM at ${hex(gfn)}`);
      if (vm.dirty.awaitsWrite(gfn) !== 0) this.say(`${at} is writable, and ${hex(gfn)} is clean in a logged slot`);
    }
    for (let other = 1; other < pages.end; other++) {
      const isAmong = pages.isInUse(other) && !isDirect(pages.roleOf(other)) && pages.gfnOf(other) >= first && pages.gfnOf(other) < first + ENTRIES;
      if (isAmong) this.say(`${at} maps the shadowed page table ${hex(pages.gfnOf(other))}`);
    }
  }

  /** Judges a large leaf by what it was made of, and gives the first guest frame that it must map. */
  private largeFrame(page: number, index: number, entry: Entry, at: string): number {
    const { pages } = this.technique;
    const role = pages.roleOf(page);
    if (isDirect(role)) {
      this.atMost(rightsOf(entry), accessOf(role), at);
      this.equal(keyOf(entry), keyOfRole(role), `key of ${at}`);
      return pages.gfnOf(page) + index * ENTRIES;
    }
    const guest = this.guestEntry(page, index);
    if (!isPresent(guest) || !isLarge(guest)) this.say(`${at}: the guest's entry maps no large page`);
    if (!isAccessed(guest)) this.say(`${at}: the guest's entry is not accessed`);
    if (isWritable(entry) && !isDirty(guest)) this.say(`${at} is writable, and the guest's entry is not dirty`);
    this.equal(keyOf(entry), keyOf(guest), `key of ${at}`);
    this.rights(rightsOf(entry), accessOf(role) & rightsOf(guest), role, at);
    return has4ByteGpte(role) ? frameOf4MBytes(guest.lo, index) : guest.frame & ~(ENTRIES - 1);
  }

  /** What a page is known by. */
  protected identity(page: number): void {
    const { pages } = this.technique;
    if (pages.find(pages.gfnOf(page), pages.roleOf(page)) !== page) this.say(`${this.name(page)} is not what the hash finds for its frame and role`);
  }

  /** Judges a leaf by what it was made of, and gives the guest frame that it must map. */
  protected leafFrame(page: number, index: number, entry: Entry, at: string): number {
    const { pages } = this.technique;
    const role = pages.roleOf(page);
    if (!isDirect(role)) return this.isUnsync(page) ? this.staleLeaf(page, index, entry, at) : this.guestLeaf(page, index, entry, at);
    this.atMost(rightsOf(entry), accessOf(role), at);
    this.equal(keyOf(entry), keyOfRole(role), `key of ${at}`);
    return pages.gfnOf(page) + index;
  }

  /** A leaf that may say what the guest's entry said before: it gives no more than the way to its table allows. */
  private staleLeaf(page: number, index: number, entry: Entry, at: string): number {
    const { pages } = this.technique;
    this.rights(rightsOf(entry), accessOf(pages.roleOf(page)), pages.roleOf(page), at);
    return pages.leafGfn(page, index);
  }

  /** Only the last level may be out of step, under no table above it, and every page above tells where it is. */
  private unsync(page: number): void {
    const { pages } = this.technique;
    if (levelOf(pages.roleOf(page)) !== 1 || isDirect(pages.roleOf(page))) this.say(`${this.name(page)} is unsync`);
    for (let other = 1; other < pages.end; other++) {
      const isTableAbove = pages.isInUse(other) && pages.gfnOf(other) === pages.gfnOf(page) && !isDirect(pages.roleOf(other)) && levelOf(pages.roleOf(other)) > 1;
      if (isTableAbove) this.say(`${this.name(page)} is unsync, and ${this.name(other)} is of the same frame`);
    }
    this.marked(page);
  }

  private marked(page: number): void {
    const { technique } = this;
    technique.sptes.forEachParent(page, (parent, index) => {
      if (technique instanceof ShadowUnsync && !technique.unsync.isMarked(parent, index)) this.say(`entry ${index} of ${this.name(parent)} leads to an unsync page, unmarked`);
      else this.marked(parent);
    });
  }

  private isUnsync(page: number): boolean {
    return this.technique instanceof ShadowUnsync && this.technique.unsync.isUnsync(page);
  }

  private previousRoots(page: number): number {
    if (!(this.technique instanceof ShadowUnsync)) return 0;
    return this.technique.previousRoots.reduce((sum, roots) => {
      let count = 0;
      for (let i = 1; i <= roots.most; i++) if (roots.page(i) === page) count++;
      return sum + count;
    }, 0);
  }

  /** A leaf that says MMIO, by a generation of the slots: what it says must hold if it is the present one. */
  protected mmio(page: number, index: number, entry: Entry, at: string): void {
    const { pages, vm } = this.technique;
    const role = pages.roleOf(page);
    const gfn = ((entry.hi & 0x7ffff) << 20) | (entry.lo >>> 12);
    const generation = ((entry.lo >>> 3) & 0xff) | (((entry.hi >>> 20) & 0x3ff) << 8);
    if (generation === vm.slots.generation % 2 ** 18 && vm.slots.find(gfn) >= 0) this.say(`${at} says MMIO of ${hex(gfn)}, which a slot holds`);
    if (isDirect(role)) return this.equal(gfn, pages.gfnOf(page) + index, `frame that ${at} says is MMIO`);
    const guest = this.guestEntry(page, index);
    this.equal(gfn, guest.frame, `frame that ${at} says is MMIO`);
    this.rights(rightsOf(entry) & ~EXECUTABLE, accessOf(role) & rightsOf(guest), role, at);
    if (isWritable(entry) && !isDirty(guest)) this.say(`${at} has W, and the guest's entry is not dirty`);
  }

  /** Judges a leaf by the guest's entry behind it, and gives the frame that this names. */
  private guestLeaf(page: number, index: number, entry: Entry, at: string): number {
    const { pages } = this.technique;
    const role = pages.roleOf(page);
    const guest = this.guestEntry(page, index);
    if (!isPresent(guest)) this.say(`${at}: the guest's entry is not present`);
    if (!isAccessed(guest)) this.say(`${at}: the guest's entry is not accessed`);
    if (isWritable(entry) && !isDirty(guest)) this.say(`${at} is writable, and the guest's entry is not dirty`);
    this.equal(keyOf(entry), keyOf(guest), `key of ${at}`);
    this.rights(rightsOf(entry), accessOf(role) & rightsOf(guest), role, at);
    return guest.frame;
  }

  private link(page: number, index: number, entry: Entry): void {
    const { pages, vm } = this.technique;
    const level = levelOf(pages.roleOf(page));
    const at = `entry ${index} of ${this.name(page)}`;
    this.equal(vm.frames.useOf(entry.frame), USE.shadowTable, `use of the frame that ${at} references`);
    const child = vm.frames.detailOf(entry.frame);
    if (!pages.isInUse(child)) return this.say(`${at} references no shadow page`);
    add(this.parentsOf, child, pages.frameOf(page) * 512 + index);
    const childRole = pages.roleOf(child);
    this.equal(levelOf(childRole), level - 1, `level below ${at}`);
    this.equal(rightsOf(entry), WRITABLE | USER | EXECUTABLE, `rights of ${at}, which is no leaf`);
    this.childOf(page, index, child, at);
  }

  /** Judges the shadow page that an entry leads to by what the entry was made of. */
  protected childOf(page: number, index: number, child: number, at: string): void {
    const { pages } = this.technique;
    const role = pages.roleOf(page);
    const level = levelOf(role);
    const childRole = pages.roleOf(child);
    this.equal(modeIn(childRole), isDirect(childRole) ? directModeIn(role) : modeIn(role), `mode bits below ${at}`);
    if (isDirect(role)) {
      if (!isDirect(childRole)) this.say(`${at}: below a direct page, and not direct`);
      this.equal(pages.gfnOf(child), pages.gfnOf(page) + index * span(level), `first frame below ${at}`);
      return this.equal(accessOf(childRole), accessOf(role), `access below ${at}`);
    }
    const guest = this.guestEntry(page, index);
    if (!isPresent(guest)) this.say(`${at}: the guest's entry is not present`);
    if (!isAccessed(guest)) this.say(`${at}: the guest's entry is not accessed`);
    const access = accessOf(role) & rightsOf(guest);
    const maps = level < 4 && isLarge(guest) && (!has4ByteGpte(role) || (role & CR4_PSE_ROLE) !== 0);
    if (maps !== isDirect(childRole)) this.say(`${at}: a large page and a direct child go together`);
    if (!maps) {
      this.equal(pages.gfnOf(child), guest.frame, `table below ${at}`);
      this.equal(quadrantOf(childRole), has4ByteGpte(role) ? index & 1 : 0, `quadrant below ${at}`);
      return this.equal(accessOf(childRole), access, `access below ${at}`);
    }
    this.equal(pages.gfnOf(child), has4ByteGpte(role) ? frameOf4MBytes(guest.lo, index) : guest.frame & ~(span(level) - 1), `first frame of the large page below ${at}`);
    this.equal(keyOfRole(childRole), keyOf(guest), `key below ${at}`);
    this.rights(accessOf(childRole), access, role, `child below ${at}`);
    if (accessOf(childRole) & WRITABLE && !isDirty(guest)) this.say(`the child below ${at} is writable, and the guest's entry is not dirty`);
  }

  /** Rights are at most the guest's; while CR0.WP is 0 a leaf may have W without U instead, and without X under SMEP. */
  protected rights(rights: number, guest: number, role: number, at: string): void {
    const isTraded = !hasCr0Wp(role) && (rights & (WRITABLE | USER)) === WRITABLE && (guest & WRITABLE) === 0;
    if (!isTraded) return this.atMost(rights, guest, at);
    this.atMost(rights & ~WRITABLE, guest, at);
    if (hasSmepAndNotWp(role) && guest & USER && rights & EXECUTABLE) this.say(`${at} lets the supervisor fetch from a user page under SMEP`);
  }

  private lists(): void {
    const { pages } = this.technique;
    for (let gfn = 0; gfn < this.technique.vm.memory.frames; gfn++) {
      this.equal(this.listed(pages.reverseMap(gfn)), sorted(this.leavesOf.get(gfn)), `reverse map of ${hex(gfn)} and the leaves that map it`);
      if (gfn % ENTRIES === 0) this.equal(this.listed(pages.reverseMap(gfn, 2)), sorted(this.largeLeavesOf.get(gfn)), `reverse map of 2M at ${hex(gfn)} and the leaves that map it`);
    }
    for (let page = 1; page < pages.end; page++) {
      if (pages.isInUse(page)) {
        this.equal(this.listed(pages.parents(page)), sorted(this.parentsOf.get(page)), `parents of ${this.name(page)} and the entries that lead to it`);
      }
    }
  }

  /** Host addresses, in entries, that a list holds. */
  private listed(head: number): string {
    const { lists } = this.technique.pages;
    const found: number[] = [];
    for (let link = head; link !== 0; link = lists.next(link)) {
      found.push(((lists.lo(link) >>> 12) | (lists.hi(link) << 20)) * 512 + ((lists.lo(link) >>> 3) & 511));
    }
    return sorted(found);
  }

  /** The guest's entry behind SPTE `index` of a shadow page. A page the host has not backed holds zeros. */
  protected guestEntry(page: number, index: number): Entry {
    const { pages, vm } = this.technique;
    const role = pages.roleOf(page);
    const frame = vm.memory.contentsOf(pages.gfnOf(page));
    if (frame < 0) return { lo: 0, hi: 0, frame: 0 };
    if (!has4ByteGpte(role)) return entryAt(this.machine.memory, frame, index);
    // A page table has 1024 entries in two shadow pages; a page directory in four, where each entry has two SPTEs.
    const at = levelOf(role) === 1 ? quadrantOf(role) * ENTRIES + index : quadrantOf(role) * (ENTRIES / 2) + (index >> 1);
    const lo = this.machine.memory.load32((frame << 12) | (at * 4), frame >>> 20);
    return { lo, hi: 0, frame: lo >>> 12 };
  }

  protected holdsTable(gfn: number): boolean {
    const { pages } = this.technique;
    for (let page = 1; page < pages.end; page++) {
      if (pages.isInUse(page) && pages.gfnOf(page) === gfn && !isDirect(pages.roleOf(page)) && !this.isUnsync(page)) return true;
    }
    return false;
  }

  protected atMost(rights: number, allowed: number, at: string): void {
    if ((rights & ~allowed) !== 0) this.say(`${at} gives more than the guest does: ${rights} of ${allowed}`);
  }

  protected equal(found: number | string, wanted: number | string, what: string): void {
    if (found !== wanted) this.say(`${what}: ${found} and ${wanted}`);
  }

  protected name(page: number): string {
    const { pages } = this.technique;
    return `shadow page ${page} of ${hex(pages.gfnOf(page))} (${roleText(pages.roleOf(page))})`;
  }

  protected say(text: string): void {
    this.wrong.push(text);
  }
}

/** First frame of the 2 MBytes of a 4-MByte page that SPTE `index` is about. SDM Vol. 3, "32-Bit Paging": PA[39:32] are bits 20:13. */
function frameOf4MBytes(lo: number, index: number): number {
  return ((lo >>> 22) << 10) | (((lo >>> 13) & 0xff) << 20) | ((index & 1) << 9);
}

function add(map: Map<number, number[]>, key: number, value: number): void {
  const list = map.get(key);
  if (list === undefined) map.set(key, [value]);
  else list.push(value);
}

function sorted(list: readonly number[] | undefined): string {
  return [...(list ?? [])].sort((a, b) => a - b).join(' ');
}
