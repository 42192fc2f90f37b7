import { strict as assert } from 'node:assert';
import { hoverAt } from '../../../src/language/editor/hover';
import { keywordsOfGrammar } from '../../../src/language/syntax/textMateGrammar';
import { keywordNamed } from '../../../src/language/editor/keywordRows';
import { marked, onCpu, read } from './marked';

function hover(text: string): string {
  const { text: scenario, offset } = marked(text);
  return hoverAt(read(scenario), offset)?.markdown ?? '';
}

/** Where the pointer is (`|`), and what the hover says, among other things. */
const SAID: readonly (readonly [what: string, text: string, ...says: readonly string[]])[] = [
  ['a library procedure: its shape and its comment', onCpu('un|map(p, 0x600000)'), 'unmap(process p, gva address)', 'Takes the page of `address` out of process `p`'],
  ['an own procedure', `/// Does it.\nprocedure f(gpa a) -> gva { return direct(a) }\n${onCpu('x = |f(g)')}`, 'f(gpa a) -> gva', 'Does it.'],
  ['a handler', `${onCpu('x = 1')}\n/// Mine.\non page|_fault(gva a, code) { refuse }`, 'on page_fault(gva a, code)', 'Mine.'],
  ['a variable with its type', onCpu('slot| = pte_at(p, 0x600000)'), 'slot: gva'],
  ['a parameter with its type', `${onCpu('f(g)')}\nprocedure f(gpa a) { x = |a }`, 'a: gpa'],
  ['a global with its first value', onCpu('x = |g'), 'global g = gpa:1M', 'gpa, at first 0x100000'],
  ['a process', onCpu('x = |p.root'), 'process p'],
  ['a field of a process', onCpu('x = p.ro|ot'), 'first table'],
  ['an instruction', onCpu('inv|lpg(0x600000)'), 'invlpg(gva a)', 'Invalidates TLB entries'],
  ['a question', onCpu('x = gpa|_of(0x600000)'), 'gpa_of(gva a) -> gpa'],
  ['a register with its bits', onCpu('x = cr|4'), '| 20 | SMEP |'],
  ['a part of a register', onCpu('x = a|h'), 'bits 15:8'],
  ['a bit of a register', onCpu('cr0.W|P = 0'), 'bit 16 of CR0, supervisor writes honour read-only pages'],
  ['rights', onCpu('x = r|w'), '0x8000000000000003'],
  ['a bit of an entry, by the format', onCpu('x = g & U|S'), 'bit 2 of an entry', 'user-mode address'],
  ['a bit that this mode lacks', onCpu('x = g & X|D').replace('4-level', '32-bit'), '32-bit paging has no such bit'],
  ['a setting', 'machine { pag|ing 4-level }\ncpu 0 { x = 1 }', 'Paging mode'],
  ['a technique in a setting', 'machine { mmu shadow|-wp }\ncpu 0 { x = 1 }', '`shadow-wp`: Shadow paging'],
  ['a technique in an expectation', onCpu('x = 1\n  expect under sha|dow-wp: no exits'), '`shadow-wp`: Shadow paging'],
  ['words of a range', 'process p { 0x600000 .. 0x601000 rw user la|zy }', 'first touch'],
  ['an exit reason', onCpu('x = 1\n  expect exits are cr_ac|cess'), 'VM exit 28, Control-register accesses'],
  ['a counter', onCpu('x = 1\n  expect total.tlb.hi|ts == 0'), 'total.tlb.hits', 'since the first line'],
  ['a word of the error code', onCpu('x = 1\n  expect page_fault(us|er, write)'), 'CPL 3'],
  ['a statement word', onCpu('mea|sure { x = 1 }'), 'measure { … }', 'judges all of it'],
  ['a claim', onCpu('x = 1\n  expect no ex|its'), 'There was no VM exit.'],
  ['an event', onCpu('hold w before tlb_|fill'), 'TLB line'],
];

