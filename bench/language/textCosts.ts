import { readFileSync } from 'node:fs';
import { createServicesForGrammar } from 'langium/grammar';
import { catalog } from '../../src/engine/settings/catalog';
import { compileScenario } from '../../src/language/compile';
import { completionAt } from '../../src/language/editor/completion';
import { readScenario } from '../../src/language/editor/editedScenario';
import { parseFile } from '../../src/language/syntax/parse';
import { median, ownCpuTime } from '../hardware/cpuTime';
import { arithmeticsText } from './arithmeticsText';
import { longScenario } from './longScenario';

/* A process of its own: what an editor waits for, and parsing beside another language of Langium's, as JSON. */
const REPEATS = 7;
const MS = 1_000_000;
const readImport = (): undefined => undefined;

function measured(work: () => unknown): number {
  work();
  const times: number[] = [];
  for (let repeat = 0; repeat < REPEATS; repeat++) {
    const start = ownCpuTime();
    work();
    times.push(ownCpuTime() - start);
  }
  return median(times);
}

function inputOf(text: string): Parameters<typeof readScenario>[0] {
  return { path: 'long.guest', text, catalog, readImport };
}

const long = longScenario(10_000);
const short = longScenario(1000);
/** A mistake in every statement. */
const broken = `cpu 0 {\n${'  x = = 1\n'.repeat(5000)}}`;
const found = compileScenario(inputOf(long)).diagnostics;
if (found.length > 0) throw new Error(`the long scenario is not clean: ${found[0]?.message ?? ''}`);

/** The last line but one with a name begun behind it, as a person types. */
function typing(text: string): { readonly text: string; readonly at: number } {
  const at = text.lastIndexOf('\n}');
  const typed = `${text.slice(0, at)}\n  ma${text.slice(at)}`;
  return { text: typed, at: at + '\n  ma'.length };
}

const typedShort = typing(short);
const typedLong = typing(long);
const lastGood = readScenario(inputOf(long));

const lines = (text: string): number => text.split('\n').length;

async function main(arithmeticsGrammar: string): Promise<void> {
  // Langium's example language of arithmetics, by the same version of Langium: statements and expressions, as here.
  const { parser: { LangiumParser: other } } = await createServicesForGrammar({ grammar: readFileSync(arithmeticsGrammar, 'utf8') });
  const otherText = arithmeticsText(10_000);
  const mistakes = other.parse(otherText).parserErrors;
  if (mistakes.length > 0) throw new Error(`the other language's text is not clean: ${mistakes[0]?.message ?? ''}`);
  console.log(JSON.stringify({
    parse: measured(() => parseFile(long)) / lines(long),
    'langium-parse': measured(() => other.parse(otherText)) / lines(otherText),
    'parse-token': measured(() => parseFile(long)) / tokens(long),
    'langium-parse-token': measured(() => other.parse(otherText)) / tokens(otherText),
    'diagnostics-ms': measured(() => compileScenario(inputOf(long))) / MS,
    'broken-ms': measured(() => compileScenario(inputOf(broken))) / MS,
    'completion-ms': measured(() => completionAt(readScenario(inputOf(typedShort.text)), typedShort.text, typedShort.at)) / MS,
    'completion-last-good-ms': measured(() => completionAt(lastGood, typedLong.text, typedLong.at)) / MS,
  }));
}

/** Words, numbers and signs: a line of one language holds more than one of another. */
function tokens(text: string): number {
  return text.replace(/\/\/.*$/gm, '').match(/\w+|"[^"]*"|'[^']*'|[^\s\w]+/g)?.length ?? 1;
}

void main(process.argv[2] ?? '');
