import { strict as assert } from 'node:assert';
import { INSTRUCTION_WORDS, OP } from '../../src/language/program';
import { disassemble } from '../../src/language/disassemble';
import { listing, programOf } from './scenarioCheck';

/** The lines compile to these instructions, statements left out. */
function check(lines: string, expected: readonly string[], declarations = ''): void {
  const code = listing(lines, declarations).filter((each) => !each.startsWith('statement '));
  assert.deepEqual(code, expected, lines);
}

describe('an access is the unit of restart', () => {
  it('a store computes its right side, then its address', () => {
    check('[gva:8] = [gva:16] + [gva:24]', [
      'constant r0 0x10', 'load r0 r0 8', 'constant r1 0x18', 'load r1 r1 8', 'add r0 r0 r1', 'constant r1 8', 'store r1 r0 8',
    ]);
  });
  it('|= and the like are one instruction', () => {
    check('[8] |= 3', ['constant r0 3', 'constant r1 8', 'readModifyWrite r1 r0 8 or']);
    check('byte [8] += 1', ['constant r0 1', 'constant r1 8', 'readModifyWrite r1 r0 1 add']);
    check('entry [8] &= ~RW', ['constant r0 0xfffffffffffffffd', 'constant r1 8', 'readModifyWrite r1 r0 8 and']);
    check('entry [8].US = 1', ['constant r0 4', 'constant r1 8', 'readModifyWrite r1 r0 8 or']);
  });
  it('sizes are those of the words before the bracket', () => {
    check('byte [8] = 1; word [8] = 1; dword [8] = 1; qword [8] = 1; entry [8] = 1; [8] = 1', [1, 2, 4, 8, 8, 8].flatMap((size) => (
      ['constant r0 1', 'constant r1 8', `store r1 r0 ${size}`]
    )));
  });
});

describe('user', () => {
  it('enters CPL 3 for one statement, and the way back is outside it', () => {
    const program = programOf('machine { kernel none }\ncpu 0 {\nuser [8] = 1\nx = 1\n}');
    const [store, next] = program.statements;
    assert.ok(store && next);
    assert.equal(store.user, true);
    assert.equal(next.user, false);
    assert.equal(program.code[store.end * INSTRUCTION_WORDS], OP.leaveLevel);
    assert.equal(next.entry, store.end + 1);
    assert.deepEqual([store.range.line, store.range.column, store.range.endColumn], [2, 0, 12]);
  });
  it('brackets a block, whose statements are steps of their own', () => {
    assert.deepEqual(listing('user { [8] = 1; [8] = 2 }'), [
      'enterLevel r0 3', 'statement 0', 'constant r1 1', 'constant r2 8', 'store r2 r1 8',
      'statement 1', 'constant r1 2', 'constant r2 8', 'store r2 r1 8', 'leaveLevel r0',
    ]);
  });
  it('is left before a jump out of it', () => {
    check('while 1 { user { break } }', [
      'constant r0 1', 'jumpUnless r0 @9', 'enterLevel r0 3', 'leaveLevel r0', 'jump @9', 'jump @1',
    ]);
  });
});

describe('registers', () => {
  it('are written by their bits and parts', () => {
    check('cr0.WP = 0', ['registerGet r0 cr0', 'constant r1 0xfffffffffffeffff', 'and r0 r0 r1', 'registerSet cr0 r0']);
    check('x = cr4.SMEP', ['registerGet r0 cr4', 'constant r1 0x14', 'shiftRight r0 r0 r1', 'constant r2 1', 'and r0 r0 r2']);
    check('eax = 5', ['constant r0 5', 'constant r3 0xffffffff', 'and r2 r0 r3', 'registerSet rax r2']);
    check('ah = 5', [
      'constant r0 5', 'constant r3 0xff', 'and r2 r0 r3', 'constant r4 8', 'shiftLeft r2 r2 r4', 'registerGet r1 rax',
      'constant r5 0xffffffffffff00ff', 'and r1 r1 r5', 'or r1 r1 r2', 'registerSet rax r1',
    ]);
    check('cr3 = gpa:0x1000', ['constant r0 0x1000', 'registerSet cr3 r0']);
  });
  it('are only looked at by expectations: reading CR3 may exit', () => {
    check('expect cr3 == 0', ['peekRegister r0 cr3', 'constant r1 0', 'equal r2 r0 r1', 'expect 0']);
  });
});

