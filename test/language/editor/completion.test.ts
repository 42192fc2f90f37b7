import { strict as assert } from 'node:assert';
import { completionAt } from '../../../src/language/editor/completion';
import { signatureHelpAt } from '../../../src/language/editor/signatureHelp';
import { everyConstruct } from '../samples';
import { marked, onCpu, read } from './marked';

/** Labels offered at `|`; names come from `before`, which was read before this keystroke. */
function labels(text: string, before?: string): readonly string[] {
  const { text: scenario, offset } = marked(text);
  return completionAt(read(before ?? scenario), scenario, offset).map(({ label }) => label);
}

/** Where the caret is, what is offered there among others, and what is not. */
const OFFERS: readonly (readonly [where: string, text: string, offered: readonly string[], not: readonly string[]])[] = [
  ['outside of blocks: declarations', 'mach|', ['machine', 'platform', 'process', 'procedure', 'cpu', 'on', 'vm'], ['if', 'map', 'rw']],
  ['behind `on`: what a handler is for', 'on |', ['page_fault', 'double_fault', 'interrupt'], ['machine']],
  ['in parameters: types', 'procedure f(|', ['gva', 'gpa', 'process'], ['rw']],
  ['in machine: its settings', 'machine { paging 4-level, | }', ['ram', 'mmu', 'kernel'], ['tlb', 'if']],
  ['in platform: its settings', 'platform {\n  |\n}', ['tlb', 'vendor', 'maxphyaddr'], ['mmu']],
  ['behind a setting: its values', 'machine { mmu | }', ['native', 'shadow-wp', 'ept'], ['ram']],
  ['behind a setting of two words', 'platform { vendor | }', ['intel', 'amd'], []],
  ['in a machine of a VM', 'vm a {\n  machine { | }\n}', ['paging', 'ram'], ['cpu']],
  ['in a VM: declarations', 'vm a {\n  |\n}', ['machine', 'cpu'], ['if']],
  ['in a range: its words', 'process p {\n  0x1000 .. 0x2000 |\n}', ['rw', 'user', 'lazy'], ['if', 'x']],
  ['where a range begins: nothing', 'process p {\n  |\n}', [], ['rw']],
  ['at a statement: statements, procedures, names', onCpu('x = 1\n  |'), ['user', 'for', 'expect', 'switch', 'map', 'x', 'g', 'p', 'q', 'invlpg', 'rw', 'cr3', 'entry'], ['hva_of', 'swap_out', 'machine']],
  ['in a value: no statements', onCpu('x = |'), ['g', 'gpa_of', 'pte', 'US'], ['while', 'hva_of']],
  ['in an expectation: claims, counters, questions about the host', onCpu('x = 1\n  expect |'), ['no page_fault', 'exits are', 'under', 'faults.hidden', 'hva_of'], ['while', 'machine']],
  ['behind `under`: techniques', onCpu('x = 1\n  expect under |'), ['native', 'shadow-wp', 'ept', 'shadow'], ['rw']],
  ['behind `or` of techniques', onCpu('x = 1\n  expect under ept or |'), ['native', 'npt'], ['rw']],
  ['behind `exits are`: reasons', onCpu('x = 1\n  expect exits are |'), ['cr_access', 'ept_violation'], ['x']],
  ['in page_fault( ): the error code', onCpu('x = 1\n  expect page_fault(user, |)'), ['write', 'present', 'fetch'], ['x']],
  ['behind `before`: events', onCpu('hold w before |'), ['tlb_fill', 'table_read', 'vm_exit'], ['x']],
  ['at a barrier: the names there are', `${onCpu('barrier |')}\ncpu 1 { barrier ready }`, ['ready'], ['x']],
  ['in host statements: host actions', onCpu('host |'), ['swap_out', 'merge_all'], ['invlpg']],
  ['of a register: its bits', onCpu('cr4.|'), ['SMEP', 'PGE'], ['WP']],
  ['of the TLB: counters and a question', onCpu('x = 1\n  expect tlb.|'), ['hits', 'misses', 'holds'], ['root']],
  ['of all counters', onCpu('x = 1\n  expect total.|'), ['tlb.hits', 'exits.total'], ['root']],
  ['of exits: reasons', onCpu('x = 1\n  expect exits.|'), ['total', 'cr_access'], ['hits']],
  ['of a walk: its fields', onCpu('x = walk(0x1000).|'), ['fault', 'size', 'pte'], ['root', 'RW']],
  ['of an entry read, or what a call in parentheses gives: its flags', onCpu('x = (entry [gpa_of(0x1000)]).|'), ['RW', 'frame'], ['root', 'fault']],
  ['of a process or an entry', onCpu('x = p.|'), ['root', 'pcid', 'frame', 'RW'], ['hits']],
];

