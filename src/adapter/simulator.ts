import type { Debuggee, EventView } from '../engine/debuggee';
import type { CauseOfCycles } from '../engine/costs/costModel';
import type { AddressSpace } from '../inspect/addressText';
import type { AskedWalk, WalkedTables } from '../inspect/addressWalk';
import type { DecodedNumber } from '../inspect/decodedNumber';
import type { EventStory } from '../inspect/eventStory';
import type { MachineScope } from '../inspect/machineScopes';
import type { MicroStep } from '../inspect/microSteps';
import type { Mappers } from '../inspect/mappers';
import type { Row } from '../inspect/rows';
import type { TranslationRow } from '../inspect/translation';
import type { Completion } from '../language/editor/completion';
import type { ReadImport } from '../language/compile/sources';
import type { EditTarget } from '../language/editTarget';
import type { ListedValue, Site } from '../language/expression';
import type { Diagnostic, Fragment, Program } from '../language/program';
import type { Space, TablesArguments, TablesResponse, WalkArguments, WalkResponse } from '../protocol/requests';

/** A compiled scenario, with what its compiler needs again for watches and conditions. */
export interface Scenario {
  readonly program: Program;
  /** Compiles an expression; names are those visible at `site`. */
  compileExpression(text: string, site: Site): { readonly fragment: Fragment } | { readonly error: string };
  /** The place that an expression names, to be given a value. */
  editTarget(text: string, site: Site): { readonly target: EditTarget } | { readonly error: string };
  /** What an expression may go on with, by its text up to the place; a frame's variables aside. */
  completions(expression: string): readonly Completion[];
}

/**
 * All that the adapter asks of the floors below it. A session gets one, so that tests can put a
 * scripted machine under it.
 */
export interface Simulator {
  compile(path: string, text: string, readImport: ReadImport): {
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
  /** The machine has been edited at the present stop. */
  noteEdit(): void;
  /** Bytes from `address` on, up to the first one that nothing backs. */
  readMemory(cpu: number, space: AddressSpace, address: bigint, count: number): Uint8Array;
  /** Where an address of a space lies in host-physical memory as the tables stand (for `Debuggee.lastWriter`), or why nowhere. */
  hostAddress(cpu: number, space: AddressSpace, address: bigint): { readonly address: bigint } | { readonly nobody: string };
  /** The guest-physical address that a linear or host-virtual one leads to as the tables stand; undefined: none. */
  guestAddress(cpu: number, space: 'gva' | 'hva', address: bigint): bigint | undefined;
  /** Lines (from 1) of a listing at which something runs. */
  runningLines(listing: string): readonly number[];
  /** Named values that a line (from 1) of a listing can have, by their numbers in its events. */
  listedValues(listing: string, line: number): readonly ListedValue[];
  /** Whether a known table lies at `length` bytes from a physical address on. An error: no memory is there, nor can be. */
  entriesAt(space: 'gpa' | 'hpa', address: number, length: number, vm?: string): { readonly isTable: boolean } | { readonly error: string };
  /** The thread that an event of CPU `cpu` is about, as it comes: that CPU, or a nested guest's, which is on the one around. */
  actorOn(cpu: number): number;
  /** The processor of the step that runs or is stood in, by the number that its events carry; -1 of a host thread's. */
  actingCpu(): number;
  /** The structure by which the hypervisor runs the guest on CPU or nested CPU `actor`, whose fields can be watched; undefined where there is none. */
  controlBlock(actor: number): 'vmcs' | 'vmcb' | undefined;
  tables(args: TablesArguments): TablesResponse | { readonly error: string };
  walk(args: WalkArguments): WalkResponse | { readonly error: string };
  /** The way of a linear address through the spaces, as the tables stand. */
  translation(cpu: number, gva: bigint): readonly TranslationRow[];
  /** What an event means as things stand, seen from a CPU or host thread. */
  story(event: EventView, actor: number): EventStory;
  /** The statement stood in, or with which another thread goes on, taken apart into what the machine does for it. */
  microSteps(thread?: number): readonly MicroStep[];
  /** The walk for any address, dimension by dimension. */
  walkFor(asked: AskedWalk): readonly WalkedTables[] | { readonly error: string };
  /** Entries that lead to a physical address. */
  mappers(space: 'gpa' | 'hpa', address: bigint, vm: string): Mappers;
  /** How much there is below each root. */
  tableCounts(space: Space): readonly Row[] | { readonly message: string };
  /** TLB lines over a linear address. */
  cachedLines(cpu: number, gva: bigint): readonly Row[];
  /** A number read as an entry by that name. */
  decoded(cpu: number, value: bigint, name: string): DecodedNumber;
  /** The settings in force. */
  settings(): readonly Row[];
  /** What of the machine below the guest's program there is to look at, from a CPU or a host thread. */
  machineScopes(actor: number): readonly MachineScope[];
  /** What the VM of this CPU is estimated to have cost since the scenario's first line, by cause. */
  costs(cpu: number): readonly CauseOfCycles[];
}
