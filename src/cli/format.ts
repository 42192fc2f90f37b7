import { formatText } from '../language/format/formatText';
import { rangeBetween, sourceText } from '../language/syntax/sourceText';
import { EXIT, type Console } from './console';

export interface FormatOptions {
  /** Writes nothing: says which files would change. */
  readonly check?: true;
  readonly json?: true;
}

/** `unreadable` and `broken`: left as it is, for a reason said on standard error. */
type Formatted = 'unchanged' | 'changed' | 'broken' | 'unreadable';

/**
 * Lays scenarios out in place; `-` formats standard input onto standard output. Status 0: done, or with `--check` nothing to
 * do; 1: with `--check`, a file would change; 2: one cannot be read, written or parsed, and is left as it is.
 */
export function format(names: readonly string[], options: FormatOptions, console: Console): number {
  const files = names.flatMap((name) => console.scenariosIn(name) ?? [name]);
  const outcomes = files.map((file) => {
    const outcome = file === '-' ? formatInput(options, console) : formatFile(file, options, console);
    const isToldInJson = options.json === true && (file !== '-' || options.check === true);
    if (isToldInJson) console.out(`${JSON.stringify({ file, status: outcome })}\n`);
    else if (outcome === 'changed' && file !== '-') console.out(`${file}: ${options.check === true ? 'is not formatted' : 'formatted'}\n`);
    return outcome;
  });
  if (outcomes.some((outcome) => outcome === 'broken' || outcome === 'unreadable')) return EXIT.unusable;
  return options.check === true && outcomes.includes('changed') ? EXIT.failed : EXIT.ok;
}

function formatFile(file: string, options: FormatOptions, console: Console): Formatted {
  const text = console.readText(file);
  if (text === undefined) {
    console.error(`pagewalk: ${file} cannot be read: check its name.\n`);
    return 'unreadable';
  }
  const formatted = formattedText(file, text, console);
  if (formatted === undefined) return 'broken';
  if (formatted === text) return 'unchanged';
  if (options.check === true || console.writeText(file, formatted)) return 'changed';
  console.error(`pagewalk: ${file} cannot be written: check its rights.\n`);
  return 'unreadable';
}

function formatInput(options: FormatOptions, console: Console): Formatted {
  const text = console.readInput();
  const formatted = formattedText('-', text, console);
  if (formatted === undefined) return 'broken';
  if (options.check !== true) console.out(formatted);
  return formatted === text ? 'unchanged' : 'changed';
}

/** Undefined, after a word about each problem, when the text does not parse. */
function formattedText(file: string, text: string, console: Console): string | undefined {
  const formatted = formatText(text);
  if (!('problems' in formatted)) return formatted.text;
  const source = sourceText(0, file, text);
  for (const { start, message } of formatted.problems) {
    const { line, column } = rangeBetween(source, start, start);
    console.error(`${file}:${line + 1}:${column + 1}: ${message}\n`);
  }
  return undefined;
}
