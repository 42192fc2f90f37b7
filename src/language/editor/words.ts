import { AstUtils, CstUtils, GrammarAST, type AstNode, type CompositeCstNode, type LeafCstNode } from 'langium';
import type { File } from '../generated/ast';

/** A token of a file, with its place in the syntax tree. Offsets are into the file's text. */
export interface Token {
  readonly image: string;
  readonly start: number;
  readonly end: number;
  readonly kind: 'word' | 'number' | 'text' | 'sign' | 'comment';
  readonly node: AstNode;
  /** Which property of the node it is, or part of; empty for words of the grammar. */
  readonly property: string;
  /** A word of the language that stands for itself: `user`, `procedure`. */
  readonly isKeyword: boolean;
}

const known = new WeakMap<File, readonly Token[]>();

const KINDS: Readonly<Record<string, Token['kind']>> = { NUMBER: 'number', STRING: 'text', COMMENT: 'comment', ID: 'word' };

/** All tokens and comments of a file in their order; ends of statements are none. Made once a tree. */
export function tokensOf(file: File): readonly Token[] {
  let tokens = known.get(file);
  if (tokens === undefined) {
    tokens = readTokens(file);
    known.set(file, tokens);
  }
  return tokens;
}

/** The token that holds `offset`, or ends there; a word before a sign where two meet. */
export function tokenAt(file: File, offset: number): Token | undefined {
  const tokens = tokensOf(file);
  let low = 0;
  let high = tokens.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((tokens[middle]?.start ?? 0) <= offset) low = middle + 1;
    else high = middle;
  }
  const here = tokens[low - 1];
  const before = tokens[low - 2];
  if (here === undefined || here.end < offset) return undefined;
  return here.kind === 'sign' && here.start === offset && before?.end === offset && before.kind !== 'sign' ? before : here;
}

function readTokens(file: File): readonly Token[] {
  const root = file.$cstNode;
  if (root === undefined) return [];
  const tokens: Token[] = [];
  for (const leaf of CstUtils.flattenCst(root)) {
    const type = leaf.tokenType.name;
    if (type === 'EOS') continue;
    const isComment = type === 'COMMENT';
    tokens.push({
      image: isComment ? leaf.text.trimEnd() : leaf.text,
      start: leaf.offset,
      end: isComment ? leaf.offset + leaf.text.trimEnd().length : leaf.end,
      kind: KINDS[type] ?? (/^\w/.test(leaf.text) ? 'word' : 'sign'),
      node: leaf.astNode,
      property: isComment ? '' : propertyOf(leaf),
      isKeyword: type !== 'ID' && GrammarAST.isKeyword(leaf.grammarSource) && /^\w/.test(leaf.text),
    });
  }
  return tokens.sort((a, b) => a.start - b.start);
}

/** A name is read by a rule of its own, so the assignment may be above the token. */
function propertyOf(leaf: LeafCstNode): string {
  let node: LeafCstNode | CompositeCstNode | undefined = leaf;
  while (node !== undefined && node.astNode === leaf.astNode) {
    const source: AstNode | undefined = node.grammarSource;
    const feature = source === undefined ? '' : remembered(features, source, featureOf);
    if (feature !== '') return node === leaf || (leaf.grammarSource !== undefined && remembered(nameRules, leaf.grammarSource, isInNameRule)) ? feature : '';
    node = node.container;
  }
  return '';
}

/** The grammar is the same for every token: what was found of an element of it is found once. */
const features = new WeakMap<AstNode, string>();
const nameRules = new WeakMap<AstNode, boolean>();

function remembered<T>(known: WeakMap<AstNode, T>, element: AstNode, find: (element: AstNode) => T): T {
  let found = known.get(element);
  if (found === undefined) {
    found = find(element);
    known.set(element, found);
  }
  return found;
}

/** The property that an element of the grammar is assigned to; empty for none. */
function featureOf(element: AstNode): string {
  return AstUtils.getContainerOfType(element, GrammarAST.isAssignment)?.feature ?? '';
}

/** Whether an element of the grammar stands in a rule that gives a text, such as Name or Type. */
function isInNameRule(element: AstNode): boolean {
  const rule = AstUtils.getContainerOfType(element, GrammarAST.isParserRule);
  return rule?.dataType !== undefined || rule?.returnType?.$refText !== undefined || (rule !== undefined && isTextRule(rule));
}

function isTextRule(rule: GrammarAST.ParserRule): boolean {
  return AstUtils.streamAllContents(rule).every((each) => !GrammarAST.isAssignment(each) && !GrammarAST.isAction(each));
}
