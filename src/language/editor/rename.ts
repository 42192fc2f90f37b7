import { registerPart } from '../compile/registersAndParts';
import { entryBits, rightsWords } from '../compile/entryFormat';
import { keywordsOfGrammar } from '../syntax/textMateGrammar';
import type { TextEdit } from '../format/formatText';
import { KERNEL_PATH } from '../compile';
import { namedAt } from './definition';
import type { EditedFile, EditedScenario } from './editedScenario';
import { callableNamed } from './callables';

export interface FileEdits {
  readonly file: EditedFile;
  readonly edits: readonly TextEdit[];
}

/** The word that a rename at `offset` would change, or a sentence why nothing there can be renamed. */
export function renameableAt(scenario: EditedScenario, offset: number): { readonly start: number; readonly end: number; readonly name: string } | { readonly error: string } {
  const named = namedAt(scenario, offset);
  if (named === undefined) return { error: 'Only what a scenario declares can be renamed: procedures, globals, tables, processes, VMs, variables and meetings.' };
  const { token, index, meaning } = named;
  const library = index.usesOf(meaning.key).find(({ file, role }) => file.source.path === KERNEL_PATH && role !== 'uses');
  if (library !== undefined) return { error: `\`${meaning.name}\` is the kernel library's; write \`override procedure ${meaning.name}(…)\` to replace it.` };
  return { start: token.start, end: token.end, name: token.image };
}

/** Edits that give the thing at `offset` another name in every file, or a sentence why it cannot have it. */
export function renameAt(scenario: EditedScenario, offset: number, newName: string): readonly FileEdits[] | { readonly error: string } {
  const place = renameableAt(scenario, offset);
  if ('error' in place) return place;
  const refusal = nameRefusal(newName);
  if (refusal !== undefined) return { error: refusal };
  const named = namedAt(scenario, offset);
  if (named === undefined || newName === place.name) return [];
  const uses = named.index.usesOf(named.meaning.key);
  if (named.index.meaningsOf(newName, named.token).some((key) => key !== named.meaning.key)) {
    return { error: `\`${newName}\` is something else here already; choose another name.` };
  }
  return scenario.files.flatMap((file) => {
    const edits = uses.filter((use) => use.file === file).map(({ token }) => ({ start: token.start, end: token.end, newText: newName }));
    return edits.length === 0 ? [] : [{ file, edits }];
  });
}

function nameRefusal(name: string): string | undefined {
  if (!/^[A-Za-z_]\w*$/.test(name)) return `\`${name}\` is no name; write letters, digits and _, a letter first.`;
  if (keywordsOfGrammar().includes(name)) return `\`${name}\` is a word of the language and no name; choose another one.`;
  const isTaken = registerPart(name) !== undefined || rightsWords.has(name) || entryBits.has(name) || name === 'true' || name === 'false';
  if (isTaken) return `\`${name}\` has a meaning of its own; choose another name.`;
  return callableNamed(name) === undefined ? undefined : `\`${name}\` is an ${callableNamed(name)?.kind ?? ''} of the language; choose another name.`;
}
