import { isCompositeCstNode, type AstNode, type CstNode } from 'langium';

/** What the parser adds to a node, its container and its place in the text, has names that begin with this. */
const DOLLAR = 36;

/** A node with all below it, in the order in which the parser took them up: the text's, by and large. */
export function nodesOf(root: AstNode): readonly AstNode[] {
  // Each compilation looks through whole trees several times. Langium's streams take ten times as long.
  const found: AstNode[] = [];
  const waiting: AstNode[] = [root];
  for (let node = waiting.pop(); node !== undefined; node = waiting.pop()) {
    found.push(node);
    const children = childrenOf(node);
    for (let i = children.length - 1; i >= 0; i--) waiting.push(children[i]!);
  }
  return found;
}

/** The nodes right below one. */
export function childrenOf(node: AstNode): readonly AstNode[] {
  const found: AstNode[] = [];
  const parts = node as unknown as Readonly<Record<string, unknown>>;
  for (const name in parts) {
    if (name.charCodeAt(0) === DOLLAR) continue;
    const part = parts[name];
    if (Array.isArray(part)) found.push(...part.filter(isNode));
    else if (isNode(part)) found.push(part);
  }
  return found;
}

function isNode(part: unknown): part is AstNode {
  return typeof part === 'object' && part !== null && '$type' in part;
}

/** The first or the last word of a node's text that is no comment or blank. */
export function outermostWord(node: CstNode, which: 'first' | 'last'): CstNode {
  let at = node;
  while (isCompositeCstNode(at)) {
    const { content } = at;
    const step = which === 'first' ? 1 : -1;
    let i = which === 'first' ? 0 : content.length - 1;
    while (content[i]?.hidden === true) i += step;
    const next = content[i] ?? content[which === 'first' ? 0 : content.length - 1];
    if (next === undefined) return at;
    at = next;
  }
  return at;
}
