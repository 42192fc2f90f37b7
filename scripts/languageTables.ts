import { catalog } from '../src/engine/settings/catalog';
import { configure } from '../src/engine/settings/configuration';
import { compileScenario } from '../src/language/compile';
import { compileExpression } from '../src/language/expression';
import { eventKinds } from '../src/hardware/events/eventTable';
import { exitReasons } from '../src/hardware/vmx/exitReasons';
import { registerBits } from '../src/hardware/processor/controlRegisters';
import { counterNames } from '../src/hardware/state/counters';
import { hostActionRows } from '../src/language/hostActions';
import { instructionRows } from '../src/language/instructions';
import { exampleOf, messages, type MessageCode } from '../src/language/messages/messages';
import { pagingModes } from '../src/language/pagingModes';
import { keywordsOfGrammar } from '../src/language/syntax/textMateGrammar';

/** Keywords that the grammar takes as names too. */
const FREE: ReadonlySet<string> = new Set(['are', 'at', 'before', 'every', 'random', 'step', 'thread']);

/** The tables of docs/language.md that are written out of the program's own, by their names in the page. */
export const languageTables: Readonly<Record<string, () => string>> = {
  settings: () => table(['setting', 'in', 'values', 'means'], catalog.settings.map(({ name, section, form, documentation }) => (
    [`\`${name}\``, `\`${section}\``, `\`${form}\``, documentation]
  ))),
  techniques: () => table(['technique', 'is'], catalog.techniques.map(({ name, documentation }) => [`\`${name}\``, documentation])),
  features: () => table(['', ...catalog.techniques.map(({ name }) => `\`${name}\``)], Object.entries(featureProbes).map(([feature, text]) => (
    [feature, ...catalog.techniques.map(({ name }) => (runsUnder(text, name) ? 'runs' : '–'))]
  ))),
  'paging modes': () => table(['`paging`', 'entry', 'plain `[a]`', 'kernel\'s direct map'], pagingModes.map(({ name, format, wordBytes, directMap }) => [
    `\`${name}\``,
    format === undefined ? 'none' : `${format.entryBytes} bytes`,
    `${wordBytes} bytes`,
    format === undefined ? 'linear addresses are guest-physical ones' : `from gva:0x${directMap.base.toString(16)}`,
  ])),
  instructions: () => table(['instruction', 'gives', 'does'], instructionRows.map(({ name, operands, result, documentation }) => (
    [`\`${name}(${operands.map((operand) => operand.name).join(', ')})\``, result === 'none' ? '' : result, documentation]
  ))),
  'host actions': () => table(['action', 'does'], hostActionRows.map(({ name, operands, result, documentation }) => {
    const written = operands.filter((_, index) => !(result === 'table' && index === operands.length - 1));
    return [`\`${result === 'table' ? 't = ' : ''}${name}(${written.map((operand) => operand.name).join(', ')})\``, documentation];
  })),
  'register bits': () => table(['register', 'bits'], Object.entries(registerBits).map(([register, bits]) => (
    [`\`${register}\``, bits.map(({ name, meaning }) => (meaning === '' ? `\`${name}\`` : `\`${name}\` ${meaning}`)).join(', ')]
  ))),
  counters: () => words(counterNames),
  'exit reasons': () => words(exitReasons.map(({ key }) => key)),
  events: () => words(eventKinds.map(({ name }) => name)),
  'reserved words': () => words(keywordsOfGrammar().filter((word) => !FREE.has(word))),
  messages: () => (Object.keys(messages) as MessageCode[]).map(messageText).join('\n\n'),
};

