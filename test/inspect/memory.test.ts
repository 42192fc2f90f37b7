import { strict as assert } from 'node:assert';
import { readMemory } from '../../src/inspect/memory';
import { translation } from '../../src/inspect/translation';
import { launched, runTo } from './stoppedScenario';

const SCENARIO = `
machine { paging 4-level, ram 16M }
process p {
  0x600000 .. 0x602000  rw user
  0x602000 .. 0x603000  rw user lazy
}
cpu 0 {
  switch(p)
  user [0x600ff8] = 0x1122334455667788
  user [0x601000] = 0x99
  done = 1
}
`;
const BYTES = [0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11, 0x99, 0];

describe('reading memory of a stopped machine', () => {
  for (const mmu of ['native', 'shadow-wp', 'ept'] as const) {
    it(`gives the same bytes by each of their addresses under ${mmu}`, () => {
      const timeline = launched(SCENARIO, mmu);
      runTo(timeline, 'done = 1');
      assert.deepEqual([...readMemory(timeline, 0, 'gva', 0x600ff8n, 10)], BYTES, 'across a page');
      for (const { name, value } of translation(timeline, 0, 0x600ff8n)) {
        const space = /^(gva|gpa|hva|hpa):(0x[0-9a-f]+)$/.exec(value);
        assert.ok(space, `${name} is ${value}`);
        assert.deepEqual([...readMemory(timeline, 0, space[1] as 'gpa', BigInt(space[2]!), 8)], BYTES.slice(0, 8), value);
      }
    });
  }

  it('stops at the first page that is no memory', () => {
    const timeline = launched(SCENARIO, 'shadow-wp');
    runTo(timeline, 'done = 1');
    assert.equal(readMemory(timeline, 0, 'gva', 0x601ff0n, 64).length, 16, 'the lazy page is not mapped');
    assert.equal(readMemory(timeline, 0, 'gpa', 0xfffff0n, 64).length, 16, 'RAM ends at 16M');
    assert.equal(readMemory(timeline, 0, 'hpa', 0x3fffff0n, 64).length, 16, 'the host has 64M');
    assert.equal(readMemory(timeline, 0, 'hva', 0x1000n, 1).length, 0);
    assert.equal(readMemory(timeline, 0, 'gva', 0x0001_0000_0060_0000n, 1).length, 0, 'not canonical');
    assert.equal(readMemory(timeline, 0, 'gpa', 1n << 44n, 1).length, 0, 'an address is not cut to 32 bits of frame number');
    assert.equal(readMemory(timeline, 0, 'gpa', (1n << 64n) - 1n, 8).length, 0);
  });

  it('finds zeros in RAM that nobody has touched', () => {
    const timeline = launched(SCENARIO, 'ept');
    runTo(timeline, 'done = 1');
    assert.deepEqual([...readMemory(timeline, 0, 'gpa', 0xabc000n, 4)], [0, 0, 0, 0]);
    assert.equal(timeline.machine.technique.guestMemory.frameOf(0xabc), -1, 'and does not make the host back it');
  });
});

describe('the translation of an address', () => {
  it('goes through every space, and names the entries that give each step', () => {
    const timeline = launched(SCENARIO, 'ept');
    runTo(timeline, 'done = 1');
    const rows = translation(timeline, 0, 0x600ff8n);
    assert.deepEqual(rows.map(({ name }) => name), ['gva', 'gpa', 'hva', 'hpa', 'EPT', 'TLB']);
    assert.equal(rows[1]!.value, 'gpa:0x101ff8');
    assert.equal(rows[1]!.by, 'PML4E 0, PDPTE 0, PDE 3, PTE 0');
    assert.equal(rows[2]!.value, 'hva:0x7f0000101ff8');
    assert.equal(rows[2]!.by, 'memory slot 0');
    assert.equal(rows[4]!.by, 'EPT PML4E 0, EPT PDPTE 0, EPT PDE 0, EPT PTE 257');
    assert.equal(rows[4]!.value, rows[3]!.value, 'EPT and the host process agree');
    assert.equal(rows[5]!.value, rows[3]!.value, 'and so does the TLB');
  });

  it('says where it ends', () => {
    const timeline = launched(SCENARIO, 'shadow-wp');
    runTo(timeline, 'done = 1');
    const rows = translation(timeline, 0, 0x602000n);
    assert.equal(rows[1]!.value, 'gva:0x602000 is not mapped: the walk ends at the PTE');
    assert.equal(rows.find(({ name }) => name === 'shadow')!.value, 'the PTE is not present');
    assert.equal(rows.find(({ name }) => name === 'TLB')!.value, 'no line');
  });
});
