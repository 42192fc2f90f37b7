/** What a scenario declares; these have a definition, references, and can be renamed. */
export const declaredKinds = [
  'procedure', 'handler', 'global', 'table', 'process', 'vm', 'host thread', 'slot', 'meeting', 'parameter', 'variable',
] as const;
export type DeclaredKind = (typeof declaredKinds)[number];

/** What the language and the machine bring. */
export type BuiltinKind =
  | 'instruction' | 'question' | 'host action' | 'entry constructor' | 'register' | 'register bit' | 'rights' | 'entry bit'
  | 'entry word' | 'truth value' | 'field' | 'counter' | 'exit reason' | 'frame state' | 'event' | 'technique' | 'setting' | 'setting value'
  | 'range word' | 'fault word' | 'stop cause' | 'keyword' | 'unknown';

/** What a word of a scenario means. */
export type Meaning =
  /** `key` is equal for all uses of one thing, in all files. */
  | { readonly kind: DeclaredKind; readonly name: string; readonly key: string }
  /** `owner`: whose field or bit it is, or which section a setting stands in. */
  | { readonly kind: BuiltinKind; readonly name: string; readonly owner?: string };

export function isDeclared(meaning: Meaning): meaning is Extract<Meaning, { readonly key: string }> {
  return 'key' in meaning;
}
