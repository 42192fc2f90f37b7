import type { Debuggee } from '../engine/debuggee';
import type { AddressSpace } from '../inspect/addressText';
import type { TranslationRow } from '../inspect/translation';
import type { Diagnostic, Fragment, Program } from '../language/program';
import type { TablesArguments, TablesResponse, WalkArguments, WalkResponse } from '../protocol/requests';

/** A compiled scenario, with what its compiler needs again for watches and conditions. */
export interface Scenario {
  readonly program: Program;
  /** Compiles an expression; names are those visible at `site`, or the machine's alone without one. */
  compileExpression(text: string, site: ExpressionSite | undefined): { readonly fragment: Fragment } | { readonly error: string };
}

export interface ExpressionSite {
  /** Index into Program.procedures. */
  readonly procedure: number;
}

/**
 * All that the adapter asks of the floors below it. A session gets one, so that tests can put a
 * scripted machine under it.
 */
export interface Simulator {
  /** `readImport` gives undefined for what cannot be read. */
  compile(path: string, text: string, readImport: (path: string) => string | undefined): {
    readonly scenario?: Scenario;
    readonly diagnostics: readonly Diagnostic[];
  };
  /** `mmu` is `TECHNIQUE[:key=value,…]`; undefined: what the scenario itself says. An error is a sentence. */
  launch(scenario: Scenario, mmu: string | undefined):
    { readonly debuggee: Debuggee; readonly inspector: Inspector } | { readonly error: string };
}

/** The read models of one launch, for a stopped machine. An error is a sentence. Nothing is touched. */
export interface Inspector {
  /** The debuggee has come to a stop: what differs from the stop before is marked in tables from here on. */
  noteStop(): void;
  /** Bytes from `address` on, up to the first one that nothing backs. */
  readMemory(cpu: number, space: AddressSpace, address: bigint, count: number): Uint8Array;
  /** Lines (from 1) of a listing at which something runs. */
  runningLines(listing: string): readonly number[];
  tables(args: TablesArguments): TablesResponse | { readonly error: string };
  walk(args: WalkArguments): WalkResponse | { readonly error: string };
  /** The way of a linear address through the spaces, as the tables stand. */
  translation(cpu: number, gva: bigint): readonly TranslationRow[];
}
