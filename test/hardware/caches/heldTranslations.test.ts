import { strict as assert } from 'node:assert';
import { cachedMappings } from '../../../src/hardware/caches/cacheView';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { COUNTER } from '../../../src/hardware/state/counters';
import { halves, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

/* What a cached line answers with, in TLBs of all shapes, and what is looked up anew when the answer is no. */
const PAGE = 0x60_0000n;
const LARGE = 0x4060_0000n;
const GIB = 0x4000_0000n;
const PF = 14;
const EPT_VIOLATION = 48;

const page = (n: number): bigint => PAGE + BigInt(n) * 0x1000n;
const references = (machine: TestMachine): number => machine.processor.counters[COUNTER.walk_references]!;

describe('a TLB of any shape', () => {
  for (const [entries, ways] of [[1, 1], [8, 1], [8, 2], [6, 2], [12, 4], [16, 4], [4, 4], [16, 8], [24, 8], [16, 16]] as const) {
    it(`holds as many pages side by side as it has entries: ${entries} of ${ways} ways`, () => {
      const machine = new TestMachine({ tlbEntries: entries, tlbWays: ways });
      const numbers = Array.from({ length: entries }, (_, n) => n);
      for (const n of numbers) {
        const frame = 0x90_0000n + BigInt(n) * 0x1000n;
        machine.map(page(n), frame, P);
        machine.put(frame, BigInt(n));
        assert.equal(machine.load(page(n)), STATUS.done);
      }
      const before = references(machine);
      for (const n of numbers) {
        assert.ok(machine.processor.tlb.peek(...halves(page(n))) >= 0, `page ${n}`);
        assert.equal(machine.load(page(n)), STATUS.done);
        assert.equal(machine.value, BigInt(n));
      }
      assert.equal(references(machine), before);
      assert.ok(machine.processor.tlb.peek(...halves(page(entries))) < 0);
    });
  }

  it('leads to the frame of a large page by all of its address bits', () => {
    for (const l2 of [undefined, { entries: 8, ways: 4 }]) {
      const machine = new TestMachine({ tlbEntries: 2, tlbWays: 2, ...(l2 === undefined ? {} : { tlbL2: l2 }) });
      // Linear bit 21 is 1 and the frame's is 0: nothing of the one may come into the other.
      machine.map(LARGE, 0xdc0_0000n, P, 2);
      machine.put(0xdc0_5008n, 1n);
      machine.put(0xddf_3010n, 2n);
      for (const n of [0, 1]) machine.map(page(n), 0x9000n, P);
      for (const time of ['walked', 'a hit', 'a hit of the second level where there is one']) {
        for (const [offset, value] of [[0x5008n, 1n], [0x1f_3010n, 2n]] as const) {
          assert.equal(machine.load(LARGE + offset), STATUS.done);
          assert.equal(machine.value, value, time);
        }
        if (time === 'a hit') for (const n of [0, 1]) machine.load(page(n));
      }
    }
  });
});

describe('the second level of TLB', () => {
  it('ages by its own use: a line that answered is not the next to go', () => {
    const machine = new TestMachine({ tlbEntries: 2, tlbWays: 2, tlbL2: { entries: 4, ways: 4 } });
    for (const n of [0, 1, 2, 3, 4]) machine.map(page(n), 0x9000n, P);
    for (const n of [0, 1, 2, 3, 0, 4]) assert.equal(machine.load(page(n)), STATUS.done);
    const held = cachedMappings(machine.processor.caches).filter(({ cache }) => cache === 'L2 TLB').map(({ pageLo }) => BigInt(pageLo));
    assert.deepEqual(held.sort(), [0, 2, 3, 4].map(page).sort());
  });
});

describe('a cached translation of a guest', () => {
  for (const [name, bits, first, second, qualification] of [
    ['a fetch from a page that EPT lets be read only', R, 'load', 'fetch', 4n],
    ['a write to a page that EPT lets be read only', R, 'load', 'store', 2n],
    ['a read of a page that EPT lets be executed only', X, 'fetch', 'load', 1n],
  ] as const) {
    it(`refuses what EPT refuses: ${name}`, () => {
      const machine = new TestMachine();
      machine.map(PAGE, 0x1000_0000n, P | RW | US);
      machine.enterWithEpt({ vpid: 5 });
      machine.mapEpt(0x1000_0000n, 0x2000_0000n, bits | WB);
      assert.equal(machine[first](PAGE), STATUS.done);
      assert.ok(machine.processor.tlb.peek(...halves(PAGE)) >= 0);
      assert.equal(second === 'store' ? machine.store(PAGE, 1n) : machine[second](PAGE), STATUS.stopped);
      assert.deepEqual(machine.exits.map((exit) => [exit.reason, exit.qualification & 7n, exit.gpa]), [[EPT_VIOLATION, qualification, 0x1000_0000n]]);
    });
  }
});

describe('what hits came to of late', () => {
  it('serves no load of the other mode, and none that only a fetch was allowed', () => {
    const machine = new TestMachine().set({ cr4: CR4.PAE | CR4.SMAP });
    machine.map(PAGE, 0x9000n, P | US);
    machine.map(PAGE + 0x1000n, 0xa000n, P);
    for (const [gva, allowed, refused] of [[PAGE, 3, 0], [PAGE + 0x1000n, 0, 3]] as const) {
      machine.set({ cpl: allowed });
      for (let time = 0; time < 3; time++) assert.equal(machine.load(gva), STATUS.done);
      machine.set({ cpl: refused });
      assert.equal(machine.load(gva), STATUS.exception);
    }
  });

  it('is no fetch from a page that may be executed only', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x1000_0000n, P | RW | US);
    machine.enterWithEpt({ vpid: 5 });
    machine.mapEpt(0x1000_0000n, 0x2000_0000n, X | WB);
    for (let time = 0; time < 3; time++) assert.equal(machine.fetch(PAGE), STATUS.done);
    assert.equal(machine.load(PAGE), STATUS.stopped);
  });
});

