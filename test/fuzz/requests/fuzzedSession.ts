import { PassThrough } from 'node:stream';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { MessageFrames, framed } from '../../../src/adapter/messageFrames';
import { nextTurn } from '../../../src/adapter/nextTurn';
import { PagewalkSession } from '../../../src/adapter/session';
import { serveStream } from '../../../src/adapter/streams';
import { isLive } from './argumentValues';
import { GivenThings } from './givenThings';
import { bytesThatAreNoMessage, valuesThatAreNoRequest } from './noise';
import { looksOnly, ProtocolOrder } from './protocolOrder';
import type { Action, SessionPlan } from './requestCases';
import { compilingOnce, editedTexts, firstTexts } from './scenarioFiles';

/** Longer than any answer of ours takes on a busy machine. */
const PATIENCE_MS = 20_000;

/** Numbers of requests that the judge makes for itself. */
const FIRST_PROBE = 1_000_000;
/** Ids of the failures that tell where a session is. */
const NOT_STOPPED = 1004;
const NO_EXCEPTION = 1025;

/** What was put off to a later turn before this has been done. */
function turnOver(): Promise<void> {
  return new Promise((resolve) => { nextTurn(resolve); });
}

/** A session whose client does what a plan says; everything that it hears is judged and kept. */
export class FuzzedSession {
  readonly order = new ProtocolOrder();
  /** Everything heard, but for numbers of messages: what must not depend on other sessions. */
  readonly heard: string[] = [];
  requests = 0;
  private readonly given = new GivenThings();
  private readonly files = new Map<string, string | undefined>(Object.entries(firstTexts));
  private readonly watchers = new Set<() => void>();
  private readonly send: (message: unknown) => void;
  private readonly sendBytes: ((bytes: string) => void) | undefined;
  private readonly leave: () => void;
  private readonly answers: DebugProtocol.Response[] = [];
  /** Something has been asked since the session was last seen to stand still. */
  private mayMove = false;
  private seq = 1;
  private probes = 0;
  private isGone = false;

  constructor(private readonly plan: SessionPlan) {
    const files = { readText: (path: string): Promise<string | undefined> => Promise.resolve(this.files.get(path)) };
    if (plan.transport === 'inline') {
      const session = new PagewalkSession(compilingOnce, files);
      session.onDidSendMessage((message) => { this.hear(structuredClone(message) as DebugProtocol.ProtocolMessage); });
      this.send = (message) => { session.handleMessage(structuredClone(message) as DebugProtocol.ProtocolMessage); };
      this.leave = () => { session.dispose(); };
      return;
    }
    const [input, output] = [new PassThrough(), new PassThrough()];
    serveStream(compilingOnce, files, { input, output, over: () => undefined });
    const frames = new MessageFrames({
      message: (value) => { this.hear(value as DebugProtocol.ProtocolMessage); },
      problem: (sentence) => { this.order.fault(`the adapter sends what is no message: ${sentence}`); },
    });
    output.on('data', (bytes: Buffer) => { frames.take(bytes); });
    output.on('error', () => undefined);
    this.sendBytes = (text) => {
      const bytes = Buffer.from(text);
      const cut = (this.seq * 37) % bytes.length;
      input.write(bytes.subarray(0, cut));
      input.write(bytes.subarray(cut));
    };
    this.send = (message) => { this.sendBytes?.(framed(message as object)); };
    this.leave = () => {
      // By turns: in the middle of a message, with an error, without a word.
      if (this.seq % 3 === 0) input.end('Content-Length: 50\r\n\r\n{"seq"');
      else input.destroy(this.seq % 3 === 1 ? new Error('the client is gone') : undefined);
      if (this.seq % 3 === 1) output.destroy(new Error('the client is gone'));
    };
  }

  /** Brings the session to where its actions begin. */
  async begin(): Promise<void> {
    const { beginning, program, mmu } = this.plan;
    if (beginning === 'nothing') return;
    this.ask('initialize', { adapterID: 'pagewalk', pathFormat: 'path' });
    await this.still();
    if (beginning === 'initialized') return;
    this.ask('launch', { program, ...(mmu === undefined ? {} : { mmu }), stopOnEntry: beginning === 'at entry' });
    await this.still();
    if (beginning === 'launched') return;
    this.ask('setExceptionBreakpoints', { filters: beginning === 'at an event' ? ['vm-exit', 'guest-page-fault', 'cr3-write', 'expectation'] : [] });
    this.ask('configurationDone', {});
    if (beginning !== 'running') await this.still();
  }

  /** Does one of the plan's actions; of a client that is gone nothing more comes. */
  async act(action: Action): Promise<void> {
    if (this.isGone) return;
    switch (action.do) {
      case 'ask':
        this.ask(action.command, this.chosen(action.args));
        return;
      case 'look':
        await this.look(action);
        return;
      case 'noise':
        this.makeNoise(action.noise);
        return;
      case 'edit':
        this.files.set(action.path, editedTexts[action.text % editedTexts.length]);
        return;
      case 'vanish':
        this.vanish();
    }
  }

