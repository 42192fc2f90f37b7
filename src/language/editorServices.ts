import type { Catalog } from './catalog';
import { constructorWords } from './compile/entries';
import { instructions, questions, walkFields } from './compile/builtins';
import { counterPaths } from './compile/counters';
import { entryBits, entryConstructors, rightsWords } from './compile/entryFormat';
import { registerBitNames, registerPartNames } from './compile/registersAndParts';
import type { CompileResult } from './compile';
import type { Procedure, Program } from './program';

/** A zero-based place in a text, as LSP counts. */
export interface Place {
  readonly line: number;
  readonly column: number;
}

export interface Completion {
  readonly label: string;
  readonly kind: 'keyword' | 'procedure' | 'variable' | 'constant' | 'setting' | 'technique' | 'field';
  readonly detail: string;
}

/** What the editor shows about the word at a place of the scenario: Markdown, or undefined when there is nothing to say. */
export function hoverAt(compiled: CompileResult, text: string, place: Place): string | undefined {
  const { program } = compiled;
  const word = wordAt(text, place);
  if (word === undefined || program === undefined) return undefined;
  const procedure = program.procedures.find(({ name, kind }) => name === word && kind !== 'cpu');
  if (procedure !== undefined) return `\`${signature(procedure)}\`\n\n${procedure.documentation}`.trim();
  const variable = procedureAt(program, place)?.variables.find(({ name }) => name === word);
  if (variable !== undefined) return `\`${word}\`: ${variable.type}`;
  const global = program.globals.find(({ name }) => name === word);
  if (global !== undefined) return `\`global ${word}\`: ${global.type}, at first 0x${global.value.toString(16)}`;
  const bits = rightsWords.get(word) ?? entryBits.get(word);
  return bits === undefined ? undefined : `\`${word}\` = 0x${bits.toString(16)}`;
}

const STATEMENTS = [
  'user', 'if', 'while', 'for', 'repeat', 'break', 'continue', 'return', 'refuse', 'expect', 'print', 'measure',
] as const;
const DECLARATIONS = ['machine', 'platform', 'process', 'global', 'table', 'procedure', 'override', 'on page_fault', 'cpu 0', 'import'] as const;
const CLAIMS = ['page_fault', 'no page_fault', 'no exits', 'exits are', 'refused', 'under'] as const;

/** What may be written at a place. `compiled` is the last result, of whatever text came before this keystroke. */
export function completionAt(compiled: CompileResult, text: string, place: Place, catalog: Catalog): readonly Completion[] {
  const before = (text.split('\n')[place.line] ?? '').slice(0, place.column);
  const owner = /([A-Za-z_][\w.]*|\))\.\w*$/.exec(before)?.[1];
  if (owner !== undefined) return fieldsOf(owner);
  if (/\bunder\s[\w\s-]*$/.test(before)) {
    return [...catalog.techniqueNames, 'shadow'].map((label) => ({ label, kind: 'technique', detail: 'technique' }));
  }
  const section = enclosingSection(text, place);
  if (section === 'machine' || section === 'platform') {
    return catalog.settings.filter((row) => row.section === section)
      .map((row) => ({ label: row.name, kind: 'setting', detail: `${row.form}: ${row.documentation}` }));
  }
  if (section === 'process') return ['ro', 'rw', 'rx', 'rwx', 'user', 'kernel', 'lazy'].map((label) => ({ label, kind: 'keyword', detail: 'range' }));
  if (section === undefined) return DECLARATIONS.map((label) => ({ label, kind: 'keyword', detail: 'declaration' }));
  if (/\bexpect\s+\w*$/.test(before)) {
    return [...CLAIMS.map((label): Completion => ({ label, kind: 'keyword', detail: 'claim' })), ...values(compiled, place), ...counters()];
  }
  const starts = /^\s*(user\s+)?\w*$/.test(before);
  return [...(starts ? STATEMENTS.map((label): Completion => ({ label, kind: 'keyword', detail: 'statement' })) : []), ...values(compiled, place)];
}

