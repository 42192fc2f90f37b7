import { ACTOR, KIND, MAX_VALUES, VALUES_AT, VALUES_SET_AT, field } from '../hardware/events/eventTable';
import type { EventBus } from '../hardware/events/eventBus';
import { frameOfAddress } from '../hardware/memory/frameNumber';

/**
 * Handlers as listings. A handler is a list of lines; each line's text stands beside the code that
 * does it, and the `.vmm` source that the debugger shows is made of these texts. Running a
 * procedure emits one event per line, before the line's code runs.
 *
 * The named values of a procedure (gfn, role, pfn …) live in its frame, and every event of its
 * lines carries them: they are the variables of the debugger's frame.
 */

/** How a named value prints: an address by its space. */
export type ValueKind = 'number' | 'gva' | 'gpa' | 'hva' | 'hpa';

/** Named values of one running procedure: pairs of halves, in the order of its declaration. */
export class ListingFrame {
  readonly words = new Int32Array(2 * MAX_VALUES);
  /** Bit per value: 1 once it has been set. */
  known = 0;

  set(value: number, lo: number, hi: number): void {
    this.known |= 1 << value;
    this.words[2 * value] = lo;
    this.words[2 * value + 1] = hi;
  }

  isKnown(value: number): boolean {
    return (this.known & (1 << value)) !== 0;
  }

  lo(value: number): number {
    return this.words[2 * value]!;
  }

  hi(value: number): number {
    return this.words[2 * value + 1]!;
  }

  /** Number of the frame that a value, an address, lies in: the gfn of a gpa. */
  frame(value: number): number {
    return frameOfAddress(this.lo(value), this.hi(value));
  }

  /** Sets a value to the address of frame `frame`. */
  setFrame(value: number, frame: number): void {
    this.set(value, frame << 12, frame >>> 20);
  }
}

/** What a line may change: names of registry blocks. A test holds every line to its list. */
export interface LineOptions {
  readonly writes?: readonly string[];
}

/**
 * What a line says. Where it speaks of host-virtual addresses it says something else with `backing direct`, which has none; ''
 * leaves the line out there.
 */
export type ListingText = string | { readonly layered: string; readonly direct: string };

/** What all listings of a machine share: how deep their procedures are in one another, and how they tell of slots' memory. */
export interface ListingStack {
  value: number;
  /** Lines that have run by now, those that were run again counted again: how long a stretch of a run has taken. */
  lines: number;
  readonly wording: 'layered' | 'direct';
}

type Run<V> = (vmm: V, frame: ListingFrame) => void;
type Test<V> = (vmm: V, frame: ListingFrame) => boolean;

/** One node of a listing. `line` is given when the listing is assembled. */
export type ListingNode<V> =
  | { readonly kind: 'line'; readonly text: ListingText; readonly writes: readonly string[]; readonly run: Run<V> }
  | { readonly kind: 'when'; readonly text: ListingText; readonly test: Test<V>; readonly body: readonly ListingNode<V>[] }
  | { readonly kind: 'repeat'; readonly text: ListingText; readonly test: Test<V>; readonly body: readonly ListingNode<V>[] }
  | { readonly kind: 'give'; readonly text: ListingText; readonly writes: readonly string[]; readonly result: (vmm: V, frame: ListingFrame) => number };

/** A line that does something. */
export function line<V>(text: ListingText, options: LineOptions, run: Run<V>): ListingNode<V> {
  return { kind: 'line', text, writes: options.writes ?? [], run };
}

/** `if TEXT {` body `}` */
export function when<V>(text: ListingText, test: Test<V>, body: readonly ListingNode<V>[]): ListingNode<V> {
  return { kind: 'when', text, test, body };
}

/** `while TEXT {` body `}`: the test moves on to the next item and says whether there is one. */
export function repeat<V>(text: ListingText, test: Test<V>, body: readonly ListingNode<V>[]): ListingNode<V> {
  return { kind: 'repeat', text, test, body };
}

