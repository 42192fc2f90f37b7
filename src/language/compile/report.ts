import type { AstNode } from 'langium';
import type { Diagnostic, SourceRange } from '../program';
import { rangeBetween, rangeOf, type SourceText } from '../syntax/sourceText';

/** Collects diagnostics, each place once: a second complaint about the same characters is an echo of the first. */
export class Report {
  private readonly found: Diagnostic[] = [];
  private readonly seen = new Set<string>();
  private paused = 0;

  get diagnostics(): readonly Diagnostic[] {
    return this.found;
  }

  get hasErrors(): boolean {
    return this.found.some((diagnostic) => diagnostic.severity === 'error');
  }

  error(source: SourceText, node: AstNode, message: string): void {
    this.add('error', source, rangeOf(source, node), message);
  }

  warning(source: SourceText, node: AstNode, message: string): void {
    this.add('warning', source, rangeOf(source, node), message);
  }

  errorAt(source: SourceText, start: number, end: number, message: string): void {
    this.add('error', source, rangeBetween(source, start, end), message);
  }

  warningAt(source: SourceText, start: number, end: number, message: string): void {
    this.add('warning', source, rangeBetween(source, start, end), message);
  }

  /** Runs `work` with its warnings dropped: what cannot be reached needs no second remark. */
  pauseWarnings(work: () => void): void {
    this.paused++;
    work();
    this.paused--;
  }

  private add(severity: Diagnostic['severity'], source: SourceText, range: SourceRange, message: string): void {
    if (severity === 'warning' && this.paused > 0) return;
    const key = `${severity} ${source.file} ${range.line} ${range.column} ${range.endLine} ${range.endColumn}`;
    if (this.seen.has(key)) return;
    this.seen.add(key);
    this.found.push({ severity, message, range, path: source.path });
  }
}
