import { registerBits } from '../../hardware/processor/controlRegisters';
import { LONG4 } from '../../hardware/paging/formats/long4';
import { exitReasons } from '../../hardware/vmx/exitReasons';
import { counterPaths } from '../compile/counters';
import { entryBits, entryFormatOf } from '../compile/entryFormat';
import { registerPart, registerPartNames } from '../compile/registersAndParts';
import { walkFields } from '../compile/builtins';
import { frameStateRows } from '../frameStates';
import type { File } from '../generated/ast';
import { holdableEvents } from '../holdableEvents';
import { callables, type Callable } from './callables';
import { cursorContext, type CursorContext } from './cursorContext';
import type { EditedScenario } from './editedScenario';
import { faultWords, keywordRows, rangeWords, type KeywordRow } from './keywordRows';
import type { DeclaredKind } from './meaning';
import { nameIndex, type BodyOwner, type Declaration, type NameIndex } from './nameIndex';
import { pagingModeAt } from './pagingOfPlace';
import { settingValues } from './settingValues';
import { callableSignature, signatureOf, type Signature } from './signature';

type Item = File['items'][number];

export type CompletionKind =
  | 'keyword' | 'procedure' | 'function' | 'variable' | 'global' | 'process' | 'vm' | 'constant' | 'register' | 'setting'
  | 'technique' | 'field' | 'event' | 'type';

export interface Completion {
  readonly label: string;
  readonly kind: CompletionKind;
  /** One line beside the label. */
  readonly detail: string;
  /** Markdown. */
  readonly documentation?: string;
  /** What is inserted, as LSP writes snippets; left out: the label. */
  readonly snippet?: string;
  /** 0 before 1 before 2: what is nearest comes first. */
  readonly rank: 0 | 1 | 2;
}

/**
 * What may be written at `offset` of `text`. `scenario` is what was last read, of whatever text came before this
 * keystroke: names come from it, the place's surroundings from the text as it stands.
 */
export function completionAt(scenario: EditedScenario, text: string, offset: number): readonly Completion[] {
  const context = cursorContext(text, offset);
  if (context.inside !== 'code') return [];
  const block = context.blocks.filter((word) => word !== 'vm').pop();
  const { statement } = context;
  if (block === 'machine' || block === 'platform') return inSettings(scenario, block, statement);
  if (block === 'process' && /^process\b/.test(context.headers[context.headers.length - 1] ?? '')) return inRange(statement);
  if (block === undefined) return outside(statement);
  return inBody(scenario, context);
}

/**
 * What an expression may go on with that is read where a scenario stands: in a watch or the debug console. `expression` is
 * its text up to the place. Variables are a frame's, which the debugger knows; what would touch the machine is not offered.
 */
export function expressionCompletions(scenario: EditedScenario, expression: string): readonly Completion[] {
  const { inside, statement } = cursorContext(expression, expression.length);
  if (inside !== 'code') return [];
  const owner = ownerBefore(statement);
  if (owner !== undefined) return fieldsOf(owner, statement);
  return [
    ...nameIndex(scenario).declarations().filter(({ kind }) => READ_NAMES.has(kind)).flatMap(declared),
    ...callables().filter(({ kind }) => kind === 'question' || kind === 'entry constructor').filter(({ name }) => name !== 'holds').map(callable),
    ...words(scenario),
    ...counterPaths.map((label) => plain(label, 'field', 'counter of the statement above')),
    { ...plain('total', 'field', 'counters since the first line'), snippet: 'total.' },
  ];
}

/** Kinds of declared names that have a value: those of procedures are run, those of slots are the host's. */
const READ_NAMES: ReadonlySet<DeclaredKind> = new Set<DeclaredKind>(['global', 'table', 'process', 'vm']);

/** What is called by the parentheses that the last dot stands behind. */
function calledBefore(statement: string): string | undefined {
  let depth = 0;
  for (let at = statement.lastIndexOf('.') - 1; at >= 0; at--) {
    if (statement[at] === ')') depth++;
    if (statement[at] === '(' && --depth === 0) return /(\w+)\s*$/.exec(statement.slice(0, at))?.[1];
  }
  return undefined;
}

/** What stands before the dot that is being typed behind. */
function ownerBefore(statement: string): string | undefined {
  return /((?:[A-Za-z_]\w*\.)*[A-Za-z_]\w*|[)\]])\.\w*$/.exec(statement)?.[1];
}

