import type { DebugProtocol } from '@vscode/debugprotocol';
import type { OutputLine, Outcome } from '../engine/debuggee';
import type { Diagnostic, Program } from '../language/program';
import { sourceKey, type Client } from './client';
import { counted } from './counted';
import type { SourceCatalog } from './sourceCatalog';
import { paintFor, type Tone } from './tones';

/** A debug console freezes near a megabyte a second: past half of that, lines are counted and left out. */
const CHARACTERS_A_SECOND = 500_000;

const categories = { print: 'stdout', failure: 'stderr', log: 'console' } as const;
/** What a scenario prints is its own, whatever it looks like. */
const tonesOfLines: Readonly<Record<OutputLine['category'], Tone | undefined>> = { print: undefined, failure: 'bad', log: 'note' };

/** Where a line comes from, as the client counts. */
export type OutputPlace = Pick<DebugProtocol.OutputEvent['body'], 'source' | 'line'>;

/** A line of a trace, which may open or close a group; one without text closes alone. */
export interface TracedLine extends OutputPlace {
  readonly text?: string;
  readonly tone?: Tone;
  readonly group?: 'startCollapsed' | 'end';
}

/** Puts lines on the client's debug console, with the place in the source where they come from. */
export class OutputPump {
  private secondEnds = 0;
  private charactersLeft = CHARACTERS_A_SECOND;
  private leftOut = 0;

  constructor(private readonly send: (body: DebugProtocol.OutputEvent['body']) => void, private readonly client: Client) {}

  /** A line that the scenario printed, a failed expectation, or what a log point says. */
  scenarioLine(line: OutputLine, sources: SourceCatalog, program: Program): void {
    const { client } = this;
    if (!this.hasRoom(line.text.length)) return;
    const file = program.files.findIndex(({ path }) => sourceKey(path) === sourceKey(line.path));
    // Only a log point speaks from a listing, whose name then stands for a path.
    const source = file >= 0 ? sources.ofFile(file, client) : line.category === 'log' ? sources.ofListing(line.path, client) : undefined;
    this.send({
      category: categories[line.category],
      output: `${this.toned(tonesOfLines[line.category], line.text)}\n`,
      ...(source === undefined ? {} : { source, line: client.lineOut(line.line) }),
    });
  }

  /** The last line of a run. */
  outcome(outcome: Outcome, scenario: string, technique: string): void {
    this.tellLeftOut();
    if (outcome.message !== undefined) this.send({ category: 'stderr', output: `${this.toned('bad', outcome.message)}\n` });
    const judged = heldText(outcome.passed, outcome.failed);
    this.send({
      category: outcome.ok ? 'console' : 'important',
      output: `${this.toned(outcome.ok ? 'good' : 'bad', `${scenario} under ${technique}: ${judged}.`)}\n`,
    });
  }

  /** What a run has come to that is ended by the person. */
  soFar({ passed, failed }: Outcome, run: { readonly scenario: string; readonly technique: string; readonly step: number; readonly exits: bigint | undefined }): void {
    this.tellLeftOut();
    const exits = run.exits === undefined ? '' : `, ${counted(Number(run.exits), 'VM exit')} so far`;
    const text = `${run.scenario} under ${run.technique}: ended by you at step ${run.step}; ${heldText(passed, failed)}${exits}.`;
    this.send({ category: 'console', output: `${this.toned(failed === 0 ? undefined : 'bad', text)}\n` });
  }

  /** An error or warning of the compiler, on its line. `path` is as the client wrote it. */
  diagnostic(diagnostic: Diagnostic): void {
    const { client } = this;
    const { range } = diagnostic;
    this.send({
      category: diagnostic.severity === 'error' ? 'stderr' : 'console',
      output: `${this.toned(diagnostic.severity === 'error' ? 'bad' : 'warning', diagnosticText(diagnostic))}\n`,
      source: { path: client.pathOut(diagnostic.path) },
      line: client.lineOut(range.line + 1),
      column: client.columnOut(range.column + 1),
    });
  }

  /** What has happened, line by line; groups are closed however many lines are left out. */
  trace(lines: readonly TracedLine[]): void {
    for (const { text, tone, ...rest } of lines) {
      if (text !== undefined && rest.group === undefined && !this.hasRoom(text.length)) continue;
      this.send({ category: 'console', output: text === undefined ? '' : `${this.toned(tone, text)}\n`, ...rest });
    }
  }

  /** A sentence of the adapter's own. */
  note(text: string): void {
    this.send({ category: 'console', output: `${text}\n` });
  }

  private toned(tone: Tone | undefined, text: string): string {
    return tone === undefined ? text : paintFor(this.client)(tone, text);
  }

  private hasRoom(characters: number): boolean {
    const now = performance.now();
    if (now >= this.secondEnds) {
      this.secondEnds = now + 1000;
      this.charactersLeft = CHARACTERS_A_SECOND;
      this.tellLeftOut();
    }
    this.charactersLeft -= characters;
    if (this.charactersLeft >= 0) return true;
    this.leftOut++;
    return false;
  }

  private tellLeftOut(): void {
    if (this.leftOut === 0) return;
    this.note(`${this.leftOut} lines of output were left out: the scenario prints faster than a console can show.`);
    this.leftOut = 0;
  }
}

function heldText(passed: number, failed: number): string {
  return `${counted(passed, 'expectation')} held, ${failed} failed`;
}

/** `FILE:LINE:COL: message`, lines and columns from 1. */
export function diagnosticText({ path, range, message }: Diagnostic): string {
  return `${path}:${range.line + 1}:${range.column + 1}: ${message}`;
}