function counters(): Completion[] {
  return counterPaths.map((label) => ({ label, kind: 'field', detail: 'counter of the statement above' }));
}

function values({ program }: CompileResult, place: Place): Completion[] {
  const known = program === undefined ? [] : [
    ...program.procedures.filter(({ kind }) => kind === 'procedure').map((each): Completion => (
      { label: each.name, kind: 'procedure', detail: signature(each) }
    )),
    ...(procedureAt(program, place)?.variables ?? []).map(({ name, type }): Completion => ({ label: name, kind: 'variable', detail: type })),
    ...program.globals.map(({ name, type }): Completion => ({ label: name, kind: 'variable', detail: `global, ${type}` })),
    ...program.processes.map(({ name }): Completion => ({ label: name, kind: 'variable', detail: 'process' })),
  ];
  const names = (labels: Iterable<string>, kind: Completion['kind'], detail: string): Completion[] => (
    [...labels].map((label) => ({ label, kind, detail }))
  );
  return [
    ...known,
    ...names([...Object.keys(questions), 'walk'], 'procedure', 'question'),
    ...names(instructions.keys(), 'procedure', 'instruction'),
    ...names([...entryConstructors.keys(), 'key', 'bit'], 'procedure', 'value of an entry'),
    ...names(rightsWords.keys(), 'constant', 'rights'),
    ...names([...entryBits.keys(), ...constructorWords], 'constant', 'bit of an entry'),
    ...names(registerPartNames(), 'variable', 'register'),
  ];
}

function fieldsOf(owner: string): readonly Completion[] {
  const list = (labels: readonly string[], detail: string): Completion[] => labels.map((label) => ({ label, kind: 'field', detail }));
  const bits = registerBitNames(owner);
  if (bits.length > 0) return list(bits, `bit of ${owner}`);
  const family = counterPaths.filter((path) => path.startsWith(`${owner}.`)).map((path) => path.slice(owner.length + 1));
  if (owner === 'tlb') return list([...family, 'holds'], 'TLB');
  if (family.length > 0) return list(family, 'counter');
  if (owner === 'total') return list(counterPaths, 'counter since the first line');
  if (owner === ')') return list([...Object.keys(walkFields), ...entryBits.keys()], 'walk or entry');
  return [...list(['root', 'pcid'], 'process'), ...list([...entryBits.keys(), 'frame'], 'entry')];
}

function signature({ name, parameters, result, kind }: Procedure): string {
  const shown = parameters.map((parameter) => (parameter.type === 'number' ? parameter.name : `${parameter.type} ${parameter.name}`));
  return `${kind === 'page_fault' ? 'on ' : ''}${name}(${shown.join(', ')})${result === 'none' ? '' : ` -> ${result}`}`;
}

function wordAt(text: string, { line, column }: Place): string | undefined {
  const content = text.split('\n')[line] ?? '';
  for (const match of content.matchAll(/\w+/g)) {
    if (match.index <= column && column <= match.index + match[0].length) return match[0];
  }
  return undefined;
}

function procedureAt(program: Program, { line }: Place): Procedure | undefined {
  return program.procedures.find(({ range }) => range.file === 0 && range.line <= line && line <= range.endLine);
}

/** The word that opens the block a place is in: `machine`, `process`, `cpu` …; undefined outside of all. */
function enclosingSection(text: string, { line, column }: Place): string | undefined {
  const lines = text.split('\n');
  const before = [...lines.slice(0, line), (lines[line] ?? '').slice(0, column)].map((each) => each.replace(/\/\/.*$/, '')).join('\n');
  const open: string[] = [];
  for (const match of before.matchAll(/(?:^|[;}\n])\s*(\w+)[^{}\n;]*\{|\{|\}/g)) {
    if (match[0].startsWith('}') && match[1] === undefined) {
      open.pop();
      continue;
    }
    if (match[0].startsWith('}')) open.pop();
    open.push(match[1] ?? 'block');
  }
  return open[0];
}
