import { DebugSession, InitializedEvent, StoppedEvent } from '@vscode/debugadapter';
import type { DebugProtocol } from '@vscode/debugprotocol';

const FRAMES = 4;
const SCOPES = 3;
const VARIABLES = 32;

/** An adapter that simulates nothing: what the protocol and the library's plumbing alone cost. */
export class MockSession extends DebugSession {
  private line = 1;

  protected override initializeRequest(response: DebugProtocol.InitializeResponse): void {
    response.body = { supportsConfigurationDoneRequest: true };
    this.sendResponse(response);
  }

  protected override launchRequest(response: DebugProtocol.LaunchResponse): void {
    this.sendResponse(response);
    this.sendEvent(new InitializedEvent());
  }

  protected override configurationDoneRequest(response: DebugProtocol.ConfigurationDoneResponse): void {
    this.sendResponse(response);
    this.sendEvent(new StoppedEvent('entry', 1));
  }

  protected override setExceptionBreakPointsRequest(response: DebugProtocol.SetExceptionBreakpointsResponse): void {
    this.sendResponse(response);
  }

  protected override nextRequest(response: DebugProtocol.NextResponse): void {
    this.line++;
    this.sendResponse(response);
    this.sendEvent(new StoppedEvent('step', 1));
  }

  protected override threadsRequest(response: DebugProtocol.ThreadsResponse): void {
    response.body = { threads: [{ id: 1, name: 'cpu 0' }] };
    this.sendResponse(response);
  }

  protected override stackTraceRequest(response: DebugProtocol.StackTraceResponse): void {
    const source = { name: 'mock.guest', path: '/mock.guest' };
    const stackFrames = Array.from({ length: FRAMES }, (_, i) => ({ id: i + 1, name: `frame ${i}`, source, line: this.line, column: 1 }));
    response.body = { stackFrames, totalFrames: FRAMES };
    this.sendResponse(response);
  }

  protected override scopesRequest(response: DebugProtocol.ScopesResponse): void {
    response.body = { scopes: Array.from({ length: SCOPES }, (_, i) => ({ name: ['Locals', 'Registers', 'Counters'][i] ?? '', variablesReference: i + 1, expensive: false })) };
    this.sendResponse(response);
  }

  protected override variablesRequest(response: DebugProtocol.VariablesResponse): void {
    response.body = { variables: Array.from({ length: VARIABLES }, (_, i) => ({ name: `v${i}`, value: `0x${(this.line + i).toString(16)}`, type: 'number', variablesReference: 0 })) };
    this.sendResponse(response);
  }
}
