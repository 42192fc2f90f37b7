import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { kernelText } from '../../src/language/library/kernelText';
import { instructionRows } from '../../src/language/instructions';
import { INSTRUCTION_WORDS, OP, type Program } from '../../src/language/program';
import { programOf } from './scenarioCheck';

const program = programOf('process p { 0x600000 .. 0x601000 rw user }\ncpu 0 { switch(p) }');

function operations(of: Program, name: string): number[] {
  const procedure = of.procedures.find((each) => each.name === name);
  assert.ok(procedure, `the library has ${name}`);
  const found: number[] = [];
  for (let at = procedure.entry; at < procedure.end; at++) found.push(of.code[at * INSTRUCTION_WORDS] ?? -1);
  return found;
}

describe('the kernel library', () => {
  it('is bundled as it is written', () => {
    const written = readFileSync(path.join(__dirname, '../../src/language/library/kernel.guest'), 'utf8');
    assert.equal(kernelText, written, 'run node src/language/library/writeKernelText.mjs');
  });
  it('has what scenarios call, each with a comment', () => {
    const library = program.procedures.filter(({ range }) => program.files[range.file]?.path === 'kernel.guest');
    const names = library.map(({ name }) => name);
    for (const name of [
      'boot', 'frame', 'free', 'direct', 'pte_at', 'map', 'unmap', 'protect', 'switch', 'fork', 'exit', 'mmap', 'page_out', 'page_in',
      'shootdown', 'syscall', 'process_of', 'copy_on_write', 'e820', 'page_fault',
    ]) {
      assert.ok(names.includes(name), name);
    }
    assert.deepEqual(library.filter(({ documentation }) => documentation === '').map(({ name }) => name), []);
  });
  it('uses loads, stores, arithmetic, calls, its own bookkeeping and a few instructions, and nothing else', () => {
    const plain = new Set<number>([
      OP.statement, OP.constant, OP.move, OP.add, OP.subtract, OP.multiply, OP.and, OP.or, OP.xor, OP.shiftLeft, OP.shiftRight,
      OP.equal, OP.notEqual, OP.less, OP.lessOrEqual, OP.not, OP.complement, OP.truth, OP.jump, OP.jumpIf, OP.jumpUnless,
      OP.globalGet, OP.globalSet, OP.tableGet, OP.tableSet, OP.processGet, OP.processSet,
      OP.load, OP.store, OP.readModifyWrite, OP.registerGet, OP.registerSet, OP.invlpg, OP.call, OP.return, OP.iret, OP.refuse,
    ]);
    const instructions = new Set(['invlpg', 'invpcid', 'xchg', 'sti', 'cli', 'wrmsr', 'int']);
    for (const paging of ['none', '32-bit', 'pae', '4-level', '5-level']) {
      const guest = programOf(`machine { paging ${paging} }\ncpu 0 { x = frame_lock }\ncpu 1 { x = frame_lock }`);
      for (const procedure of guest.procedures.filter(({ kind }) => kind !== 'cpu')) {
        for (let at = procedure.entry; at < procedure.end; at++) {
          const operation = guest.code[at * INSTRUCTION_WORDS] ?? -1;
          if (operation === OP.instruction) {
            const { name } = instructionRows[guest.code[at * INSTRUCTION_WORDS + 1] ?? -1] ?? { name: 'nothing' };
            assert.ok(instructions.has(name), `${procedure.name} uses ${name}`);
          } else {
            assert.ok(plain.has(operation), `${procedure.name} uses operation ${operation}`);
          }
        }
      }
    }
  });
  it('switches with nothing but MOV to CR3', () => {
    const work = operations(program, 'switch').filter((operation) => operation !== OP.statement && operation !== OP.constant);
    assert.deepEqual(work, [OP.processGet, OP.processGet, OP.or, OP.globalGet, OP.or, OP.registerSet, OP.return]);
  });
  it('maps a page with exactly one store to a table', () => {
    assert.equal(operations(program, 'map').filter((operation) => operation === OP.store).length, 1);
    assert.equal(operations(program, 'pte_at').filter((operation) => operation === OP.store).length, 0);
  });
  it('may be another file, or none', () => {
    const own = programOf('machine { kernel "mine.guest" }\ncpu 0 { hello() }', {
      'mine.guest': 'procedure boot() { }\nprocedure hello() { }',
    });
    assert.deepEqual(own.procedures.map(({ name }) => name), ['cpu 0', 'boot', 'hello']);
    const none = programOf('machine { kernel none }\ncpu 0 { [gpa:0x5000] = 1 }');
    assert.deepEqual(none.procedures.map(({ name }) => name), ['cpu 0']);
    assert.equal(none.pageFaultHandler, -1);
  });
});
