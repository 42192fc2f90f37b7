import type { IToken, TokenType } from 'chevrotain';
import { AbstractParserErrorMessageProvider } from 'langium';
import { sentenceOf, type FillingArguments, type MessageCode } from '../messages/messages';

/** What each rule wants, for the sentence about a token that cannot stand there. */
const WANTED: Readonly<Record<string, string>> = {
  File: 'a declaration: machine, platform, process, global, table, procedure, on, cpu, vm, host thread, import or schedule',
  Item: 'a declaration: machine, platform, process, global, table, procedure, on, cpu, vm, host thread, import or schedule',
  VmItem: 'a declaration: machine, process, global, table, procedure, on or cpu',
  Statement: 'a statement',
  Block: 'a statement or `}`',
  Claim: 'what is expected: a condition, page_fault(…), no page_fault, no exits, exits are …, refused, stopped(…)',
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
  Type: 'a type: gva, gpa, hva, hpa, number, process or table',
  Exception: 'an exception: page_fault, general_protection, double_fault or virtualization_exception',
  Handler: '`page_fault(gva address, code)`, another exception, or `interrupt N`',
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

function list(names: readonly string[]): string {
  const last = names[names.length - 1] ?? '';
  return names.length < 2 ? last : `${names.slice(0, -1).join(', ')} or ${last}`;
}

/** Types, which stand before a parameter's name, with the name that one gives most often. */
const PARAMETER_NAMES: Readonly<Record<string, string>> = {
  gva: 'address', gpa: 'address', hva: 'address', hpa: 'address', number: 'n', process: 'p', table: 't',
};

/** Kinds of token that look like another statement, or like the operand of an instruction. */
const STARTS_ANOTHER: ReadonlySet<string> = new Set(['ID', 'NUMBER', 'STRING']);

/** Sentences are remembered to tell their codes; the parser makes few of them, but an editor parses for hours. */
const MOST_REMEMBERED = 1000;

/** One sentence for each way the parser stops: what stands there, and what the language wants instead. */
export class GuestParserMessages extends AbstractParserErrorMessageProvider {
  reads: Reading = 'a file';
  private readonly codes = new Map<string, MessageCode>();

  /** Which message a sentence is that this has made. */
  codeOf(sentence: string): MessageCode {
    return this.codes.get(sentence) ?? 'cannot-stand';
  }

  /** A file cannot begin with `token`. */
  noDeclaration(token: IToken): string {
    return this.cannotStand(token, 'File', []);
  }

  private say<Code extends MessageCode>(code: Code, ...fillings: FillingArguments<Code>): string {
    const sentence = sentenceOf(code, ...fillings);
    if (this.codes.size > MOST_REMEMBERED) this.codes.clear();
    this.codes.set(sentence, code);
    return sentence;
  }

  private noName(token: IToken): string {
    return this.say('reserved-word', { image: token.image });
  }

  override buildMismatchTokenMessage(options: { expected: TokenType; actual: IToken; previous: IToken }): string {
    const { expected, actual, previous } = options;
    // When the parser has skipped ahead before it complains, `previous` is not what stands before.
    const isBefore = previous.startOffset < actual.startOffset || Number.isNaN(actual.startOffset);
    const after = isBefore && previous.image.trim() !== '' ? ` after \`${previous.image}\`` : '';
    if (expected.name === 'EOF' && this.reads === 'a file') return this.say('more-input', { found: shown(actual, this.reads) });
    if (actual.image === '=' && ['{', '}', ')'].includes(expected.name)) return this.reads === 'a file' ? this.say('compares-with-two') : behindExpression(actual);
    if (expected.name === 'in') return this.say('for-in', { image: actual.image });
    if (expected.name === '}' && actual.tokenType.name !== 'EOF') return this.behindStatement(actual);
    if (expected.name === 'ID' && /^[a-z_]+$/.test(actual.image)) {
      return this.noName(actual);
    }
    return this.say('token-wanted', { found: shown(actual, this.reads), where: after === '' ? 'here' : after.trim(), wanted: name(expected) });
  }

  /** Behind a statement that could be over a block's end or another line was wanted. */
  private behindStatement({ image, tokenType }: IToken): string {
    if (image === 'under') return this.say('under-goes-first');
    if (image === 'else') return this.say('stray-else');
    if (/^[-+&|^]$/.test(image)) return this.say('changes-with-equals', { image });
    if (STARTS_ANOTHER.has(tokenType.name)) return this.say('two-statements', { image });
    return this.say('behind-statement', { image });
  }

  override buildNotAllInputParsedMessage(options: { firstRedundant: IToken }): string {
    const { firstRedundant } = options;
    if (this.reads === 'an expression') return behindExpression(firstRedundant);
    if (firstRedundant.image === '}') return this.say('stray-brace');
    return this.say('more-input', { found: shown(firstRedundant, this.reads) });
  }

  override buildNoViableAltMessage(options: {
    expectedPathsPerAlt: TokenType[][][];
    actual: IToken[];
    previous: IToken;
    ruleName: string;
  }): string {
    const [actual] = options.actual;
    if (actual !== undefined && options.previous.image === 'for' && !/^[a-z_]+$/.test(actual.image)) return this.say('for-in', { image: actual.image });
    const { previous, ruleName } = options;
    const name = ruleName.startsWith('Name') && /^[,)]$/.test(actual?.image ?? '') ? PARAMETER_NAMES[previous.image] : undefined;
    if (name !== undefined) return this.say('type-without-name', { type: previous.image, name });
    return this.cannotStand(actual, ruleName, options.expectedPathsPerAlt.flat());
  }

  override buildEarlyExitMessage(options: { expectedIterationPaths: TokenType[][]; actual: IToken[]; ruleName: string }): string {
    return this.cannotStand(options.actual[0], options.ruleName, options.expectedIterationPaths);
  }

  private cannotStand(actual: IToken | undefined, ruleName: string, paths: readonly TokenType[][]): string {
    if (actual !== undefined && ruleName.startsWith('Name') && /^[a-z_]+$/.test(actual.image)) return this.noName(actual);
    const found = actual === undefined ? 'the end of the file' : shown(actual, this.reads);
    const firsts = [...new Set(paths.flatMap((path) => (path[0] === undefined ? [] : [name(path[0])])))];
    const wanted = WANTED[ruleName.replace(RULE_SUFFIX, '')] ?? (firsts.length > 6 ? undefined : list(firsts));
    const advice = wanted === undefined ? 'see docs/language.md for what may stand there' : `write ${wanted}`;
    return this.say('cannot-stand', { found, advice });
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
