import { strict as assert } from 'node:assert';
import { compileScenario } from '../../src/language/compile';
import { catalog, onCpu, problems, programOf } from './scenarioCheck';

/** The text (a `cpu` block is added) gives exactly this one diagnostic. */
function check(text: string, expected: string): void {
  assert.deepEqual(problems(`${text}\ncpu 0 { x = 1 }`), [expected], text);
}

describe('ranges of a process', () => {
  const range = (line: string, expected: string): void => {
    assert.deepEqual(problems(`process p { ${line} }\ncpu 0 { switch(p) }`), expected === '' ? [] : [expected], line);
  };
  it('are whole pages, not empty, and canonical', () => {
    range('0x600000 .. 0x601800 rw user', '1:13-41 A range is made of pages, and 0x601800 is no multiple of 0x1000; write 0x601000 or 0x602000.');
    range('0x600000 .. 0x600000 rw user', '1:13-41 This range is empty, as its end 0x600000 is not included; write an end above 0x600000.');
    range('0x7ffffffff000 .. 0x800000001000 rw user', '1:13-53 This range holds addresses that are not canonical; stay below 0x800000000000, or at 0xffff800000000000 and above.');
    range('0x7ffffffff000 .. 0x800000000000 rw user', '');
  });
  it('stay off the direct map', () => {
    range('0xffff888000000000 .. 0xffff888000001000 rw kernel', '1:13-63 This range overlaps the kernel\'s direct map from 0xffff888000000000 on; choose other addresses.');
    range('0xffff880000000000 .. 0xffff880000001000 rw kernel', '');
  });
  it('do not overlap within a process, and may between two', () => {
    range('0x1000 .. 0x3000 rw user, 0x2000 .. 0x4000 ro user', '1:39-63 This range overlaps 0x1000 .. 0x3000 of process p; make them meet at most.');
    assert.deepEqual(problems('process p { 0x1000 .. 0x3000 rw user }\nprocess q { 0x1000 .. 0x3000 rw user }\ncpu 0 { switch(p); switch(q) }'), []);
  });
  it('have one right, and say whose they are', () => {
    range('0x1000 .. 0x2000 user', '1:13-34 A range has one of the rights ro, rw, rx and rwx; write exactly one.');
    range('0x1000 .. 0x2000 rw', '1:13-32 A range is `user` or `kernel`; write one of them after the rights.');
    range('0x1000 .. 0x2000 rw usr', '1:33-36 There is no area word `usr` (did you mean `user`?); there are ro, rw, rx, rwx, user, kernel, lazy, shared, pages.');
    range('0x800000 .. 0xa00000 rw user pages 2M', '');
    range('0x1000 .. 0x2000 rw user pages 2M', '1:13-46 A range is made of pages, and 0x1000 is no multiple of 0x200000; write 0x0 or 0x200000.');
  });
  it('fit into RAM, unless they are lazy', () => {
    assert.deepEqual(problems('machine { ram 4M }\nprocess p { 0x1000 .. 0x401000 rw user }\ncpu 0 { switch(p) }'), [
      '2:1-41 The processes\' ranges take 4096K and the machine has 4096K of RAM, 1M of it the loader\'s; set a larger `ram`, or make ranges lazy.',
    ]);
    assert.deepEqual(problems('machine { ram 4M }\nprocess p { 0x1000 .. 0x401000 rw user lazy }\ncpu 0 { switch(p) }'), []);
  });
});

describe('settings', () => {
  it('are known, in their place, once', () => {
    check('machine { pagin 4-level }', '1:11-24 There is no machine setting `pagin` (did you mean `paging`?); there are mmu, slot, delivery, dirty_log, paging, ram, kernel.');
    check('platform { mmu ept }', '1:12-19 `mmu` is a setting of `machine`; move it there.');
    check('machine { ram 16M, ram 32M }', '1:20-27 `ram` is set twice; keep one of the two.');
    check('machine { ram 16M }; machine { ram 32M }', '1:22-41 A scenario has one `machine` and one `platform`; move these settings into the first one.');
  });
  it('have values that the catalog and the language accept', () => {
    check('machine { mmu shadow wp }', '1:11-24 `mmu shadow wp` does not fit: There is no technique `shadow`; write mmu ept.');
    check('machine { paging 7-level }', '1:11-25 `paging 7-level` is no paging mode; write none, 32-bit, pae, 4-level or 5-level.');
    check('machine { kernel "mine.txt" }', '1:11-28 A kernel is `standard`, `none` or a file in quotes; write one of them.');
    check('machine { kernel "mine.guest" }', '1:11-30 The kernel "mine.guest" cannot be read; check its path, which starts at this scenario\'s folder.');
  });
  it('reach the machine as words and numbers in order', () => {
    const { machine, platform } = programOf('machine { mmu shadow-wp, paging 4-level; slot low 0 .. 16M ram }\nplatform { tlb 64 entries 4 ways }\ncpu 0 { x = 1 }');
    assert.deepEqual(machine.map(({ name, values }) => [name, ...values]), [
      ['mmu', 'shadow-wp'], ['paging', '4-level'], ['slot', 'low', 0, 0x1000000, 'ram'],
    ]);
    assert.deepEqual(platform.map(({ name, values }) => [name, ...values]), [['tlb', 64, 'entries', 4, 'ways']]);
  });
});

