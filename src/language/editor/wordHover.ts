import { registerBits } from '../../hardware/processor/controlRegisters';
import { eventKinds, type EventKind } from '../../hardware/events/eventTable';
import { exitReasons } from '../../hardware/vmx/exitReasons';
import { frameStateRows } from '../frameStates';
import { entryBits, entryWords, rightsWords } from '../compile/entryFormat';
import { registerPart } from '../compile/registersAndParts';
import { bodyOwner, type Declaration, type NameIndex } from './nameIndex';
import type { EditedFile, EditedScenario } from './editedScenario';
import { faultWords, keywordNamed, rangeWords } from './keywordRows';
import { isDeclared, type BuiltinKind, type Meaning } from './meaning';
import { formatAt, pagingModeAt } from './pagingOfPlace';
import { builtinSignature, handlerSignature, signatureOf, type Signature } from './signature';
import type { Handler } from '../generated/ast';
import type { Token } from './words';

/** What is said of a word: Markdown, or undefined when there is nothing to say. */
export function wordHover(scenario: EditedScenario, index: NameIndex, file: EditedFile, token: Token): string | undefined {
  if (token.node.$type === 'Handler' && token.property === 'exception') return signatureText(handlerSignature(file, token.node as Handler));
  const meaning = index.meaningOf(token);
  if (meaning === undefined) return undefined;
  return isDeclared(meaning) ? declaredText(scenario, index, file, token, meaning) : builtinText(scenario, token, meaning);
}

/** A signature as code, and its documentation below. */
export function signatureText({ label, documentation }: Signature): string {
  return `\`\`\`guest\n${label}\n\`\`\`\n\n${documentation}`.trim();
}

function declaredText(
  scenario: EditedScenario, index: NameIndex, file: EditedFile, token: Token, meaning: Extract<Meaning, { readonly key: string }>,
): string | undefined {
  const { kind, name, key } = meaning;
  const declaration = index.declaration(key);
  const signature = declaration === undefined ? undefined : signatureOf(declaration);
  if (signature !== undefined && (kind === 'procedure' || kind === 'handler')) return signatureText(signature);
  const code = (text: string): string => `\`\`\`guest\n${text}\n\`\`\``;
  switch (kind) {
    case 'parameter':
    case 'variable':
      return code(`${name}: ${localType(scenario, file, token, name) ?? 'a variable'}`);
    case 'global':
      return code(`${declaredLine(declaration) ?? `global ${name}`}${globalType(scenario, name)}`);
    case 'meeting': {
      const uses = index.usesOf(key).length;
      return `\`${name}\`: ${uses === 1 ? 'named here alone' : `where ${String(uses)} statements meet`}`;
    }
    default:
      return code(declaredLine(declaration) ?? `${kind} ${name}`);
  }
}

