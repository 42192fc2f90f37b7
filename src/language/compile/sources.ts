import type { Cpu, File, Global, Handler, Item, Machine, Platform, Procedure, Process, Schedule } from '../generated/ast';
import { kernelText } from '../library/kernelText';
import { parseFile, type ParsedFile } from '../syntax/parse';
import { sourceText, type SourceText } from '../syntax/sourceText';
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
}

export function noDeclarations(): Declarations {
  return { machines: [], platforms: [], schedules: [], processes: [], globals: [], procedures: [], handlers: [], cpus: [] };
}

/** A file that another one names: the path that stands for it everywhere, and what is in it. */
export interface ImportedFile {
  readonly path: string;
  readonly text: string;
}

/** Finds the file that `name` means in the file at path `importer`; undefined when it cannot be read. One file has one path. */
export type ReadImport = (name: string, importer: string) => ImportedFile | undefined;

/** The texts that make up one program, as they are read. */
export interface Sources {
  readonly files: SourceText[];
  readonly lost: Set<string>;
  readonly report: Report;
  readonly readImport: ReadImport;
}

/** Editors write it and never count it: ranges are those of the text behind it. */
const BYTE_ORDER_MARK = '\uFEFF';

/** Parses a file into `into`; its imports first. A file is read once, however often it is imported. */
export function readSource(sources: Sources, path: string, stored: string, into: Declarations): SourceText {
  const text = stored.startsWith(BYTE_ORDER_MARK) ? stored.slice(BYTE_ORDER_MARK.length) : stored;
  const source = sourceText(sources.files.length, path, text);
  sources.files.push(source);
  const { file, problems, lost } = text === kernelText ? parsedKernel() : parseFile(text);
  for (const { start, end, message } of problems) sources.report.errorAt(source, start, end, message);
  for (const word of lost) sources.lost.add(word);
  sortItems(sources, source, file, into);
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
    if (!isScenario && ['Machine', 'Platform', 'Schedule', 'Cpu'].includes(node.$type)) {
      sources.report.error(source, node, `\`${word(node)}\` belongs in the scenario itself; an imported file holds procedures, handlers, globals and processes.`);
      continue;
    }
    sortItem(sources, source, node, into);
  }
}

function sortItem(sources: Sources, source: SourceText, node: Item, into: Declarations): void {
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
      return sources.report.error(source, node, 'Several and nested VMs are not supported yet; write the parts of one VM at the top of the file.');
    case 'HostThread':
      return sources.report.error(source, node, 'Host threads are not supported yet; remove it.');
  }
}

function readImport(sources: Sources, source: SourceText, node: Extract<Item, { $type: 'Import' }>, into: Declarations): void {
  const imported = sources.readImport(node.path, source.path);
  if (imported === undefined) {
    sources.report.error(source, node, `The file "${node.path}" cannot be read; check its path, which starts at this file's folder.`);
    return;
  }
  if (sources.files.some((file) => file.path === imported.path)) return;
  readSource(sources, imported.path, imported.text, into);
}

function word(node: Item): string {
  return node.$type.toLowerCase();
}
