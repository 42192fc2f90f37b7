import { guestParser } from '../../src/language/syntax/guestParser';

/** A stream of numbers, the same for the same seed (xorshift32). */
export class Chance {
  private state: number;

  constructor(seed: number) {
    this.state = (Math.imul(seed, 0x9e3779b1) ^ 0x5bd1e995) | 1;
  }

  /** From 0 to `below` - 1. */
  next(below: number): number {
    this.state ^= this.state << 13;
    this.state ^= this.state >>> 17;
    this.state ^= this.state << 5;
    return (this.state >>> 0) % below;
  }

  of<T>(all: readonly T[]): T {
    const found = all[this.next(all.length)];
    if (found === undefined) throw new Error('invariant: nothing to choose from');
    return found;
  }
}

const EXTREMES = [
  '0', '1', '0xffff_ffff_ffff_ffff', '18446744073709551616', '99999999999999999999999999', '1T', '64', '0x', '0b2', '4K4', '1G', '0b', '08', '"', '"a', '§',
  '\u0000', '\uFEFF', '\r', '\t', ';', '-', '~~~', 'not not', '((((', ']]]]', '{{{{', '}', '//', '///', '/*', '..', '...', '->', '::', '🙂', '\u2028',
];

/** Texts that are nearly scenarios, or not at all: what a person, a cat or an attacker may hand to the compiler. */
export class BrokenTexts {
  private readonly words: readonly string[];
  private readonly lines: readonly string[];

  constructor(samples: readonly string[]) {
    const images = samples.flatMap((text) => guestParser().lexer.scan(text).tokens.map((token) => token.image));
    this.words = [...new Set(images), ...EXTREMES, '\n', '\n', '{', '}', '(', ')', '[', ']'];
    this.lines = [...new Set(samples.flatMap((text) => text.split('\n')))];
  }

  make(chance: Chance): string {
    switch (chance.next(8)) {
      case 0: return this.noise(chance);
      case 1: return this.soup(chance);
      case 2: return this.nested(chance);
      case 3: case 4: return this.inBlock(chance, () => this.statements(chance));
      default: return this.mutated(chance, this.scenario(chance));
    }
  }

  private noise(chance: Chance): string {
    return Array.from({ length: chance.next(60) }, () => String.fromCharCode(chance.next(chance.next(4) === 0 ? 0x10000 : 0x80))).join('');
  }

  private soup(chance: Chance): string {
    const before = chance.of(['', 'cpu 0 {\n', 'machine { ', 'process p { ', 'platform {', 'vm a { ', 'on page_fault(', 'host thread h {']);
    return before + Array.from({ length: chance.next(14) }, () => chance.of(this.words)).join(chance.of([' ', ' ', '']));
  }

  private nested(chance: Chance): string {
    const [open, close] = chance.of([['(', ')'], ['[', ']'], ['{', '}'], ['not ', ''], ['-', ''], ['if x { ', ' }'], ['gva:', ''], ['t[', ']'], ['f(', ')']] as const);
    const depth = chance.next(50) === 0 ? chance.of([99, 100, 101, 300, 3000]) : 1 + chance.next(12);
    return `cpu 0 { x = 1\n x = ${open.repeat(depth)}1${close.repeat(chance.next(3) === 0 ? chance.next(depth + 1) : depth)} }`;
  }

  private statements(chance: Chance): string {
    return Array.from({ length: 1 + chance.next(2) }, () => this.mutated(chance, chance.of(this.lines))).join('\n');
  }

  private inBlock(chance: Chance, lines: () => string): string {
    const head = chance.of(['', 'process p { 0x1000 .. 0x3000 rw user }\n', 'global g = 1\ntable t\n', 'host thread h { merge_all() }\n']);
    return `${head}${chance.of(['cpu 0', 'cpu 0', 'procedure f(a, gva b)', 'on page_fault(gva a, code)', 'host thread k', 'on interrupt 3'])} {\n${lines()}\n}`;
  }

  private scenario(chance: Chance): string {
    const from = chance.next(this.lines.length);
    return this.lines.slice(from, from + 1 + chance.next(chance.next(20) === 0 ? 40 : 4)).join('\n');
  }

  /** One to three words left out, doubled, swapped or put in place of others. */
  private mutated(chance: Chance, text: string): string {
    const parts = text.split(/(\s+|[()[\]{},.:;])/);
    for (let times = 1 + chance.next(3); times > 0 && parts.length > 0; times--) {
      const at = chance.next(parts.length);
      switch (chance.next(4)) {
        case 0: parts.splice(at, 1); break;
        case 1: parts.splice(at, 0, parts[at] ?? ''); break;
        case 2: parts.splice(at, 1, chance.of(this.words)); break;
        default: parts.splice(at, 0, ...parts.splice(chance.next(parts.length), 1));
      }
    }
    return parts.join('');
  }
}
