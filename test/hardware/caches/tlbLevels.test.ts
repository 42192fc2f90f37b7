import { strict as assert } from 'node:assert';
import { cachedMappings } from '../../../src/hardware/caches/cacheView';
import { CR0, CR4, EFER } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { COUNTER } from '../../../src/hardware/state/counters';
import { D, G, P, RW, TestMachine } from '../testMachine';

const PAGE = 0x60_0000n;
const LARGE = 0x4000_0000n;
const MIB = 0x10_0000n;

const counts = (machine: TestMachine): number[] => [machine.processor.counters[COUNTER['tlb.hits']]!, machine.processor.counters[COUNTER['tlb.misses']]!];
const inCache = (machine: TestMachine, name: string): string[] => cachedMappings(machine.processor.caches)
  .filter(({ cache }) => cache === name).map(({ pageLo, shift }) => `${pageLo.toString(16)}/${shift}`).sort();

function twoLevels(): TestMachine {
  const machine = new TestMachine({ tlbEntries: 2, tlbWays: 2, tlbL2: { entries: 8, ways: 4 } });
  for (let n = 0n; n < 4n; n++) machine.map(PAGE + n * 0x1000n, 0x9000n + n * 0x1000n, P | RW);
  return machine;
}

describe('two levels of TLB', () => {
  it('are both filled by a walk, and the second answers for what the first has lost', () => {
    const machine = twoLevels();
    for (const n of [0n, 1n, 2n]) machine.load(PAGE + n * 0x1000n);
    assert.deepEqual(inCache(machine, 'L1 TLB'), ['601000/12', '602000/12']);
    assert.deepEqual(inCache(machine, 'L2 TLB'), ['600000/12', '601000/12', '602000/12']);
    machine.listen();
    machine.put(0x9000n, 7n);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.value, 7n);
    assert.deepEqual(counts(machine), [1, 3]);
    assert.deepEqual(machine.kinds(), ['access', 'tlb_l2_hit', 'tlb_hit', 'access_done']);
    assert.deepEqual(inCache(machine, 'L1 TLB'), ['600000/12', '602000/12'], 'copied to L1 in place of the oldest');
    assert.ok(inCache(machine, 'L2 TLB').includes('600000/12'), 'and still in L2');
  });

  it('age on their own: a line may leave the second and stay in the first', () => {
    const machine = new TestMachine({ tlbEntries: 4, tlbWays: 4, tlbL2: { entries: 2, ways: 2 } });
    for (let n = 0n; n < 3n; n++) {
      machine.map(PAGE + n * 0x1000n, 0x9000n, P);
      machine.load(PAGE + n * 0x1000n);
    }
    assert.deepEqual(inCache(machine, 'L2 TLB'), ['601000/12', '602000/12']);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.deepEqual(counts(machine), [1, 3]);
  });

  it('lose a page together', () => {
    const machine = twoLevels();
    const leaf = machine.entryAt(PAGE, 1);
    for (const n of [0n, 1n, 2n]) machine.load(PAGE + n * 0x1000n);
    machine.put(leaf, 0n);
    assert.equal(machine.load(PAGE), STATUS.done, 'stale, by L2');
    machine.invlpg(PAGE);
    assert.equal(machine.load(PAGE), STATUS.exception);
  });

  it('set the dirty flag once, whichever level had the page clean', () => {
    const machine = twoLevels();
    const leaf = machine.entryAt(PAGE, 1);
    for (const n of [0n, 1n, 2n]) machine.load(PAGE + n * 0x1000n);
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.equal(machine.word(leaf) & D, D);
    machine.put(leaf, machine.word(leaf) & ~D);
    for (const n of [1n, 2n]) machine.load(PAGE + n * 0x1000n);
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.equal(machine.word(leaf) & D, 0n, 'L2 has the page dirty by now');
  });

  it('copy a global line under its own PCID though the first has no number left but those of contexts that are gone', () => {
    const machine = new TestMachine({ tlbEntries: 1, tlbWays: 1, tlbL2: { entries: 8, ways: 4 } });
    machine.map(PAGE, 0x9000n, P | RW | G);
    machine.map(PAGE + 0x1000n, 0xa000n, P | RW);
    machine.set({ cr4: CR4.PAE | CR4.PGE | CR4.PCIDE });
    const root = machine.register('cr3');
    const pcids = (): string[] => cachedMappings(machine.processor.caches)
      .filter(({ cache }) => cache === 'L1 TLB').map(({ pageLo, pcid }) => `${pageLo.toString(16)} ${pcid}`);
    // One line and the context in force: the first level has two numbers.
    for (const [pcid, page, held] of [[1n, 0n, '600000 1'], [2n, 1n, '601000 2'], [3n, 0n, '600000 1'], [4n, 1n, '601000 4'], [5n, 0n, '600000 1']] as const) {
      machine.move('cr3', root | pcid);
      assert.equal(machine.load(PAGE + page * 0x1000n), STATUS.done);
      assert.deepEqual(pcids(), [held]);
    }
  });

  it('keep a global line global when it is copied, under the PCID that it was made under', () => {
    const machine = twoLevels().set({ cr4: CR4.PAE | CR4.PGE | CR4.PCIDE });
    machine.map(PAGE, 0x9000n, P | RW | G);
    const root = machine.register('cr3');
    machine.load(PAGE);
    machine.move('cr3', root | 1n);
    for (const n of [1n, 2n]) machine.load(PAGE + n * 0x1000n);
    machine.load(PAGE);
    machine.move('cr3', root | 2n);
    assert.ok(inCache(machine, 'L1 TLB').includes('600000/12'));
    const hits = counts(machine)[0]!;
    machine.load(PAGE);
    assert.equal(counts(machine)[0], hits + 1);
  });
});