/** The smallest scenarios that ask for what not every technique does: the engine says which do. */
const featureProbes: Readonly<Record<string, string>> = {
  ...Object.fromEntries(pagingModes.map(({ name }) => [
    `paging ${name}`, `machine { paging ${name}, ram 16M${name === 'none' ? ', kernel none' : ''} }\ncpu 0 { x = 1 }`,
  ])),
  'kernel none': 'machine { paging 4-level, ram 16M, kernel none }\ncpu 0 { x = 1 }',
  'several CPUs': 'cpu 0 { x = 1 }\ncpu 1 { x = 1 }',
  'delivery memory': 'machine { paging 4-level, ram 16M, delivery memory }\ncpu 0 { x = 1 }',
  'a ROM slot': 'machine { paging 4-level, slot low 0 .. 16M ram, slot high 16M .. 32M rom }\ncpu 0 { x = 1 }',
  'several VMs': 'vm a { cpu 0 { x = 1 } }\nvm b { cpu 0 { x = 1 } }',
  'a nested guest': 'vm a { machine { mmu ept }; vm b { machine { kernel none, ram 64K }; cpu 0 { x = 1 } }; cpu 0 { x = vmlaunch(b) } }',
  'host actions': 'process p { 0x600000 .. 0x601000 rw user }\ncpu 0 { switch(p); host swap_out(0x600000) }',
};

function runsUnder(text: string, technique: string): boolean {
  const { program } = compileScenario({ path: 'here.guest', text, catalog, readImport: () => undefined });
  return program !== undefined && !('error' in configure(program, technique));
}

function table(heads: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [line(heads), `|${' --- |'.repeat(heads.length)}`, ...rows.map(line)].join('\n');
}

/** Words on lines of at most 110 columns. */
function words(all: readonly string[]): string {
  const lines: string[] = [];
  for (const word of all) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + word.length < 110) lines[lines.length - 1] = `${last} ${word}`;
    else lines.push(word);
  }
  return `\`\`\`text\n${lines.join('\n')}\n\`\`\``;
}

/** A message with the smallest scenario that has it said of it, and what is then said. */
function messageText(code: MessageCode): string {
  const { severity, condition, imports, globals } = messages[code];
  const word = severity === 'warning' ? 'warning ' : '';
  if (condition !== undefined) return `**${code}**: in a breakpoint's condition, \`${condition}\`: ${conditionError(condition)}`;
  const text = exampleOf(code) ?? '';
  const { diagnostics } = compileScenario({
    path: 'here.guest', text, catalog,
    readImport: (path) => (imports?.[path] === undefined ? undefined : { path, text: imports[path] }),
    ...(globals === undefined ? {} : { globals }),
  });
  const said = diagnostics.map(({ path, range, message }) => `${path === 'here.guest' ? '' : `${path}:`}${range.line + 1}:${range.column + 1}: ${word}${message}`);
  const extra = [
    ...Object.entries(imports ?? {}).map(([path, imported]) => ` with the file \`${path}\` = \`${imported.replaceAll('\n', '; ')}\``),
    ...Object.keys(globals ?? {}).map((name) => ` with \`${name}\` set from outside, as by --sweep`),
  ];
  return `**${code}**${extra.join(',')}\n\n\`\`\`guest example\n${shown(text)}\n\`\`\`\n\n\`\`\`text\n${cut(said).join('\n')}\n\`\`\``;
}

/** Examples that are long because length is what is wrong with them are cut. */
function shown(text: string): string {
  return cut(text.trimEnd().split('\n')).map((line) => (line.length > 160 ? `${line.slice(0, 80)} … ${line.slice(-20)}` : line)).join('\n');
}

function cut(lines: readonly string[]): readonly string[] {
  return lines.length > 12 ? [...lines.slice(0, 5), '…', ...lines.slice(-2)] : lines;
}

function conditionError(condition: string): string {
  const { program, symbols } = compileScenario({ path: 'here.guest', text: 'cpu 0 { x = 1 }', catalog, readImport: () => undefined });
  if (program === undefined || symbols === undefined) throw new Error('invariant: the smallest scenario compiles');
  const asked = compileExpression({ program, symbols }, condition, { use: 'condition' });
  return 'error' in asked ? asked.error : '';
}
