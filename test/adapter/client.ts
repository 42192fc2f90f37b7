import type { DebugProtocol } from '@vscode/debugprotocol';
import type { FileAccess } from '../../src/adapter/fileAccess';
import { PagewalkSession } from '../../src/adapter/session';
import type { Simulator } from '../../src/adapter/simulator';

export type ReceivedEvent = Omit<DebugProtocol.Event, 'body'> & { readonly body?: Record<string, unknown> };

/** A client without a transport: requests go in as objects, responses and events come out as objects. */
export class TestClient {
  /** Everything the adapter sent, in order. */
  readonly received: DebugProtocol.ProtocolMessage[] = [];
  private readonly session: PagewalkSession;
  private readonly waiting = new Map<number, (response: DebugProtocol.Response) => void>();
  private readonly watchers = new Set<() => void>();
  private seq = 1;

  constructor(simulator: Simulator, files: Readonly<Record<string, string>> = {}) {
    const access: FileAccess = { readText: (path) => Promise.resolve(Object.hasOwn(files, path) ? files[path] : undefined) };
    this.session = new PagewalkSession(simulator, access);
    this.session.onDidSendMessage((message) => {
      // A copy, as a transport would make: what is changed later must not change what was sent.
      const copy = structuredClone(message) as DebugProtocol.ProtocolMessage;
      this.received.push(copy);
      if (copy.type === 'response') {
        const response = copy as DebugProtocol.Response;
        this.waiting.get(response.request_seq)?.(response);
        this.waiting.delete(response.request_seq);
      }
      for (const watcher of [...this.watchers]) watcher();
    });
  }

  /** The whole response, success or not. */
  request(command: string, args?: object): Promise<DebugProtocol.Response> {
    const seq = this.seq++;
    return new Promise((resolve) => {
      this.waiting.set(seq, resolve);
      const request: DebugProtocol.Request = { seq, type: 'request', command, ...(args === undefined ? {} : { arguments: args }) };
      this.session.handleMessage(structuredClone(request));
    });
  }

  /** The body of a response that must succeed. */
  async ask<Body = Record<string, unknown>>(command: string, args?: object): Promise<Body> {
    const response = await this.request(command, args);
    if (!response.success) throw new Error(`${command} failed: ${response.message}`);
    return response.body as Body;
  }

  /** The sentence of a response that must fail. */
  async refused(command: string, args?: object): Promise<string> {
    const response = await this.request(command, args);
    if (response.success) throw new Error(`${command} succeeded: ${JSON.stringify(response.body)}`);
    return response.message ?? '';
  }

  /** The next event of this name after `since` messages (all of the past counts when left out). */
  event(name: string, since = 0): Promise<ReceivedEvent> {
    return new Promise((resolve) => {
      const look = (): void => {
        const found = this.received.slice(since).find((message) => message.type === 'event' && (message as ReceivedEvent).event === name);
        if (found === undefined) return;
        this.watchers.delete(look);
        resolve(found as ReceivedEvent);
      };
      this.watchers.add(look);
      look();
    });
  }

  events(name: string): readonly ReceivedEvent[] {
    return this.received.filter((message) => message.type === 'event' && (message as ReceivedEvent).event === name) as ReceivedEvent[];
  }

  get output(): string {
    return this.events('output').map(({ body }) => String(body?.['output'])).join('');
  }

  async initialize(more: object = {}): Promise<DebugProtocol.Capabilities> {
    return this.ask('initialize', { adapterID: 'pagewalk', pathFormat: 'path', supportsInvalidatedEvent: true, supportsMemoryEvent: true, ...more });
  }

  /** Initialize, launch, breakpoints at `lines` of the program, exception filters, configurationDone. */
  async start(args: { program: string; lines?: readonly number[]; filters?: readonly string[] } & Record<string, unknown>): Promise<void> {
    const { lines = [], filters = [], ...launch } = args;
    await this.initialize();
    await this.ask('launch', launch);
    await this.event('initialized');
    await this.ask('setBreakpoints', { source: { path: args.program }, breakpoints: lines.map((line) => ({ line })) });
    await this.ask('setExceptionBreakpoints', { filters });
    await this.ask('configurationDone');
  }

  /** Sends a motion and waits for the stop it leads to. */
  async move(command: string, args: object = {}): Promise<Record<string, unknown>> {
    const since = this.received.length;
    await this.ask(command, { threadId: 1, ...args });
    return this.stopped(since);
  }

  async stopped(since = 0): Promise<Record<string, unknown>> {
    return (await this.event('stopped', since)).body ?? {};
  }

  async top(threadId = 1): Promise<DebugProtocol.StackFrame> {
    const [frame] = (await this.ask<{ stackFrames: DebugProtocol.StackFrame[] }>('stackTrace', { threadId })).stackFrames;
    if (frame === undefined) throw new Error('no frame');
    return frame;
  }

  dispose(): void {
    this.session.dispose();
  }
}
