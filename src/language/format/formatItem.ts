import { CstUtils, type CstNode, type LeafCstNode } from 'langium';
import type { File } from '../generated/ast';

/** A token or a comment of a text that parses, with what the formatter must know of it. Offsets and columns are UTF-16 units. */
export interface FormatItem {
  readonly image: string;
  readonly start: number;
  readonly end: number;
  /** Zero-based line and column of its first character; a tab is one column. */
  readonly line: number;
  readonly column: number;
  readonly kind: 'word' | 'number' | 'text' | 'sign' | 'comment';
  /** Type of the syntax node that it stands in: `Call`, `Memory`, `Settings`. Empty for a comment. */
  readonly context: string;
  /** A statement or declaration ends between the item before and this one. */
  readonly startsStatement: boolean;
}

const KINDS: Readonly<Record<string, FormatItem['kind']>> = { NUMBER: 'number', STRING: 'text', COMMENT: 'comment', ID: 'word' };

/** All tokens and comments of a parsed text in their order. Ends of statements are no items but a mark on what follows. */
export function formatItems(file: File, text: string): readonly FormatItem[] {
  const root = file.$cstNode;
  if (root === undefined) return [];
  const items: FormatItem[] = [];
  let line = 0;
  let lineStart = 0;
  let ended = false;
  for (const leaf of leavesOf(root)) {
    const type = leaf.tokenType.name;
    if (type === 'EOS') {
      ended = true;
      continue;
    }
    for (let at = text.indexOf('\n', lineStart); at >= 0 && at < leaf.offset; at = text.indexOf('\n', lineStart)) {
      line++;
      lineStart = at + 1;
    }
    const image = type === 'COMMENT' ? leaf.text.trimEnd() : leaf.text;
    items.push({
      image,
      start: leaf.offset,
      end: leaf.offset + image.length,
      line,
      column: leaf.offset - lineStart,
      kind: KINDS[type] ?? (/^\w/.test(image) ? 'word' : 'sign'),
      context: type === 'COMMENT' ? '' : leaf.astNode.$type,
      startsStatement: ended,
    });
    if (type !== 'COMMENT') ended = false;
  }
  return items;
}

/** Hidden tokens are hung into the tree behind what they follow, so the order of the tree is not always that of the text. */
function leavesOf(root: CstNode): readonly LeafCstNode[] {
  return CstUtils.flattenCst(root).toArray().sort((a, b) => a.offset - b.offset);
}
