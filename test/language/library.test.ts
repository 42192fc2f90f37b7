import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { kernelText } from '../../src/language/library/kernelText';
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
    for (const name of ['boot', 'frame', 'free', 'direct', 'pte_at', 'process_of', 'map', 'unmap', 'switch', 'page_fault']) {
      assert.ok(names.includes(name), name);
    }
    assert.deepEqual(library.filter(({ documentation }) => documentation === '').map(({ name }) => name), []);
  });
  it('uses loads, stores, arithmetic, calls, INVLPG, CR3 and its own bookkeeping, and nothing else', () => {
    const forbidden = new Set<number>([
      OP.query, OP.peek, OP.counter, OP.mark, OP.expect, OP.print, OP.eventField, OP.enterLevel, OP.leaveLevel, OP.fetch, OP.stac, OP.clac,
    ]);
    for (const procedure of program.procedures.filter(({ kind }) => kind !== 'cpu')) {
      assert.deepEqual(operations(program, procedure.name).filter((operation) => forbidden.has(operation)), [], procedure.name);
    }
  });
  it('switches with nothing but MOV to CR3', () => {
    const work = operations(program, 'switch').filter((operation) => operation !== OP.statement && operation !== OP.constant);
    assert.deepEqual(work, [OP.processGet, OP.registerSet, OP.return]);
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
