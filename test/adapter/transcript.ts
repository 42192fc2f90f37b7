import { strict as assert } from 'node:assert';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { REQUEST, type WalkResponse } from '../../src/protocol/requests';
import type { ReceivedEvent, TestClient } from './client';

const folder = join(__dirname, 'golden');

/** How much of a long list is shown; left out: all. */
export interface Most {
  readonly frames?: number;
  readonly rows?: number;
  /** Characters of a line. */
  readonly width?: number;
  /** `own`: in the scenario alone, as listings and the kernel library grow. */
  readonly lineNumbers?: 'all' | 'own';
}

/**
 * What a person would see of a session, as text: where it stops and why, the call stack, scopes,
 * watches. Frame ids, references and step numbers are left out: they may change without a change to see.
 */
export class Transcript {
  private readonly lines: string[] = [];
  private readonly sources = new Map<string, string[]>();

  /** Thread of the last stop: motions go on with it. */
  private thread = 1;

  /** `texts`: contents of files by path, so that frames can show the line they stand at. */
  constructor(private readonly client: TestClient, texts: Readonly<Record<string, string>>, private readonly most: Most = {}) {
    for (const [path, text] of Object.entries(texts)) this.sources.set(path, text.split('\n'));
  }

  /** Lines so far. */
  get length(): number {
    return this.lines.length;
  }

  note(text: string): void {
    this.lines.push('', `# ${text}`);
  }

  /** A motion, the stop it leads to and the stack there. */
  async move(command: string, args: object = {}): Promise<void> {
    const since = this.client.received.length;
    const granularity = 'granularity' in args ? ` by ${String(args.granularity)}` : '';
    this.lines.push('', `> ${command}${granularity}`);
    await this.client.ask(command, { threadId: this.thread, ...args });
    await Promise.race([this.client.event('stopped', since), this.client.event('terminated', since)]);
    await this.arrival(since);
  }

  /** What came since message number `since`: output, then the stop. */
  async arrival(since = 0): Promise<void> {
    for (const message of this.client.received.slice(since)) {
      if (message.type !== 'event') continue;
      const { event, body } = message as ReceivedEvent;
      if (event === 'output') this.output(body ?? {});
      if (event === 'exited') this.lines.push(`exited with ${String(body?.['exitCode'])}`);
      if (event === 'terminated') this.lines.push('terminated');
      if (event === 'stopped') await this.stopped(body ?? {});
    }
  }

