import { spawn } from 'node:child_process';
import path from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { createSession } from '../../src/adapter/inline';
import { nodeFiles } from '../../src/adapter/nodeFiles';
import { MessageFrames, framed } from '../../src/adapter/messageFrames';
import { MockSession } from './mockSession';

/** An adapter that is asked, and the way to it. */
export type Adapter = 'ours' | 'mock';
export type Transport = 'inline' | 'stdio';

/** A client of the bench, the same for every adapter. */
export class BenchClient {
  private readonly waiting = new Map<number, (response: DebugProtocol.Response) => void>();
  private readonly awaited: { readonly event: string; readonly come: (body: unknown) => void }[] = [];
  private seq = 1;

  private constructor(private readonly send: (message: object) => void, readonly close: () => void) {}

  static open(adapter: Adapter, transport: Transport): BenchClient {
    if (transport === 'inline') {
      const session = adapter === 'ours' ? createSession(nodeFiles) : new MockSession();
      const client = new BenchClient((message) => { session.handleMessage(message as DebugProtocol.ProtocolMessage); }, () => { session.dispose(); });
      session.onDidSendMessage((message: object) => { client.hear(message as DebugProtocol.ProtocolMessage); });
      return client;
    }
    const child = spawn(process.execPath, [path.join(__dirname, adapter === 'ours' ? 'stdio.cjs' : 'mockStdio.cjs')], { stdio: ['pipe', 'pipe', 'inherit'] });
    const client = new BenchClient((message) => { child.stdin.write(framed(message)); }, () => { child.kill(); });
    const frames = new MessageFrames({
      message: (value) => { client.hear(value as DebugProtocol.ProtocolMessage); },
      problem: (sentence) => { throw new Error(sentence); },
    });
    child.stdout.on('data', (bytes: Buffer) => { frames.take(bytes); });
    return client;
  }

  /** The body of an answer that must be success. */
  async ask<Body>(command: string, args: object = {}): Promise<Body> {
    const seq = this.seq++;
    const answered = new Promise<DebugProtocol.Response>((resolve) => { this.waiting.set(seq, resolve); });
    this.send({ seq, type: 'request', command, arguments: args });
    const response = await answered;
    if (!response.success) throw new Error(`${command}: ${response.message}`);
    return response.body as Body;
  }

  /** The next event of this name. */
  event(event: string): Promise<unknown> {
    return new Promise((resolve) => { this.awaited.push({ event, come: resolve }); });
  }

  /** Launches, and waits for the stop at the first statement. */
  async start(launch: object): Promise<void> {
    await this.ask('initialize', { adapterID: 'pagewalk', pathFormat: 'path' });
    const initialized = this.event('initialized');
    await this.ask('launch', { stopOnEntry: true, ...launch });
    await initialized;
    await this.ask('setExceptionBreakpoints', { filters: ['expectation'] });
    const stopped = this.event('stopped');
    await this.ask('configurationDone');
    await stopped;
  }

  private hear(message: DebugProtocol.ProtocolMessage): void {
    if (message.type === 'response') {
      const response = message as DebugProtocol.Response;
      const resolve = this.waiting.get(response.request_seq);
      this.waiting.delete(response.request_seq);
      resolve?.(response);
      return;
    }
    const { event, body } = message as { readonly event: string; readonly body?: unknown } & DebugProtocol.ProtocolMessage;
    const at = this.awaited.findIndex((each) => each.event === event);
    if (at >= 0) this.awaited.splice(at, 1)[0]!.come(body);
  }
}
