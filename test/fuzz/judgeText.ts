import { performance } from 'node:perf_hooks';
import { catalog } from '../../src/engine/settings/catalog';
import { compileScenario } from '../../src/language/compile';
import { messages } from '../../src/language/messages/messages';

/** Far more than any text of these sizes takes; a text that takes this long hangs. */
const MOST_MS = 20_000;

/**
 * What is wrong with the compiler's answer to a text, or undefined: it never throws, it ends, and what is no program says
 * why, in sentences of the table, at places inside the text.
 */
export function faultOf(text: string): string | undefined {
  const started = performance.now();
  try {
    const { program, diagnostics } = compileScenario({ path: 'fuzz.guest', text, catalog, readImport: () => undefined });
    if (performance.now() - started > MOST_MS) return `it took ${Math.round(performance.now() - started)} ms`;
    if ((program === undefined) !== diagnostics.some(({ severity }) => severity === 'error')) return 'errors and program disagree';
    const lines = text.split('\n').length;
    for (const { message, range, code, path, fix } of diagnostics) {
      if (!/^\S.*[.]$/s.test(message)) return `"${message}" is no sentence`;
      if (code === undefined || !Object.hasOwn(messages, code)) return `"${message}" has no code of the table`;
      const ranges = [range, ...(fix?.edits ?? []).map((edit) => edit.range)];
      const isOutside = path === 'fuzz.guest' && ranges.some((each) => each.line < 0 || each.line > each.endLine || each.endLine > lines || each.column < 0);
      if (isOutside) return `"${message}" stands outside the text`;
      if (path !== 'fuzz.guest') return `"${message}" is said of ${path}`;
    }
    return undefined;
  } catch (error) {
    return error instanceof Error ? error.stack ?? error.message : String(error);
  }
}

/** The shortest text found that has the fault too: lines, then words, are left out while any fault remains. */
export function shrunk(text: string): string {
  let best = text;
  for (const separator of ['\n', ' ']) {
    for (let isSmaller = true; isSmaller;) {
      isSmaller = false;
      const parts = best.split(separator);
      for (let i = 0; i < parts.length && !isSmaller; i++) {
        const less = [...parts.slice(0, i), ...parts.slice(i + 1)].join(separator);
        if (less.length >= best.length || faultOf(less) === undefined) continue;
        best = less;
        isSmaller = true;
      }
    }
  }
  return best;
}
