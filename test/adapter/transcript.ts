import { strict as assert } from 'node:assert';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import type { ReceivedEvent, TestClient } from './client';

const folder = join(__dirname, 'golden');

/**
 * What a person would see of a session, as text: where it stops and why, the call stack, scopes,
 * watches. Frame ids, references and step numbers are left out: they may change without a change to see.
 */
export class Transcript {
  private readonly lines: string[] = [];
  private readonly sources = new Map<string, string[]>();

  /** `texts`: contents of files by path, so that frames can show the line they stand at. */
  constructor(private readonly client: TestClient, texts: Readonly<Record<string, string>>) {
    for (const [path, text] of Object.entries(texts)) this.sources.set(path, text.split('\n'));
  }

  note(text: string): void {
    this.lines.push('', `# ${text}`);
  }

  /** A motion, the stop it leads to and the stack there. */
  async move(command: string, args: object = {}): Promise<void> {
    const since = this.client.received.length;
    const granularity = 'granularity' in args ? ` by ${String(args.granularity)}` : '';
    this.lines.push('', `> ${command}${granularity}`);
    await this.client.ask(command, { threadId: 1, ...args });
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

  async scope(name: string): Promise<void> {
    const frame = await this.client.top();
    const { scopes } = await this.client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: frame.id });
    const found = scopes.find((scope) => scope.name === name);
    this.lines.push(`  ${name}${found === undefined ? ' (no such scope)' : ''}`);
    if (found === undefined) return;
    const { variables } = await this.client.ask<{ variables: DebugProtocol.Variable[] }>('variables', {
      variablesReference: found.variablesReference,
    });
    for (const variable of variables) this.lines.push(`    ${variable.name} = ${variable.value}`);
  }

  async evaluate(expression: string): Promise<void> {
    const frame = await this.client.top();
    const response = await this.client.request('evaluate', { expression, frameId: frame.id, context: 'watch' });
    const result: unknown = response.success ? (response.body as { result: string }).result : response.message;
    this.lines.push(`  ${expression} → ${String(result)}`);
  }

  async exceptionInfo(): Promise<void> {
    const info = await this.client.ask<DebugProtocol.ExceptionInfoResponse['body']>('exceptionInfo', { threadId: 1 });
    this.lines.push(`  ${info.exceptionId}: ${info.description ?? ''}`);
  }

  /** Compares with the golden file; UPDATE_GOLDEN=1 rewrites it. */
  check(name: string): void {
    const file = join(folder, `${name}.txt`);
    const text = `${this.lines.join('\n').trim()}\n`;
    if (process.env['UPDATE_GOLDEN'] === '1') {
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      return;
    }
    assert.ok(existsSync(file), `${file} is missing: run with UPDATE_GOLDEN=1 and review it.`);
    assert.equal(text, readFileSync(file, 'utf8'));
  }

  private output(body: Record<string, unknown>): void {
    const line = typeof body['line'] === 'number' ? ` (line ${body['line']})` : '';
    this.lines.push(`${String(body['category'])}${line}: ${String(body['output']).trimEnd()}`);
  }

  private async stopped(body: Record<string, unknown>): Promise<void> {
    const description = String(body['description']).replace(/step \d+/, 'step …');
    this.lines.push(`stopped (${String(body['reason'])}): ${description}`);
    if (typeof body['text'] === 'string') this.lines.push(`  "${body['text']}"`);
    const { stackFrames } = await this.client.ask<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId: 1 });
    for (const frame of stackFrames) {
      const text = await this.lineOf(frame);
      this.lines.push(`  ${frame.name}  ${frame.source?.name ?? ''}:${frame.line}  ${text}`.trimEnd());
    }
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
