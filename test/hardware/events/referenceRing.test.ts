import { strict as assert } from 'node:assert';
import { KIND } from '../../../src/hardware/events/eventTable';
import { ReferenceRing } from '../../../src/hardware/events/referenceRing';
import { P, PS, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
const PAGES = 6n;
const OTHER_PDPT = 0x1000_0000n;
const OTHER_ROOTS = 0x1100_0000n;

function machine(behind: 'nothing' | 'EPT'): TestMachine {
  const made = new TestMachine({ tlbEntries: 4, tlbWays: 4 });
  for (let n = 0n; n < PAGES; n++) made.map(PAGE + n * 0x1000n, 0x40_0000n + n * 0x1000n, P | RW | US);
  if (behind === 'EPT') {
    made.enterWithEpt();
    made.mapEpt(0x40_0000n, 0x40_0000n, R | W | X | WB, 2);
  }
  return made;
}

function accesses(of: TestMachine): void {
  for (let n = 0n; n < PAGES; n++) of.load(PAGE + n * 0x1000n);
  of.store(PAGE, 1n);
  of.load(0xdead_0000n);
}

function eventsOf(ring: ReferenceRing): number[][] {
  const found: number[][] = [];
  ring.events((record) => found.push([...record]));
  return found;
}

describe('the ring of references', () => {
  for (const behind of ['nothing', 'EPT'] as const) {
    it(`has the events that a listener is told, field by field (behind ${behind})`, () => {
      const one = machine(behind);
      const ring = new ReferenceRing(1024);
      const told: number[][] = [];
      one.bus.recordReferences(ring);
      one.bus.listen((record) => told.push([...record]), [KIND.table_read]);
      accesses(one);
      assert.ok(told.length > 4 * Number(PAGES));
      assert.deepEqual(eventsOf(ring), told);
    });

    it(`has the same while nobody listens, and the latest of them where there is no room for all (behind ${behind})`, () => {
      const [listened, recorded] = [machine(behind), machine(behind)];
      const told: number[][] = [];
      listened.bus.listen((record) => told.push([...record]), [KIND.table_read]);
      const ring = new ReferenceRing(7);
      recorded.bus.recordReferences(ring);
      accesses(listened);
      accesses(recorded);
      assert.equal(ring.length, 7);
      assert.deepEqual(eventsOf(ring), told.slice(-7));
    });
  }

  it('takes no walk for one by other nested tables, however many there have been', () => {
    const machines = [machine('EPT'), machine('EPT')] as const;
    const ring = new ReferenceRing(64);
    const told: number[][] = [];
    machines[0].bus.recordReferences(ring);
    for (const one of machines) {
      // Other nested tables by many roots: below each of them the same.
      one.put(OTHER_PDPT, OTHER_PDPT + 0x1000n | R | W | X);
      for (let gpa = 0n; gpa < 0x80_0000n; gpa += 0x20_0000n) one.put(OTHER_PDPT + 0x1000n + (gpa >> 21n) * 8n, gpa | R | W | X | WB | PS);
      for (let n = 0n; n < PAGES; n++) one.load(PAGE + n * 0x1000n);
      const { remembered } = one.processor.space;
      const first = remembered.context;
      let root = OTHER_ROOTS;
      do {
        root += 0x1000n;
        one.put(root, OTHER_PDPT | R | W | X);
        one.vmcs({ eptp: root | 0x1en }).processor.reload();
      } while (remembered.context !== first && root < OTHER_ROOTS + 0x100_0000n);
      assert.equal(remembered.context, first, 'contexts are numbered anew some time');
      if (one === machines[1]) one.bus.listen((record) => told.push([...record]), [KIND.table_read]);
      else ring.clear();
      one.load(PAGE);
    }
    assert.ok(told.length > 4);
    assert.deepEqual(eventsOf(ring), told);
  });

  it('goes on when a listener comes and goes, and ends when it is asked to', () => {
    const one = machine('nothing');
    const ring = new ReferenceRing(64);
    one.bus.recordReferences(ring);
    one.bus.listen(() => assert.fail('nobody asked for references'), [KIND.tlb_flush]);
    one.load(PAGE);
    one.bus.silence();
    one.load(PAGE + 0x1000n);
    assert.equal(ring.length, 8);
    one.bus.recordReferences(undefined);
    one.load(PAGE + 0x2000n);
    assert.equal(ring.length, 8);
    ring.clear();
    assert.deepEqual(eventsOf(ring), []);
  });

  it('is heard by nobody through whom other events are diverted', () => {
    const one = machine('nothing');
    const ring = new ReferenceRing(64);
    const heard: number[] = [];
    one.bus.recordReferences(ring);
    one.bus.listen((record) => heard.push(record[0]!), [KIND.tlb_miss]);
    one.bus.divert((record, pass) => pass(record), [KIND.tlb_fill]);
    one.load(PAGE);
    one.bus.undivert();
    one.load(PAGE + 0x1000n);
    assert.deepEqual([heard, ring.length], [[KIND.tlb_miss, KIND.tlb_miss], 8]);
  });
});
