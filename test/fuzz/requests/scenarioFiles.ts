import { readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { simulator } from '../../../src/adapter/pagewalkSimulator';
import type { Simulator } from '../../../src/adapter/simulator';
import { projectRoot } from '../../vscode/harness/projectRoot';
import { ENDLESS, programs } from './argumentValues';

const heading = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x602000 rw user }\n';

const own: Readonly<Record<string, string>> = {
  [ENDLESS]: `${heading}\ncpu 0 {\n  switch(p)\n  n = 0\n  while true {\n    n += 1\n    user [0x600000] = n\n  }\n}\n`,
  '/lab/prints.guest': `${heading}\ncpu 0 {\n  switch(p)\n  n = 0\n  while n < 20 {\n    n += 1\n    print n\n  }\n}\n`,
  '/lab/fails.guest': `${heading}\ncpu 0 {\n  switch(p)\n  user [0x600000] = 7\n  expect [0x600000] == 8\n  user [0x601000] = 9\n}\n`,
  '/lab/dies.guest': `${heading}\ncpu 0 {\n  switch(p)\n  n = 0\n  user [0x600000] = 7\n  n = 1 / n\n}\n`,
  '/lab/two-cpus.guest': `${heading}\ncpu 0 {\n  switch(p)\n  user [0x600000] = 1\n  unmap(p, 0x600000)\n  user [0x601000] = 2\n}\ncpu 1 {\n  switch(p)\n  user [0x601000] = 3\n  user [0x601008] = 4\n}\n`,
  '/lab/broken.guest': `${heading}\ncpu 0 {\n  user [0x600000 = 7\n  nothing(\n}\n`,
};

/** What stands in the files at first. */
export const firstTexts: Readonly<Record<string, string>> = {
  ...Object.fromEntries(programs.filter((path) => own[path] === undefined).map((path) => [path, readFileSync(join(projectRoot, 'scenarios', basename(path)), 'utf8')])),
  ...own,
};

/** What an edit may leave in a file; undefined: nothing, it is gone. */
export const editedTexts: readonly (string | undefined)[] = [undefined, '', '\u0000', own['/lab/broken.guest'], own['/lab/prints.guest'], own['/lab/fails.guest'], firstTexts['/lab/first-touch.guest']];

/** The real machine. A text is compiled once however often it is launched: programs are never written to. */
export const compilingOnce: Simulator = { ...simulator, compile: (path, text, readImport) => {
  const key = `${path}\n${text}`;
  const known = compiled.get(key) ?? simulator.compile(path, text, readImport);
  compiled.set(key, known);
  return known;
} };
const compiled = new Map<string, ReturnType<Simulator['compile']>>();