/** Leaves the procedure with a result; what it may change is declared as for a line. */
export function give<V>(
  text: ListingText,
  result: number | ((vmm: V, frame: ListingFrame) => number),
  options: LineOptions = {},
): ListingNode<V> {
  return { kind: 'give', text, writes: options.writes ?? [], result: typeof result === 'number' ? () => result : result };
}

export interface ListingProcedure<V> {
  /** As KVM names it where KVM has it: `handle_ept_violation`. */
  readonly name: string;
  /** What it is for, in one sentence: the comment above it in the listing. */
  readonly purpose: string;
  readonly values: readonly { readonly name: string; readonly kind: ValueKind }[];
  readonly parameters: number;
  readonly body: readonly ListingNode<V>[];
}

/** A line as the debugger knows it. */
export interface ListingLine {
  readonly text: string;
  readonly procedure: number;
  readonly writes: readonly string[];
  /** False for comments, blank lines, headings and closing braces: nothing runs there. */
  readonly runs: boolean;
}

/** An assembled listing: the source text and what each of its lines is. */
export interface Listing {
  readonly name: string;
  readonly actor: 'vmm' | 'host';
  readonly lines: readonly ListingLine[];
  readonly procedures: readonly Pick<ListingProcedure<never>, 'name' | 'values' | 'parameters'>[];
}

interface Placed<V> {
  readonly node: ListingNode<V>;
  readonly line: number;
  readonly body: readonly Placed<V>[];
}

const GO_ON = -1;

/**
 * The procedures of one listing, ready to run on behalf of a `V` (a hypervisor or the host).
 * `number` tells listings apart in events; the engine gives them out. A procedure is found by its name: another one of that
 * name may stand in its place.
 */
export class ListingRunner<V> {
  readonly listing: Listing;
  private readonly bodies: readonly (readonly Placed<V>[])[];
  private readonly headings: readonly number[];
  private readonly numbers: ReadonlyMap<string, number>;
  /** Frames are reused by depth; a procedure never keeps its frame after it returned. */
  private readonly frames: ListingFrame[] = [];

  constructor(
    name: string,
    private readonly actor: 'vmm' | 'host',
    readonly number: number,
    procedures: readonly ListingProcedure<V>[],
    private readonly bus: EventBus,
    private readonly depth: ListingStack,
  ) {
    const assembly = assembled(procedures, depth.wording);
    this.listing = { name, actor, lines: assembly.lines, procedures: procedures.map(({ name: each, values, parameters }) => ({ name: each, values, parameters })) };
    this.bodies = assembly.bodies;
    this.headings = assembly.headings;
    this.numbers = new Map(procedures.map(({ name: each }, index) => [each, index]));
  }

  /** The frame that the next `run` will use: its parameters are put there. */
  get next(): ListingFrame {
    return (this.frames[this.depth.value] ??= new ListingFrame());
  }

  /** Runs a procedure whose parameters have been put into `next`; gives its result, or 0 when it just ends. */
  run(procedure: ListingProcedure<V>, vmm: V, cpu: number): number {
    const index = this.numbers.get(procedure.name) ?? -1;
    const frame = this.next;
    frame.words.fill(0, 2 * procedure.parameters);
    frame.known = (1 << procedure.parameters) - 1;
    this.depth.value++;
    this.emit(KIND.listing_call, index, this.headings[index]!, frame, cpu);
    const result = this.runBody(this.bodies[index]!, index, vmm, frame, cpu);
    this.emit(KIND.listing_return, index, 0, frame, cpu);
    this.depth.value--;
    return result === GO_ON ? 0 : result;
  }

  /** The same for a procedure called from a line, with its parameters as pairs of halves. */
  call(procedure: ListingProcedure<V>, vmm: V, cpu: number, parameters: readonly number[]): number {
    const frame = this.next;
    for (let i = 0; 2 * i < parameters.length; i++) frame.set(i, parameters[2 * i]!, parameters[2 * i + 1]!);
    return this.run(procedure, vmm, cpu);
  }

