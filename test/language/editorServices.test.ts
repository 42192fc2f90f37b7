import { strict as assert } from 'node:assert';
import { completionAt, hoverAt } from '../../src/language/editorServices';
import { catalog, compile } from './scenarioCheck';

/** The text without its `|`, and where that stood. */
function at(marked: string): { text: string; place: { line: number; column: number } } {
  const before = marked.slice(0, marked.indexOf('|')).split('\n');
  return { text: marked.replace('|', ''), place: { line: before.length - 1, column: before[before.length - 1]?.length ?? 0 } };
}

function hover(marked: string): string | undefined {
  const { text, place } = at(marked);
  return hoverAt(compile(text), text, place);
}

function labels(marked: string, compiled = ''): string[] {
  const { text, place } = at(marked);
  return completionAt(compile(compiled === '' ? text : compiled), text, place, catalog).map(({ label }) => label);
}

const SCENARIO = 'process p { 0x1000 .. 0x2000 rw user }\nglobal g = gpa:1M\ncpu 0 {\n  switch(p)\n  x = gva:0x1000 + g * 0\n  y = rw\n}';

describe('hovers', () => {
  it('tell a procedure\'s shape and comment, a variable\'s type, a word\'s bits', () => {
    assert.equal(hover(SCENARIO.replace('switch', 'swi|tch')), '`switch(process p)`\n\nRuns process `p`: nothing but MOV to CR3.');
    assert.equal(hover(SCENARIO.replace('x =', 'x| =')), '`x`: gva');
    assert.equal(hover(SCENARIO.replace('= rw', '= r|w')), '`rw` = 0x8000000000000003');
    assert.equal(hover(SCENARIO.replace('global g', 'global |g')), '`global g`: gpa, at first 0x100000');
    assert.equal(hover(SCENARIO.replace('0 {', '0 {|')), undefined);
  });
});

describe('completion', () => {
  it('offers declarations outside of blocks and settings inside machine and platform', () => {
    assert.ok(labels('mach|').includes('machine'));
    assert.deepEqual(labels('machine { paging 4-level, | }'), ['mmu', 'slot']);
    assert.deepEqual(labels('platform {\n  |\n}'), ['tlb', 'maxphyaddr']);
    assert.ok(labels('process p { 0x1000 .. 0x2000 r|').includes('rw'));
  });
  it('offers statements, procedures and variables of the block', () => {
    const found = labels(SCENARIO.replace('  y = rw', '  |'), SCENARIO);
    for (const label of ['user', 'switch', 'map', 'x', 'g', 'p', 'invlpg', 'rw', 'cr3']) assert.ok(found.includes(label), label);
  });
  it('offers fields, techniques and claims where they stand', () => {
    assert.ok(labels('cpu 0 { cr4.|').includes('SMEP'));
    assert.deepEqual(labels('cpu 0 { x = 1\nexpect tlb.|'), ['hits', 'misses', 'flushes', 'holds']);
    assert.ok(labels('cpu 0 { x = 1\nexpect under |').includes('shadow'));
    assert.ok(labels('cpu 0 { x = 1\nexpect |').includes('no page_fault'));
  });
});
