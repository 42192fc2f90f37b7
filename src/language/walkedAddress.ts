import { parseExpressionText } from './syntax/expressionText';
import { extentOf } from './syntax/sourceText';

/** `a` of an expression that is `walk(a)` and no more, as it is written; undefined of any other. */
export function walkedAddress(text: string): string | undefined {
  const parsed = parseExpressionText(text, new Set());
  if ('problem' in parsed || parsed.expression.$type !== 'Call') return undefined;
  const { of, args: [address, ...more] } = parsed.expression;
  if (of.$type !== 'NameRef' || of.name !== 'walk' || address === undefined || more.length > 0) return undefined;
  const { start, end } = extentOf(address);
  return text.slice(start, end);
}
