import type { EditedScenario } from './editedScenario';
import { isDeclared, type Meaning } from './meaning';
import { nameIndex, type NameIndex, type NameUse } from './nameIndex';
import { tokenAt, type Token } from './words';

/** The word at a place of the scenario's own text, when it names something that is declared somewhere. */
export interface NamedPlace {
  readonly token: Token;
  readonly meaning: Extract<Meaning, { readonly key: string }>;
  readonly index: NameIndex;
}

export function namedAt(scenario: EditedScenario, offset: number): NamedPlace | undefined {
  const token = tokenAt(scenario.files[0].file, offset);
  if (token === undefined) return undefined;
  const index = nameIndex(scenario);
  const meaning = index.meaningOf(token);
  return meaning !== undefined && isDeclared(meaning) ? { token, meaning, index } : undefined;
}

/** Where the thing at `offset` is declared: in the scenario, an import or the kernel library. A variable, where it first gets a value. */
export function definitionAt(scenario: EditedScenario, offset: number): NameUse | undefined {
  const named = namedAt(scenario, offset);
  return named?.index.declaration(named.meaning.key);
}

/** Every place that names the thing at `offset`, in all files; empty when it is nothing that is declared. */
export function referencesAt(scenario: EditedScenario, offset: number): readonly NameUse[] {
  const named = namedAt(scenario, offset);
  return named === undefined ? [] : named.index.usesOf(named.meaning.key);
}
