import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

export const root = path.join(__dirname, '..', '..');

/** A fenced block of a page: "```sh status=1" has kind `sh` and words `status=1`. */
export interface DocBlock {
  readonly page: string;
  /** Of the fence, from 1. */
  readonly line: number;
  readonly kind: string;
  readonly words: readonly string[];
  readonly text: string;
  /** What the page says comes of it: the `text` block right behind it. */
  readonly output: DocBlock | undefined;
}

/** The blocks of a page in order. A `text` block that is some block's output is that block's, and none of its own. */
export function docBlocks(page: string): readonly DocBlock[] {
  const lines = readFileSync(path.join(root, page), 'utf8').split('\n');
  const found: { line: number; kind: string; words: string[]; text: string; isRightBehind: boolean }[] = [];
  let isRightBehind = false;
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at] ?? '';
    const fence = /^```(\w+) ?(.*)$/.exec(line);
    if (fence === null) {
      if (line.trim() !== '') isRightBehind = false;
      continue;
    }
    const start = at;
    const text: string[] = [];
    while (++at < lines.length && lines[at] !== '```') text.push(lines[at] ?? '');
    const words = (fence[2] ?? '').split(' ').filter((word) => word !== '');
    found.push({ line: start + 1, kind: fence[1] ?? '', words, text: `${text.join('\n')}\n`, isRightBehind });
    isRightBehind = true;
  }
  const blocks: DocBlock[] = [];
  for (const [index, { isRightBehind: isOutput, ...block }] of found.entries()) {
    const before = blocks.at(-1);
    if (block.kind === 'text' && isOutput && found[index - 1]?.kind !== 'text' && before !== undefined) {
      blocks[blocks.length - 1] = { ...before, output: { page, ...block, output: undefined } };
    } else {
      blocks.push({ page, ...block, output: undefined });
    }
  }
  return blocks;
}

/** Writes what came of blocks into the page, in place of what it said (UPDATE_GOLDEN=1). */
export function rewriteOutputs(page: string, outputs: ReadonlyMap<number, string>): void {
  const file = path.join(root, page);
  const lines = readFileSync(file, 'utf8').split('\n');
  for (const [line, output] of [...outputs].sort(([a], [b]) => b - a)) {
    let end = line;
    while (end < lines.length && lines[end] !== '```') end++;
    lines.splice(line, end - line, ...output.replace(/\n$/, '').split('\n'));
  }
  writeFileSync(file, lines.join('\n'));
}
