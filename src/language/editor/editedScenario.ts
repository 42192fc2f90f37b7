import { compileScenario, KERNEL_PATH, type CompileInput } from '../compile';
import type { ImportedFile } from '../compile/sources';
import type { Catalog } from '../catalog';
import { kernelText } from '../library/kernelText';
import type { File, Machine } from '../generated/ast';
import type { Diagnostic, Program } from '../program';
import { parseFile } from '../syntax/parse';
import type { SyntaxProblem } from '../syntax/braces';
import { sourceText, type SourceText } from '../syntax/sourceText';

/** A file as an editor sees it: its text, and the tree of all that could be read of it. */
export interface EditedFile {
  readonly source: SourceText;
  readonly file: File;
  readonly problems: readonly SyntaxProblem[];
}

/** A scenario with all that it names, at one moment of its text. Every editor service is a function of it. */
export interface EditedScenario {
  /** The scenario itself, then its imports and its kernel library. */
  readonly files: readonly [EditedFile, ...EditedFile[]];
  readonly diagnostics: readonly Diagnostic[];
  /** The last program that compiled: of this text, or of the text before its latest mistake. */
  readonly program: Program | undefined;
  readonly catalog: Catalog;
}

/** Reads a scenario for an editor. `before`: what was read of it last, whose program stays until there is a new one. */
export function readScenario(input: CompileInput, before?: EditedScenario): EditedScenario {
  const imported = new Map<string, ImportedFile>();
  const { program, diagnostics } = compileScenario({
    ...input,
    readImport: (name, importer) => {
      const found = input.readImport(name, importer);
      if (found !== undefined) imported.set(found.path, found);
      return found;
    },
  });
  imported.delete(input.path);
  const main = editedFile(0, input.path, input.text);
  const others = [...imported.values(), ...(usesStandardKernel(main.file) ? [{ path: KERNEL_PATH, text: kernelText }] : [])];
  return {
    files: [main, ...others.map(({ path, text }, i) => editedFile(i + 1, path, text))],
    diagnostics,
    program: program ?? before?.program,
    catalog: input.catalog,
  };
}

/** The kernel library by itself, as an editor shows it: nothing runs in it, so nothing is missing. */
export function readLibrary(catalog: Catalog): EditedScenario {
  return { files: [editedFile(0, KERNEL_PATH, kernelText)], diagnostics: [], program: undefined, catalog };
}

const BYTE_ORDER_MARK = '\uFEFF';

function editedFile(number: number, path: string, stored: string): EditedFile {
  const text = stored.startsWith(BYTE_ORDER_MARK) ? stored.slice(BYTE_ORDER_MARK.length) : stored;
  const { file, problems } = stored === kernelText ? parsedKernel() : parseFile(text);
  return { source: sourceText(number, path, text), file, problems };
}

let kernel: ReturnType<typeof parseFile> | undefined;

/** The library is the same in every scenario. */
function parsedKernel(): ReturnType<typeof parseFile> {
  kernel ??= parseFile(kernelText);
  return kernel;
}

/** Every machine of a file, those of nested VMs too. */
export function machinesOf(items: File['items']): readonly Machine[] {
  return items.flatMap((item) => (item.$type === 'Machine' ? [item] : item.$type === 'Vm' ? machinesOf(item.items) : []));
}

/** Whether some machine leaves `kernel` out or says `standard`. */
function usesStandardKernel(file: File): boolean {
  const machines = machinesOf(file.items);
  return machines.length === 0 || machines.some(({ settings }) => {
    const kernelSetting = settings.settings.find(({ name }) => name === 'kernel')?.values[0];
    return kernelSetting === undefined || (kernelSetting.$type === 'Word' && kernelSetting.word === 'standard');
  });
}
