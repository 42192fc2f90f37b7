import type { Site } from '../../language/expression';
import type { LogPoint } from '../../engine/debuggee';
import type { Scenario } from '../simulator';

export type LogMessage = LogPoint['message'];

/**
 * The message of a log point: text, with expressions of the language in braces. A backslash before a brace makes it text.
 * Debug Adapter Protocol, "SourceBreakpoint".
 */
export function compileLogMessage(scenario: Scenario, text: string, site: Site): { readonly message: LogMessage } | { readonly error: string } {
  const pieces = splitMessage(text);
  if ('error' in pieces) return pieces;
  const message: LogMessage[number][] = [];
  for (const piece of pieces.pieces) {
    if (piece.kind === 'text') {
      message.push(piece.text);
      continue;
    }
    const compiled = scenario.compileExpression(piece.text, { ...site, use: 'condition' });
    if ('error' in compiled) return { error: `The log message cannot be used, in {${piece.text}}: ${compiled.error}` };
    message.push(compiled.fragment);
  }
  return { message };
}

type Piece = { readonly kind: 'text' | 'expression'; readonly text: string };

function splitMessage(text: string): { readonly pieces: readonly Piece[] } | { readonly error: string } {
  const pieces: Piece[] = [];
  // An escaped brace, an expression, or anything that is neither.
  const part = /\\([{}])|\{([^{}]*)\}|([^{}\\]+|\\)|([{}])/gy;
  for (let match = part.exec(text); match !== null; match = part.exec(text)) {
    const [, escaped, expression, plain] = match;
    if (expression !== undefined) {
      if (expression.trim() === '') return { error: 'The log message has {} with nothing in it: write an expression there, or \\{\\} for the braces.' };
      pieces.push({ kind: 'expression', text: expression });
      continue;
    }
    const said = escaped ?? plain;
    if (said === undefined) return { error: `The log message has a brace without its other one at character ${match.index + 1}: write \\${match[0]} for the brace itself.` };
    pieces.push({ kind: 'text', text: said });
  }
  return { pieces };
}
