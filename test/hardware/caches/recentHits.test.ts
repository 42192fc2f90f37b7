import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { KIND } from '../../../src/hardware/events/eventTable';
import { CLOCK_LIMIT } from '../../../src/hardware/caches/cachedLines';
import { RECENT_PAGE_HI, recentHitAt, RecentHits } from '../../../src/hardware/caches/recentHits';
import { assertSameState } from '../paging/specialized/bothWalks';
import { G, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
const PAGES = 8n;

interface Operation {
  readonly what: 'load' | 'store' | 'invlpg' | 'level' | 'clear U/S' | 'set U/S' | 'smap' | 'flush' | 'back';
  readonly page: number;
  readonly offset: number;
  readonly size: number;
}

const operation: fc.Arbitrary<Operation> = fc.record({
  what: fc.oneof(
    { weight: 8, arbitrary: fc.constant('load' as const) },
    fc.constantFrom('store' as const, 'invlpg' as const, 'level' as const, 'clear U/S' as const, 'set U/S' as const,
      'smap' as const, 'flush' as const, 'back' as const),
  ),
  page: fc.integer({ min: 0, max: Number(PAGES) - 1 }),
  offset: fc.constantFrom(0, 1, 4, 0x7fe, 0xffc, 0xffe, 0xfff),
  size: fc.constantFrom(1, 2, 4, 8),
});

/** Two machines alike; the second is listened to, so that its every access goes the long way. */
function machines(behind: 'nothing' | 'EPT', global: bigint): readonly [TestMachine, TestMachine] {
  const make = (): TestMachine => {
    const machine = new TestMachine({ tlbEntries: 8, tlbWays: 2 });
    for (let n = 0n; n < PAGES; n++) {
      machine.map(PAGE + n * 0x1000n, 0x40_0000n + n * 0x1000n, P | RW | US | (n % 2n === 0n ? global : 0n));
      machine.put(0x40_0000n + n * 0x1000n, 0x1122_3344_5566_7788n * (n + 1n) & 0xffff_ffff_ffff_ffffn);
    }
    if (behind === 'EPT') {
      machine.enterWithEpt();
      machine.mapEpt(0x40_0000n, 0x40_0000n, R | W | X | WB, 2);
    }
    machine.set({ cr4: CR4.PAE | CR4.PGE });
    return machine;
  };
  const listened = make();
  listened.bus.listen(() => undefined, [KIND.access, KIND.tlb_hit]);
  return [make(), listened];
}

function perform(machine: TestMachine, { what, page, offset, size }: Operation, saved: ReturnType<TestMachine['registry']['checkpoint']>): unknown {
  const gva = PAGE + BigInt(page) * 0x1000n + BigInt(offset);
  const { processor } = machine;
  switch (what) {
    case 'load': return [machine.load(gva, size), machine.value, machine.hpa, machine.cr2];
    case 'store': return [machine.store(gva, 0x0102_0304_0506_0708n, size), machine.hpa, machine.cr2];
    case 'invlpg': return machine.invlpg(gva);
    case 'level': { processor.setLevel(processor.level === 0 ? 3 : 0); return; }
    case 'clear U/S': return machine.map(gva & ~0xfffn, 0x40_0000n + BigInt(page) * 0x1000n, P | RW);
    case 'set U/S': return machine.map(gva & ~0xfffn, 0x40_0000n + BigInt(page) * 0x1000n, P | RW | US);
    case 'smap': return machine.set({ cr4: Number(machine.register('cr4')) ^ CR4.SMAP });
    case 'flush': return machine.move('cr3', machine.register('cr3'));
    case 'back': {
      machine.registry.restore(saved);
      processor.reload(); return;
    }
  }
}

describe('what is remembered of loads that hit', () => {
  for (const behind of ['nothing', 'EPT'] as const) {
    for (const global of [0n, G]) {
      it(`changes nothing but the time they take (behind ${behind}, ${global === 0n ? 'no' : 'some'} global pages)`, () => {
        fc.assert(fc.property(fc.array(operation, { minLength: 1, maxLength: 60, size: 'max' }), (operations) => {
          const [quick, slow] = machines(behind, global);
          const saved = [quick.registry.checkpoint(), slow.registry.checkpoint()] as const;
          operations.forEach((each, index) => {
            const name = `${each.what} ${index}`;
            const one = perform(quick, each, saved[0]);
            const other = perform(slow, each, saved[1]);
            if (each.what === 'load' || each.what === 'store') assert.deepEqual(one, other, name);
            assertSameState(quick.registry, slow.registry, name);
          });
        }), { numRuns: 60 });
      });
    }
  }
});

describe('an end of all that is remembered', () => {
  it('is one after any number of others, and never finds what is not there', () => {
    for (const [lo, hi] of [[0, 0], [0x60_0000, 0], [0x60_1000, 0], [0x7fff_f000, 1], [-0x1000, 0x7fff]] as const) {
      const at = recentHitAt(lo);
      const isFound = (hits: RecentHits, page: number, user: number): boolean => (
        hits.words[at] === (page | hits.stamp | user) && hits.words[at | RECENT_PAGE_HI] === hi);
      const once = new RecentHits();
      const often = new RecentHits();
      once.remember(lo, hi, 0, 0, 0, 0, 1);
      for (let ends = 1; ends < 5000; ends++) {
        for (const hits of [once, often]) hits.renew();
        for (const hits of [once, often]) assert.ok(!isFound(hits, lo, 0) && !isFound(hits, lo, 1), `what was remembered is found ${ends} ends on`);
        often.remember(lo, hi, ends & 1, 0, 0, 0, 1);
        assert.ok(isFound(often, lo, ends & 1) && !isFound(often, lo, ~ends & 1), `the user's and the supervisor's, ${ends} ends on`);
        // Another page with the same entry: 1 MByte on.
        assert.ok(!isFound(often, lo + 0x10_0000 | 0, ends & 1), `another page, ${ends} ends on`);
      }
    }
  });
});

describe("the TLB's clock", () => {
  it('starts anew before it is no int32 any more, and the order of use stays', () => {
    const machine = new TestMachine({ tlbEntries: 4, tlbWays: 4 });
    const { tlb } = machine.processor;
    for (let n = 0n; n < 6n; n++) machine.map(PAGE + n * 0x1000n, 0x9000n, P);
    for (const n of [2n, 0n, 3n, 1n]) machine.load(PAGE + n * 0x1000n);
    tlb.words[tlb.clockAt] = CLOCK_LIMIT - 2;
    machine.load(PAGE + 2n * 0x1000n);
    machine.load(PAGE); // here it starts anew: the order is 3, 1, 2, 0
    machine.load(PAGE);
    assert.ok(tlb.words[tlb.clockAt]! < 16);
    const held = (): bigint[] => [0n, 1n, 2n, 3n, 4n, 5n].filter((n) => machine.processor.tlb.peek(Number(PAGE + n * 0x1000n), 0) >= 0);
    machine.load(PAGE + 4n * 0x1000n);
    assert.deepEqual(held(), [0n, 1n, 2n, 4n]);
    machine.load(PAGE + 5n * 0x1000n);
    assert.deepEqual(held(), [0n, 2n, 4n, 5n]);
  });
});
