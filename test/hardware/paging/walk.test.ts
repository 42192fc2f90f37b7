import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { refusalText } from '../../../src/hardware/paging/refusalText';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { A, D, P, RW, TestMachine, US } from '../testMachine';

const PAGE = 0x7f12_3456_7000n;

describe('the walk of 4-level tables', () => {
  it('maps 4-KByte, 2-MByte and 1-GByte pages, offset and all', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x9000n, P);
    machine.map(0x4000_0000n, 0x3_0020_0000n, P, 2);
    machine.map(0x80_0000_0000n, 0x3_4000_0000n, P, 3);
    for (const [gva, hpa, shift] of [
      [PAGE + 0xabcn, 0x9abcn, 12], [0x4012_3456n, 0x3_0032_3456n, 21], [0x80_3fff_fff0n, 0x3_7fff_fff0n, 30],
    ] as const) {
      assert.equal(machine.load(gva, 1), STATUS.done);
      assert.equal(machine.hpa, hpa);
      assert.equal(machine.processor.space.result.effectiveShift, shift);
    }
  });

  for (const level of [4, 3, 2, 1]) {
    it(`ends at level ${level} when its entry is not present, with P = 0`, () => {
      const machine = new TestMachine();
      machine.put(machine.entryAt(PAGE, level), 0xffff_ffff_ffff_fffen);
      assert.equal(machine.store(PAGE, 1n), STATUS.exception);
      assert.deepEqual([machine.processor.vector, machine.processor.errorCode, machine.cr2], [14, 2, PAGE]);
      assert.equal(machine.processor.space.result.level, level);
    });

    it(`finds an address bit above MAXPHYADDR reserved at level ${level}, though nothing below is present`, () => {
      const machine = new TestMachine({ maxphyaddr: 36 });
      const entry = machine.entryAt(PAGE, level);
      machine.put(entry, P | RW | (1n << 36n));
      assert.equal(machine.load(PAGE), STATUS.exception);
      assert.equal(machine.processor.errorCode, 0b1001);
      machine.put(entry, P | RW | (1n << 35n));
      machine.walk(PAGE, ACCESS.read);
      const why = refusalText(machine.processor.inspection);
      assert.match(why ?? 'is not present', /is not present/, 'bit 35 is an address bit');
    });
  }

  it('finds PS reserved in a PML4E, and the low frame bits of large pages', () => {
    for (const [level, bits, name] of [
      [4, 1n << 7n, 'bit 7'], [3, (1n << 7n) | (1n << 13n), '29:13'], [2, (1n << 7n) | (1n << 20n), '20:13'],
    ] as const) {
      const machine = new TestMachine();
      machine.put(machine.entryAt(PAGE, level), P | bits);
      assert.equal(machine.walk(PAGE, ACCESS.read), WALK.pageFault);
      assert.match(refusalText(machine.processor.inspection) ?? '', new RegExp(`reserved bit set: .*${name}`));
    }
  });

  it('reads 5 levels while CR4.LA57 is 1', () => {
    const machine = new TestMachine();
    const gva = 0x00aa_7f12_3456_7000n;
    machine.map(PAGE, 0x9000n, P);
    machine.put(0x20_0000n + ((gva >> 48n) & 0x1ffn) * 8n, machine.register('cr3') | P);
    machine.set({ cr3: 0x20_0000n, cr4: CR4.PAE | CR4.LA57 });
    assert.equal(machine.load(gva, 1), STATUS.done);
    assert.equal(machine.hpa, 0x9000n);
    assert.equal(machine.processor.space.result.references, 5);
  });
});

describe('accessed and dirty flags', () => {
  it('are set in every entry used, dirty in the leaf of a write only', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x9000n, P | RW | US);
    machine.load(PAGE);
    for (const level of [4, 3, 2, 1]) assert.equal(machine.word(machine.entryAt(PAGE, level)) & (A | D), A, `level ${level}`);
    machine.store(PAGE, 1n);
    for (const level of [4, 3, 2]) assert.equal(machine.word(machine.entryAt(PAGE, level)) & (A | D), A, `level ${level}`);
    assert.equal(machine.word(machine.entryAt(PAGE, 1)) & (A | D), A | D);
  });

  it('come with the first write although the TLB holds the page clean', () => {
    const machine = new TestMachine();
    const leaf = machine.map(PAGE, 0x9000n, P | RW);
    machine.load(PAGE);
    machine.listen();
    machine.store(PAGE, 1n);
    assert.deepEqual(machine.kinds().filter((kind) => /tlb|ad_update/.test(kind)), ['tlb_hit', 'ad_update', 'tlb_fill']);
    assert.equal(machine.word(leaf) & D, D);
  });

  it('stay as they are on a refused access and on inspection', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x9000n, P | US);
    const before = machine.registry.checkpoint();
    machine.listen();
    assert.equal(machine.walk(PAGE, ACCESS.read), WALK.mapped);
    assert.equal(machine.walk(PAGE, ACCESS.write), WALK.pageFault);
    assert.deepEqual(machine.events, []);
    assert.equal(machine.store(PAGE, 1n), STATUS.exception);
    assert.equal(machine.word(machine.entryAt(PAGE, 1)) & (A | D), 0n);
    machine.registry.restore(before);
  });

  it('are both set in one word that serves as two levels (a table that maps itself)', () => {
    const machine = new TestMachine();
    const root = machine.register('cr3');
    machine.put(root, root | P | RW);
    machine.listen();
    assert.equal(machine.store(0xff8n, 5n), STATUS.done);
    assert.equal(machine.word(root), root | P | RW | A | D);
    const updates = machine.events.filter((event) => event.kind === 'ad_update').map((event) => event.json['value']);
    assert.deepEqual(updates, [root | P | RW | A, root | P | RW | A | D].map((value) => `0x${value.toString(16)}`), 'no flag is set twice');
    assert.equal(machine.word(root + 0xff8n), 5n);
  });
});

describe('inspection', () => {
  it('leaves every word of the machine as it was', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x9000n, P | RW);
    machine.enterWithEpt({ accessedDirty: 'on' });
    const before = [...machine.registry.contents()].map(([name, words]) => [name, words.slice()] as const);
    for (const access of [ACCESS.read, ACCESS.write, ACCESS.fetch]) machine.walk(PAGE, access);
    for (const [name, words] of before) assert.deepEqual(machine.registry.contents().get(name), words, name);
  });
});