describe('page sizes of TLB lines', () => {
  it('are those of the pages, where a line can hold them', () => {
    const machine = new TestMachine();
    machine.map(LARGE, 0x20_0000n, P, 2);
    machine.map(2n * LARGE, LARGE, P, 3);
    machine.load(LARGE + 0x12_3000n);
    machine.load(2n * LARGE + 0x1234_5000n);
    assert.deepEqual(inCache(machine, 'L1 TLB'), ['40000000/21', '-80000000/30'].sort());
  });

  it('are the largest smaller ones that there are, and INVLPG of any address of the page drops every fragment', () => {
    for (const [pageShifts, size] of [[[12], 12], [[12, 21], 21]] as const) {
      const machine = new TestMachine({ tlbPageShifts: pageShifts, tlbL2: { entries: 64, ways: 4 } });
      machine.map(LARGE, 0n, P, 3);
      const pages = [LARGE, LARGE + 16n * MIB, LARGE + 512n * MIB];
      for (const page of pages) machine.load(page);
      for (const cache of ['L1 TLB', 'L2 TLB']) {
        assert.deepEqual(inCache(machine, cache), pages.map((page) => `${page.toString(16)}/${size}`).sort());
      }
      machine.invlpg(LARGE + 700n * MIB);
      assert.deepEqual(cachedMappings(machine.processor.caches), []);
    }
  });

  it('may be fragments of a guest page that EPT maps in pieces', () => {
    const machine = new TestMachine();
    machine.map(LARGE, 0x1000_0000n, P | RW, 2);
    machine.enterWithEpt({ vpid: 1 });
    for (const offset of [0n, 0x1000n]) machine.mapEpt(0x1000_0000n + offset, 0x2000_0000n + 16n * offset, 7n | (6n << 3n));
    machine.load(LARGE);
    machine.load(LARGE + 0x1000n);
    assert.deepEqual(inCache(machine, 'L1 TLB'), ['40000000/12', '40001000/12']);
    machine.processor.invvpidAddress(Number(LARGE) + 0x5000, 0);
    assert.deepEqual(inCache(machine, 'L1 TLB'), []);
  });
});

describe('what the TLB may hold', () => {
  it('is nothing while paging is off, so that nothing is stale when it comes on', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x9000n, P | RW);
    machine.put(0x9000n, 9n);
    const cr0 = machine.register('cr0');
    machine.set({ cr0: CR0.PE | CR0.ET, efer: EFER.LME });
    machine.put(PAGE, 6n);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.value, 6n);
    assert.deepEqual(counts(machine), [0, 0]);
    assert.deepEqual(cachedMappings(machine.processor.caches), []);
    assert.equal(machine.move('cr0', cr0), STATUS.done);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.value, 9n);
  });

  it('is global only while CR4.PGE is 1', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x9000n, P | G);
    machine.load(PAGE);
    machine.move('cr3', machine.register('cr3'));
    assert.deepEqual(cachedMappings(machine.processor.caches), []);
  });
});
