import type * as vscode from 'vscode';

/** Failures that say no more than that a step was faster: wrong phase, not stopped, session gone, stale frame or reference. */
const OVERTAKEN: ReadonlySet<number> = new Set([1002, 1004, 1005, 1021, 1022]);

/** What the Variables view asks, and the answer in which there is nothing. */
const NOTHING: Readonly<Record<string, object>> = {
  scopes: { scopes: [] },
  variables: { variables: [] },
};

interface FailedResponse {
  readonly type?: string;
  readonly command?: string;
  readonly success?: boolean;
  readonly body?: { readonly error?: { readonly id?: number } };
}

/**
 * The adapter refuses a question about a stop that is past, as it must. VS Code asks such questions when
 * a person steps quickly, and shows the refusal as a red row among the variables; the stop that overtook
 * the question brings rows of its own, so here an overtaken question has an empty answer.
 */
export function withoutLateRefusals(message: vscode.DebugProtocolMessage): vscode.DebugProtocolMessage {
  const { type, command, success, body }: FailedResponse = message;
  const nothing = NOTHING[command ?? ''];
  if (type !== 'response' || success !== false || nothing === undefined) return message;
  if (!OVERTAKEN.has(body?.error?.id ?? 0)) return message;
  return { ...message, success: true, message: undefined, body: nothing };
}
