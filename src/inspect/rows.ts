import type { DecodedEntry } from '../hardware/paging/decodeEntry';
import type { RankedMembers } from './rankedMembers';

/** A row of a read model, as a person reads it. */
export interface Row {
  readonly name: string;
  /** An address stands first, in the form of `addressText`. */
  readonly value: string;
  /**
   * The bytes of memory that the value is: `gpa:0x3008`, with the VM's name where there are several; or some bits of them, which
   * are an address in place where `isAddress` says so. `entry`: the entry that they are all of, with whose line the value ends.
   */
  readonly cell?: { readonly at: string; readonly bytes: number; readonly bits?: readonly [high: number, low: number]; readonly isAddress?: boolean; readonly entry?: DecodedEntry };
  /** The field of its CPU's own control block that it shows: `vmcs field eptp`. */
  readonly field?: string;
  /** What lies below it. */
  readonly below?: Rows;
}

/** Rows that are made when somebody asks for them: a few with names, or any number of one kind, of which a part is asked for. */
export type Rows =
  | { readonly kind: 'named'; readonly all: () => readonly Row[] }
  | {
      readonly kind: 'indexed';
      readonly count: number;
      readonly slice: (start: number, count: number) => readonly Row[];
      /** The row of that name, and no other is made. */
      readonly find: (name: string) => Row | undefined;
    };

export function named(all: () => readonly Row[]): Rows {
  return { kind: 'named', all };
}

/**
 * Rows of which each is known by a number: those that a part of the members has are made when it is asked for. `numberOf`: the
 * number of the row that has a name, if there is such a row.
 */
export function ranked(members: Pick<RankedMembers, 'count' | 'slice' | 'has'>, rowOf: (number: number) => Row, numberOf: (name: string) => number): Rows {
  return {
    kind: 'indexed',
    count: members.count,
    slice: (start, count) => members.slice(start, count).map(rowOf),
    find: (name) => {
      const number = numberOf(name);
      return members.has(number) ? ofName(rowOf(number), name) : undefined;
    },
  };
}

/** One row for each of `things`, in order. `indexOf`: the index of the one whose row has a name, if there is such a row. */
export function indexed<Thing>(things: readonly Thing[], rowOf: (thing: Thing, index: number) => Row, indexOf: (name: string) => number): Rows {
  return {
    kind: 'indexed',
    count: things.length,
    slice: (start, count) => things.slice(start, start + count).map((thing, at) => rowOf(thing, start + at)),
    find: (name) => {
      const index = indexOf(name);
      const thing = things[index];
      return thing === undefined ? undefined : ofName(rowOf(thing, index), name);
    },
  };
}

/** The row, if it has that name. */
export function ofName(row: Row, name: string): Row | undefined {
  return row.name === name ? row : undefined;
}

/** The number that a name such as `[3]` or `PML4E 3` ends with; NaN: there is none. */
export function numberIn(name: string): number {
  return Number(/\d+(?=\D*$)/.exec(name)?.[0]);
}

/** The same rows two levels down, each as a field of its CPU's own control block. */
export function fieldsOfControlBlock(block: 'vmcs' | 'vmcb', groups: Rows): Rows {
  if (groups.kind !== 'named') return groups;
  const marked = (rows: Rows): Rows => (rows.kind === 'named' ? named(() => rows.all().map((row) => ({ ...row, field: `${block} field ${row.name}` }))) : rows);
  return named(() => groups.all().map((group) => (group.below === undefined ? group : { ...group, below: marked(group.below) })));
}
