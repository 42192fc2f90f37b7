import { KIND } from '../../src/hardware/events/eventTable';
import { ACCESS } from '../../src/hardware/paging/accessKinds';
import { CR0, CR4 } from '../../src/hardware/processor/controlRegisters';
import { EFFECTS, WALK } from '../../src/hardware/paging/walkOutcome';
import { walk } from '../../src/hardware/paging/walk';
import { VMCS } from '../../src/hardware/vmx/vmcs';
import { isDirect, levelOf, roleText } from '../../src/hypervisor/shadowWp/role';
import type { ShadowVtlb } from '../../src/hypervisor/shadowVtlb/shadowVtlb';
import type { Machine } from '../../src/engine/machine/machine';
import { ShadowAudit } from './shadowAudit';
import { ENTRIES, entryAt, hex, isPresent, keyOf, rightsOf, type Entry } from './tableWords';

/** Bit 51: KVM's mark of MMIO outside EPT. */
const MMIO_HI = 1 << (51 - 32);
const GLOBAL = 1 << 8;
const WRITABLE = 1;
const USER = 2;
const EXECUTABLE = 4;

/** What is wrong with the virtual TLBs of `machine` as they stand between two instructions of the guest; nothing when all is well. */
export function auditVtlb(machine: Machine, technique: ShadowVtlb): readonly string[] {
  return new VtlbAudit(machine, technique).run();
}

/**
 * Holds what comes into virtual TLBs to what the guest's tables say then: at each VM entry, as the guest may change them in the
 * instruction that follows. Gives the list that findings are added to.
 */
export function auditFills(machine: Machine, technique: ShadowVtlb): readonly string[] {
  const findings: string[] = [];
  let known = new Map<string, string>();
  machine.bus.tap(() => {
    const audit = new VtlbAudit(machine, technique);
    known = audit.fills(known);
    findings.push(...audit.wrong);
  }, [KIND.vm_entry]);
  return findings;
}

/**
 * A virtual TLB may say what the guest's tables said before, so that only what is new can be held to them. Its tables are a tree
 * by linear addresses; nothing is write-protected.
 */
class VtlbAudit extends ShadowAudit {
  constructor(machine: Machine, private readonly vtlb: ShadowVtlb) {
    super(machine, vtlb);
  }

  /** Judges the leaves that are not as in `known`, and gives those there are. */
  fills(known: ReadonlyMap<string, string>): Map<string, string> {
    const { pages } = this.vtlb;
    const now = new Map<string, string>();
    for (let page = 1; page < pages.end; page++) {
      if (!pages.isInUse(page) || levelOf(pages.roleOf(page)) !== 1) continue;
      for (let index = 0; index < ENTRIES; index++) {
        const entry = entryAt(this.machine.memory, pages.frameOf(page), index);
        if (!isPresent(entry)) continue;
        const value = `${entry.lo}/${entry.hi}`;
        now.set(`${page}/${index}`, value);
        if (known.get(`${page}/${index}`) === value) continue;
        const at = `new leaf ${index} of ${this.name(page)}`;
        if (entry.hi & MMIO_HI) this.walked(page, index, ((entry.hi & 0x7ffff) << 20) | (entry.lo >>> 12), at);
        else this.composed(page, index, entry, pages.leafGfn(page, index), at);
      }
    }
    return now;
  }

  /** A root has no parent, any other table one; each knows whose it is. */
  protected override identity(page: number): void {
    const { pages, tables, vm } = this.vtlb;
    let parents = 0;
    this.vtlb.sptes.forEachParent(page, () => { parents++; });
    this.equal(parents + pages.rootCount(page), 1, `ways to ${this.name(page)}`);
    if (pages.rootCount(page) === 0) return;
    const vcpu = vm.vcpus.of(tables.cpuOf(page));
    if (![0, 1, 2, 3].some((root) => vcpu.rootPageOf(root) === page)) this.say(`${this.name(page)} is a root of another CPU than ${tables.cpuOf(page)}`);
  }

