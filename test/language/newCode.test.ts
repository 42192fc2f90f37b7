import { strict as assert } from 'node:assert';
import { addressOwner, ownerOfAddress } from '../../src/language/hostActions';
import { pagingModeNames } from '../../src/language/pagingModes';
import { INSTRUCTION_WORDS, OP, type Program } from '../../src/language/program';
import { disassemble } from '../../src/language/disassemble';
import { problems, programOf } from './scenarioCheck';

/** The instructions of a procedure, statements left out. */
function codeOf(program: Program, name: string): string[] {
  const found = program.procedures.find((each) => each.name === name);
  const lines = disassemble(program, found?.entry, found?.end).split('\n').map((each) => each.replace(/^\d+: /, ''));
  return lines.filter((each) => !/^(statement|startCounting|end)\b/.test(each));
}

function check(text: string, expected: readonly string[], name = 'cpu 0'): void {
  assert.deepEqual(codeOf(programOf(text), name), expected, text);
}

const none = 'machine { kernel none }\n';
const real = 'machine { paging none, kernel none }\n';

describe('instructions', () => {
  it('take their operands in a row of registers', () => {
    check(`${none}cpu 0 { x = rdmsr(0x10) }`, ['constant r1 0x10', 'instruction rdmsr r1 r0']);
    check(`${none}cpu 0 { wrmsr(16, 3) }`, ['constant r0 0x10', 'constant r1 3', 'instruction wrmsr r0 r0']);
    check(`${none}cpu 0 { hlt() }`, ['instruction hlt r0 r0']);
  });
  it('that make an access are told the mode\'s word', () => {
    const sizes = pagingModeNames.map((mode) => codeOf(programOf(`machine { paging ${mode}, kernel none }\ncpu 0 { x = xchg(0x1000, 1) }`), 'cpu 0')[2]);
    assert.deepEqual(sizes, ['constant r3 2', 'constant r3 4', 'constant r3 4', 'constant r3 8', 'constant r3 8']);
  });
  it('leave a handler where iret() stands', () => {
    check(`${none}on interrupt 0x80 { if rax { iret() }\n rax = 1 }\ncpu 0 { int(0x80) }`, [
      'registerGet r0 rax', 'jumpUnless r0 @10', 'iret', 'constant r0 1', 'registerSet rax r0', 'iret',
    ], 'interrupt 128');
  });
});

describe('accesses in each mode', () => {
  const sizeOf = (mode: string, line: string): number[] => {
    const { code } = programOf(`machine { paging ${mode}, kernel none }\ncpu 0 { ${line} }`);
    const found: number[] = [];
    for (let at = 0; at < code.length; at += INSTRUCTION_WORDS) {
      if (code[at] === OP.load || code[at] === OP.store) found.push(code[at + 3] ?? 0);
    }
    return found;
  };
  it('are the mode\'s word, and entries as long as the mode\'s', () => {
    assert.deepEqual(pagingModeNames.map((mode) => sizeOf(mode, '[0x1000] = 1')), [[2], [4], [4], [8], [8]]);
    assert.deepEqual(pagingModeNames.slice(1).map((mode) => sizeOf(mode, 'entry [0x1000] = 1')), [[4], [8], [8], [8]]);
  });
  it('of real mode add the segment times 16', () => {
    check(`${real}cpu 0 { x = [0x40:0x17] }`, ['constant r1 0x417', 'load r0 r1 2']);
    check(`${real}cpu 0 { s = 3\n byte [s:8] = 1 }`, [
      'constant r0 3', 'constant r1 1', 'constant r3 0xffff', 'and r2 r0 r3', 'constant r4 4', 'shiftLeft r2 r2 r4', 'constant r5 8',
      'add r2 r2 r5', 'store r2 r1 1',
    ]);
  });
  it('of real mode ask for the segment\'s limit, unless it is plain that they end within it', () => {
    check(`${real}cpu 0 { o = 3\n x = byte [ss:o] }`, [
      'constant r0 3', 'registerGet r2 ss', 'segmentLimit r0 1 2', 'constant r4 0xffff', 'and r3 r2 r4', 'constant r5 4', 'shiftLeft r3 r3 r5',
      'add r3 r3 r0', 'load r1 r3 1',
    ]);
    check(`${real}cpu 0 { x = [0x40:0xffff] }`, ['constant r1 0xffff', 'segmentLimit r1 2 0', 'constant r2 0x103ff', 'load r0 r2 2']);
    check(`${real}cpu 0 { expect [0x40:0xffff] == 1 }`, ['constant r0 0x103ff', 'peek r0 r0 2', 'constant r1 1', 'equal r2 r0 r1', 'expect 0']);
  });
  it('of segment registers name the selector', () => {
    check(`${real}cpu 0 { ds = 0x40\n x = es }`, ['constant r1 0x40', 'registerSet ds r1', 'registerGet r0 es']);
  });
});

