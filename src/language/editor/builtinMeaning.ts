import type { AstNode } from 'langium';
import { counterPaths } from '../compile/counters';
import { entryBits, entryWords, rightsWords } from '../compile/entryFormat';
import { registerPart } from '../compile/registersAndParts';
import { callableNamed } from './callables';
import type { BuiltinKind, Meaning } from './meaning';
import type { Token } from './words';

/** What a word is by where it stands: type of the syntax node and property. */
const BY_PLACE: Readonly<Record<string, BuiltinKind>> = {
  'Setting name': 'setting',
  'Word word': 'setting value',
  'NumberWord unit': 'setting value',
  'BitValue bit': 'setting value',
  'AreaWord word': 'range word',
  'Technique name': 'technique',
  'ReasonName name': 'exit reason',
  'FaultWord word': 'fault word',
  'Hold event': 'event',
  'OutcomeClaim why': 'stop cause',
};

const COUNTER_ROOTS: ReadonlySet<string> = new Set([...counterPaths.map((path) => path.split('.')[0] ?? ''), 'total']);

/** Names that the language gives a value by themselves. */
const BY_NAME: readonly (readonly [BuiltinKind, (name: string) => boolean])[] = [
  ['register', (name) => registerPart(name) !== undefined || SEGMENTS.has(name) || name === 'vmcs'],
  ['truth value', (name) => name === 'true' || name === 'false'],
  ['rights', (name) => rightsWords.has(name)],
  ['entry bit', (name) => entryBits.has(name)],
  ['entry word', (name) => entryWords.has(name)],
  ['counter', (name) => COUNTER_ROOTS.has(name)],
  ['exit reason', (name) => name === 'exit_reason'],
  ['frame state', (name) => name === 'frame_state'],
  ['event', (name) => name === 'event'],
];

const SEGMENTS: ReadonlySet<string> = new Set(['cs', 'ds', 'es', 'fs', 'gs', 'ss']);

/** What a word means that no one declared. */
export function builtinMeaning(token: Token): Meaning | undefined {
  const { node, property, image: name } = token;
  const placed = BY_PLACE[`${node.$type} ${property}`];
  if (placed === 'setting') return { kind: placed, name, owner: node.$container?.$container?.$type === 'Platform' ? 'platform' : 'machine' };
  if (placed === 'setting value') return { kind: placed, name: textOf(node), owner: settingName(node) };
  if (placed === 'technique') return { kind: placed, name: textOf(node) };
  if (placed !== undefined) return { kind: placed, name };
  if (node.$type === 'Field' && property === 'field') return fieldMeaning(node, name);
  if (node.$type === 'NameRef' && property === 'name') return nameMeaning(node, name);
  return token.isKeyword ? { kind: 'keyword', name } : undefined;
}

function nameMeaning(node: AstNode, name: string): Meaning {
  const callable = node.$container?.$type === 'Call' && node.$containerProperty === 'of' ? callableNamed(name) : undefined;
  if (callable !== undefined) return { kind: callable.kind, name };
  const found = BY_NAME.find(([, holds]) => holds(name));
  return { kind: found?.[0] ?? 'unknown', name };
}

/** The whole way to a field decides: `cr0.WP`, `total.exits.cr_access`, `e.frame`. */
function fieldMeaning(node: AstNode, name: string): Meaning {
  const path = pathOf(node);
  const [root = ''] = path;
  if (node.$container?.$type === 'Call' && node.$containerProperty === 'of' && callableNamed(name) !== undefined) return { kind: 'question', name };
  if (root === 'exit_reason' || (path.includes('exits') && name !== 'total' && name !== 'exits')) return { kind: 'exit reason', name };
  if (root === 'frame_state') return { kind: 'frame state', name };
  if (COUNTER_ROOTS.has(root)) return { kind: 'counter', name: path.join('.') };
  if (registerPart(root) !== undefined) return { kind: 'register bit', name, owner: root };
  if (entryBits.has(name)) return { kind: 'entry bit', name };
  return { kind: 'field', name, owner: root };
}

/** `total.exits.total` as its words; empty where something else than names stands before the dots. */
function pathOf(node: AstNode): readonly string[] {
  if (node.$type === 'NameRef' && 'name' in node) return [String(node.name)];
  if (node.$type !== 'Field' || !('of' in node) || !('field' in node)) return [];
  const before = pathOf(node.of as AstNode);
  return before.length === 0 ? [] : [...before, String(node.field)];
}

function settingName(value: AstNode): string {
  const setting = value.$container;
  return setting !== undefined && 'name' in setting ? String(setting.name) : '';
}

function textOf(node: AstNode): string {
  return (node.$cstNode?.text ?? '').replace(/\s+/g, '');
}