  protected override childOf(page: number, index: number, child: number, at: string): void {
    const { pages, tables } = this.vtlb;
    const level = levelOf(pages.roleOf(page));
    this.equal(tables.cpuOf(child), tables.cpuOf(page), `CPU of the table below ${at}`);
    this.equal(this.addressOf(child, 0).toString(16), this.addressOf(page, index).toString(16), `address at which the table below ${at} begins`);
    if (level < 4 && isDirect(pages.roleOf(page)) && !isDirect(pages.roleOf(child))) this.say(`${at}: small pages below fragments of a large one`);
  }

  protected override leafFrame(page: number, index: number): number {
    return this.vtlb.pages.leafGfn(page, index);
  }

  protected override mmio(_page: number, _index: number, entry: Entry, at: string): void {
    const { vm: { slots } } = this.vtlb;
    const gfn = ((entry.hi & 0x7ffff) << 20) | (entry.lo >>> 12);
    const generation = ((entry.lo >>> 3) & 0xff) | (((entry.hi >>> 20) & 0x3ff) << 8);
    if (generation === slots.generation % 2 ** 18 && slots.find(gfn) >= 0) this.say(`${at} says MMIO of ${hex(gfn)}, which a slot holds`);
  }

  /** Nothing is protected. */
  protected override holdsTable(): boolean {
    return false;
  }

  protected override name(page: number): string {
    const { pages } = this.vtlb;
    return `table ${page} of the virtual TLB for gva:0x${this.addressOf(page, 0).toString(16)} (${roleText(pages.roleOf(page))})`;
  }

  private composed(page: number, index: number, entry: Entry, gfn: number, at: string): void {
    const { result } = this.walked(page, index, gfn, at);
    const vmcs = this.machine.processors[this.vtlb.tables.cpuOf(page)]!.vmcs;
    const given = result.rights & (result.dirty === 0 ? ~WRITABLE : -1);
    const mayTrade = (vmcs[VMCS.cr0_read_shadow]! & CR0.WP) === 0 && (rightsOf(entry) & (WRITABLE | USER)) === WRITABLE && result.dirty !== 0;
    this.atMost(rightsOf(entry), mayTrade ? given | WRITABLE : given, at);
    if (mayTrade && (given & WRITABLE) === 0 && (vmcs[VMCS.cr4_read_shadow]! & CR4.SMEP) !== 0 && given & USER && rightsOf(entry) & EXECUTABLE) {
      this.say(`${at} lets the supervisor fetch from a user page under SMEP`);
    }
    this.equal(keyOf(entry), result.key, `key of ${at}`);
    const isGlobal = result.global !== 0 && (vmcs[VMCS.cr4_read_shadow]! & CR4.PGE) !== 0;
    this.equal((entry.lo & GLOBAL) !== 0 ? 1 : 0, isGlobal ? 1 : 0, `G of ${at}`);
  }

  /** The guest's own walk of a leaf's address, which must lead to `gfn` by entries that were accessed. */
  private walked(page: number, index: number, gfn: number, at: string): ReturnType<ShadowVtlb['guestTables']> {
    const address = this.addressOf(page, index);
    const space = this.vtlb.guestTables(this.vtlb.tables.cpuOf(page));
    const outcome = walk(space, Number(BigInt.asIntN(32, address)), Number(BigInt.asIntN(32, address >> 32n)), ACCESS.read, EFFECTS.none);
    if (outcome !== WALK.mapped && outcome !== WALK.pageFault) this.say(`${at}: the guest's walk ends in outcome ${outcome}`);
    this.equal((space.result.gpaLo >>> 12) | (space.result.gpaHi << 20), gfn, `frame that the guest's tables give for ${at}`);
    return space;
  }

  /** Linear address at which entry `index` of a table begins, as 64 bits. */
  private addressOf(page: number, index: number): bigint {
    const { lo, hi } = this.vtlb.coveredBy(page);
    const start = (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
    const level = levelOf(this.vtlb.pages.roleOf(page));
    const offset = BigInt(index) << BigInt(12 + 9 * (level - 1));
    // A root covers both halves of the canonical addresses, its upper entries the upper one.
    const isUpper = this.vtlb.pages.rootCount(page) > 0 && level > 2 && index >= 256;
    return BigInt.asUintN(64, isUpper ? start + offset - (1n << BigInt(12 + 9 * level)) : start + offset);
  }
}
