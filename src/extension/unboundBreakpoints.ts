import * as vscode from 'vscode';
import { DEBUG_TYPE } from './contributions';

interface Message {
  readonly type: string;
  readonly command?: string;
  readonly seq?: number;
  readonly request_seq?: number;
  readonly arguments?: {
    readonly breakpoints?: readonly { readonly name: string }[];
    readonly filters?: readonly string[];
    readonly filterOptions?: readonly { readonly filterId: string; readonly condition?: string }[];
  };
  readonly body?: { readonly breakpoints?: readonly { readonly verified: boolean; readonly message?: string }[] };
}

/**
 * Why a function breakpoint is bound to nothing VS Code tells to whom hovers its row, and why a filter's condition is none it tells
 * nobody: of what was just written it is told at once.
 */
export class UnboundBreakpoints implements vscode.Disposable, vscode.DebugAdapterTrackerFactory {
  private readonly registration = vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, this);
  private written: string | undefined;

  /** To be called before the breakpoint of this name is added. */
  expect(name: string): void {
    this.written = name;
  }

  createDebugAdapterTracker(): vscode.DebugAdapterTracker {
    /** Places in the answer to a request, by its number, of what was just written. */
    const asked = new Map<number, () => number[]>();
    let conditions: readonly string[] | undefined;
    return {
      onWillReceiveMessage: ({ command, seq = 0, arguments: args }: Message) => {
        if (command === 'setFunctionBreakpoints') asked.set(seq, () => this.placeOfWritten(args?.breakpoints ?? []));
        if (command !== 'setExceptionBreakpoints') return;
        const known = conditions;
        conditions = (args?.filterOptions ?? []).map(({ filterId, condition }) => `${filterId} ${condition ?? ''}`);
        // Answers stand in the order of the filters, those with options behind those without.
        const from = args?.filters?.length ?? 0;
        const fresh = known === undefined ? [] : conditions.flatMap((each, i) => (known.includes(each) ? [] : [from + i]));
        asked.set(seq, () => fresh);
      },
      onDidSendMessage: ({ type, request_seq: seq = 0, body }: Message) => {
        const places = type === 'response' ? asked.get(seq) : undefined;
        if (places === undefined) return;
        asked.delete(seq);
        for (const place of places()) {
          const answer = body?.breakpoints?.[place];
          if (answer?.verified === false && answer.message !== undefined) void vscode.window.showWarningMessage(answer.message);
        }
      },
    };
  }

  dispose(): void {
    this.registration.dispose();
  }

  private placeOfWritten(breakpoints: readonly { readonly name: string }[]): number[] {
    const place = breakpoints.findIndex(({ name }) => name === this.written);
    if (place < 0) return [];
    this.written = undefined;
    return [place];
  }
}
