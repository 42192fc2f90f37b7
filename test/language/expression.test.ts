import { strict as assert } from 'node:assert';
import { disassemble } from '../../src/language/disassemble';
import { compileExpression } from '../../src/language/expression';
import { compile } from './scenarioCheck';

const { program, symbols } = compile(`global g = gpa:1M
process p { 0x600000 .. 0x601000 rw user }
procedure f(gva a) -> gva { b = a + 8; return b }
cpu 0 {
  switch(p)
  x = f(0x600000)
  y = g
}`);
if (program === undefined || symbols === undefined) throw new Error('the scenario compiles');
const context = { program, symbols };
const cpu = program.procedures[0];
const own = cpu?.registers ?? 0;

/** Type and code of an expression at the end of the `cpu` block. */
function check(text: string, type: string, ...code: string[]): void {
  const result = compileExpression(context, text, { procedure: 0, instruction: (cpu?.end ?? 1) - 1 });
  if ('error' in result) throw new Error(result.error);
  const { fragment } = result;
  assert.equal(fragment.type, type, text);
  assert.deepEqual(disassemble({ ...program, ...fragment }).split('\n').map((each) => each.replace(/^\d+: /, '')), code, text);
}

function refused(text: string, message: string, site: { procedure: number; instruction?: number } = { procedure: 0 }): void {
  assert.deepEqual(compileExpression(context, text, site), { error: message });
}

describe('an expression of a watch, hover or condition', () => {
  it('reads the procedure\'s variables where they are', () => {
    const result = compileExpression(context, 'x', { procedure: 0 });
    assert.ok('fragment' in result);
    assert.equal(result.fragment.code.length, 0);
    assert.equal(result.fragment.result, cpu?.variables.find(({ name }) => name === 'x')?.register);
    assert.equal(result.fragment.type, 'gva');
  });
  it('computes above the frame\'s own registers', () => {
    check('x + 8', 'gva', `constant r${own} 8`, `add r${own} r0 r${own}`);
  });
  it('looks memory, registers and counters up without touching them', () => {
    check('[x]', 'number', `peek r${own} r0 8`);
    check('cr3', 'gpa', `peekRegister r${own} cr3`);
    check('faults.hidden', 'number', `counter r${own} faults.hidden cpu`);
    check('hpa_of(x)', 'hpa', `query r${own} hpa_of r0`);
    check('walk(x).writable', 'truth', `query r${own} walk.writable r0`);
  });
  it('knows globals and processes', () => {
    check('g', 'gpa', `globalGet r${own} g`);
    check('p.root', 'gpa', `constant r${own} 0`, `processGet r${own} root r${own}`);
  });
  it('knows the event of a condition, its kinds and the exit reasons', () => {
    check('event.kind == "cr_write"', 'truth', `eventField r${own} kind`, `constant r${own + 1} 0xe`, `equal r${own} r${own} r${own + 1}`);
    check('event.kind == cr_write', 'truth', `eventField r${own} kind`, `constant r${own + 1} 0xe`, `equal r${own} r${own} r${own + 1}`);
    check('event.reason == exit_reason.ept_violation', 'truth', `eventField r${own} reason`, `constant r${own + 1} 0x30`, `equal r${own} r${own} r${own + 1}`);
    check('event.gpa == gpa:0x3000', 'truth', `eventField r${own} gpa`, `constant r${own + 1} 0x3000`, `equal r${own} r${own} r${own + 1}`);
    refused('event.kind == "cr_wrote"', 'There is no event kind "cr_wrote" (did you mean `cr_write`?); see docs/language.md for the kinds.');
    refused('event.knd', 'An event has no field `knd` (did you mean `kind`?); it has kind, reason, qualification, gva, gpa, hva, hpa, address, value, level, vector, code.');
  });
  it('does not know a variable that has no value yet', () => {
    refused('y', 'There is no `y` here; assign a variable or declare a global first.', { procedure: 0, instruction: cpu?.entry ?? 0 });
  });
  it('reads names of the procedure it stands in, and of the library in the library', () => {
    const procedure = program.procedures.findIndex(({ name }) => name === 'f');
    assert.ok('fragment' in compileExpression(context, 'b - a', { procedure }));
    refused('b', 'There is no `b` here; assign a variable or declare a global first.');
    assert.ok('fragment' in compileExpression(context, 'next_frame', { procedure: program.procedures.findIndex(({ name }) => name === 'frame') }));
  });
  it('stands without a site too, with globals alone', () => {
    assert.ok('fragment' in compileExpression(context, 'g + 4K', undefined));
    assert.deepEqual(compileExpression(context, 'x', undefined), { error: 'There is no `x` here; assign a variable or declare a global first.' });
  });
  it('runs nothing', () => {
    refused('f(x)', '`f` is a procedure that the guest runs, and nothing may be touched here; step into it instead.');
    refused('invlpg(x)', '`invlpg` is an instruction, and nothing may be touched here; write it in a line above.');
  });
  it('is refused with a sentence when it is none', () => {
    refused('', 'There is nothing to compute; write an expression.');
    refused('x +', 'the end of the file cannot stand here; write a value.');
    refused('x y', '`y` cannot stand here; start a new line, or close the block above with `}`.');
    refused('x = 3', '`=` cannot stand here; start a new line, or close the block above with `}`.');
    refused('gpa:1 == gva:1', '`gpa:1` is a guest-physical address (gpa) and `gva:1` is a linear address (gva); write direct(gpa:1).');
  });
});