/** The line that declares a name, up to its block. */
function declaredLine(declaration: Declaration | undefined): string | undefined {
  const cst = declaration?.token.node.$cstNode;
  return cst?.text.split('\n')[0]?.replace(/\s*\{.*$/, '').replace(/\s*\/\/.*$/, '').trim();
}

/** Type of a variable, by the last program that compiled. */
function localType(scenario: EditedScenario, file: EditedFile, token: Token, name: string): string | undefined {
  const owner = bodyOwner(token.node);
  const path = file.source.path;
  const named = owner === undefined ? undefined : owner.$type === 'Procedure' ? owner.name : owner.$type === 'Handler' ? owner.exception : undefined;
  const procedures = scenario.program?.procedures.filter((each) => scenario.program?.files[each.range.file]?.path === path) ?? [];
  const place = file.source.lineStarts.filter((start) => start <= token.start).length - 1;
  const procedure = procedures.find((each) => named !== undefined && each.name === named) ??
    procedures.find(({ range }) => range.line <= place && place <= range.endLine);
  return procedure?.variables.find((variable) => variable.name === name)?.type;
}

function globalType(scenario: EditedScenario, name: string): string {
  const global = scenario.program?.globals.filter((each) => each.name === name).pop();
  return global === undefined ? '' : `   // ${global.type}, at first 0x${global.value.toString(16)}`;
}

type Teller = (scenario: EditedScenario, token: Token, name: string, owner: string) => string | undefined;

const TELLERS: Readonly<Partial<Record<BuiltinKind, Teller>>> = {
  instruction: (_, __, name) => builtinHover(name),
  question: (_, __, name) => builtinHover(name),
  'host action': (_, __, name) => builtinHover(name),
  'entry constructor': (_, __, name) => builtinHover(name),
  register: (_, __, name) => registerText(name),
  'register bit': (_, __, name, owner) => {
    const row = registerBits[owner]?.find((each) => each.name === name);
    return row === undefined ? undefined : `\`${owner}.${name}\`: bit ${row.bit} of ${owner.toUpperCase()}${row.meaning === '' ? '' : `, ${row.meaning}`}`;
  },
  rights: (_, __, name) => `\`${name}\` = ${hex(rightsWords.get(name))}: ${rangeWords.get(name) ?? ''}`,
  'entry bit': (scenario, token, name) => entryBitText(scenario, token, name),
  'entry word': (_, __, name) => `\`${name}\` = ${hex(entryWords.get(name))} in an entry`,
  'range word': (_, token, name) => rangeText(token, name),
  'fault word': (_, __, name) => rowText(name, faultWords.get(name)),
  technique: (scenario, _, name) => techniqueText(scenario, name),
  setting: (scenario, _, name, owner) => settingText(scenario, name, owner),
  'setting value': (scenario, _, name, owner) => settingValueText(scenario, name, owner),
  'exit reason': (_, __, name) => exitReasonText(name),
  'frame state': (_, __, name) => rowText(name, frameStateRows.find((row) => row.name === name)?.text ?? 'What the host uses a frame for: `state_of(a)` answers with one of its fields.'),
  event: (_, __, name) => rowText(name, eventRow(name)?.text),
  counter: (_, __, name) => counterText(name),
  field: (_, token, name) => fieldText(token, name),
  keyword: (_, token, name) => keywordText(token, name),
  'stop cause': (_, __, name) => rowText(name, name === 'triple_fault' ? 'A fault while a double fault was being delivered: the processor shuts down.' : 'The hypervisor cannot go on with the VM.'),
};

function builtinText(scenario: EditedScenario, token: Token, meaning: Extract<Meaning, { readonly owner?: string }>): string | undefined {
  return TELLERS[meaning.kind]?.(scenario, token, meaning.name, meaning.owner ?? '');
}

function rowText(name: string, text: string | undefined): string | undefined {
  return text === undefined ? undefined : `\`${name}\`: ${text}`;
}

function builtinHover(name: string): string | undefined {
  const signature = builtinSignature(name);
  return signature === undefined ? undefined : signatureText(signature);
}

function registerText(name: string): string | undefined {
  const part = registerPart(name);
  if (part === undefined) return undefined;
  const bits = registerBits[name] ?? [];
  const shown = part.bits === 64 ? '64 bits' : `bits ${part.shift + part.bits - 1}:${part.shift} of a 64-bit register${part.clearsRest ? '; a write clears the rest' : ''}`;
  const rows = bits.map((row) => `| ${row.bit} | ${row.name} | ${row.meaning} |`);
  const table = rows.length === 0 ? '' : `\n\n| bit | name | meaning |\n| --- | --- | --- |\n${rows.join('\n')}`;
  return `\`${name}\`: ${shown}${part.type === 'number' ? '' : `, holds a ${part.type}`}${table}`;
}

/** The bit by the format of the machine's paging mode, where that has it. */
function entryBitText(scenario: EditedScenario, token: Token, name: string): string | undefined {
  const compiled = formatAt(scenario, token.node);
  const row = compiled?.format.fields.find((field) => field.name === name);
  if (row === undefined) return `\`${name}\` = ${hex(entryBits.get(name))}${compiled === undefined ? '' : `; ${pagingModeAt(scenario, token.node).name} paging has no such bit`}`;
  const places = [...new Set(compiled?.format.fields.filter((field) => field.name === name).map((field) => field.bits[0]))];
  return `\`${name}\`: bit ${places.join(' or ')} of an entry. 1: ${row.set}. 0: ${row.clear}.`;
}

function rangeText(token: Token, name: string): string | undefined {
  return rowText(name, rangeWords.get(name));
}

function techniqueText(scenario: EditedScenario, name: string): string {
  if (name === 'shadow') return '`shadow`: every shadow-* technique.';
  const row = scenario.catalog.techniques.find((each) => each.name === name);
  return row === undefined ? `\`${name}\`: does not run yet` : `\`${name}\`: ${row.documentation}`;
}

function settingText(scenario: EditedScenario, name: string, section: string): string | undefined {
  const row = scenario.catalog.settings.find((each) => each.name === name && each.section === section);
  return row === undefined ? undefined : `\`${name} ${row.form}\` (${section})\n\n${row.documentation}`;
}

function settingValueText(scenario: EditedScenario, name: string, setting: string): string | undefined {
  if (setting === 'mmu') return techniqueText(scenario, name);
  const row = scenario.catalog.settings.find((each) => each.name === setting);
  return row === undefined ? undefined : `\`${setting} ${row.form}\`\n\n${row.documentation}`;
}

function exitReasonText(name: string): string | undefined {
  const row = exitReasons.find(({ key }) => key === name);
  return row === undefined ? undefined : `\`${name}\`: VM exit ${row.number}, ${row.name}`;
}

function eventRow(name: string): EventKind | undefined {
  return eventKinds.find((kind) => kind.name === name);
}

function counterText(path: string): string {
  if (path.startsWith('table_pages')) return `\`${path}\`: as it stands now`;
  return path.startsWith('total') ? `\`${path}\`: counted since the first line, over all CPUs` : `\`${path}\`: counted over the statement above, on this CPU, with its handlers`;
}

const FIELDS: Readonly<Record<string, string>> = {
  root: 'the guest-physical address of the process\'s first table, as CR3 takes it',
  pcid: "the process's process-context identifier",
  frame: 'the address that the entry leads to: of a table or of a page',
  fault: 'true when nothing is mapped there', references: 'entries that the walk reads', size: 'bytes of the page',
  user: 'true when every entry used allows user mode', writable: 'true when every entry used allows writes',
  executable: 'true when no entry used forbids fetches', pte: 'the PTE, 0 when it is not reached', pde: 'the PDE, 0 when it is not reached',
  pdpte: 'the PDPTE, 0 when it is not reached', pml4e: 'the PML4E, 0 when it is not reached', pml5e: 'the PML5E, 0 when it is not reached',
};

function fieldText(_: Token, name: string): string | undefined {
  return rowText(name, Object.hasOwn(FIELDS, name) ? FIELDS[name] : undefined);
}

function keywordText(token: Token, name: string): string | undefined {
  const claim = token.node.$type === 'NoClaim' ? `no ${name}` : token.node.$type === 'ListClaim' && name === 'exits' ? 'exits are' : name;
  const row = keywordNamed(claim) ?? keywordNamed(name);
  return row === undefined ? undefined : `\`\`\`guest\n${row.form}\n\`\`\`\n\n${row.documentation}`;
}

function hex(value: bigint | undefined): string {
  return value === undefined ? '' : `\`0x${value.toString(16)}\``;
}