  private runBody(body: readonly Placed<V>[], procedure: number, vmm: V, frame: ListingFrame, cpu: number): number {
    for (const placed of body) {
      const { node } = placed;
      this.depth.lines++;
      this.emit(KIND.listing_line, procedure, placed.line, frame, cpu);
      switch (node.kind) {
        case 'line':
          node.run(vmm, frame);
          break;
        case 'when':
          if (node.test(vmm, frame)) {
            const result = this.runBody(placed.body, procedure, vmm, frame, cpu);
            if (result !== GO_ON) return result;
          }
          break;
        case 'repeat':
          while (node.test(vmm, frame)) {
            const result = this.runBody(placed.body, procedure, vmm, frame, cpu);
            if (result !== GO_ON) return result;
            this.emit(KIND.listing_line, procedure, placed.line, frame, cpu);
          }
          break;
        case 'give':
          return node.result(vmm, frame);
      }
    }
    return GO_ON;
  }

  private emit(kind: number, procedure: number, atLine: number, frame: ListingFrame, cpu: number): void {
    if (!this.bus.on[kind]) return;
    const record = this.bus.begin(kind, this.actor === 'vmm' ? ACTOR.vmm : ACTOR.host, cpu);
    record[field.listing.at] = this.number;
    record[field.index.at] = procedure;
    record[field.line.at] = atLine;
    record[field.depth.at] = this.depth.value - 1;
    record[VALUES_SET_AT] = frame.known;
    record.set(frame.words, VALUES_AT);
    this.bus.commit();
  }
}

interface Assembly<V> {
  readonly lines: readonly ListingLine[];
  readonly bodies: readonly (readonly Placed<V>[])[];
  readonly headings: readonly number[];
}

/** What was assembled before, by its first procedure: machines are made by the thousand, of the same procedures. */
const assemblies = new WeakMap<object, { readonly of: readonly unknown[]; readonly wording: ListingStack['wording']; readonly assembly: unknown }[]>();

function assembled<V>(procedures: readonly ListingProcedure<V>[], wording: ListingStack['wording']): Assembly<V> {
  const [first] = procedures;
  if (first === undefined) return assemble(procedures, wording);
  const known = assemblies.get(first) ?? [];
  assemblies.set(first, known);
  const same = known.find((each) => each.wording === wording && each.of.length === procedures.length && each.of.every((procedure, i) => procedure === procedures[i]));
  if (same !== undefined) return same.assembly as Assembly<V>;
  const assembly = assemble(procedures, wording);
  known.push({ of: [...procedures], wording, assembly });
  return assembly;
}

/** Lays the procedures out as source text and gives every node its line (from 1). */
function assemble<V>(procedures: readonly ListingProcedure<V>[], wording: ListingStack['wording']): Assembly<V> {
  const lines: ListingLine[] = [];
  const bodies: Placed<V>[][] = [];
  const headings: number[] = [];
  procedures.forEach((procedure, index) => {
    const push = (text: string, writes: readonly string[] | undefined): number => {
      lines.push({ text, procedure: index, writes: writes ?? [], runs: writes !== undefined });
      return lines.length;
    };
    const place = (nodes: readonly ListingNode<V>[], indent: string): Placed<V>[] =>
      nodes.flatMap((node): Placed<V>[] => {
        const says = typeof node.text === 'string' ? node.text : node.text[wording];
        if (says === '') return [];
        if (node.kind === 'line' || node.kind === 'give') {
          const text = node.kind === 'give' ? `return ${says}` : says;
          return [{ node, line: push(indent + text, node.writes), body: [] }];
        }
        const at = push(`${indent}${node.kind === 'when' ? 'if' : 'while'} ${says} {`, []);
        const body = place(node.body, indent + '  ');
        push(`${indent}}`, undefined);
        return [{ node, line: at, body }];
      });
    if (index > 0) push('', undefined);
    push(`// ${procedure.purpose}`, undefined);
    const parameters = procedure.values.slice(0, procedure.parameters).map((value) => value.name);
    headings.push(push(`${procedure.name}(${parameters.join(', ')}) {`, undefined));
    bodies.push(place(procedure.body, '  '));
    push('}', undefined);
  });
  return { lines, bodies, headings };
}
