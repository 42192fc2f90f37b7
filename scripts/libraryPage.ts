import { readFileSync } from 'node:fs';
import path from 'node:path';

/** A comment line that starts a section of the library: dashes, then its title. */
const SECTION = /^\/\/ -+ (.+)$/;
/** The line that declares a procedure or a handler; what stands before `{` is its signature. */
const DECLARATION = /^(?:procedure )?((?:on )?\w.*?) \{/;

interface LibraryFile {
  readonly name: string;
  /** In which machines the file is the library. */
  readonly introduction: string;
}

const files: readonly LibraryFile[] = [
  { name: 'kernel.guest', introduction: 'The library of every machine with paging.' },
];

const folder = path.join(__dirname, '../src/language/library');

/**
 * `docs/library.md`: what the kernel library's own comments say, in the order of its text. The comments are the source; a
 * test compares.
 */
export function libraryPage(): string {
  return [
    '# The kernel library',
    '',
    'The guest\'s kernel, written in the guest language. A scenario calls these procedures, one can step into them, and',
    '`override procedure` replaces any of them. This page is written by `npm run generate` out of the comments of the',
    'library in `src/language/library`: edit those.',
    ...files.flatMap(fileText),
    '',
  ].join('\n');
}

function fileText({ name, introduction }: LibraryFile): readonly string[] {
  const lines = readFileSync(path.join(folder, name), 'utf8').split('\n');
  const about = documentation(lines, lines.findIndex((line) => !line.startsWith('///')));
  return ['', `## ${name}`, '', introduction, '', ...about, ...sections(lines)];
}

function sections(lines: readonly string[]): readonly string[] {
  const text: string[] = [];
  lines.forEach((line, number) => {
    const title = SECTION.exec(line)?.[1];
    if (title !== undefined) text.push('', `### ${title[0]!.toUpperCase()}${title.slice(1)}`);
    const signature = /^(procedure|on) /.test(line) ? DECLARATION.exec(line)?.[1] : undefined;
    if (signature !== undefined) text.push('', `#### \`${signature}\``, '', ...documentation(lines, number));
  });
  return text;
}

/** The `///` lines right above line `number`, without their slashes. */
function documentation(lines: readonly string[], number: number): readonly string[] {
  let from = number;
  while (from > 0 && lines[from - 1]!.startsWith('///')) from--;
  return lines.slice(from, number).map((line) => line.replace(/^\/\/\/ ?/, ''));
}