describe('a refusal by tables that a paging-structure cache knows', () => {
  const OTHER_TABLE = 0x70_0000n;

  /** The page table of two pages was replaced; the second is absent in the old one, and `entry` in the new one. */
  function tableReplaced(rewalkOnPermissionFault: 'on' | 'off', entry: bigint): TestMachine {
    const machine = new TestMachine({ walkCaches: 'on', rewalkOnPermissionFault, vendor: rewalkOnPermissionFault === 'on' ? 'amd' : 'intel' });
    machine.map(PAGE, 0x9000n, P);
    assert.equal(machine.load(PAGE), STATUS.done);
    machine.put(OTHER_TABLE + 8n, entry);
    machine.put(machine.entryAt(PAGE, 2), OTHER_TABLE | P | RW | US);
    machine.put(0xa000n, 7n);
    return machine;
  }

  it('is one spurious fault, which invalidates, where refusals are not walked again', () => {
    const machine = tableReplaced('off', 0xa000n | P);
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.exception);
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.done);
    assert.equal(machine.value, 7n);
  });

  it('is none where they are: the tables are walked from the root', () => {
    const machine = tableReplaced('on', 0xa000n | P);
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.done);
    assert.equal(machine.value, 7n);
    assert.equal(references(machine), 4 + 1 + 4);
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.done);
    assert.equal(references(machine), 4 + 1 + 4, 'and what was found is cached');
  });

  it('is the fault that the tables call for, when they refuse too', () => {
    const machine = tableReplaced('on', 0n);
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.processor.errorCode, machine.cr2], [PF, 0, PAGE + 0x1000n]);
    assert.equal(references(machine), 4 + 1 + 4);
    assert.ok(machine.processor.tlb.peek(...halves(PAGE + 0x1000n)) < 0);
  });

  it('is not looked up twice when the walk began at the root', () => {
    for (const walkCaches of ['off', 'on'] as const) {
      const machine = new TestMachine({ walkCaches, rewalkOnPermissionFault: 'on', vendor: 'amd' });
      machine.put(machine.entryAt(PAGE, 1), 0n);
      assert.equal(machine.load(PAGE), STATUS.exception);
      assert.equal(references(machine), 4);
    }
  });

  it('of EPT is looked up anew too, also where the walk of the guest\'s own tables began at the root', () => {
    for (const [rewalkOnPermissionFault, status] of [['off', STATUS.stopped], ['on', STATUS.done]] as const) {
      const machine = new TestMachine({ walkCaches: 'on', rewalkOnPermissionFault });
      const gpa = 0x1000_0000n;
      // Another PML4E, so that nothing of the first page's way serves the second.
      const second = PAGE + 512n * GIB;
      machine.map(PAGE, gpa, P);
      machine.map(second, gpa + 0x1000n, P);
      machine.enterWithEpt({ vpid: 5 });
      machine.mapEpt(gpa, 0x2000_0000n, R | W | X | WB);
      assert.equal(machine.load(PAGE), STATUS.done);
      machine.put(0x2200_0008n, 0x2000_1000n | R | W | X | WB);
      machine.put(machine.eptEntryAt(gpa, 2), 0x2200_0000n | R | W | X);
      assert.equal(machine.load(second), status, rewalkOnPermissionFault);
    }
  });
});