  /** Waits until all is answered and the scenario stands, is over, or never ran. */
  async still(): Promise<void> {
    for (;;) {
      await this.until(() => this.order.unanswered.length === 0, `answers to ${this.order.unanswered.join(', ')}`);
      if (this.isGone || this.order.isOver || !this.mayMove) return;
      // What a request has put off to the next turn comes before this.
      await turnOver();
      if (!(await this.isRunning())) break;
      await this.until(() => this.order.isStopped || this.order.isOver, '"stopped" or "terminated"');
    }
    this.mayMove = false;
  }

  /** The client says good-bye in good order, wherever it is. */
  async end(): Promise<void> {
    if (this.isGone) return;
    await this.until(() => this.order.unanswered.length === 0, `answers to ${this.order.unanswered.join(', ')}`);
    await turnOver();
    if (!this.order.isOver && await this.isRunning()) {
      this.ask('pause', {});
      await this.until(() => this.order.isStopped || this.order.isOver, '"stopped" after "pause"');
    }
    this.ask('disconnect', {});
    await this.until(() => this.order.unanswered.length === 0, 'an answer to "disconnect"');
    const until = this.heard.length;
    await turnOver();
    const late = this.heard.slice(until).filter((message) => !message.includes('"output"'));
    if (late.length > 0) this.order.fault(`after "disconnect" comes ${late[0] ?? ''}`);
    this.vanish();
  }

  private async look({ thread, picks }: Extract<Action, { readonly do: 'look' }>): Promise<void> {
    const [frame = 0, ...references] = picks;
    await this.asked('stackTrace', { threadId: thread });
    await this.asked('scopes', { frameId: this.given.choose({ live: 'frame', pick: frame }) });
    for (const pick of references) await this.asked('variables', { variablesReference: this.given.choose({ live: 'reference', pick }) });
  }

  private async asked(command: string, args: object): Promise<void> {
    if (this.isGone) return;
    this.ask(command, args);
    await this.until(() => this.order.unanswered.length === 0, `answers to ${this.order.unanswered.join(', ')}`);
  }

  /** Asks in a way that changes nothing, and that no other session's answers tell of. */
  private async isRunning(): Promise<boolean> {
    const seq = FIRST_PROBE + this.probes++;
    const from = this.answers.length;
    this.order.asked(seq, 'exceptionInfo');
    this.send({ seq, type: 'request', command: 'exceptionInfo', arguments: { threadId: 1 } });
    const answer = (): DebugProtocol.Response | undefined => this.answers.slice(from).find((each) => each.request_seq === seq);
    await this.until(() => answer() !== undefined, 'an answer to "exceptionInfo"');
    const id = (answer()?.body as { error?: { id: number } } | undefined)?.error?.id;
    if (id === NO_EXCEPTION && !this.order.isStopped) this.order.fault('the session answers as if stopped, and has sent no "stopped"');
    return id === NOT_STOPPED;
  }

  private ask(command: string, args: unknown): number {
    const seq = this.seq++;
    this.requests++;
    if (!looksOnly(command)) this.mayMove = true;
    this.order.asked(seq, command, args);
    this.send({ seq, type: 'request', command, ...(args === undefined ? {} : { arguments: args }) });
    return seq;
  }

  /** Arguments with live things put in. */
  private chosen(args: unknown): unknown {
    if (isLive(args)) return this.given.choose(args);
    if (Array.isArray(args)) return args.map((item) => this.chosen(item));
    if (typeof args !== 'object' || args === null) return args;
    return Object.fromEntries(Object.entries(args).filter(([, value]) => value !== undefined).map(([name, value]) => [name, this.chosen(value)]));
  }

  private makeNoise(which: number): void {
    if (this.sendBytes !== undefined && which % 2 === 0) {
      this.sendBytes(bytesThatAreNoMessage[(which >> 1) % bytesThatAreNoMessage.length]!);
      return;
    }
    this.send(valuesThatAreNoRequest[(which >> 1) % valuesThatAreNoRequest.length]);
  }

  private vanish(): void {
    this.isGone = true;
    this.leave();
  }

  private hear(message: DebugProtocol.ProtocolMessage): void {
    const isProbe = message.type === 'response' && (message as DebugProtocol.Response).request_seq >= FIRST_PROBE;
    if (!isProbe && !this.isGone) this.heard.push(JSON.stringify({ ...message, seq: 0 }));
    if (message.type === 'response') {
      const response = message as DebugProtocol.Response;
      this.answers.push(response);
      this.order.response(response);
      if (response.success) this.given.note(response.command, response.body);
    } else this.order.event(message as DebugProtocol.Event);
    for (const watcher of [...this.watchers]) watcher();
  }

  private async until(holds: () => boolean, awaited: string): Promise<void> {
    if (holds() || this.isGone) return;
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(() => { reject(new Error(`the session did not send ${awaited} (unanswered: ${this.order.unanswered.join(', ') || 'none'})`)); }, PATIENCE_MS);
      const look = (): void => {
        if (!holds()) return;
        clearTimeout(timer);
        this.watchers.delete(look);
        resolve();
      };
      this.watchers.add(look);
    });
  }
}
