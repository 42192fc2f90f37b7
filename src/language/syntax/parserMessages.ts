import type { IToken, TokenType } from 'chevrotain';
import { AbstractParserErrorMessageProvider } from 'langium';

/** What each rule wants, for the sentence about a token that cannot stand there. */
const WANTED: Readonly<Record<string, string>> = {
  File: 'a declaration: machine, platform, process, global, table, procedure, on, cpu, import or schedule',
  Item: 'a declaration: machine, platform, process, global, table, procedure, on, cpu, import or schedule',
  VmItem: 'a declaration: machine, process, global, table, procedure, on or cpu',
  Statement: 'a statement',
  Block: 'a statement or `}`',
  Claim: 'what is expected: a condition, page_fault(…), no page_fault, no exits, exits are …, refused',
  Expr: 'a value',
  Binary: 'a value',
  Prefix: 'a value',
  Postfix: 'a value',
  Primary: 'a value',
  Place: 'a variable, a register or `[address]`',
  Update: 'a statement',
  Memory: '`[address]`',
  SettingValue: 'a value of the setting: a number, a word or a text',
  AreaWord: 'rights (ro, rw, rx, rwx), then user or kernel',
  Global: 'a name',
  Param: 'a parameter: a type and a name, or a name alone',
  Type: 'a type: gva, gpa, hva, hpa, number or process',
  Exception: 'an exception: page_fault',
  Handler: '`page_fault(gva address, code)`',
  Hyphenated: 'a word',
  Space: 'an address space: gva, gpa, hva or hpa',
  Name: 'a name',
  Schedule: '`every N` or `random SEED`',
};

/** Langium gives its parser's rules names that no grammar rule can have. */
const RULE_SUFFIX = /\u200B$/;

/** What the parser reads: an expression of a watch has no lines and no blocks around it. */
type Reading = 'a file' | 'an expression';

function shown(token: IToken, reads: Reading): string {
  const isExpression = reads === 'an expression';
  if (token.tokenType.name === 'EOF') return isExpression ? 'the end of the expression' : 'the end of the file';
  if (token.tokenType.name === 'EOS') return isExpression ? '`;` (or a second line)' : 'the end of the line';
  return `\`${token.image}\``;
}

function name(type: TokenType): string {
  switch (type.name) {
    case 'EOS':
      return 'the end of the line';
    case 'ID':
      return 'a name';
    case 'NUMBER':
      return 'a number';
    case 'STRING':
      return 'a text in quotes';
    case 'EOF':
      return 'the end of the file';
    default:
      return `\`${type.LABEL ?? type.name.replace(/:KW$/, '')}\``;
  }
}

function noName(token: IToken): string {
  return `\`${token.image}\` is a word of the language and no name; choose another one.`;
}

function list(names: readonly string[]): string {
  const last = names[names.length - 1] ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} or ${last}`;
}

/** One sentence for each way the parser stops: what stands there, and what the language wants instead. */
export class GuestParserMessages extends AbstractParserErrorMessageProvider {
  reads: Reading = 'a file';

  override buildMismatchTokenMessage(options: { expected: TokenType; actual: IToken; previous: IToken }): string {
    const { expected, actual, previous } = options;
    // When the parser has skipped ahead before it complains, `previous` is not what stands before.
    const isBefore = previous.startOffset < actual.startOffset || Number.isNaN(actual.startOffset);
    const after = isBefore && previous.image.trim() !== '' ? ` after \`${previous.image}\`` : '';
    if (actual.tokenType.name === 'ID' && expected.name === '}') {
      return `\`${actual.image}\` cannot stand here; one line holds one statement, and a call needs parentheses.`;
    }
    if (expected.name === 'ID' && /^[a-z_]+$/.test(actual.image)) {
      return noName(actual);
    }
    return `${shown(actual, this.reads)} cannot stand${after === '' ? ' here' : after}; write ${name(expected)} there.`;
  }

  override buildNotAllInputParsedMessage(options: { firstRedundant: IToken }): string {
    const { firstRedundant } = options;
    if (this.reads === 'an expression') return behindExpression(firstRedundant);
    if (firstRedundant.image === '}') return 'This `}` closes nothing; remove it, or open the block with `{`.';
    return `${shown(firstRedundant, this.reads)} cannot stand here; start a new line, or close the block above with \`}\`.`;
  }

  override buildNoViableAltMessage(options: {
    expectedPathsPerAlt: TokenType[][][];
    actual: IToken[];
    previous: IToken;
    ruleName: string;
  }): string {
    return cannotStand(options.actual[0], options.ruleName, options.expectedPathsPerAlt.flat(), this.reads);
  }

  override buildEarlyExitMessage(options: { expectedIterationPaths: TokenType[][]; actual: IToken[]; ruleName: string }): string {
    return cannotStand(options.actual[0], options.ruleName, options.expectedIterationPaths, this.reads);
  }
}

/** What stands behind an expression that is over. */
function behindExpression(token: IToken): string {
  const { image } = token;
  if (image === '=') return '`=` changes something, and nothing may be changed here; write == to compare.';
  if (/^[-+&|^]=$/.test(image)) return `\`${image}\` changes something, and nothing may be changed here; write ${image.charAt(0)} to compute.`;
  if (image === ')' || image === ']' || image === '}') return `This \`${image}\` closes nothing; remove it.`;
  return `${shown(token, 'an expression')} cannot stand here; the expression is over before it, so remove it or join both with an operator.`;
}

function cannotStand(actual: IToken | undefined, ruleName: string, paths: readonly TokenType[][], reads: Reading): string {
  if (actual !== undefined && ruleName.startsWith('Name') && /^[a-z_]+$/.test(actual.image)) return noName(actual);
  const found = actual === undefined ? 'the end of the file' : shown(actual, reads);
  const firsts = [...new Set(paths.flatMap((path) => (path[0] === undefined ? [] : [name(path[0])])))];
  const wanted = WANTED[ruleName.replace(RULE_SUFFIX, '')] ?? (firsts.length > 6 ? undefined : list(firsts));
  const advice = wanted === undefined ? 'see docs/language.md for what may stand there' : `write ${wanted}`;
  return `${found} cannot stand here; ${advice}.`;
}