describe('entries', () => {
  const value = (mode: string, written: string): bigint | undefined => (
    programOf(`machine { paging ${mode}, kernel none }\nglobal g = ${written}\ncpu 0 { x = g }`).globals.find(({ name }) => name === 'g')?.value
  );
  it('are made in the format of the mode', () => {
    const rows: readonly (readonly [string, string, bigint])[] = [
      ['32-bit', 'pte(gpa:0x5000, rw, user)', 0x5007n],
      ['32-bit', 'pde(gpa:0xc00000, rw, large)', 0xc00083n],
      ['32-bit', 'pde(gpa:0x12_0040_0000, rw, large)', 0x424083n],
      ['pae', 'pte(gpa:0x5000, rw, user)', 0x8000_0000_0000_5007n],
      ['pae', 'pdpte(gpa:0x5000, rwx, user)', 0x5001n],
      ['5-level', 'pml5e(gpa:0x5000, rwx, user)', 0x5007n],
      ['4-level', 'legacy.pte(gpa:0x5000, rw)', 0x5003n],
      ['4-level', 'pae.pdpte(gpa:0x5000, rwx)', 0x5001n],
      ['32-bit', 'long.pml5e(gpa:0x5000, rw)', 0x8000_0000_0000_5003n],
      ['4-level', 'epte(gpa:0x5000, rwx)', 0x5007n],
      ['4-level', 'epte(gpa:0x5000, xo, wb)', 0x5034n],
      ['4-level', 'epte(gpa:0x200000, rw, 6, large, dirty)', 0x2002b3n],
      ['4-level', 'eptp(gpa:0x7000)', 0x701en],
    ];
    for (const [mode, written, expected] of rows) assert.equal(value(mode, written), expected, `${mode}: ${written}`);
  });
});

describe('tables', () => {
  it('are passed by their number, and gone through by their keys', () => {
    const text = `${none}table t\nprocedure sum(table all) { s = 0\n for k in all { s += all[k] }\n all[1] = s\n return s }\ncpu 0 { t[1] = 2\n x = sum(t) }`;
    assert.deepEqual(problems(text), []);
    assert.deepEqual(codeOf(programOf(text), 'sum'), [
      'constant r1 0', 'move r3 r0', 'constant r4 0', 'constant r6 1', 'tableNext r5 r4 r3', 'jumpUnless r5 @24', 'move r2 r4',
      'tableGetOf r7 r0 r2', 'add r1 r1 r7', 'add r4 r2 r6', 'jumpIf r4 @15', 'constant r3 1', 'tableSetOf r0 r3 r1', 'move r3 r1', 'return r3',
    ]);
    const cpu = codeOf(programOf(text), 'cpu 0');
    assert.ok(cpu.some((line) => line.startsWith('call sum')));
  });
});

