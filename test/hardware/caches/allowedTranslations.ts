/*
 * What a processor may know of a linear address: an oracle of histories. Every entry of every table has the values that it
 * has had; a cached translation may be made of any values that its entries have had since what is cached of the address
 * was invalidated last. Where all required invalidations were made, only the present is left.
 */

/** Bits of an entry of long mode, and of a rights integer as lines hold it. */
const PRESENT = 1n;
const WRITABLE = 2n;
const USER = 4n;
const LARGE = 1n << 7n;
const GLOBAL = 1n << 8n;
const XD = 1n << 63n;
const FRAME = 0xf_ffff_ffff_f000n;
export const RIGHT = { writable: 1, user: 2, executable: 4 } as const;
const ALL = 7;
const SHIFTS = [0n, 12n, 21n, 30n, 39n];

/** The values of one word over time. */
class History {
  private readonly times: number[] = [];
  private readonly values: bigint[] = [];

  set(time: number, value: bigint): void {
    this.times.push(time);
    this.values.push(value);
  }

  /** The value at a time, and all later ones. */
  since(time: number): readonly bigint[] {
    let first = this.times.length - 1;
    while (first > 0 && this.times[first]! > time) first--;
    return [...new Set(this.values.slice(Math.max(first, 0)))];
  }

  get isKnown(): boolean { return this.times.length > 0; }
}

/** A way down the tables: to a page, or to an entry that is not present (`shift` -1). */
export interface Path {
  readonly gpa: bigint;
  readonly rights: number;
  readonly shift: number;
  readonly isGlobal: boolean;
}

/** A way to the table below an entry of `level`. */
export interface TablePath { readonly table: bigint; readonly rights: number }

/** A translation by EPT: rights 0 when there is none. */
export interface NestedPath { readonly hpa: bigint; readonly rights: number }

/** The tables of a test with their past: only what is written through here is known. */
export class TableHistory {
  now = 0;
  private readonly words = new Map<bigint, History>();
  private readonly roots = new Map<string, History>();

  write(address: bigint, value: bigint): void {
    this.now++;
    const history = this.words.get(address) ?? new History();
    this.words.set(address, history);
    history.set(this.now, value);
  }

  /** CR3 under a VPID and PCID. */
  useRoot(context: string, root: bigint): void {
    this.now++;
    const history = this.roots.get(context) ?? new History();
    this.roots.set(context, history);
    history.set(this.now, root);
  }

  paths(context: string, gva: bigint, since: number): readonly Path[] {
    const found = new Map<string, Path>();
    for (const root of this.roots.get(context)?.since(since) ?? []) {
      for (const path of this.down(root, gva, 4, ALL, since)) found.set(`${path.gpa}/${path.rights}/${path.shift}/${path.isGlobal}`, path);
    }
    return [...found.values()];
  }

  /** Tables that an entry of `level` for the address may lead to. */
  tables(context: string, gva: bigint, level: number, since: number): readonly TablePath[] {
    let tables: TablePath[] = (this.roots.get(context)?.since(since) ?? []).map((table) => ({ table, rights: ALL }));
    for (let at = 4; at >= level; at--) {
      tables = tables.flatMap(({ table, rights }) => this.values(entryAddress(table, gva, at), since)
        .filter((value) => (value & PRESENT) !== 0n && (at > 2 || (value & LARGE) === 0n))
        .map((value) => ({ table: value & FRAME, rights: rights & rightsOf(value) })));
    }
    return tables;
  }

  /** EPT entries of the test are of two levels: rights in the PDE, everything in the PTE. */
  nested(pde: bigint, pte: bigint, since: number): readonly NestedPath[] {
    return this.values(pde, since).flatMap((upper) => this.values(pte, since).map((lower) => {
      const isPresent = (upper & 7n) !== 0n && (lower & 7n) !== 0n;
      return { hpa: lower & FRAME, rights: isPresent ? Number(upper & lower & 7n) : 0 };
    }));
  }

  private down(table: bigint, gva: bigint, level: number, rights: number, since: number): Path[] {
    return this.values(entryAddress(table, gva, level), since).flatMap((value): Path[] => {
      if ((value & PRESENT) === 0n) return [{ gpa: 0n, rights: 0, shift: -1, isGlobal: false }];
      const here = rights & rightsOf(value);
      if (level > 1 && (level > 2 || (value & LARGE) === 0n)) return this.down(value & FRAME, gva, level - 1, here, since);
      const offset = (1n << SHIFTS[level]!) - 1n;
      return [{ gpa: (value & FRAME & ~offset) | (gva & offset), rights: here, shift: Number(SHIFTS[level]!), isGlobal: (value & GLOBAL) !== 0n }];
    });
  }

  /** What an entry has held since a time; one that was never written is zero. */
  values(address: bigint, since: number): readonly bigint[] {
    const history = this.words.get(address);
    return history?.isKnown === true ? history.since(since) : [0n];
  }
}

export function entryAddress(table: bigint, gva: bigint, level: number): bigint {
  return table + ((gva >> SHIFTS[level]!) & 0x1ffn) * 8n;
}

function rightsOf(value: bigint): number {
  return (value & WRITABLE ? RIGHT.writable : 0) | (value & USER ? RIGHT.user : 0) | (value & XD ? 0 : RIGHT.executable);
}