describe('procedures', () => {
  it('that replace the library\'s say so, and fit', () => {
    check('procedure map(process p) { }', '1:1-29 The library has a procedure `map`; write `override procedure map` to replace it, or choose another name.');
    check('override procedure mop() { }', '1:1-29 `mop` replaces nothing, as the library has no such procedure (did you mean `map`?); remove `override`.');
    check('override procedure map(process p) { }', '1:1-38 This does not fit what it replaces; write override procedure map(process p, gva address, gpa f, rights).');
    check('procedure pte(x) { }', '1:1-21 `pte` belongs to the language; choose another name.');
    check('on page_fault(code, gva address) { }', '1:1-37 The processor hands a page_fault handler the linear address and an error code; write on page_fault(gva address, code).');
  });
  it('give what they promise', () => {
    assert.deepEqual(problems('procedure f() -> gva { }\ncpu 0 { x = f() }'), ['1:1-25 `f` can end without giving its gva; write `return` with a value at its end.']);
    assert.deepEqual(problems('procedure f(c) -> gva { if c { return 1 } else { return gva:2 } }\ncpu 0 { x = f(1) }'), []);
    assert.deepEqual(problems('procedure f() -> gva { return gpa:2 }\ncpu 0 { x = f() }'), [
      '1:31-36 `gpa:2` is a guest-physical address (gpa), and a linear address (gva) is wanted; write direct(gpa:2).',
    ]);
  });
});

describe('several files', () => {
  const other = 'procedure twice(x) { return x + x }\nglobal shared_count = 3';
  it('are one program; diagnostics say the file', () => {
    const program = programOf('import "other.guest"\ncpu 0 { x = twice(shared_count) }', { 'other.guest': other });
    assert.deepEqual(program.files.map(({ path }) => path), ['test.guest', 'other.guest', 'kernel.guest']);
    assert.deepEqual(problems('import "other.guest"\ncpu 0 { x = 1 }', { 'other.guest': 'procedure f() { x = y }' }), [
      'other.guest:1:21-22 There is no `y` here; assign a variable or declare a global first.',
    ]);
  });
  it('may start with a byte order mark, which no range counts', () => {
    assert.deepEqual(problems('\uFEFFimport "other.guest"\ncpu 0 { x = twice(1) }', { 'other.guest': `\uFEFF${other}` }), []);
    check('\uFEFFglobal g = nothing', '1:12-19 There is no `nothing` here; assign a variable or declare a global first.');
    assert.equal(programOf('\uFEFFcpu 0 { x = 1 }').files[0]?.text, 'cpu 0 { x = 1 }');
  });
  it('may import each other', () => {
    assert.deepEqual(problems('import "a.guest"\ncpu 0 { f() }', { 'a.guest': 'import "b.guest"\nprocedure f() { g() }', 'b.guest': 'import "a.guest"\nprocedure g() { }' }), [
      'b.guest:1:1-17 warning: This import leads back to where it began: a.guest imports b.guest imports a.guest; each file is read once, so remove one of these imports.',
    ]);
  });
  it('have to exist, and hold no machine', () => {
    check('import "nowhere.guest"', '1:1-23 The file "nowhere.guest" cannot be read; check its path, which starts at this file\'s folder.');
    assert.deepEqual(problems('import "m.guest"\ncpu 0 { x = 1 }', { 'm.guest': 'machine { ram 16M }' }), [
      'm.guest:1:1-20 `machine` belongs in the scenario itself; an imported file holds procedures, handlers, globals and processes.',
    ]);
  });
});

describe('the program', () => {
  it('has a cpu 0', () => {
    assert.deepEqual(problems('global g = 3'), ['1:1-1 The scenario has no `cpu 0 { … }`, so nothing would run; add one.']);
    assert.deepEqual(problems('cpu 1 { x = 1 }'), ['1:1-16 CPUs are numbered from 0 on; write `cpu 0`.']);
  });
  it('takes values for its globals from outside', () => {
    const sweep = (globals: Record<string, bigint>) => compileScenario({
      path: 'test.guest', text: `global n = 4\n${onCpu('x = n')}`, catalog, readImport: () => undefined, globals,
    });
    assert.equal(sweep({ n: 64n }).program?.globals.find(({ name }) => name === 'n')?.value, 64n);
    assert.match(sweep({ m: 64n }).diagnostics[0]?.message ?? '', /^The scenario has no global `m` to set; declare it with/);
    assert.match(sweep({ next_frame: 0n }).diagnostics[0]?.message ?? '', /no global `next_frame`/);
  });
  it('says which lines are steps, and where', () => {
    const program = programOf('cpu 0 {\n  for a in 0 .. 2 { x = a }\n  if x == 1 {\n    user { y = 1; z = 2 }\n  }\n}');
    const own = program.statements.filter(({ procedure }) => procedure === 0);
    assert.deepEqual(own.map(({ range }) => [range.line, range.column, range.endLine, range.endColumn]), [
      [0, 0, 0, 5], [1, 2, 1, 17], [1, 20, 1, 25], [2, 2, 2, 11], [3, 11, 3, 16], [3, 18, 3, 23],
    ]);
  });
});
