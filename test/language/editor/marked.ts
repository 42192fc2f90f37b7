import { catalog } from '../../../src/engine/settings/catalog';
import { readScenario, type EditedScenario } from '../../../src/language/editor/editedScenario';

/** A scenario with a `|` in it: its text without the mark, and the mark's offset. */
export interface Marked {
  readonly text: string;
  readonly offset: number;
}

export function marked(text: string): Marked {
  const offset = text.indexOf('|');
  if (offset < 0) throw new Error('there is no | in the text');
  return { text: text.slice(0, offset) + text.slice(offset + 1), offset };
}

export function read(text: string, files: Readonly<Record<string, string>> = {}): EditedScenario {
  return readScenario({
    path: 'test.guest',
    text,
    catalog,
    readImport: (path) => {
      const found = files[path];
      return found === undefined ? undefined : { path, text: found };
    },
  });
}

/** A scenario with these lines on its CPU, which has two processes. */
export function onCpu(lines: string): string {
  return `machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x602000 rw user }\nprocess q { 0x700000 .. 0x701000 ro kernel }\nglobal g = gpa:1M\ncpu 0 {\n  switch(p)\n  ${lines}\n}\n`;
}
