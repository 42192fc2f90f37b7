import type { AstNode } from 'langium';
import { sentenceOf, severityOf, type FillingArguments, type MessageCode } from '../messages/messages';
import type { Diagnostic, Fix, SourceRange } from '../program';
import { rangeBetween, rangeOf, type SourceText } from '../syntax/sourceText';

/** Where a diagnostic is shown: a node, or offsets of the text. */
export type Spot = AstNode | { readonly start: number; readonly end: number };

/** Collects diagnostics, each place once: a second complaint about the same characters is an echo of the first. */
export class Report {
  private readonly found: Diagnostic[] = [];
  private readonly seen = new Map<string, number>();
  private paused = 0;

  get diagnostics(): readonly Diagnostic[] {
    return this.found;
  }

  get hasErrors(): boolean {
    return this.found.some((diagnostic) => diagnostic.severity === 'error');
  }

  /** Says the message of this code at the place, with its sentence's holes filled. */
  say<Code extends MessageCode>(source: SourceText, spot: Spot, code: Code, ...fillings: FillingArguments<Code>): void {
    this.add(source, rangeOfSpot(source, spot), code, sentenceOf(code, ...fillings));
  }

  /** As `say`, for a sentence that is filled already. */
  add(source: SourceText, range: SourceRange, code: MessageCode, message: string): void {
    const severity = severityOf(code);
    if (severity === 'warning' && this.paused > 0) return;
    const key = `${severity} ${source.file} ${range.line} ${range.column} ${range.endLine} ${range.endColumn}`;
    if (this.seen.has(key)) return;
    this.seen.set(key, this.found.length);
    this.found.push({ severity, code, message, range, path: source.path });
  }

  /** Gives the diagnostic that was said last, at this place, a way to mend it. */
  mend(source: SourceText, spot: Spot, code: MessageCode, fix: Fix): void {
    const { line, column, endLine, endColumn } = rangeOfSpot(source, spot);
    const index = this.seen.get(`${severityOf(code)} ${source.file} ${line} ${column} ${endLine} ${endColumn}`);
    const diagnostic = index === undefined ? undefined : this.found[index];
    if (index !== undefined && diagnostic?.code === code && diagnostic.fix === undefined) this.found[index] = { ...diagnostic, fix };
  }

  /** Runs `work` with its warnings dropped: what cannot be reached needs no second remark. */
  pauseWarnings(work: () => void): void {
    this.paused++;
    work();
    this.paused--;
  }
}

export function rangeOfSpot(source: SourceText, spot: Spot): SourceRange {
  return isPlace(spot) ? rangeBetween(source, spot.start, spot.end) : rangeOf(source, spot);
}

function isPlace(spot: Spot): spot is { readonly start: number; readonly end: number } {
  return !('$type' in spot);
}
