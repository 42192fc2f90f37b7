/** An expression of the guest language within a line: columns count UTF-16 units from 0, `to` is exclusive. */
export interface FoundExpression {
  readonly from: number;
  readonly to: number;
  readonly text: string;
}

/** What can be hovered, longest first: `p.gpa:0x3000`, `gva:0x600000`, `cr0.WP`, `e.frame`. A bare number says itself already. */
const EXPRESSION = /(?:[a-z_]\w*\.)?[gh][vp]a:(?:0x[\da-f_]+|\d[\d_]*[kmgt]?)|\b[a-z_]\w*(?:\.\w+)*/gi;
/** A question, hovered at its name, its field or a number inside: `walk(a)`, `walk(a).frame`, `hpa_of(a)`. */
const QUESTION = /\b(?:walk|[gh][vp]a_of)\([^()]*\)(?:\.\w+)?/g;
/** A memory operand, hovered at its brackets, its size or a number inside: `[0x600000]`, `entry [a + 8]`. */
const MEMORY = /(?:\b(?:byte|word|dword|qword|entry)\s+)?\[[^[\]]*\]/g;

/** Words that belong to the language: they have no value. */
const WORDS: ReadonlySet<string> = new Set([
  'and', 'are', 'at', 'await', 'barrier', 'before', 'break', 'byte', 'continue', 'cpu', 'dword', 'else', 'entry',
  'expect', 'exits', 'false', 'for', 'global', 'hold', 'host', 'if', 'import', 'in', 'interrupt', 'machine', 'measure',
  'no', 'not', 'on', 'or', 'override', 'platform', 'print', 'procedure', 'process', 'qword', 'refuse', 'refused',
  'release', 'repeat', 'return', 'schedule', 'step', 'stopped', 'table', 'thread', 'true', 'under', 'user', 'vm',
  'while', 'word',
]);

/** The expression at a column of a line, or undefined where none can be: comments, texts, words of the language. */
export function expressionAt(line: string, column: number): FoundExpression | undefined {
  const code = line.replace(/"[^"]*"|\/\/.*$/g, (text) => ' '.repeat(text.length));
  const asked = matchAt(code, QUESTION, column);
  if (asked !== undefined && !/\([^)]*$/.test(code.slice(asked.from, column))) return asked;
  const named = matchAt(code, EXPRESSION, column);
  if (named !== undefined && !WORDS.has(named.text)) return isCall(code, named) ? undefined : named;
  return matchAt(code, MEMORY, column) ?? asked;
}

function matchAt(code: string, pattern: RegExp, column: number): FoundExpression | undefined {
  for (const match of code.matchAll(pattern)) {
    const to = match.index + match[0].length;
    if (match.index <= column && column < to) return { from: match.index, to, text: match[0] };
  }
  return undefined;
}

/** A procedure's name without its arguments has no value, and a call might do something. */
function isCall(code: string, found: FoundExpression): boolean {
  return /^\s*\(/.test(code.slice(found.to));
}