describe('a hover tells', () => {
  for (const [what, text, ...says] of SAID) {
    it(what, () => {
      const told = hover(text);
      for (const part of says) assert.ok(told.includes(part), `${part}\nis not in:\n${told}`);
    });
  }

  it('a linear address by its indices', () => {
    const told = hover(onCpu('user [0x7f1234|5678] = 1'));
    assert.ok(told.includes('`0x7f12345678` = 545766266488'), told);
    assert.ok(told.includes('| PML4 | 47:39 | `0` |\n| directory pointer | 38:30 | `508` |\n| directory | 29:21 | `145` |\n| table | 20:12 | `325` |\n| offset | 11:0 | `0x678` |'), told);
  });

  it('what is no address of the mode: an entry with XD, and an access that ends in #GP', () => {
    const entry = hover(onCpu('e = 0x80000000_0000|5067'));
    assert.ok(entry.includes('As a PTE, 4-level format') && !entry.includes('As a linear address'), entry);
    const access = hover(onCpu('x = [0x8000_0000|_0000]'));
    assert.ok(access.includes('| PML4 | 47:39 | `256` |') && access.includes('no linear address of 4-level paging: an access there ends in #GP.'), access);
    assert.ok(!hover(onCpu('x = [0xffff_8000_0000|_0000]')).includes('#GP'));
  });

  it('the same address by the tables of another mode', () => {
    const told = hover(onCpu('user [0x12345|678] = 1').replace('4-level', '32-bit'));
    assert.ok(told.includes('| directory | 31:22 | `72` |\n| table | 21:12 | `837` |\n| offset | 11:0 | `0x678` |'), told);
  });

  it('an address in every place that takes one', () => {
    for (const place of ['x = gva:0x60|0000', 'unmap(p, 0x60|0000)', 'expect page_fault at 0x60|0000', 'x = walk(0x60|0000).size', 'user [0x60|0000 + 8] = 1']) {
      assert.ok(hover(onCpu(place)).includes('| directory | 29:21 |'), place);
    }
    assert.ok(hover('process p { 0x60|0000 .. 0x601000 rw user }').includes('| directory | 29:21 |'));
  });

  it('an entry bit by bit, in the place of one', () => {
    for (const place of ['entry [pte_at(p, 0x600000)] = 0x800000000|0005067', 'x = 1\n  expect entry [pte_at(p, 0x600000)] == 0x80000000|00005067']) {
      const told = hover(onCpu(place));
      for (const row of ['As a PTE', '| 0 | P | `1` | present |', '| 2 | US | `1` | user-mode address |', '| 63 | XD | `1` | no instruction fetch |', '| 51:12 | frame | `gpa:0x5000` | physical address |']) {
        assert.ok(told.includes(row), `${row}\nis not in:\n${told}`);
      }
    }
  });

  it('what a walk would refuse in an entry', () => {
    assert.ok(hover(onCpu('entry [pte_at(p, 0x600000)] = 0x8000000|000001')).includes('A walk refuses it: reserved'));
  });

  it('the entry that a constructor makes of constants', () => {
    const told = hover(onCpu('x = p|de(gpa:0x200000, rwx, user, large)'));
    for (const part of ['`0x200087`', 'PDE, ', '| 7 | PS | `1` | maps a page |', '`gpa:0x200000`']) assert.ok(told.includes(part), `${part}\nis not in:\n${told}`);
    assert.ok(!hover(onCpu('x = pt|e(g, rw)')).includes('| bits |'), 'of a variable nothing is known');
  });

  it('a plain number in the other notations, and a size as one', () => {
    assert.equal(hover(onCpu('x = 16|M')), '`0x1000000` = 16777216 = 16M');
    assert.equal(hover(onCpu('repeat 1|2 { x = 1 }')), '`0xc` = 12');
  });

  it('terms of the glossary: in comments, the longest; and below words of the language', () => {
    const told = hover(onCpu('x = 1 // every guest-phys|ical address has one'));
    assert.match(told, /^\*\*guest-physical address\*\*: /);
    assert.match(told, /SDM Vol. 3/);
    assert.match(hover(onCpu('x = 1 // two shadow pag|es')), /^\*\*shadow page\*\*/);
    assert.match(hover(onCpu('x = gp|a:0x1000')), /A guest-physical address[^]*\*\*guest-physical address\*\*/);
  });

  it('nothing about signs, comments and unknown words, and never fails on a broken text', () => {
    for (const text of [onCpu('x |= 1'), onCpu('x = 1 // of no ter|minology'), onCpu('x = unknow|n'), 'cpu 0 { [|', '|', 'cpu 0 { x = 0x|']) assert.equal(hover(text), '');
  });

  it('every word that the grammar reserves, where it is one of the language', () => {
    const unsaid = keywordsOfGrammar().filter((word) => keywordNamed(word) === undefined && !['global', 'table', 'process', 'override', 'entry', 'platform'].includes(word));
    assert.deepEqual(unsaid, []);
  });
});
