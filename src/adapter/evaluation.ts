import type { AddressSpace } from '../inspect/addressText';
import type { NamedValue } from '../engine/debuggee';
import { INSTRUCTION_WORDS, OP, queries, type Fragment, type ValueType } from '../language/program';
import { ownerOfAddress } from '../language/hostActions';
import type { Site } from '../language/expression';
import type { Compiled, HeldFrame, KnownText, Launched } from './sessionState';
import { valueText } from './valueText';

/** `vm`: number of the VM that an address is of, where the expression names another than the frame's. */
export type Evaluated = { readonly value: bigint; readonly type: ValueType; readonly vm?: number } | { readonly error: string };

/**
 * Evaluates an expression of the language in a frame, without any effect on the machine. In a listing
 * frame the line's named values come first; all else is seen as the guest frame below sees it.
 */
export function evaluateIn(launched: Launched, held: HeldFrame, text: string): Evaluated {
  if (held.frame.kind !== 'listing' && variablesNamed(launched, held.procedure, text).length === 0) {
    return evaluateCompiled(launched, held, text, compiledPlain(launched, held.procedure, text));
  }
  const named = listingValues(held).find(({ name }) => name === text.trim());
  if (named !== undefined) return named;
  const values = valuesByNumber(launched, held).map(({ value }) => value);
  return evaluateCompiled(launched, held, text, compiledOnce(launched, text, siteOf(launched, held, text)), values);
}

function evaluateCompiled(launched: Launched, held: HeldFrame, text: string, compiled: Compiled, values?: readonly (bigint | undefined)[]): Evaluated {
  if ('error' in compiled) return compiled;
  const { fragment } = compiled;
  const result = launched.debuggee.evaluate(fragment, held.cpu, held.depth, values);
  if ('error' in result) return result;
  if (result.value !== NOWHERE) return fragment.vm === undefined ? result : { ...result, vm: fragment.vm };
  const reason = whyNowhere(launched, held, fragment);
  return reason === undefined ? result : { error: `${text.trim()} is nowhere: ${reason}.` };
}

/** Where an expression that is looked at in a frame stands. */
export function siteOf(launched: Launched, held: HeldFrame, text: string): Site & { readonly procedure: number } {
  return { use: 'watch', procedure: held.procedure, values: valuesByNumber(launched, held), withoutValue: withoutValue(launched, held, text) };
}

export function listingValues({ frame }: HeldFrame): readonly NamedValue[] {
  return frame.kind === 'listing' ? frame.values : [];
}

/** All values that the frame's listing procedure can have; `value` undefined: not set yet. */
function valuesByNumber(
  { inspector }: Launched, held: HeldFrame,
): readonly { readonly name: string; readonly type: ValueType; readonly value: bigint | undefined }[] {
  const { frame } = held;
  if (frame.kind !== 'listing') return [];
  const known = new Map(frame.values.map(({ name, value }) => [name, value]));
  return inspector.listedValues(frame.listing, frame.line).map(({ name, type }) => ({ name, type, value: known.get(name) }));
}

/** Variables of the guest frame that the text names and that have no value by now, as Locals leave them out. */
function withoutValue(launched: Launched, held: HeldFrame, text: string): ReadonlySet<string> {
  const variables = variablesNamed(launched, held.procedure, text);
  if (variables.length === 0) return NONE;
  const known = new Set(launched.debuggee.variables(held.cpu, held.depth).map(({ name }) => name));
  return new Set(variables.filter((name) => !known.has(name)));
}

const NONE: ReadonlySet<string> = new Set();

/** Variables of a procedure that a text names. */
function variablesNamed(launched: Launched, procedure: number, text: string): readonly string[] {
  return textIn(launched, procedure, text).variables;
}

