import { DebugSession, Event, Response } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { argumentKinds, type Answer, type RequestRow } from './answer';
import { misshapen } from './argumentShapes';
import { Failure, badArgument, internalError, namelessRequest, notStopped, sessionGone, unknownRequest, wrongPhase } from './failures';
import type { FileAccess } from './fileAccess';
import { nextTurn } from './nextTurn';
import { requestRow } from './requestTable';
import { SessionState } from './sessionState';
import type { Simulator } from './simulator';

/**
 * One debug session over any transport: inline in an extension host, or a stream by `start`.
 *
 * The base class answers unknown and unimplemented requests with success and loses handlers that
 * reject; so every request goes through the one dispatcher here, which always answers, once.
 */
export class PagewalkSession extends DebugSession {
  private readonly state: SessionState;

  /** `onShutdown` is called when the last response has been sent. */
  constructor(simulator: Simulator, files: FileAccess, private readonly onShutdown: () => void = () => undefined) {
    super();
    this.setDebuggerLinesStartAt1(true);
    this.setDebuggerColumnsStartAt1(true);
    this.state = new SessionState(
      simulator,
      files,
      (event, body) => { this.sendEvent(new Event(event, body)); },
      (problem) => { this.report('the run', problem); },
    );
  }

  /** Takes any value a client may send. What cannot be answered, as nobody could tell to what, is told of on the debug console. */
  override handleMessage(message: DebugProtocol.ProtocolMessage): void {
    const value: unknown = message;
    const { type, seq } = (value ?? {}) as { readonly type?: unknown; readonly seq?: unknown };
    if (type === 'response') return; // The adapter asks nothing of its client.
    if (type === 'request' && typeof seq === 'number') this.dispatchRequest(message as DebugProtocol.Request);
    else this.complain(`A message is no request with a number "seq": it was left out. It begins with ${JSON.stringify(value).slice(0, 40)}.`);
  }

  protected override dispatchRequest(request: DebugProtocol.Request): void {
    this.answer(request);
  }

  /** Tells of something on the wire that has no other answer. */
  complain(sentence: string): void {
    this.state.output.note(sentence);
  }

  /** Ends what runs; the transport is closed by its owner. */
  override dispose(): void {
    this.state.halt();
    this.state.phase = 'disconnected';
  }

  /** The client has said good-bye: nothing runs on without it, and the owner of the transport closes it. */
  override shutdown(): void {
    this.dispose();
    this.onShutdown();
  }

  /** In the caller's own turn, unless the handler waits for something. */
  private answer(request: DebugProtocol.Request): void {
    let result: ReturnType<RequestRow['handle']>;
    const { behindAnswer } = this.state;
    const outer = behindAnswer.enter();
    try {
      result = this.handle(request);
    } catch (problem) {
      result = this.failed(request, problem);
    }
    const due = behindAnswer.leave(outer);
    if (result instanceof Promise) {
      for (const work of due) nextTurn(work);
      void result.catch((problem: unknown) => this.failed(request, problem)).then((answer) => { this.respond(request, answer); });
    } else {
      this.respond(request, result);
      for (const work of due) work();
    }
  }

  private failed({ command }: DebugProtocol.Request, problem: unknown): Failure {
    this.report(command, problem);
    return internalError(command);
  }

  private respond(request: DebugProtocol.Request, result: Answer<object | undefined>): void {
    const response = new Response(request) as DebugProtocol.Response;
    if (result instanceof Failure) {
      response.success = false;
      response.message = result.text;
      response.body = { error: { id: result.id, format: result.text, showUser: result.shown === 'dialog' } };
    } else if (result !== undefined) {
      response.body = result;
    }
    this.sendResponse(response);
    if (request.command === 'disconnect') this.shutdown();
  }

  private handle(request: DebugProtocol.Request): ReturnType<RequestRow['handle']> {
    const { command } = request;
    if (typeof command !== 'string') return namelessRequest();
    const handler = requestRow(command);
    if (handler === undefined) return unknownRequest(command);
    const refusal = this.refusal(command, handler, request.arguments);
    if (refusal !== undefined) return refusal;
    // A handler that sets the scenario in motion does so before it waits for anything.
    this.state.requestId = request.seq;
    return handler.handle(this.state, request.arguments);
  }

  private refusal(command: string, handler: RequestRow, args: unknown): Failure | undefined {
    const { phase } = this.state;
    if (!handler.phases.includes(phase)) {
      if (phase === 'disconnected') return sessionGone(command);
      if (phase === 'running' && handler.phases.includes('stopped')) return notStopped(command);
      return wrongPhase(command, phase, `it is answered while the session is ${handler.phases.join(' or ')}`);
    }
    const wrong = handler.lacks(args) ?? misshapen(args);
    return wrong === undefined ? undefined : badArgument(command, wrong.name, argumentKinds[wrong.kind].wanted);
  }

  /** A mistake of ours: logged once, with what is needed to mend it. */
  private report(where: string, problem: unknown): void {
    const story = problem instanceof Error ? (problem.stack ?? problem.message) : String(problem);
    this.state.output.note(`Pagewalk failed in ${where}; please report this: ${story}`);
  }
}