describe('the host', () => {
  it('is told whose each address is', () => {
    const text = `process p { 0x1000 .. 0x2000 rw user }\ncpu 0 { switch(p)\n host swap_out(0x1000)\n host merge(p.gva:0x1000, gpa:0x3000) }`;
    const code = codeOf(programOf(text), 'cpu 0').filter((line) => !/call|process/.test(line));
    assert.deepEqual(code.slice(-8), [
      'constant r0 0x1000', 'constant r1 0', 'hostAction swap_out r0 r0',
      'constant r0 0x1000', 'constant r1 0x10000', 'constant r2 0x3000', 'constant r3 1', 'hostAction merge r0 r0',
    ]);
  });
  it('unpacks what it is told', () => {
    for (const owner of [{ space: 'gva', vm: 0 }, { space: 'gpa', vm: 3 }, { space: 'gva', vm: 1, process: 0 }, { space: 'hpa', vm: 4095, process: 77 }] as const) {
      assert.deepEqual(ownerOfAddress(addressOwner(owner)), owner);
    }
  });
  it('acts in steps that are the host\'s', () => {
    const { statements } = programOf('cpu 0 { host merge_all()\n x = 1 }\nhost thread h { merge_all() }');
    assert.deepEqual(statements.filter(({ range }) => range.file === 0).map(({ host }) => host), [false, true, false, true]);
  });
  it('keeps what it learnt of the technique from the guest', () => {
    const dependent = 'process p { 0x1000 .. 0x2000 rw user }\nglobal g = 0\ncpu 0 { switch(p)\n host h = hpa_of(0x1000)\n expect h != 0\n ';
    assert.deepEqual(problems(`${dependent}g = 1\n x = g }`), []);
    assert.match(problems(`${dependent}g = h\n x = g }`)[0] ?? '', /`h` depends on the technique/);
    assert.match(problems(`${dependent}if h { g = 1 }\n x = g }`)[0] ?? '', /`h` depends on the technique/);
    assert.match(problems(`${dependent}host g = h\n x = g }`)[0] ?? '', /`h` depends on the technique/);
  });
});

describe('several VMs', () => {
  const two = `vm alice { machine { ram 8M }; process p { 0x1000 .. 0x2000 rw user }; global n = 1; cpu 0 { switch(p)\n n += 1 } }
vm bob { machine { paging 32-bit, ram 8M }; global n = gpa:2; cpu 0 { x = n }\ncpu 1 { y = 1 } }
host thread h { merge(alice.p.gva:0x1000, bob.gpa:0x5000)\n expect alice.p.gpa_of(0x1000) != 0 }`;
  it('have names, numbers and a library of their own', () => {
    const program = programOf(two);
    assert.deepEqual(program.vms.map(({ name, paging, cpus }) => [name, paging, ...cpus]), [['alice', '4-level', 0], ['bob', '32-bit', 1, 2]]);
    assert.deepEqual(program.actors.map(({ name }) => name), ['alice cpu 0', 'bob cpu 0', 'bob cpu 1', 'host thread h']);
    assert.deepEqual(program.globals.filter(({ name }) => name === 'n').map(({ value, type }) => [value, type]), [[1n, 'number'], [2n, 'gpa']]);
    assert.equal(program.procedures.filter(({ name }) => name === 'map').length, 2);
    assert.notEqual(program.vms[0]?.handlers.exceptions.page_fault, program.vms[1]?.handlers.exceptions.page_fault);
  });
  it('keep each other\'s addresses apart', () => {
    const inBob = (line: string): string[] => problems(two.replace('x = n', line));
    assert.match(inBob('x = alice.gpa:1 == gpa:1')[0] ?? '', /`alice.gpa:1` is an address of `alice` and `gpa:1` one of `bob`/);
    assert.match(inBob('x = n\n free(alice.gpa:0x5000)')[0] ?? '', /`alice.gpa:0x5000` is an address of `alice`, and one of `bob` is wanted/);
  });
});

describe('handlers', () => {
  it('are those of every exception and vector', () => {
    const { handlers, procedures } = programOf(`${none}on general_protection(code) { x = code }\non interrupt 0x21 { x = 1 }\non virtualization_exception(gpa a, code) { x = a }\ncpu 0 { int(0x21) }`);
    const kindOf = (number: number | undefined): string | undefined => procedures[number ?? -1]?.kind;
    assert.equal(kindOf(handlers.exceptions.general_protection), 'general_protection');
    assert.equal(kindOf(handlers.exceptions.virtualization_exception), 'virtualization_exception');
    assert.equal(kindOf(handlers.interrupts.get(0x21)), 'interrupt');
    assert.equal(handlers.exceptions.page_fault, undefined);
  });
});

describe('what the paging mode decides', () => {
  it('is not compiled, and need mean nothing in another mode', () => {
    const text = (mode: string): string => `machine { paging ${mode}, kernel none }\nprocedure f(e) { if paging_levels == 2 { return 1 } else { return e.XD } }\ncpu 0 { x = f(3) }`;
    assert.deepEqual(['32-bit', 'pae', '4-level', '5-level'].flatMap((mode) => problems(text(mode))), []);
  });
});
