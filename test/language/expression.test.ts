import { strict as assert } from 'node:assert';
import { disassemble } from '../../src/language/disassemble';
import { compileExpression, type Site } from '../../src/language/expression';
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

function refused(text: string, message: string, site: Site = { procedure: 0 }): void {
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
    refused('y', '`y` has no value yet.', { procedure: 0, instruction: cpu?.entry ?? 0 });
  });
  it('reads names of the procedure it stands in, and of the library in the library', () => {
    const procedure = program.procedures.findIndex(({ name }) => name === 'f');
    assert.ok('fragment' in compileExpression(context, 'b - a', { procedure }));
    refused('b', 'There is no `b` here; name a variable, a global, a process, a register or a counter.');
    assert.ok('fragment' in compileExpression(context, 'next_frame', { procedure: program.procedures.findIndex(({ name }) => name === 'frame') }));
  });
  it('stands without a site too, with globals alone', () => {
    assert.ok('fragment' in compileExpression(context, 'g + 4K', undefined));
    assert.deepEqual(compileExpression(context, 'x', undefined), { error: 'There is no `x` here; name a variable, a global, a process, a register or a counter.' });
  });
  it('knows an event\'s kind only beside event.kind, where even a word of the language is one', () => {
    check('event.kind == page_fault', 'truth', `eventField r${own} kind`, `constant r${own + 1} 0xa`, `equal r${own} r${own} r${own + 1}`);
    check('event.reason == ept_violation', 'truth', `eventField r${own} reason`, `constant r${own + 1} 0x30`, `equal r${own} r${own} r${own + 1}`);
    refused('event.reason == ept_violatoin', '`ept_violatoin` is no exit reason (did you mean `ept_violation`?); reasons are named as in `vm_exits`, such as ept_violation.');
    check('page_fault == event.kind', 'truth', `eventField r${own} kind`, `constant r${own + 1} 0xa`, `equal r${own} r${own + 1} r${own}`);
    refused('vm_exit', 'There is no `vm_exit` here; name a variable, a global, a process, a register or a counter.');
    refused('g == gpa:0 and vm_exit', 'There is no `vm_exit` here; name a variable, a global, a process, a register or a counter.');
    refused('event.kind == cr_wrote', 'There is no event kind "cr_wrote" (did you mean `cr_write`?); see docs/language.md for the kinds.');
  });
  it('knows an event only in a condition', () => {
    const message = '`event` exists only in the conditions of breakpoints; the walk panel and the call stack tell what happened.';
    for (const text of ['event', 'event.gpa', 'event.kind == vm_exit']) refused(text, message, { procedure: 0, use: 'watch' });
    refused('event', '`event` is what happened; name one of its fields: event.kind, event.reason, event.qualification, event.gva, event.gpa, event.hva, event.hpa, event.address, event.value, event.level, event.vector, event.code.');
  });
  it('tells a variable without a value from a name that is none', () => {
    refused('y + 1', '`y` has no value yet.', { procedure: 0, withoutValue: new Set(['y']) });
    assert.ok('fragment' in compileExpression(context, 'x + 1', { procedure: 0, withoutValue: new Set(['y']) }));
  });
  it('reads the values of a listing line by their names, which may be words of the language', () => {
    const values = [{ name: 'gva', type: 'gva' }, { name: 'error_code', type: 'number' }, { name: 'gpa', type: 'gpa' }, { name: 'x', type: 'number' }] as const;
    const read = (text: string): unknown => {
      const result = compileExpression(context, text, { procedure: 0, values });
      if ('error' in result) throw new Error(result.error);
      return [result.fragment.type, result.fragment.values?.at, result.fragment.values?.read.map(({ name }) => name)];
    };
    assert.deepEqual(read('gpa + 8'), ['gpa', own, ['gpa']]);
    assert.deepEqual(read('gpa == gpa:0x104000'), ['truth', own, ['gpa']]);
    assert.deepEqual(read('error_code & 2 and [gva] == 1'), ['truth', own, ['gva', 'error_code']]);
    assert.deepEqual(read('x'), ['number', own, ['x']], 'before the variable x of the guest');
    assert.deepEqual(read('g'), ['gpa', undefined, undefined]);
    refused('gpa + 8', '`+` cannot stand after `gpa`; write `:` there.');
  });
  it('runs nothing', () => {
    refused('f(x)', '`f` is a procedure that the guest runs, and nothing may be touched here; step into it instead.');
    refused('invlpg(x)', '`invlpg` is an instruction, and nothing may be touched here; ask a question such as walk(a) instead.');
  });
  it('is refused with a sentence when it is none', () => {
    refused('', 'There is nothing to compute; write an expression.');
    refused('x +', 'the end of the expression cannot stand here; write a value.');
    refused('x y', '`y` cannot stand here; the expression is over before it, so remove it or join both with an operator.');
    refused('x == 1 && y', '`&&` is no sign of the language; write and.');
    refused('x == 1 and (y = 2)', '`=` changes something, and nothing may be changed here; write == to compare.');
    refused('x = 3', '`=` changes something, and nothing may be changed here; write == to compare.');
    refused('g += 1', '`+=` changes something, and nothing may be changed here; write + to compute.');
    refused('(x', 'the end of the expression cannot stand after `x`; write `)` there.');
    refused('x )', 'This `)` closes nothing; remove it.');
    refused('x; y', '`;` (or a second line) cannot stand here; the expression is over before it, so remove it or join both with an operator.');
    refused('user [x]', '`user` makes an access, and a watch or a condition makes none; write [a] to look at what lies there.');
    refused('user byte [x] == 1', '`user` makes an access, and a watch or a condition makes none; write [a] to look at what lies there.');
    refused('gpa:1 == gva:1', '`gpa:1` is a guest-physical address (gpa) and `gva:1` is a linear address (gva); write direct(gpa:1).');
  });
});