describe('entries', () => {
  it('are made of a frame, rights and words', () => {
    check('x = pte(gpa:0x5000, rw, user)', ['constant r0 0x8000000000005007']);
    check('x = pde(gpa:0x200000, rwx, large, global, key(3), bit(9))', ['constant r0 0x1800000000200383']);
    check('x = 3; y = pte(x, ro)', ['constant r0 3', 'move r2 r0', 'constant r3 0x8000000000000001', 'or r1 r2 r3']);
  });
  it('take rights from a variable', () => {
    check('r = rx; y = pte(gpa:0x5000, r, user)', ['constant r0 1', 'move r2 r0', 'constant r3 0x5004', 'or r1 r2 r3']);
  });
  it('are read by field', () => {
    check('e = 3; x = e.P; f = e.frame', [
      'constant r0 3', 'constant r3 1', 'and r1 r0 r3', 'truth r1 r1', 'constant r3 0xffffffffff000', 'and r2 r0 r3',
    ]);
  });
});

describe('control flow', () => {
  it('makes each turn of a loop a step', () => {
    assert.deepEqual(listing('for a in 8 .. 24 step 8 { x = a }'), [
      'statement 0', 'constant r2 8', 'constant r3 0x18', 'constant r4 8', 'move r0 r2',
      'less r2 r0 r3', 'jumpUnless r2 @13', 'statement 1', 'move r1 r0', 'statement 0', 'add r0 r0 r4', 'jump @6',
    ]);
    assert.deepEqual(listing('x = 1; while x { x -= 1 }').slice(2), [
      'statement 1', 'jumpUnless r0 @9', 'statement 2', 'constant r1 1', 'subtract r0 r0 r1', 'jump @3',
    ]);
    assert.deepEqual(listing('repeat 2 { stac() }'), [
      'statement 0', 'constant r0 2', 'constant r1 1', 'jumpUnless r0 @10', 'statement 1', 'stac', 'statement 0',
      'subtract r0 r0 r1', 'jump @4',
    ]);
  });
  it('makes the condition of each else if a step', () => {
    const steps = listing('x = 1; if x { stac() } else if not x { clac() } else { x = 2 }').filter((each) => each.startsWith('statement'));
    assert.equal(steps.length, 6);
  });
  it('computes the right side of and only when it is needed', () => {
    check('x = 1; y = x and [8]', [
      'constant r0 1', 'truth r2 r0', 'jumpUnless r2 @9', 'constant r3 8', 'load r3 r3 8', 'truth r2 r3', 'move r1 r2',
    ]);
  });
});

describe('procedures and handlers', () => {
  const replacing = 'override procedure map(process q, gva a, gpa f, rights) { original(q, a, f, rights) }';
  const handler = 'on page_fault(gva address, code) { if code & P { refuse }\n original(address, code) }';
  const program = programOf(`${replacing}\n${handler}\ncpu 0 { x = 1 }`);
  const indexOf = (name: string, kind: string): number[] => (
    program.procedures.flatMap((procedure, i) => (procedure.name === name && procedure.kind === kind ? [i] : []))
  );
  const codeOf = (index: number): string => disassemble(program, program.procedures[index]?.entry, program.procedures[index]?.end);

  it('an overriding procedure is what the library calls too, and original(…) what it replaces', () => {
    const [library, own] = indexOf('map', 'procedure');
    assert.ok(library !== undefined && own !== undefined);
    assert.match(codeOf(own), /call map r4 r4/);
    const pageOf = program.procedures.findIndex((procedure) => procedure.name === 'map_area_page');
    const calls = [];
    const { entry, end } = program.procedures[pageOf] ?? { entry: 0, end: 0 };
    for (let at = entry; at < end; at++) {
      if (program.code[at * INSTRUCTION_WORDS] === OP.call) calls.push(program.code[at * INSTRUCTION_WORDS + 1]);
    }
    assert.ok(calls.includes(own) && !calls.includes(library));
  });
  it('a replaced handler is called and returns; the one that runs ends with IRET', () => {
    const [runs] = indexOf('page_fault', 'page_fault');
    const [called] = indexOf('page_fault', 'procedure');
    assert.ok(runs !== undefined && called !== undefined);
    assert.equal(program.pageFaultHandler, runs);
    assert.match(codeOf(runs), /iret$/);
    assert.match(codeOf(called), /return r\d+$/);
    assert.doesNotMatch(codeOf(called), /iret/);
  });
  it('a cpu block boots, then counts, then runs its lines', () => {
    const [cpu] = program.procedures;
    assert.equal(disassemble(program, cpu?.entry, cpu?.end).replace(/^\d+: /gm, ''), [
      'statement 0', 'call boot r1 r1', 'startCounting', 'statement 1', 'constant r0 1', 'end',
    ].join('\n'));
  });
});

