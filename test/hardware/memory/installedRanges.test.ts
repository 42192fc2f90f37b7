import { strict as assert } from 'node:assert';
import { type MemoryRange, PhysicalMemory } from '../../../src/hardware/memory/physicalMemory';
import { Registry } from '../../../src/hardware/state/registry';
import { halves } from '../testMachine';

const GIB = 2 ** 30;
const END = 6 * GIB;
const ranges: readonly MemoryRange[] = [
  { from: 0, to: 0xa_0000, kind: 'ram' }, { from: 0xf_0000, to: 0x10_0000, kind: 'rom' }, { from: 0x10_0000, to: 3 * GIB, kind: 'ram' },
  { from: 4 * GIB, to: END, kind: 'ram' },
];

describe('memory that is not everywhere', () => {
  for (const [about, address, reads, takes] of [
    ['the first word', 0n, 0, true],
    ['the last word of a range', 0x9_fffcn, 0, true],
    ['the word behind a range', 0xa_0000n, -1, false],
    ['the word before ROM', 0xe_fffcn, -1, false],
    ['the first word of ROM', 0xf_0000n, 0, false],
    ['the last word of ROM', 0xf_fffcn, 0, false],
    ['the first word of a range behind another', 0x10_0000n, 0, true],
    ['the first word that the table of low places has no room for', 0x1000_0000n, 0, true],
    ['the last word below the hole', 0xbfff_fffcn, 0, true],
    ['the first word of the hole', 0xc000_0000n, -1, false],
    ['the last word of the hole', 0xffff_fffcn, -1, false],
    ['the first word above 4 GBytes', 0x1_0000_0000n, 0, true],
    ['the last word of all', BigInt(END) - 4n, 0, true],
    ['the word behind all', BigInt(END), -1, false],
    ['a word at an address that no processor has', 1n << 52n, -1, false],
    ['the last word of 64 bits', (1n << 64n) - 4n, -1, false],
  ] as const) {
    it(`reads ${about} as ${reads === 0 ? 'zero' : 'ones'}, and ${takes ? 'takes' : 'drops'} what is written`, () => {
      const memory = new PhysicalMemory(new Registry(), END, ranges);
      const [lo, hi] = halves(address);
      assert.deepEqual([memory.load32(lo, hi), memory.isInstalled(lo, hi), memory.wordAt(lo, hi)], [reads, reads === 0, 0]);
      memory.store32(lo, hi, 0x1234);
      assert.equal(memory.load32(lo, hi), takes ? 0x1234 : reads);
      assert.equal(memory.wordAt(lo, hi) !== 0, takes, 'a frame has a place from its first write');
    });
  }

  it('is everywhere up to its end where no ranges are given', () => {
    const memory = new PhysicalMemory(new Registry(), END);
    for (const [address, reads] of [[0xb_0000n, 0], [0xd000_0000n, 0], [BigInt(END) - 4n, 0], [BigInt(END), -1]] as const) {
      assert.equal(memory.load32(...halves(address)), reads, address.toString(16));
    }
  });
});

describe('the places of frames', () => {
  it('are each frame\'s own, at the edges of every table that finds them', () => {
    const memory = new PhysicalMemory(new Registry(), 2 ** 52);
    // Ends of the 256 MBytes that low places are made for at once, of directories of 1 GByte, and of halves of an address.
    const edges = [0n, 0x1000_0000n, 0x2000_0000n, 0x4000_0000n, 0xf000_0000n, 0x1_0000_0000n, 0x1_4000_0000n, 0x2_0000_0000n, 0x8_0000_0000n, 1n << 40n];
    const addresses = [...new Set(edges.flatMap((edge) => [edge - 0x1000n, edge, edge + 0x1000n]).filter((address) => address >= 0n))];
    for (const order of [addresses, [...addresses].reverse()]) {
      for (const [index, address] of order.entries()) {
        memory.store32(...halves(address + 0xffcn), index + 1);
        memory.store32(...halves(address), -index - 1);
      }
      for (const [index, address] of order.entries()) {
        assert.equal(memory.load32(...halves(address + 0xffcn)), index + 1, address.toString(16));
        assert.equal(memory.load32(...halves(address)), -index - 1);
        const [lo, hi] = halves(address);
        assert.deepEqual([memory.words[memory.wordAt(lo, hi)], memory.words[memory.wordAt(lo | 0xffc, hi)]], [-index - 1, index + 1]);
      }
    }
    for (let frame = 0; frame < 300; frame++) {
      memory.store32(0x5000_0000 + frame * 0x1000 + 0xffc, 0, frame + 1);
      assert.equal(memory.load32(0x5000_0000 + frame * 0x1000 + 0xffc, 0), frame + 1, 'room is made in time');
    }
    for (const bit of [52n, 61n, 62n, 63n]) {
      const [lo, hi] = halves(1n << bit | 0x1_0000_0000n);
      assert.deepEqual([memory.wordAt(lo, hi), memory.load32(lo, hi)], [0, -1], `bit ${bit} over a frame that has a place`);
    }
    assert.equal(memory.wordAt(...halves(0x3000_0000n)), 0, 'a frame between');
    assert.equal(memory.wordAt(...halves(0x2_4000_0000n)), 0, 'one of a directory that is not there');
  });
});
