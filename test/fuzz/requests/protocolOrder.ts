import type { DebugProtocol } from '@vscode/debugprotocol';
import { HeldNumbers } from './heldNumbers';

const looks: readonly string[] = [
  'setBreakpoints', 'setFunctionBreakpoints', 'setExceptionBreakpoints', 'setDataBreakpoints', 'setInstructionBreakpoints', 'dataBreakpointInfo', 'breakpointLocations', 'pause', 'threads',
  'stackTrace', 'scopes', 'variables', 'exceptionInfo', 'readMemory', 'source', 'loadedSources', 'pagewalk/tables', 'pagewalk/walk',
];
const neverMoves: readonly string[] = [...looks, 'initialize', 'launch', 'terminate', 'disconnect'];

/** True for a request after which nothing happens but its answer. */
export function looksOnly(command: string): boolean {
  return looks.includes(command);
}

/** Words of a program that has lost its way, which no sentence for a person has. */
const nonsense = /\bundefined\b|\bNaN\b|\[object |TypeError|RangeError|Cannot read|is not a function|invariant:|\n\s+at \S|\(node:/;

/** Where texts for people stand in an event or a response. */
function told({ message, body }: { readonly message?: string; readonly body?: unknown }): readonly string[] {
  const { output, text, description, result } = (body ?? {}) as Readonly<Record<string, unknown>>;
  return [message, output, text, description, result].filter((each) => typeof each === 'string');
}

/**
 * Reads what an adapter sends and finds what is against the protocol: a request answered twice or never, a stop that nothing
 * asked for, events after the end, an answer that is no sentence, or one about a frame or variables of an earlier stop.
 */
export class ProtocolOrder {
  readonly faults: string[] = [];
  isStopped = false;
  isOver = false;
  private readonly open = new Map<number, { readonly command: string; readonly args: unknown }>();
  private readonly held = new HeldNumbers();
  private readonly counts = new Map<string, number>();
  private hasMoved = false;
  private hasLaunched = false;

  asked(seq: number, command: string, args?: unknown): void {
    this.open.set(seq, { command, args });
  }

  /** Requests without an answer. */
  get unanswered(): readonly string[] {
    return [...this.open.values()].map(({ command }) => command);
  }

  response({ request_seq: seq, command, success, message, body }: DebugProtocol.Response): void {
    const asked = this.open.get(seq);
    if (asked?.command !== command) this.fault(`an answer to "${command}", which was not asked or is answered already`);
    this.open.delete(seq);
    const error = (body as { error?: { id: number; format: string } } | undefined)?.error;
    if (success !== (error === undefined)) this.fault(`"${command}" answers success ${success} with ${JSON.stringify(error)}`);
    if (error?.id === 1000) this.fault(`"${command}" fails by a mistake of ours`);
    if (!success && !/^\S[^]*[.?!)]$/.test(message ?? '')) this.fault(`"${command}" is refused with "${message}", which is no sentence`);
    this.judgeTexts(command, told({ ...(message === undefined ? {} : { message }), body }));
    if (!success) return;
    const gone = this.held.answered(command, asked?.args, body);
    if (gone !== undefined) this.fault(`"${command}" answers for ${gone}, which was given before the last motion`);
    if (command === 'launch') this.hasLaunched = true;
    if (command === 'restart') this.isStopped = false;
    // Of a request that is not known here a stop may follow, and need not.
    if (!neverMoves.includes(command)) this.hasMoved = true;
  }

  event({ event, body }: DebugProtocol.Event): void {
    const times = (this.counts.get(event) ?? 0) + 1;
    this.counts.set(event, times);
    this.judgeTexts(event, told({ body }));
    if (['initialized', 'exited', 'terminated'].includes(event) && times > 1) this.fault(`"${event}" comes ${times} times`);
    if (event === 'initialized' && !this.hasLaunched) this.fault('"initialized" comes before the answer to "launch"');
    if (event !== 'output' && this.isOver) this.fault(`"${event}" comes after "terminated"`);
    if (event === 'continued') {
      this.held.depart();
      this.hasMoved = true;
      this.isStopped = false;
    }
    if (event === 'stopped') {
      if (!this.hasMoved) this.fault('"stopped" comes though nothing was asked to move');
      this.hasMoved = false;
      this.isStopped = true;
    }
    if (event === 'terminated') {
      this.isOver = true;
      this.isStopped = false;
    }
  }

  private judgeTexts(where: string, texts: readonly string[]): void {
    for (const text of texts) if (nonsense.test(text)) this.fault(`"${where}" says ${JSON.stringify(text.slice(0, 400))}`);
  }

  fault(what: string): void {
    this.faults.push(what);
  }
}
