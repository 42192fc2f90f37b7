import type {
  Cpu, File, Global, Handler, HostThread, Item, Machine, Platform, Procedure, Process, Schedule, Vm,
} from '../generated/ast';
import { kernelText } from '../library/kernelText';
import { parseFile, type ParsedFile } from '../syntax/parse';
import { rangeBetween, sourceText, type SourceText } from '../syntax/sourceText';
import { replacing } from './fixes';
import type { Report } from './report';

/** A declaration and the file it stands in. */
export interface Declared<T> {
  readonly node: T;
  readonly source: SourceText;
}

/** Declarations of the scenario, its imports and its kernel library, by kind, in the order of the text. */
export interface Declarations {
  readonly machines: Declared<Machine>[];
  readonly platforms: Declared<Platform>[];
  readonly schedules: Declared<Schedule>[];
  readonly processes: Declared<Process>[];
  readonly globals: Declared<Global>[];
  readonly procedures: Declared<Procedure>[];
  readonly handlers: Declared<Handler>[];
  readonly cpus: Declared<Cpu>[];
  readonly vms: Declared<Vm>[];
  readonly threads: Declared<HostThread>[];
}

export function noDeclarations(): Declarations {
  return {
    machines: [], platforms: [], schedules: [], processes: [], globals: [], procedures: [], handlers: [], cpus: [], vms: [], threads: [],
  };
}

/** A file that another one names: the path that stands for it everywhere, and what is in it. */
export interface ImportedFile {
  readonly path: string;
  readonly text: string;
}

/** Finds the file that `name` means in the file at path `importer`; undefined when it cannot be read. One file has one path. */
export type ReadImport = (name: string, importer: string) => ImportedFile | undefined;

/** A file with the tree of all that could be read of it. */
export interface ReadFile {
  readonly source: SourceText;
  readonly file: File;
  readonly problems: ParsedFile['problems'];
}

/** The texts that make up one program, as they are read. */
export interface Sources {
  readonly files: SourceText[];
  readonly read: ReadFile[];
  readonly lost: Set<string>;
  readonly report: Report;
  readonly readImport: ReadImport;
  /** Paths of the files that are being read: each imports the next. */
  readonly reading: string[];
}

/** Editors write it and never count it: ranges are those of the text behind it. */
const BYTE_ORDER_MARK = '\uFEFF';

/** Parses a file into `into`; its imports first. A file is read once, however often it is imported. */
export function readSource(sources: Sources, path: string, stored: string, into: Declarations): SourceText {
  const text = stored.startsWith(BYTE_ORDER_MARK) ? stored.slice(BYTE_ORDER_MARK.length) : stored;
  const source = sourceText(sources.files.length, path, text);
  sources.files.push(source);
  const { file, problems, lost } = text === kernelText ? parsedKernel() : parseFile(text);
  sources.read.push({ source, file, problems });
  for (const { start, end, code, message, fix } of problems) {
    sources.report.add(source, rangeBetween(source, start, end), code, message);
    if (fix !== undefined) sources.report.mend(source, { start, end }, code, replacing(source, fix, fix.text));
  }
  for (const word of lost) sources.lost.add(word);
  sources.reading.push(path);
  sortItems(sources, source, file, into);
  sources.reading.pop();
  return source;
}

let kernel: ParsedFile | undefined;

/** The library is the same in every compilation, and an editor compiles at every keystroke. */
function parsedKernel(): ParsedFile {
  kernel ??= parseFile(kernelText);
  return kernel;
}

function sortItems(sources: Sources, source: SourceText, file: File, into: Declarations): void {
  const isScenario = source.file === 0;
  for (const node of file.items) {
    if (!isScenario && NOT_IN_IMPORTS.has(node.$type)) {
      sources.report.say(source, node, 'not-in-import', { word: wordOf(node) });
      continue;
    }
    sortItem(sources, source, node, into);
  }
}

/** Puts an item where its kind is collected. */
export function sortItem(sources: Sources, source: SourceText, node: Item, into: Declarations): void {
  switch (node.$type) {
    case 'Import':
      return readImport(sources, source, node, into);
    case 'Machine':
      return void into.machines.push({ node, source });
    case 'Platform':
      return void into.platforms.push({ node, source });
    case 'Schedule':
      return void into.schedules.push({ node, source });
    case 'Process':
      return void into.processes.push({ node, source });
    case 'Global':
    case 'Table':
      return void into.globals.push({ node, source });
    case 'Procedure':
      return void into.procedures.push({ node, source });
    case 'Handler':
      return void into.handlers.push({ node, source });
    case 'Cpu':
      return void into.cpus.push({ node, source });
    case 'Vm':
      return void into.vms.push({ node, source });
    case 'HostThread':
      return void into.threads.push({ node, source });
  }
}

function readImport(sources: Sources, source: SourceText, node: Extract<Item, { $type: 'Import' }>, into: Declarations): void {
  const imported = sources.readImport(node.path, source.path);
  if (imported === undefined) {
    sources.report.say(source, node, 'import-unreadable', { path: node.path });
    return;
  }
  const from = sources.reading.indexOf(imported.path);
  if (from >= 0) {
    const chain = [...sources.reading.slice(from), imported.path].map((path) => path.replace(/^.*[\\/]/, ''));
    sources.report.say(source, node, 'import-cycle', { chain: chain.join(' imports ') });
    return;
  }
  if (sources.files.some((file) => file.path === imported.path)) return;
  readSource(sources, imported.path, imported.text, into);
}

const NOT_IN_IMPORTS: ReadonlySet<string> = new Set(['Machine', 'Platform', 'Schedule', 'Cpu', 'Vm', 'HostThread']);

/** The word that an item starts with. */
export function wordOf(node: Item): string {
  return node.$type === 'HostThread' ? 'host thread' : node.$type.toLowerCase();
}
