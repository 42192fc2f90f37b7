import type { StatementBreakpoint } from '../../engine/debuggee';

export type HitCondition = NonNullable<StatementBreakpoint['hit']>;

/** Reads `5`, `=5`, `==5` (the fifth time), `>=5`, `>5` (from then on), `%5` (every fifth time). */
export function parseHitCondition(text: string): HitCondition | { readonly error: string } {
  const match = /^\s*(==|=|>=|>|%)?\s*(\d{1,9})\s*$/.exec(text);
  const count = Number(match?.[2] ?? 0);
  if (match === null || (count === 0 && match[1] !== '>')) {
    return { error: `"${text}" is no hit count: write 5 (the fifth time), >=5 (from the fifth on) or %5 (every fifth).` };
  }
  switch (match[1]) {
    case '>=':
      return { operator: '>=', count };
    case '>':
      return { operator: '>=', count: count + 1 };
    case '%':
      return { operator: '%', count };
    default:
      return { operator: '==', count };
  }
}
