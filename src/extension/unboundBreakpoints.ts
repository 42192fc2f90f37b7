import * as vscode from 'vscode';
import { DEBUG_TYPE } from './contributions';

interface Message {
  readonly type: string;
  readonly command?: string;
  readonly seq?: number;
  readonly request_seq?: number;
  readonly arguments?: { readonly breakpoints?: readonly { readonly name: string }[] };
  readonly body?: { readonly breakpoints?: readonly { readonly verified: boolean; readonly message?: string }[] };
}

/** VS Code tells why a function breakpoint is bound to nothing to whom hovers its row; one that was just written is told of at once. */
export class UnboundBreakpoints implements vscode.Disposable, vscode.DebugAdapterTrackerFactory {
  private readonly registration = vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, this);
  private written: string | undefined;

  /** To be called before the breakpoint of this name is added. */
  expect(name: string): void {
    this.written = name;
  }

  createDebugAdapterTracker(): vscode.DebugAdapterTracker {
    const asked = new Map<number, readonly string[]>();
    return {
      onWillReceiveMessage: ({ command, seq = 0, arguments: args }: Message) => {
        if (command === 'setFunctionBreakpoints') asked.set(seq, args?.breakpoints?.map(({ name }) => name) ?? []);
      },
      onDidSendMessage: ({ type, request_seq: seq = 0, body }: Message) => {
        const names = type === 'response' ? asked.get(seq) : undefined;
        if (names === undefined) return;
        asked.delete(seq);
        const answer = body?.breakpoints?.[names.indexOf(this.written ?? '')];
        if (answer === undefined) return;
        this.written = undefined;
        if (!answer.verified && answer.message !== undefined) void vscode.window.showWarningMessage(answer.message);
      },
    };
  }

  dispose(): void {
    this.registration.dispose();
  }
}
