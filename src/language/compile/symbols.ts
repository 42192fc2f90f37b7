import type { ValueType } from '../program';

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

export type Symbol = GlobalSymbol | TableSymbol | ProcessSymbol;

export interface ProcedureSymbol {
  readonly name: string;
  /** Index into Program.procedures. */
  readonly index: number;
  readonly parameters: readonly { readonly name: string; readonly type: ValueType }[];
  readonly result: ValueType;
  /** What `original(…)` in it calls. */
  readonly overrides: ProcedureSymbol | undefined;
}

/**
 * Names of one origin. The library's names are the scenario's parent: a scenario may use them and may declare its own
 * of the same name without disturbing the library.
 */
export class Scope {
  private readonly names = new Map<string, Symbol>();

  constructor(private readonly parent: Scope | undefined) {}

  declare(symbol: Symbol): void {
    this.names.set(symbol.name, symbol);
  }

  find(name: string): Symbol | undefined {
    return this.names.get(name) ?? this.parent?.find(name);
  }

  /** Declared right here, not in the parent. */
  own(name: string): Symbol | undefined {
    return this.names.get(name);
  }

  ownSymbols(): readonly Symbol[] {
    return [...this.names.values()];
  }

  allNames(): readonly string[] {
    return [...this.names.keys(), ...(this.parent?.allNames() ?? [])];
  }
}

/** Everything a name can mean in a compiled scenario; free of syntax trees, so that it may be kept while it runs. */
export interface Symbols {
  /** Scope by file number (`Program.files`). */
  readonly scopes: readonly Scope[];
  /** By name; an overriding procedure stands in the place of what it replaces. */
  readonly procedures: ReadonlyMap<string, ProcedureSymbol>;
  /** `kernel none`: paging is off at first, and `[ ]` takes guest-physical addresses too. */
  readonly paging: 'on' | 'off at first';
}
