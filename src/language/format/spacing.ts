import type { FormatItem } from './formatItem';

/** Signs that nothing stands between and what follows, and those that nothing stands between and what comes before. */
const TIGHT_AFTER: ReadonlySet<string> = new Set(['(', '[', '.', '~']);
const TIGHT_BEFORE: ReadonlySet<string> = new Set([')', ']', '.', ',', ';', ':']);

/** Syntax nodes in which `-` joins words to one name: `4-level`, `shadow-wp`. */
const HYPHENATED: ReadonlySet<string> = new Set(['NumberWord', 'Word', 'Technique']);

/** Syntax nodes whose word is a name or stands for one, so that a parenthesis behind it is a list of arguments. */
const NAMED: ReadonlySet<string> = new Set(['NameRef', 'Field', 'Call', 'FaultClaim', 'OutcomeClaim', 'Handler', 'Procedure', 'NoClaim']);

/** How many blanks stand between two items of one line: none or one. */
export function blanksBetween(before: FormatItem, item: FormatItem): 0 | 1 {
  const { image, context } = item;
  if (item.kind === 'comment') return 1;
  if (image === '-' && HYPHENATED.has(context)) return 0;
  if (before.image === '-' && (HYPHENATED.has(before.context) || before.context === 'Unary')) return 0;
  if (image === '.' && context === 'BitValue') return 1;
  if (before.kind === 'sign' && TIGHT_AFTER.has(before.image)) return 0;
  if (item.kind === 'sign' && TIGHT_BEFORE.has(image)) return 0;
  if (before.image === ':') return before.context === 'Expect' ? 1 : 0;
  if (image === '[') return isElement(before, item) ? 0 : 1;
  if (image === '(') return opensArguments(before) ? 0 : 1;
  return 1;
}

function isElement(before: FormatItem, item: FormatItem): boolean {
  return item.context === 'Index' && (before.kind === 'word' || before.image === ')' || before.image === ']');
}

function opensArguments(before: FormatItem): boolean {
  if (before.image === ')' || before.image === ']') return true;
  return before.kind === 'word' && NAMED.has(before.context) && !/^(?:procedure|on|no)$/.test(before.image);
}
