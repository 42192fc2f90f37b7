import type { Symbol } from './symbols';

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
