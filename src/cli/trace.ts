import { actors, eventKinds } from '../hardware/events/eventTable';
import { startRun, type JudgeEvent, type TraceLine } from '../engine/run/run';
import { compileExpression } from '../language/expression';
import type { Fragment, Program } from '../language/program';
import { paintFor } from './colours';
import { compileFile, diagnosticLine, placeOfRefusal, placeText } from './compileFile';
import { EXIT, type Console } from './console';
import { statementText } from './expectationResults';
import { workOff } from './progress';
import { isWanted, type TraceWish } from './traceFilter';
import { TracePrinter, type TraceForm } from './tracePrinter';

export interface TraceOptions extends TraceWish, TraceForm {
  readonly mmu?: string;
  /** A condition of the language, judged at each event. */
  readonly where?: string;
  readonly out?: string;
}

/**
 * Writes the events of a scenario, or those of a trace that `run --trace` recorded (`.jsonl`), filtered, for people or as
 * JSON, one a line. Status 0: the scenario ran or the file was read; 1: the guest died or an expectation failed; 2: bad
 * arguments, no such file, no such technique.
 */
export async function trace(file: string, options: TraceOptions, console: Console): Promise<number> {
  const unknown = unknownWord(options);
  if (unknown !== undefined) return refuse(console, unknown);
  const out = options.out === undefined ? undefined : console.openLines(options.out);
  if (options.out !== undefined && out === undefined) return refuse(console, `${options.out} cannot be written: check the folder and its rights.`);
  const write = (line: string): void => {
    if (out === undefined) console.out(`${line}\n`);
    else out.line(line);
  };
  const printer = new TracePrinter(write, options, out === undefined ? paintFor(console.terminal) : (_, text) => text);
  try {
    return file.endsWith('.jsonl') ? recorded(file, options, printer, console) : await live(file, options, printer, console);
  } finally {
    printer.end();
    out?.close();
  }
}

function refuse(console: Console, sentence: string): number {
  console.error(`pagewalk: ${sentence}\n`);
  return EXIT.unusable;
}

function unknownWord({ kind, actor }: TraceOptions): string | undefined {
  const kinds = eventKinds.map(({ name }) => name as string);
  const badKind = kind?.find((word) => !kinds.includes(word));
  if (badKind !== undefined) return `there is no event kind ${badKind}; the kinds are ${kinds.join(', ')}.`;
  const badActor = actor?.find((word) => !(actors as readonly string[]).includes(word));
  return badActor === undefined ? undefined : `there is no actor ${badActor}; the actors are ${actors.join(', ')}.`;
}

function recorded(file: string, options: TraceOptions, printer: TracePrinter, console: Console): number {
  for (const flag of ['where', 'mmu'] as const) {
    if (options[flag] !== undefined) {
      return refuse(console, `--${flag} needs the machine: name the scenario (.guest), not a trace that was recorded.`);
    }
  }
  const text = console.readText(file);
  if (text === undefined) return refuse(console, `${file} cannot be read: check its name.`);
  for (const [index, line] of text.split(/\r?\n/).entries()) {
    if (line.trim() === '' || printer.isFull) continue;
    const event = eventOf(line);
    if (event === undefined) return refuse(console, `${file}:${index + 1}: this is no line of a trace; write one with \`pagewalk run FILE --trace OUT.jsonl\`.`);
    printer.notice(event);
    if (isWanted(event, options)) printer.print(event);
  }
  return EXIT.ok;
}

function eventOf(line: string): TraceLine | undefined {
  try {
    const value: unknown = JSON.parse(line);
    const isEvent = typeof value === 'object' && value !== null && 'kind' in value && 'step' in value && 'event' in value;
    return isEvent ? (value as TraceLine) : undefined;
  } catch {
    return undefined;
  }
}

async function live(file: string, options: TraceOptions, printer: TracePrinter, console: Console): Promise<number> {
  const compiled = compileFile(file, console);
  for (const diagnostic of compiled?.diagnostics ?? []) console.error(`${diagnosticLine(diagnostic)}\n`);
  if (compiled?.program === undefined || compiled.symbols === undefined) return EXIT.unusable;
  const { program, symbols } = compiled;
  let condition: Fragment | undefined;
  if (options.where !== undefined) {
    const asked = compileExpression({ program, symbols }, options.where, undefined);
    if ('error' in asked) return refuse(console, `--where: ${asked.error}`);
    condition = asked.fragment;
  }
  let problem: string | undefined;
  const judge = new Condition(condition, (sentence) => { problem ??= sentence; });
  const run = startRun(program, options.mmu, {
    say: ({ path, line, text, category }) => { console.error(category === 'print' ? `${text}\n` : `${path}:${line}: ${text}\n`); },
    trace: (event, judgeEvent) => {
      printer.notice(event);
      if (isWanted(event, options) && judge.holds(judgeEvent)) printer.print(event);
    },
  });
  if ('error' in run) {
    console.error(`${placeOfRefusal(program, file, options.mmu, run.range)}: ${run.error}\n`);
    return EXIT.unusable;
  }
  printer.showSources({
    statement: (index) => headingOf(program, index),
    listing: (listing, line) => run.listingText(listing, line),
  });
  const hasEnough = (): boolean => problem !== undefined || printer.isFull;
  const isOver = (expired: () => boolean): boolean => run.work(() => hasEnough() || expired()) || hasEnough();
  const ended = await workOff({ work: isOver, progress: () => ({ what: file, unit: 'statements', units: run.statements, share: run.share() }) }, console);
  if (problem !== undefined) return refuse(console, `--where: ${problem.replace(/\.?$/, '.')}`);
  if (ended === 'interrupted') {
    console.error('pagewalk: stopped by Ctrl-C; the events are those so far.\n');
    return EXIT.interrupted;
  }
  const { outcome, isOver: isEnded } = run.report();
  if (outcome.message !== undefined) console.error(`${outcome.message}\n`);
  return outcome.ok || !isEnded ? EXIT.ok : EXIT.failed;
}

function headingOf(program: Program, index: number): string | undefined {
  const range = program.statements[index]?.range;
  return range === undefined ? undefined : `${placeText(program, range)}: ${statementText(program, range)}`;
}

/** What `--where` asks, with its first failure said once. */
class Condition {
  constructor(private readonly fragment: Fragment | undefined, private readonly fail: (sentence: string) => void) {}

  holds(judge: JudgeEvent): boolean {
    if (this.fragment === undefined) return true;
    const judged = judge(this.fragment);
    if (!('error' in judged)) return judged.value !== 0n;
    this.fail(judged.error);
    return false;
  }
}