/** What is known of a text in a procedure: some dozens of registers are asked for at each stop. */
function textIn({ texts, scenario }: Launched, procedure: number, text: string): KnownText {
  const inProcedure = texts.get(procedure) ?? new Map<string, KnownText>();
  let known = inProcedure.get(text);
  if (known === undefined) {
    const words = new Set(text.match(/\w+/g));
    known = { variables: scenario.program.procedures[procedure]?.variables.map(({ name }) => name).filter((name) => words.has(name)) ?? [], compiled: new Map() };
    inProcedure.set(text, known);
    texts.set(procedure, inProcedure);
  }
  return known;
}

/** The value of an address question about what is not mapped; no physical address is that large. */
const NOWHERE = (1n << 64n) - 1n;

/** Why the address question that a fragment ends with has no answer; undefined when it ends with something else. */
function whyNowhere(launched: Launched, held: HeldFrame, fragment: Fragment): string | undefined {
  const asked = queries[questionOf(fragment)];
  if (asked !== 'gpa_of' && asked !== 'hva_of' && asked !== 'hpa_of') return undefined;
  const gpa = answer(launched, held, fragment, 'gpa_of');
  const isNative = launched.debuggee.technique === 'native';
  if (gpa === NOWHERE && spaceAsked(fragment) === 'hva') return isNative ? 'native has no host process' : 'no memslot lies there in the VMM process';
  if (gpa === NOWHERE) return 'the guest does not map the address';
  const { program } = launched.scenario;
  if (isNative) {
    return asked === 'hva_of' ? 'native has no host process' : `no memory is installed at ${valueText(gpa, 'gpa', program)}`;
  }
  const hva = answer(launched, held, fragment, 'hva_of');
  if (hva === NOWHERE && answer(launched, held, fragment, 'hpa_of') !== NOWHERE) return 'with backing direct the slot is host frames, and the VMM process has no address of it';
  if (hva === NOWHERE) return `${valueText(gpa, 'gpa', program)} lies outside every memslot`;
  return `the host has not backed ${valueText(hva, 'hva', program)} yet`;
}

/** Number of the question that a fragment's last instruction asks, or -1. */
function questionOf({ code, result }: Fragment): number {
  const last = code.length - INSTRUCTION_WORDS;
  return (code[last] === OP.query || code[last] === OP.queryOf) && code[last + 1] === result ? code[last + 2]! : -1;
}

/** The space of the address that a fragment's last instruction asks about: of another than `gva` the owner is loaded right before. */
function spaceAsked({ code, constants }: Fragment): AddressSpace {
  const last = code.length - INSTRUCTION_WORDS;
  const before = last - INSTRUCTION_WORDS;
  const isOwned = code[last] === OP.queryOf && code[before] === OP.constant && code[before + 1] === code[last + 3]! + 1;
  return isOwned ? ownerOfAddress(constants[2 * code[before + 2]!]!).space : 'gva';
}

/** The answer to another question about the same address. */
function answer(launched: Launched, held: HeldFrame, fragment: Fragment, question: (typeof queries)[number]): bigint {
  const code = fragment.code.slice();
  code[code.length - INSTRUCTION_WORDS + 2] = queries.indexOf(question);
  const values = valuesByNumber(launched, held).map(({ value }) => value);
  const result = launched.debuggee.evaluate({ ...fragment, code }, held.cpu, held.depth, values);
  return 'error' in result ? NOWHERE : result.value;
}

/** Where nothing is listed and no variable is named, which is most often. */
function compiledPlain(launched: Launched, procedure: number, text: string): Compiled {
  const known = textIn(launched, procedure, text);
  known.plain ??= launched.scenario.compileExpression(text, { use: 'watch', procedure, values: [], withoutValue: NONE });
  return known.plain;
}

/** Watches, registers and counters ask the same expressions at each stop: they are compiled once a launch. */
function compiledOnce(launched: Launched, text: string, site: Site & { readonly procedure: number }): Compiled {
  const { compiled } = textIn(launched, site.procedure, text);
  const key = JSON.stringify([[...site.withoutValue ?? []], site.values?.map(({ name, type }) => `${name} ${type}`)]);
  const known = compiled.get(key) ?? launched.scenario.compileExpression(text, site);
  compiled.set(key, known);
  return known;
}