  /** Those of these scopes that the top frame has. */
  async scopes(...names: readonly string[]): Promise<void> {
    const { id: frameId } = await this.client.top(this.thread);
    const { scopes } = await this.client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId });
    for (const name of names) if (scopes.some((scope) => scope.name === name)) await this.scope(name);
  }

  async scope(name: string): Promise<void> {
    const frame = await this.client.top(this.thread);
    const { scopes } = await this.client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: frame.id });
    const found = scopes.find((scope) => scope.name === name);
    this.lines.push(`  ${name}${found === undefined ? ' (no such scope)' : ''}`);
    if (found === undefined) return;
    const { variables } = await this.client.ask<{ variables: DebugProtocol.Variable[] }>('variables', {
      variablesReference: found.variablesReference,
    });
    this.list(variables.map((variable) => `    ${variable.name} = ${variable.value}`), this.most.rows);
  }

  async evaluate(expression: string): Promise<void> {
    const frame = await this.client.top(this.thread);
    const response = await this.client.request('evaluate', { expression, frameId: frame.id, context: 'watch' });
    const result: unknown = response.success ? (response.body as { result: string }).result : response.message;
    this.lines.push(`  ${expression} → ${String(result)}`);
  }

  /** Gives what an expression names another value, and what the console says of it. */
  async set(expression: string, value: string): Promise<void> {
    const since = this.client.received.length;
    const frame = await this.client.top();
    const response = await this.client.request('setExpression', { expression, value, frameId: frame.id });
    const result: unknown = response.success ? (response.body as { value: string }).value : response.message;
    this.lines.push('', `> set ${expression} = ${value} → ${String(result)}`);
    await this.arrival(since);
  }

  /** Rows of the disassembly around the one stood at; `*` is before those of `broken`. */
  async disassembly(before: number, behind: number, broken: readonly string[] = []): Promise<readonly DebugProtocol.DisassembledInstruction[]> {
    const { instructionPointerReference: memoryReference } = await this.client.top(this.thread);
    const { instructions } = await this.client.ask<{ instructions: DebugProtocol.DisassembledInstruction[] }>('disassemble', {
      memoryReference, instructionOffset: -before, instructionCount: before + 1 + behind,
    });
    const shown = instructions.filter(({ presentationHint }) => presentationHint !== 'invalid');
    this.lines.push(...shown.map(({ address, instruction }) => (
      `  ${broken.includes(address) ? '*' : ' '}${address === memoryReference ? '>' : ' '} ${instruction}`
    )));
    return instructions;
  }

  async exceptionInfo(): Promise<void> {
    const info = await this.client.ask<DebugProtocol.ExceptionInfoResponse['body']>('exceptionInfo', { threadId: this.thread });
    this.lines.push(`  ${info.exceptionId}: ${info.description ?? ''}`);
  }

  /** The walk of the access that stands or ran last, as the panel tells it. */
  async walk(): Promise<void> {
    const response = await this.client.request(REQUEST.walk, { threadId: this.thread });
    if (!response.success) {
      this.lines.push(`  no walk: ${response.message ?? ''}`);
      return;
    }
    const { message, tlb, walks, access } = response.body as WalkResponse;
    this.lines.push(`  ${message}`, ...(access === undefined ? [] : [`  ${access.text}`]), ...(tlb === undefined ? [] : [`    ${tlb}`]));
    for (const { title, references, outcome, mapsTo } of walks) {
      const made = references.filter(({ read }) => read !== undefined).length;
      this.lines.push(`    ${title}: ${made} of ${references.length} references, ${outcome ?? 'under way'}${mapsTo === undefined ? '' : ` (${mapsTo})`}`);
    }
  }

  /** Compares with the golden file; UPDATE_GOLDEN=1 rewrites it. */
  check(name: string): void {
    const file = join(folder, `${name}.txt`);
    const { width = Infinity } = this.most;
    const lines = this.lines.flatMap((line) => line.split('\n')).map((line) => (line.length > width ? `${line.slice(0, width - 1)}…` : line));
    const text = `${lines.join('\n').trim()}\n`;
    if (process.env['UPDATE_GOLDEN'] === '1') {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return;
    }
    assert.ok(existsSync(file), `${file} is missing: run with UPDATE_GOLDEN=1 and review it.`);
    assert.equal(text, readFileSync(file, 'utf8'));
  }

  private list(lines: readonly string[], most = lines.length): void {
    this.lines.push(...lines.slice(0, most));
    if (lines.length > most) this.lines.push(`${/^ */.exec(lines[0] ?? '')?.[0] ?? ''}… ${lines.length - most} more`);
  }

  private output(body: Record<string, unknown>): void {
    const line = typeof body['line'] === 'number' ? ` (line ${body['line']})` : '';
    this.lines.push(`${String(body['category'])}${line}: ${String(body['output']).trimEnd().replace(/\bat step \d+/, 'at step …')}`);
  }

  private async stopped(body: Record<string, unknown>): Promise<void> {
    const [, sentence = '', more] = /^(.*? \(step \d+.*?\))(?:: (.*))?$/s.exec(String(body['text'])) ?? [];
    this.lines.push(`stopped (${String(body['reason'])}): ${sentence.replace(/step \d+/, 'step …')}`);
    if (more !== undefined) this.lines.push(`  "${more}"`);
    if (typeof body['threadId'] === 'number') this.thread = body['threadId'];
    const { stackFrames } = await this.client.ask<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId: this.thread });
    const lines: string[] = [];
    for (const frame of stackFrames) lines.push(`  ${frame.name}  ${this.placeOf(frame)}  ${await this.lineOf(frame)}`.trimEnd());
    this.list(lines, this.most.frames);
  }

  private placeOf({ source, line }: DebugProtocol.StackFrame): string {
    const isNumbered = this.most.lineNumbers !== 'own' || source?.path !== undefined;
    return `${source?.name ?? ''}${isNumbered ? `:${line}` : ''}`;
  }

  private async lineOf(frame: DebugProtocol.StackFrame): Promise<string> {
    const { source } = frame;
    if (source === undefined) return '';
    const key = source.path ?? source.name ?? '';
    let lines = this.sources.get(key);
    if (lines === undefined) {
      const { content } = await this.client.ask<{ content: string }>('source', { source, sourceReference: source.sourceReference });
      lines = content.split('\n');
      this.sources.set(key, lines);
    }
    return `| ${(lines[frame.line - 1] ?? '').trim()}`;
  }
}
