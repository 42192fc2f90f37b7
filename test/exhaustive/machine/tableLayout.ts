import { PhysicalMemory } from '../../../src/hardware/memory/physicalMemory';
import { Registry } from '../../../src/hardware/state/registry';
import { eptStructures, pagingStructures, type EptLength, type Paging, type Structure } from '../oracle/bitTables';
import { readEntry, readEptEntry, type EntryContext, type EntryFacts, type EptFacts, type Features } from '../oracle/entryFacts';
import type { Flagged } from '../oracle/verdict';

/** Nested tables of a layout: EPT, or the tables of an AMD host in one of its paging modes. */
export type NestedShape =
  | { readonly kind: 'EPT'; readonly length: EptLength; readonly leaf?: string }
  | { readonly kind: 'NPT'; readonly paging: Paging; readonly leaf?: string };

/** Which tables there are, and which entry of each maps the page (by the manual's name; left out: the lowest). */
export interface Shape {
  readonly paging: Paging;
  readonly leaf?: string;
  readonly nested?: NestedShape;
  readonly maxphyaddr: number;
  readonly linear: bigint;
  /** What the processor has or lacks other than the usual. */
  readonly features?: Partial<Features>;
  /** "Mode-based execute control for EPT". */
  readonly modeBasedExecute?: boolean;
}

const GIB = 2 ** 30;
const LEGACY_TABLE_BYTES = 2 ** 22;
const OPEN = 0b111n;
const WRITE_BACK = 6n << 3n;
const USER_EXECUTE = 1n << 10n;
const PRESENT_ONLY = 1n;
const PS = 1n << 7n;

/** One entry of the tables: where it lies, what it holds now and what that says. */
export class Slot<Facts> implements Flagged {
  must = 0;
  may = 0;
  /** Its words: host-physical memory, or the register file. */
  store: Int32Array = new Int32Array(0);
  /** Memory that it lies in, once it is placed there. */
  memory: PhysicalMemory | undefined;
  at = 0;
  lo = 0;
  hi = 0;
  hpa = 0;
  facts: Facts;

  constructor(
    readonly structure: Structure, readonly level: number, readonly gpa: number, readonly inRegister: boolean,
    /** The entry that references its table; undefined at the top. */
    readonly parent: Slot<EntryFacts> | undefined,
    readonly open: bigint, private readonly read: (structure: Structure, value: bigint, context: EntryContext) => Facts,
    /** Registers and processor that the meaning of its bits depends on. */
    public context: EntryContext,
  ) {
    this.facts = read(structure, open, context);
    this.reopen();
  }

  /** An entry value with what it says, made once and used in many cases. */
  candidate(value: bigint): Candidate<Facts> {
    const lo = Number(BigInt.asIntN(32, value));
    const hi = Number(BigInt.asIntN(32, value >> 32n));
    return { value, lo, hi, facts: this.read(this.structure, value, this.context) };
  }

  /** Makes it permissive again. */
  reopen(): void {
    this.hold(this.candidate(this.open));
  }

  hold({ lo, hi, facts }: Candidate<Facts>): void {
    this.lo = lo;
    this.hi = hi;
    this.facts = facts;
    this.write();
  }

  write(): void {
    if (this.memory === undefined) {
      this.store[this.at] = this.lo;
      if (this.structure.entryBytes === 8) this.store[this.at + 1] = this.hi;
    } else {
      // As whoever writes memory does it: what is remembered of entries depends on being told.
      const [lo, hi] = [this.hpa | 0, Math.floor(this.hpa / 2 ** 32) | 0];
      this.memory.store32(lo, hi, this.lo);
      if (this.structure.entryBytes === 8) this.memory.store32(lo + 4, hi, this.hi);
    }
  }
}

export interface Candidate<Facts> {
  readonly value: bigint;
  readonly lo: number;
  readonly hi: number;
  readonly facts: Facts;
}

export type LinearSlot = Slot<EntryFacts>;
export type NestedSlot = Slot<EptFacts & EntryFacts>;
export type AnySlot = LinearSlot | NestedSlot;

/** What the entries of both kinds of tables mean. */
export interface Contexts {
  readonly linear: EntryContext;
  readonly nested: EntryContext;
}

