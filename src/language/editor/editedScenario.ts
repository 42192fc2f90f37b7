import { compileScenario, KERNEL_PATH, type CompileInput } from '../compile';
import type { ReadFile } from '../compile/sources';
import type { Catalog } from '../catalog';
import { kernelText } from '../library/kernelText';
import type { File, Machine } from '../generated/ast';
import type { Diagnostic, Program } from '../program';
import { parseFile } from '../syntax/parse';
import { sourceText } from '../syntax/sourceText';

/** A file as an editor sees it: its text, and the tree of all that could be read of it. */
export type EditedFile = ReadFile;

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
  const { program, diagnostics, files } = compileScenario(input);
  const [main, ...others] = files;
  if (main === undefined) throw new Error('invariant: a scenario without a file');
  return { files: [main, ...others], diagnostics, program: program ?? before?.program, catalog: input.catalog };
}

/** The kernel library by itself, as an editor shows it: nothing runs in it, so nothing is missing. */
export function readLibrary(catalog: Catalog): EditedScenario {
  const { file, problems } = parsedKernel();
  return { files: [{ source: sourceText(0, KERNEL_PATH, kernelText), file, problems }], diagnostics: [], program: undefined, catalog };
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