function outside(statement: string): readonly Completion[] {
  if (/^on\s+\w*$/.test(statement)) {
    return ['page_fault', 'general_protection', 'double_fault', 'virtualization_exception', 'interrupt'].map((label) => plain(label, 'keyword', 'handler'));
  }
  if (/^(?:\w+)?$/.test(statement)) return keywordRows.filter(({ place }) => place === 'declaration').map((row) => keyword(row));
  if (/^override\s+\w*$/.test(statement)) return [plain('procedure', 'keyword', 'declaration')];
  return /[(,]\s*\w*$/.test(statement) ? ['gva', 'gpa', 'hva', 'hpa', 'process', 'table', 'number'].map((label) => plain(label, 'type', 'type')) : [];
}

function inSettings(scenario: EditedScenario, section: 'machine' | 'platform', statement: string): readonly Completion[] {
  const setting = statement.slice(statement.lastIndexOf(',') + 1).replace(/^\s+/, '');
  const name = /^(\w+)\s/.exec(setting)?.[1];
  const rows = scenario.catalog.settings.filter((row) => row.section === section);
  if (name !== undefined) return settingValues(scenario.catalog, section, name).map(({ value, documentation }) => (
    { ...plain(value, name === 'mmu' ? 'technique' : 'constant', name), documentation }
  ));
  return rows.map((row) => ({
    ...plain(row.name, 'setting', row.form), documentation: row.documentation, snippet: `${row.name} `,
  }));
}

function inRange(statement: string): readonly Completion[] {
  if (!/\.\.\s*\w+\s+[\w\s]*$/.test(statement)) return [];
  return [...rangeWords].map(([label, documentation]) => ({ ...plain(label, 'keyword', 'range'), documentation }));
}

function inBody(scenario: EditedScenario, context: CursorContext): readonly Completion[] {
  const { statement } = context;
  const owner = ownerBefore(statement);
  if (owner !== undefined) return fieldsOf(owner, statement);
  if (/\bunder\s[\w\s-]*$/.test(statement)) return techniques(scenario);
  if (/^expect\b.*\bexits\s+are\s[\w\s,]*$/.test(statement)) return exitReasons.map(({ key, name }) => plain(key, 'constant', name));
  if (/\bpage_fault\s*\([\w\s,]*$/.test(statement) && /^expect\b/.test(statement)) {
    return [...faultWords].map(([label, documentation]) => ({ ...plain(label, 'keyword', 'error code'), documentation }));
  }
  if (/^hold\s+\w+\s+before\s+\w*$/.test(statement)) return holdableEvents.map(({ name, text }) => plain(name, 'event', text));
  const index = nameIndex(scenario);
  if (/^(?:barrier|await|release|hold)\s+\w*$/.test(statement)) return meetings(index);
  const values = valuesAt(scenario, index, context);
  if (/^expect\s+(?:under\b[^:]*:\s*)?\w*$/.test(statement)) {
    const claims = keywordRows.filter(({ place }) => place === 'claim').map((row) => keyword(row));
    return [...claims, ...counterPaths.map((label) => plain(label, 'field', 'counter of the statement above')), ...values];
  }
  if (/^(?:user\s+|host\s+)?\w*$/.test(statement)) {
    return [...keywordRows.filter(({ place }) => place === 'statement').map((row) => keyword(row)), ...values];
  }
  return values;
}

function valuesAt(scenario: EditedScenario, index: NameIndex, { headers, blocks, statement }: CursorContext): readonly Completion[] {
  const isHost = /^host\b/.test(statement) || blocks.includes('thread') || headers.includes('host');
  const isJudged = /^(?:expect|print)\b/.test(statement) || isHost;
  return [
    ...localNames(scenario, index, headers),
    ...index.declarations().flatMap(declared),
    ...callables().filter(({ kind }) => (kind === 'host action') === isHost || kind === 'question')
      .filter(({ name }) => isJudged || (name !== 'hva_of' && name !== 'hpa_of'))
      .filter(({ name }) => name !== 'holds')
      .map(callable),
    ...words(scenario),
  ];
}

/** Words that have a value everywhere: sizes and spaces of memory, parts of entries, registers. */
function words(scenario: EditedScenario): readonly Completion[] {
  const format = entryFormatOf(pagingModeAt(scenario, scenario.files[0].file).format ?? LONG4);
  return [
    ...keywordRows.filter(({ place }) => place === 'size').map((row) => keyword(row)),
    ...['gva', 'gpa', 'hva', 'hpa'].map((space): Completion => ({ ...plain(space, 'type', `${space}:0x…`), snippet: `${space}:` })),
    ...[...format.rights.keys()].map((label) => ({ ...plain(label, 'constant', 'rights'), documentation: rangeWords.get(label) ?? '' })),
    ...[...format.bits.keys()].map((label) => plain(label, 'constant', 'bit of an entry')),
    ...[...format.words.keys()].filter((label) => label !== 'user' && label !== 'global').map((label) => plain(label, 'constant', 'word of an entry')),
    ...registerPartNames().map((label) => plain(label, 'register', 'register')),
  ];
}

/** Variables of the body that the place is in, found by how it begins: its lines may have moved since it was read. */
function localNames(scenario: EditedScenario, index: NameIndex, headers: readonly string[]): readonly Completion[] {
  const [file] = scenario.files;
  const items = allItems(file.file.items);
  const header = headers.find((each) => /^(?:cpu|procedure|override|on|host\s+thread)\b/.test(each)) ?? '';
  const isOwner = (item: Item): item is BodyOwner => (
    ['Cpu', 'Procedure', 'Handler', 'HostThread'].includes(item.$type) && squeezed(item.$cstNode?.text ?? '').startsWith(squeezed(header))
  );
  const owner = header === '' ? undefined : items.find(isOwner);
  return owner === undefined ? [] : [...index.localsOf(owner)].map(([label, token]) => (
    { ...plain(label, 'variable', token.node.$type === 'Param' ? 'parameter' : 'variable'), rank: 0 }
  ));
}

function allItems(items: readonly Item[]): readonly Item[] {
  return items.flatMap((item) => (item.$type === 'Vm' ? [item, ...allItems(item.items)] : [item]));
}

function squeezed(text: string): string {
  return text.replace(/\s+/g, '');
}

function declared({ kind, token, file }: Declaration): readonly Completion[] {
  const isOwn = file.source.file === 0;
  const rank = isOwn ? 0 : 1;
  const signature = signatureOf({ token, file });
  if (kind === 'procedure' && signature !== undefined) return [called(signature, token.image, 'procedure', isOwn ? 'procedure' : 'library', rank)];
  if (kind === 'global' || kind === 'table') return isOwn ? [{ ...plain(token.image, 'global', kind), rank }] : [];
  if (kind === 'process') return [{ ...plain(token.image, 'process', 'process'), rank }];
  if (kind === 'slot' || kind === 'vm') return [{ ...plain(token.image, 'vm', kind), rank }];
  return [];
}

function callable(row: Callable): Completion {
  return called(callableSignature(row), row.name, 'function', row.kind, 2);
}

/** A call with a place for each argument; one without arguments is written whole. */
function called({ label, parameters, documentation }: Signature, name: string, kind: CompletionKind, detail: string, rank: Completion['rank']): Completion {
  const places = parameters.map((each, i) => `\${${i + 1}:${each.name.replace(/[…}$\\]/g, '')}}`);
  return { label: name, kind, detail: `${label.slice(name.length)}   ${detail}`, documentation, snippet: `${name}(${places.join(', ')})`, rank };
}

function fieldsOf(owner: string, statement: string): readonly Completion[] {
  const bits = registerBits[owner];
  if (bits !== undefined) return bits.map(({ name, bit, meaning }) => plain(name, 'field', `bit ${bit} of ${owner}${meaning === '' ? '' : `: ${meaning}`}`));
  if (registerPart(owner) !== undefined) return [];
  if (owner === 'exit_reason' || /(^|\.)exits$/.test(owner)) {
    const total = owner === 'exit_reason' ? [] : [plain('total', 'field', 'all VM exits')];
    return [...total, ...exitReasons.map(({ key, name }) => plain(key, 'field', name))];
  }
  if (owner === 'frame_state') return frameStateRows.map(({ name, text }) => ({ ...plain(name, 'field', 'what a frame is used for'), documentation: text }));
  const path = owner.replace(/^total\.?/, '');
  const family = counterPaths.flatMap((each) => {
    if (path === '') return [each];
    return each.startsWith(`${path}.`) ? [each.slice(path.length + 1)] : [];
  });
  if (owner === 'tlb') return [...family.map((label) => plain(label, 'field', 'TLB')), { ...plain('holds', 'function', 'question'), snippet: 'holds(${1:a})' }];
  if (family.length > 0) return family.map((label) => plain(label, 'field', owner.startsWith('total') ? 'counter since the first line' : 'counter of the statement above'));
  const entry = [...entryBits.keys(), 'frame'].map((label) => plain(label, 'field', 'entry'));
  if (owner === ')' && calledBefore(statement) === 'walk') return Object.keys(walkFields).map((label) => plain(label, 'field', 'walk'));
  if (owner === ')' || owner === ']') return entry;
  return [...['root', 'pcid'].map((label) => plain(label, 'field', 'process')), ...entry];
}

function techniques({ catalog }: EditedScenario): readonly Completion[] {
  return [...catalog.techniqueNames, 'shadow'].map((label) => {
    const documentation = catalog.techniques.find(({ name }) => name === label)?.documentation;
    return { ...plain(label, 'technique', label === 'shadow' ? 'every shadow-*' : 'technique'), ...(documentation === undefined ? {} : { documentation }) };
  });
}

function meetings(index: NameIndex): readonly Completion[] {
  return index.meetingNames().map((label) => ({ ...plain(label, 'variable', 'meeting'), rank: 0 }));
}

function keyword({ word, form, documentation, snippet }: KeywordRow): Completion {
  return { label: word, kind: 'keyword', detail: form, documentation, rank: 1, ...(snippet === undefined ? {} : { snippet }) };
}

function plain(label: string, kind: CompletionKind, detail: string): Completion {
  return { label, kind, detail, rank: 2 };
}