/** Tables in memory for one linear address, every entry of them permissive, each table at an address of its own. */
export class TableLayout {
  readonly registry = new Registry();
  readonly memory: PhysicalMemory;
  readonly linear: LinearSlot[] = [];
  /** For each linear entry in memory, and last for the data: the nested entries that its address goes through. */
  readonly paths: NestedSlot[][] = [];
  /** Every entry once. */
  readonly slots: AnySlot[] = [];
  readonly linearRoot: number;
  readonly nestedRoot: number;
  private tables = 0;
  private readonly byAddress = new Map<number, NestedSlot>();

  constructor(readonly shape: Shape, private readonly contexts: Contexts) {
    this.memory = new PhysicalMemory(this.registry, 2 ** shape.maxphyaddr);
    this.nestedRoot = shape.nested === undefined ? 0 : this.newTable();
    const guestTables: number[] = [];
    this.linearRoot = this.makeLinear(guestTables);
    if (shape.nested !== undefined) {
      for (const slot of this.linear) this.paths.push(slot.inRegister ? [] : this.makeNested(slot.gpa));
      this.paths.push(this.makeNested(this.dataAddress()));
    }
    this.slots.push(...this.linear, ...this.byAddress.values());
    for (const slot of this.byAddress.values()) this.claim(slot);
    this.place();
  }

  get linearLo(): number {
    return Number(BigInt.asIntN(32, this.shape.linear));
  }

  get linearHi(): number {
    return Number(BigInt.asIntN(32, this.shape.linear >> 32n));
  }

  /** Makes every entry permissive, and read as these contexts have it. */
  reopen(contexts: Contexts): void {
    for (const slot of this.linear) slot.context = contexts.linear;
    for (const slot of this.byAddress.values()) slot.context = contexts.nested;
    for (const slot of this.slots) slot.reopen();
  }

  /** Puts each entry's table where the entry above it, as it stands, has it: for tables that are not nested, and nested ones. */
  relink(): void {
    for (const slot of this.slots) {
      const { parent, structure } = slot;
      if (slot.inRegister || parent === undefined || !parent.facts.present || parent.facts.mapsPage) continue;
      if (this.paths.length > 0 && (this.linear as AnySlot[]).includes(slot)) continue;
      const index = slot.gpa % (2 ** structure.indexBits * structure.entryBytes);
      const hpa = parent.facts.frame + index;
      if (hpa >= 2 ** this.shape.maxphyaddr) continue;
      slot.hpa = hpa;
      this.claim(slot);
    }
    this.place();
  }

  /** Puts every linear entry where the nested tables, as they stand, have its guest-physical address. */
  place(): void {
    this.linear.forEach((slot, index) => {
      if (slot.inRegister) return;
      const path = this.paths[index];
      const leaf = path?.find(({ facts }) => facts.mapsPage);
      if (path !== undefined && leaf === undefined) return;
      const hpa = leaf === undefined ? slot.hpa : leaf.facts.frame + slot.gpa % 2 ** leaf.facts.sizeBits;
      // Memory ends there: the entry is reserved, and nothing is read through it.
      if (hpa >= 2 ** this.shape.maxphyaddr) return;
      slot.hpa = hpa;
      this.claim(slot);
    });
    for (const slot of this.slots) if (!slot.inRegister) slot.store = this.memory.words;
  }

  /** Entries of PAE's top level are in registers, whose words are these. */
  useRegisters(words: Int32Array, firstPdpte: number): void {
    for (const slot of this.linear) {
      if (!slot.inRegister) continue;
      slot.store = words;
      slot.at = firstPdpte + 2 * Number((this.shape.linear >> 30n) & 3n);
      slot.write();
    }
  }

  private claim(slot: AnySlot): void {
    const lo = slot.hpa % 2 ** 32 | 0;
    const hi = Math.floor(slot.hpa / 2 ** 32) | 0;
    this.memory.store32(lo, hi, slot.lo);
    if (slot.structure.entryBytes === 8) this.memory.store32(lo + 4, hi, slot.hi);
    slot.at = this.memory.wordAt(lo, hi);
    slot.memory = this.memory;
  }

  private newTable(): number {
    this.tables++;
    const isLegacy = this.shape.nested === undefined ? this.shape.paging === '32-bit'
      : this.shape.nested.kind === 'NPT' && this.shape.nested.paging === '32-bit';
    // With a parity bit two addresses differ in two bits at least: one bit turned over leads to no other table.
    let parity = 0;
    for (let rest = this.tables; rest > 0; rest >>= 1) parity ^= rest & 1;
    return (2 * this.tables + parity) * (isLegacy ? LEGACY_TABLE_BYTES : GIB);
  }