describe('completion offers', () => {
  for (const [where, text, offered, not] of OFFERS) {
    it(where, () => {
      const found = labels(text);
      assert.deepEqual(offered.filter((label) => !found.includes(label)), [], 'is missing');
      assert.deepEqual(not.filter((label) => found.includes(label)), [], 'does not belong there');
    });
  }

  it('nothing in comments and texts', () => {
    for (const text of ['cpu 0 {\n  x = 1 // wh|\n}', '/// do|', 'cpu 0 {\n  print "te|xt"\n}']) assert.deepEqual(labels(text), []);
  });

  it('variables of the body around the caret alone, whatever lines came before it since', () => {
    const before = 'cpu 0 {\n  first = 1\n}\nprocedure f(gva a) {\n  second = a\n}\n';
    const typed = `\n\n\n${before.replace('second = a', 'second = a\n  x = |')}`;
    const found = labels(typed, before);
    for (const label of ['a', 'second']) assert.ok(found.includes(label), label);
    assert.ok(!found.includes('first'));
  });

  it('names of the last tree while the line is half typed, each once', () => {
    const found = labels(onCpu('x = gpa_of(p.|').replace('}\n', ''), onCpu('x = 1'));
    assert.ok(found.includes('root'));
    const values = labels(onCpu('y = x + |'), onCpu('x = 1\n  x = 2'));
    assert.equal(values.filter((label) => label === 'x').length, 1);
    assert.equal(new Set(values).size, values.length, 'no label twice');
  });

  it('a procedure with its shape, its comment and a place for each argument', () => {
    const { text, offset } = marked(onCpu('|'));
    const map = completionAt(read(text), text, offset).find(({ label }) => label === 'map');
    assert.ok(map !== undefined);
    assert.ok(map.detail.startsWith('(process p, gva address, gpa f, rights)'), map.detail);
    assert.match(map.documentation ?? '', /Maps the page/);
    assert.equal(map.snippet, 'map(${1:p}, ${2:address}, ${3:f}, ${4:rights})');
  });

  it('the own before the library\'s, and both before what the language has', () => {
    const { text, offset } = marked(`procedure mine() { }\n${onCpu('x = 1\n  |')}`);
    const rank = new Map(completionAt(read(text), text, offset).map((each) => [each.label, each.rank]));
    assert.deepEqual(['x', 'mine', 'map', 'cr3'].map((label) => rank.get(label)), [0, 0, 1, 2]);
  });

  it('anywhere in any text, without failing', () => {
    const scenario = read(everyConstruct);
    for (let offset = 0; offset <= everyConstruct.length; offset++) completionAt(scenario, everyConstruct, offset);
    const cut = read('');
    for (let end = 0; end <= everyConstruct.length; end += 3) completionAt(cut, everyConstruct.slice(0, end), end);
  });
});

describe('signature help', () => {
  const help = (text: string): string | undefined => {
    const { text: scenario, offset } = marked(text);
    const found = signatureHelpAt(read(onCpu('x = 1')), scenario, offset);
    return found === undefined ? undefined : `${found.signature.label} @ ${found.signature.parameters[found.parameter]?.written ?? ''}`;
  };

  it('tells the parameter that is being typed', () => {
    assert.equal(help(onCpu('map(|')), 'map(process p, gva address, gpa f, rights) @ process p');
    assert.equal(help(onCpu('map(p, 0x600000, frame(), |')), 'map(process p, gva address, gpa f, rights) @ rights');
    assert.equal(help(onCpu('map(p, direct(|')), 'direct(gpa physical) -> gva @ gpa physical');
    assert.equal(help(onCpu('x = [gpa_of(0x1000), |')), undefined);
    assert.equal(help(onCpu('invpcid(0, |')), 'invpcid(type, pcid, gva a) @ pcid');
    assert.equal(help(onCpu('x = pte(g, |')), 'pte(frame, RIGHTS, WORDS…) @ RIGHTS'.replace('frame', 'gpa frame').concat('').replace(') @', ') -> number @'));
  });

  it('says nothing where no call is open', () => {
    for (const text of [onCpu('map(p, 1, g, rw)|'), onCpu('if (|'), onCpu('// map(|'), onCpu('x = unknown(|')]) assert.equal(help(text), undefined);
  });
});
