import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { compileExpression } from '../../src/language/expression';
import { guestParser } from '../../src/language/syntax/guestParser';
import { kernelText } from '../../src/language/library/kernelText';
import { BrokenTexts, Chance } from '../fuzz/brokenTexts';
import { faultOf } from '../fuzz/judgeText';
import { compile, compileForEngine } from './scenarioCheck';
import { everyConstruct, scenarios } from './samples';

/** Compiling never throws; what is no program says why, in sentences, inside the text. */
function judge(text: string): void {
  const { program, diagnostics } = compile(text, { 'mine.guest': '', 'other.guest': 'global other = 1' });
  assert.equal(program === undefined, diagnostics.some(({ severity }) => severity === 'error'), text);
  const lines = text.split('\n').length;
  for (const { message, range } of diagnostics) {
    assert.match(message, /^\S.*\.$/s, message);
    assert.ok(range.line >= 0 && range.endLine < lines + 1 && range.line <= range.endLine, `${message} at ${JSON.stringify(range)}`);
  }
}

describe('a text with a mistake', () => {
  const without = (text: string, each: number): void => {
    guestParser().lexer.scan(text).tokens.forEach((token, i) => {
      if (i % each === 0) judge(text.slice(0, token.startOffset) + text.slice((token.endOffset ?? token.startOffset) + 1));
    });
  };
  it('gives sentences, whichever token is left out', function () {
    this.timeout(240_000);
    without(everyConstruct, 3);
    for (const text of scenarios.values()) without(text, 25);
  });
  it('gives sentences, wherever the text ends', () => {
    for (let end = 0; end < everyConstruct.length; end += 23) judge(everyConstruct.slice(0, end));
  });
  it('gives sentences, whatever tokens follow each other', () => {
    const images = [...new Set(guestParser().lexer.scan(everyConstruct + kernelText).tokens.map((token) => token.image))];
    const soup = fc.array(fc.constantFrom(...images, '\n', '{', '}', '(', ')', '[', ']'), { maxLength: 60 });
    fc.assert(fc.property(soup, fc.constantFrom('', 'cpu 0 {\n', 'machine { ', 'process p { '), (words, before) => {
      judge(before + words.join(' '));
    }), { numRuns: 150 });
  });
  it('gives a sentence for any expression too', () => {
    const text = 'process p { 0x1000 .. 0x2000 rw user }\nglobal g = 1\ntable t\ncpu 0 { switch(p); x = g; t[1] = 2 }';
    const { program, symbols } = compile(text);
    assert.ok(program && symbols);
    const words = fc.constantFrom('x', 'g', 'p', 't', '[', ']', '(', ')', '.', 'root', 'walk', 'frame', '+', '==', 'and', 'not', '-', '3', 'gva', ':', 'event', 'kind', '"cr_write"', 'exits', 'total', 'cr3', ',');
    fc.assert(fc.property(fc.array(words, { maxLength: 12 }), (parts) => {
      const result = compileExpression({ program, symbols }, parts.join(' '), { procedure: 0 });
      if ('error' in result) assert.match(result.error, /\.$/);
    }), { numRuns: 1000 });
  });
});

describe('the scenarios of the project', () => {
  for (const [name, text] of scenarios) {
    it(`${name} compiles without a diagnostic and says what it is about`, () => {
      const { program, diagnostics } = compileForEngine(text);
      assert.deepEqual(diagnostics, []);
      assert.notEqual(program?.documentation, '');
    });
  }
});

describe('bad input', () => {
  it('gets sentences, whatever it is (a sample of what npm run fuzz:language does)', function () {
    this.timeout(120_000);
    const texts = new BrokenTexts([everyConstruct, ...scenarios.values()]);
    const chance = new Chance(2);
    for (let i = 0; i < 600; i++) {
      const text = `machine { kernel none }\n${texts.make(chance)}`;
      assert.equal(faultOf(text), undefined, text);
    }
  });
  it('of gigantic bounds, deep nesting and endless files ends at once', () => {
    const fast = (text: string): readonly string[] => {
      const started = process.cpuUsage();
      const { diagnostics } = compile(text);
      const { user, system } = process.cpuUsage(started);
      assert.ok(user + system < 4_000_000, `${(user + system) / 1000} ms`);
      return diagnostics.map(({ code = '' }) => code);
    };
    assert.deepEqual(fast('cpu 0 { for i in 0 .. 0xffff_ffff_ffff_ffff { x = i } }'), []);
    assert.deepEqual(fast('cpu 0 { repeat 1T { x = 1 } }'), []);
    assert.deepEqual(fast(`cpu 0 { ${'if 1 { '.repeat(5000)} }`), ['too-deep']);
    assert.deepEqual(fast('x = 1\n'.repeat(100_000)), ['too-many-lines']);
    assert.deepEqual(fast(`machine { ram ${'9'.repeat(100_000)} }\ncpu 0 { x = 1 }`).slice(0, 1), ['setting-number']);
    assert.deepEqual(fast(`cpu 0 { x = ${'y'.repeat(100_000)} }`), ['unknown-name']);
  });
});
