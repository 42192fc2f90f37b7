import type { PagingModeRow } from '../pagingModes';
import type { ValueType } from '../program';
import type { EntryFormat } from './entryFormat';
import type { Scope } from './scope';

export interface GlobalSymbol {
  readonly kind: 'global';
  readonly name: string;
  readonly index: number;
  readonly type: ValueType;
}

export interface TableSymbol {
  readonly kind: 'table';
  readonly name: string;
  readonly index: number;
  /** What it holds: a table of the scenario holds numbers. */
  readonly values: ValueType;
}

export interface ProcessSymbol {
  readonly kind: 'process';
  readonly name: string;
  readonly index: number;
}

/** A name of the kernel's layout: known when the scenario is compiled. */
export interface ConstantSymbol {
  readonly kind: 'constant';
  readonly name: string;
  readonly value: bigint;
  readonly type: ValueType;
}

export type Symbol = GlobalSymbol | TableSymbol | ProcessSymbol | ConstantSymbol;

export interface ProcedureSymbol {
  readonly name: string;
  /** Index into Program.procedures. */
  readonly index: number;
  readonly parameters: readonly { readonly name: string; readonly type: ValueType }[];
  readonly result: ValueType;
  /** What `original(…)` in it calls. */
  readonly overrides: ProcedureSymbol | undefined;
}

/** What names of one VM mean. */
export interface Symbols {
  /** Number of the VM in Program.vms. */
  readonly vm: number;
  /** Empty when the file has just one VM. */
  readonly name: string;
  /** Scope by file number (`Program.files`). */
  readonly scopes: readonly Scope[];
  /** By name; an overriding procedure stands in the place of what it replaces. */
  readonly procedures: ReadonlyMap<string, ProcedureSymbol>;
  /** `kernel none`: paging is off at first, and `[ ]` takes guest-physical addresses too. */
  readonly paging: 'on' | 'off at first' | 'never on';
  readonly mode: PagingModeRow;
  readonly entries: EntryFormat | undefined;
  /** Names of nested guests, and their numbers. */
  readonly nested: ReadonlyMap<string, number>;
  /** Procedures of the library that need page tables, in a VM that has none. */
  readonly withoutPaging: ReadonlySet<string>;
}

/** Everything a name can mean in a compiled scenario; free of syntax trees, so that it may be kept while it runs. */
export interface ProgramSymbols {
  readonly vms: readonly Symbols[];
  /** VM of each procedure, by its number; -1 for a host thread. */
  readonly vmOfProcedure: readonly number[];
}