describe('expectations', () => {
  it('note before the statement what they compare with after it', () => {
    assert.deepEqual(listing('[8] = 1\nexpect tlb.hits == 1 and total.tlb.hits > 2 and table_pages.ept == 0'), [
      'counter r0 tlb.hits cpu', 'statement 0', 'constant r1 1', 'constant r2 8', 'store r2 r1 8', 'statement 1',
      'counter r1 tlb.hits cpu', 'subtract r1 r1 r0',
      'counter r4 tlb.hits cpu', 'subtract r4 r4 r0', 'constant r5 1', 'equal r4 r4 r5', 'move r3 r4', 'jumpUnless r3 @19',
      'counter r4 tlb.hits total', 'constant r5 2', 'less r4 r5 r4', 'move r3 r4', 'move r2 r3', 'jumpUnless r2 @25',
      'counter r3 table_pages.ept now', 'constant r4 0', 'equal r3 r3 r4', 'move r2 r3', 'expect 0',
    ]);
  });
  it('in a row judge the same statement, prints between them or not', () => {
    const code = listing('[8] = 1\nexpect no exits\nprint "exits", exits.total\nexpect refused');
    assert.deepEqual(code.slice(0, 4), ['mark r0 exits', 'mark r1 refusals', 'counter r2 exits.total cpu', 'statement 0']);
  });
  it('below a block judge all of it, and a refused access in it', () => {
    const program = programOf('machine { kernel none }\ncpu 0 {\nmeasure { user { [8] = 1; [16] = 2 } }\nexpect refused\n}');
    assert.deepEqual(program.statements.map(({ refusedBelow }) => [...refusedBelow]), [[0], [0], []]);
  });
  it('carry the claim as it is written, with its sides', () => {
    const program = programOf('machine { kernel none }\ncpu 0 {\n[8] = 1\nexpect under ept or shadow: gpa_of(0x600000) == 0x5000\nexpect page_fault(user, write) at 0x600000\n}');
    const [holds, fault] = program.expectations;
    assert.deepEqual(program.techniqueSets, [['ept', 'shadow-rebuild', 'shadow-vtlb', 'shadow-wp', 'shadow-unsync']]);
    assert.equal(holds?.text, 'gpa_of(0x600000) == 0x5000');
    assert.ok(holds.claim.kind === 'holds');
    assert.deepEqual(holds.claim.operands.map(({ text, type }) => [text, type]), [['gpa_of(0x600000)', 'gpa'], ['0x5000', 'gpa']]);
    assert.ok(fault?.claim.kind === 'page_fault');
    assert.equal(fault.claim.code, 0b110);
  });
});

describe('globals, tables and processes', () => {
  it('are read and written by number', () => {
    check('g += 1; t[8] = g; x = t[8, 1]', [
      'globalGet r1 g', 'constant r2 1', 'add r1 r1 r2', 'globalSet g r1',
      'globalGet r1 g', 'constant r2 8', 'tableSet t r2 r1',
      'constant r2 8', 'constant r3 0x20', 'shiftLeft r1 r2 r3', 'constant r4 1', 'xor r1 r1 r4', 'tableGet r0 t r1',
    ], 'global g = gpa:1M; table t');
  });
  it('start with values known before the machine does', () => {
    const program = programOf('global g = gpa:1M + 4K; global h\ncpu 0 { g += h }');
    assert.deepEqual(program.globals.filter(({ name }) => name === 'g' || name === 'h').map(({ type, value }) => [type, value]), [
      ['gpa', 0x101000n], ['number', 0n],
    ]);
  });
  it('hand the declarations to the library', () => {
    const program = programOf('process p { 0x600000 .. 0x601000 rw user }; process q { 0x700000 .. 0x702000 rx kernel lazy }\ncpu 0 { switch(p); switch(q) }');
    const table = (name: string): bigint[] => [...(program.tables.find((each) => each.name === name)?.values.values() ?? [])];
    const global = (name: string): bigint | undefined => program.globals.find((each) => each.name === name)?.value;
    assert.deepEqual([global('process_count'), global('area_count'), global('ram_size')], [2n, 2n, 0x1000000n]);
    assert.deepEqual(table('area_process'), [0n, 1n]);
    assert.deepEqual(table('area_from'), [0x600000n, 0x700000n]);
    assert.deepEqual(table('area_rights'), [0x8000000000000003n, 1n]);
    assert.deepEqual([table('area_user'), table('area_lazy')], [[1n, 0n], [0n, 1n]]);
  });
});
