import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Completion, CompletionKind } from '../../language/editor/completion';
import { settingRows } from '../../engine/settings/catalog';
import type { Answer } from '../answer';
import { consoleCommands } from '../console/commandTable';
import { tableSpaces } from '../console/lookCommands';
import { listingValues } from '../evaluation';
import { badArgument, notStopped, staleFrame } from '../failures';
import type { HeldFrame, Launched, SessionState } from '../sessionState';
import { topFrame } from './stack';

type Item = DebugProtocol.CompletionItem;

/** The icon a client draws, by what a completion of the language is. */
const types: Readonly<Record<CompletionKind, DebugProtocol.CompletionItemType>> = {
  keyword: 'keyword', procedure: 'function', function: 'function', variable: 'variable', global: 'variable', process: 'class', vm: 'module',
  constant: 'value', register: 'variable', setting: 'property', technique: 'enum', field: 'field', event: 'enum', type: 'unit',
};

/** What may stand at a place of the debug console: commands, and what an expression of the language goes on with. */
export function completions(state: SessionState, args: DebugProtocol.CompletionsArguments): Answer<DebugProtocol.CompletionsResponse['body']> {
  const { launched } = state;
  if (launched === undefined) return notStopped('completions');
  const held = args.frameId === undefined ? topFrame(launched, (state.stop?.body.threadId ?? 1) - 1) : state.frames.find(args.frameId);
  if (held === undefined) return args.frameId === undefined ? notStopped('completions') : staleFrame(args.frameId);
  const at = offsetOf(state, args);
  if (at === undefined) return badArgument('completions', 'column', 'a column of the line that it is in');
  const typed = args.text.slice(0, at);
  const word = /\w*$/.exec(typed)?.[0] ?? '';
  const start = state.client.completionStartOut(at - word.length);
  const begun = word.toLowerCase();
  const targets = itemsAt(launched, held, typed).filter(({ label }) => label.toLowerCase().includes(begun));
  return { targets: targets.map((item) => ({ ...item, start, length: word.length })) };
}

/** Place of the column in the whole text; undefined: there is none. Columns count UTF-16 units, as strings do. */
function offsetOf({ client }: SessionState, { text, column, line }: DebugProtocol.CompletionsArguments): number | undefined {
  const lines = text.split('\n');
  const number = line === undefined ? 1 : client.lineIn(line);
  const own = lines[number - 1];
  const into = client.columnIn(column) - 1;
  if (own === undefined || !Number.isInteger(into) || into < 0 || into > own.length) return undefined;
  return lines.slice(0, number - 1).reduce((sum, each) => sum + each.length + 1, into);
}

function itemsAt(launched: Launched, held: HeldFrame, typed: string): readonly Item[] {
  const [, name, argument] = /^\s*(\w+)\s+([^]*)$/.exec(typed) ?? [];
  const command = consoleCommands.find((each) => each.name === name);
  switch (command?.argument) {
    case 'nothing': return [];
    case 'command': return commandItems();
    case 'moment': return ['start', 'end'].map((label) => ({ label, type: 'enum' }));
    case 'reach': return [{ label: 'statement', type: 'keyword' }];
    case 'tables': return tableSpaces.map((label) => ({ label, type: 'enum' }));
    case 'setting': return settingRows.map(({ name: label, form, section }) => ({ label, type: 'property', detail: `${section}, such as ${form}` }));
    case 'decoded': return decodedItems(launched, held, argument ?? '');
    case 'expression': return expressionItems(launched, held, argument ?? '');
    case undefined: return [.../^\s*\w*$/.test(typed) ? commandItems() : [], ...expressionItems(launched, held, typed)];
  }
}

/** A number, and behind `as` the entries that it can be read as; of `EPT PTE` the second word behind the first. */
function decodedItems(launched: Launched, held: HeldFrame, argument: string): readonly Item[] {
  const words = /\sas\s+((?:\w+\s+)*)\w*$/.exec(argument)?.[1]?.replace(/\s+/g, ' ').toLowerCase();
  if (words === undefined) return /\S\s+\w*$/.test(argument) ? [{ label: 'as', type: 'keyword' }, ...expressionItems(launched, held, argument)] : expressionItems(launched, held, argument);
  const decoded = launched.inspector.decoded(held.cpu, 0n, '');
  if (!('choices' in decoded)) return [];
  return decoded.choices.filter((name) => name.toLowerCase().startsWith(words)).map((name) => ({ label: name.slice(words.length), type: 'enum' }));
}

function commandItems(): readonly Item[] {
  return consoleCommands.map(({ name, usage, does, argument }): Item => ({
    label: name, type: 'keyword', detail: `${usage === name ? '' : `${usage}: `}${does}`, sortText: `0${name}`, ...(argument === 'nothing' ? {} : { text: `${name} ` }),
  }));
}

/** Names of the frame's own values come first, then what the scenario declares, then the language's. */
function expressionItems({ debuggee, scenario }: Launched, held: HeldFrame, expression: string): readonly Item[] {
  const found = scenario.completions(expression);
  const isBehindDot = /\.\w*$/.test(expression);
  const own = isBehindDot ? [] : [...listingValues(held), ...debuggee.variables(held.cpu, held.depth)];
  const named = new Set<string>();
  return [
    ...own.map(({ name, type }): Item => ({ label: name, type: 'variable', detail: `${type}, of this frame`, sortText: `0${name}` })),
    ...found.map(itemOf),
  ].filter(({ label }) => !named.has(label) && named.add(label));
}

/** A completion as DAP has it: of the places that a snippet has, the first is selected. */
function itemOf({ label, kind, detail, snippet, rank }: Completion): Item {
  const item: Item = { label, type: types[kind], detail, sortText: `${rank + 1}${label}` };
  if (snippet === undefined) return item;
  const text = snippet.replace(/\$\{\d+:([^}]*)\}/g, '$1');
  const first = /\$\{\d+:([^}]*)\}/.exec(snippet);
  return { ...item, text, ...(first === null ? {} : { selectionStart: first.index, selectionLength: first[1]!.length }) };
}
