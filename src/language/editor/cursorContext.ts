/** What surrounds a place of a text that is being typed, by its braces and words alone: no tree is needed. */
export interface CursorContext {
  /** Words that open the blocks around the place, outermost first: `vm`, `cpu`, `if`. Empty outside of all. */
  readonly blocks: readonly string[];
  /** The block's opening words in full: `procedure map(process p`. The outermost that holds statements or settings. */
  readonly headers: readonly string[];
  /** The statement up to the place, without what stands before it in the line. */
  readonly statement: string;
  /** The place is in a comment or a text, where nothing is offered but what stands there. */
  readonly inside: 'code' | 'comment' | 'text';
}

/** Reads the text up to `offset`. */
export function cursorContext(text: string, offset: number): CursorContext {
  const headers: string[] = [];
  let start = 0;
  let parentheses = 0;
  let inside: CursorContext['inside'] = 'code';
  for (let at = 0; at < offset; at++) {
    const character = text[at];
    if (character === '\n') {
      const goesOn = inside === 'code' && (parentheses > 0 || /(?:,|\band|\bor)\s*$/.test(text.slice(Math.max(start, at - 40), at)));
      inside = 'code';
      if (!goesOn) start = at + 1;
      continue;
    }
    if (inside === 'comment') continue;
    if (character === '"') inside = inside === 'text' ? 'code' : 'text';
    if (inside === 'text') continue;
    if (character === '/' && text[at + 1] === '/') inside = 'comment';
    else if (character === '(' || character === '[') parentheses++;
    else if (character === ')' || character === ']') parentheses = Math.max(0, parentheses - 1);
    else if (character === '{') {
      headers.push(text.slice(start, at).trim());
      [start, parentheses] = [at + 1, 0];
    } else if (character === '}') {
      headers.pop();
      [start, parentheses] = [at + 1, 0];
    } else if (character === ';') start = at + 1;
  }
  return { blocks: headers.map(openingWord), headers, statement: text.slice(start, offset).replace(/^\s+/, ''), inside };
}

/** `override procedure` and `host thread` are known by their second word. */
function openingWord(header: string): string {
  const words = header.match(/\w+/g) ?? [];
  const [first = '', second] = words;
  return (first === 'override' || first === 'host') && (second === 'procedure' || second === 'thread') ? second : first;
}

/** A call whose arguments are being typed: its name and which argument the place is in, from 0. */
export interface OpenCall {
  readonly name: string;
  readonly argument: number;
}

/** The innermost call that is open at the end of a statement. */
export function openCall(statement: string): OpenCall | undefined {
  let depth = 0;
  let argument = 0;
  for (let at = statement.length - 1; at >= 0; at--) {
    const character = statement[at];
    if (character === ')' || character === ']') depth++;
    else if (character === '(' || character === '[') {
      if (depth > 0) {
        depth--;
        continue;
      }
      const name = character === '(' ? /(\w+)\s*$/.exec(statement.slice(0, at))?.[1] : undefined;
      if (name !== undefined && !KEYWORDS_BEFORE_PARENTHESES.has(name)) return { name, argument };
      argument = 0;
    } else if (character === ',' && depth === 0) argument++;
  }
  return undefined;
}

const KEYWORDS_BEFORE_PARENTHESES: ReadonlySet<string> = new Set(['if', 'while', 'and', 'or', 'not', 'in', 'repeat', 'return', 'print', 'expect', 'step']);
