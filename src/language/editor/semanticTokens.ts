import { KERNEL_PATH } from '../compile';
import type { EditedScenario } from './editedScenario';
import { isDeclared, type Meaning } from './meaning';
import { nameIndex, roleOf, type NameIndex } from './nameIndex';
import { tokensOf, type Token } from './words';

/** LSP's own names, so that every theme knows them. */
export const semanticTypes = [
  'function', 'parameter', 'variable', 'property', 'enumMember', 'class', 'namespace', 'label', 'macro', 'event',
] as const;
export type SemanticType = (typeof semanticTypes)[number];

export const semanticModifiers = ['declaration', 'modification', 'readonly', 'static', 'defaultLibrary'] as const;
export type SemanticModifier = (typeof semanticModifiers)[number];

export interface SemanticToken {
  readonly start: number;
  readonly end: number;
  readonly type: SemanticType;
  readonly modifiers: readonly SemanticModifier[];
}

/** How each kind of name is shown; kinds without a row keep the colour of the TextMate grammar. */
const SHOWN: Readonly<Partial<Record<Meaning['kind'], { readonly type: SemanticType; readonly modifiers: readonly SemanticModifier[] }>>> = {
  procedure: { type: 'function', modifiers: [] },
  handler: { type: 'function', modifiers: [] },
  global: { type: 'variable', modifiers: ['static'] },
  table: { type: 'variable', modifiers: ['static'] },
  process: { type: 'class', modifiers: [] },
  vm: { type: 'namespace', modifiers: [] },
  'host thread': { type: 'namespace', modifiers: [] },
  slot: { type: 'namespace', modifiers: [] },
  meeting: { type: 'label', modifiers: [] },
  parameter: { type: 'parameter', modifiers: [] },
  variable: { type: 'variable', modifiers: [] },
  instruction: { type: 'macro', modifiers: ['defaultLibrary'] },
  question: { type: 'function', modifiers: ['defaultLibrary', 'readonly'] },
  'host action': { type: 'macro', modifiers: ['defaultLibrary'] },
  'entry constructor': { type: 'function', modifiers: ['defaultLibrary', 'readonly'] },
  register: { type: 'variable', modifiers: ['defaultLibrary'] },
  'register bit': { type: 'property', modifiers: [] },
  rights: { type: 'enumMember', modifiers: ['readonly'] },
  'entry bit': { type: 'enumMember', modifiers: ['readonly'] },
  field: { type: 'property', modifiers: [] },
  counter: { type: 'property', modifiers: ['readonly'] },
  'frame state': { type: 'enumMember', modifiers: ['readonly'] },
  'exit reason': { type: 'enumMember', modifiers: ['readonly'] },
  event: { type: 'event', modifiers: ['readonly'] },
  technique: { type: 'enumMember', modifiers: ['readonly'] },
  setting: { type: 'property', modifiers: [] },
  'setting value': { type: 'enumMember', modifiers: ['readonly'] },
  'fault word': { type: 'enumMember', modifiers: ['readonly'] },
};

/** Names of the scenario's own text by what they mean, in their order. */
export function semanticTokens(scenario: EditedScenario): readonly SemanticToken[] {
  const index = nameIndex(scenario);
  const found: SemanticToken[] = [];
  for (const token of tokensOf(scenario.files[0].file)) {
    if (token.kind !== 'word') continue;
    const meaning = index.meaningOf(token);
    const shown = meaning === undefined ? undefined : SHOWN[meaning.kind];
    if (meaning === undefined || shown === undefined) continue;
    const { start, end } = token;
    found.push({ start, end, type: shown.type, modifiers: [...shown.modifiers, ...modifiersOf(index, meaning, token)] });
  }
  return found;
}

function modifiersOf(index: NameIndex, meaning: Meaning, token: Token): readonly SemanticModifier[] {
  if (!isDeclared(meaning)) return [];
  const role = roleOf(token);
  const isLibrary = index.declaration(meaning.key)?.file.source.path === KERNEL_PATH;
  return [
    ...(role === 'declares' ? ['declaration' as const] : []),
    ...(role === 'writes' ? ['modification' as const] : []),
    ...(isLibrary ? ['defaultLibrary' as const] : []),
  ];
}