  /** Guest-physical address of the linear table at `depth` from the top: far apart, so that nested paths part early. */
  private guestAddress(depth: number): number {
    const { nested, paging } = this.shape;
    if (nested === undefined) return this.newTable();
    if (nested.kind === 'NPT' && (nested.paging === '32-bit' || nested.paging === 'PAE')) return (depth + 1) * 2 ** 29;
    if (paging === '32-bit') return (depth + 1) * GIB;
    const isFive = nested.kind === 'EPT' ? nested.length === 'EPT, 5 levels' : nested.paging === '5-level';
    return depth * 2 ** (isFive && this.shape.maxphyaddr >= 51 ? 48 : 39) + GIB;
  }

  private makeLinear(tables: number[]): number {
    const { paging, leaf, linear, nested } = this.shape;
    const structures: readonly Structure[] = pagingStructures[paging];
    if (structures.length === 0) return 0;
    const last = leaf === undefined ? structures.length - 1 : structures.findIndex(({ name }) => name === leaf);
    for (let depth = 0; depth <= last + 1; depth++) tables.push(this.guestAddress(depth));
    for (let depth = 0; depth <= last; depth++) {
      const structure = structures[depth]!;
      const index = (linear >> BigInt(structure.indexLow)) & (2n ** BigInt(structure.indexBits) - 1n);
      const inRegister = structure.held !== undefined && nested?.kind !== 'NPT';
      const flags = structure.held !== undefined ? PRESENT_ONLY : OPEN | (depth === last && structure.table !== undefined ? PS : 0n);
      const address = tables[depth]! + Number(index) * structure.entryBytes;
      const slot = new Slot(
        structure, structures.length - depth, address, inRegister, this.linear.at(-1), BigInt(tables[depth + 1]!) | flags, readEntry, this.contexts.linear);
      slot.hpa = address;
      this.linear.push(slot);
    }
    return tables[0]!;
  }

  private dataAddress(): number {
    const { linear } = this.shape;
    const leaf = this.linear.at(-1);
    if (leaf === undefined) return Number(BigInt.asUintN(32, linear));
    return leaf.facts.frame + Number(BigInt.asUintN(leaf.facts.sizeBits, linear));
  }

  /** The path of a guest-physical address; entries that other addresses go through as well are the same slots. */
  private makeNested(gpa: number): NestedSlot[] {
    const { nested } = this.shape;
    if (nested === undefined) return [];
    const structures: readonly Structure[] = nested.kind === 'EPT' ? eptStructures[nested.length] : pagingStructures[nested.paging];
    const last = nested.leaf === undefined ? structures.length - 1 : structures.findIndex(({ name }) => name === nested.leaf);
    const path: NestedSlot[] = [];
    let table = this.nestedRoot;
    for (let depth = 0; depth <= last; depth++) {
      const structure = structures[depth]!;
      const index = Number((BigInt(gpa) >> BigInt(structure.indexLow)) & (2n ** BigInt(structure.indexBits) - 1n));
      const hpa = table + index * structure.entryBytes;
      const slot = this.byAddress.get(hpa) ?? this.newNestedSlot(structure, structures.length - depth, hpa, path.at(-1), depth === last);
      path.push(slot);
      table = slot.facts.frame;
    }
    return path;
  }

  private newNestedSlot(
    structure: Structure, level: number, hpa: number, parent: NestedSlot | undefined, isLeaf: boolean,
  ): NestedSlot {
    const isEpt = this.shape.nested?.kind === 'EPT';
    const flags = (structure.held === undefined ? OPEN : PRESENT_ONLY)
      | (isLeaf && structure.table !== undefined ? PS : 0n) | (isEpt && isLeaf ? WRITE_BACK : 0n)
      | (this.shape.modeBasedExecute === true ? USER_EXECUTE : 0n);
    // All nested tables of a layout are of one kind, and the oracle that judges them asks for no other's facts.
    const read = (isEpt ? readEptEntry : readEntry) as (...entry: Parameters<typeof readEntry>) => EptFacts & EntryFacts;
    const slot: NestedSlot = new Slot(
      structure, level, hpa, false, parent, BigInt(this.newTable()) | flags, read, this.contexts.nested);
    slot.hpa = hpa;
    this.byAddress.set(hpa, slot);
    return slot;
  }
}
