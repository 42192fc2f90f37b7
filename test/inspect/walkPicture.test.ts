import { strict as assert } from 'node:assert';
import type { Timeline } from '../../src/engine/time/timeline';
import { walkPicture } from '../../src/inspect/walkPicture';
import type { WalkResponse } from '../../src/protocol/requests';
import { launched, move, runTo, toEvent, wholeTree } from './stoppedScenario';

const SCENARIO = `
machine { paging 4-level, ram 16M }
process p {
  0x600000 .. 0x602000  rw user
  0x602000 .. 0x603000  rw user lazy
  0x603000 .. 0x604000  ro user
}
cpu 0 {
  switch(p)
  user [0x600ffc] = 1                       // crosses into the next page
  user [0x600000] = 1
  user [0x600000] = 2
  x = [direct(p.root)]
  user [0x602010] = 3
  user [0x603000] = 4
  expect refused
  done = 1
}
`;

function picture(timeline: Timeline): WalkResponse {
  return walkPicture(timeline, { threadId: 1 });
}

/** Enters the access of the scenario's line and goes on to its first event. */
function enter(timeline: Timeline, text: string): void {
  runTo(timeline, text);
  toEvent(timeline, 'access');
}

/** Address of the EPT entry that maps the guest-physical page `from`. */
function eptLeafOf(timeline: Timeline, from: string): string {
  const leaf = wholeTree(timeline, 'ept').find((node) => node.from === from && !node.hasChildren);
  assert.ok(leaf?.address, `EPT maps ${from}`);
  return leaf.address;
}

describe('a walk as a picture of its events', () => {
  it('says so while no access has run', () => {
    const timeline = launched('machine { paging 4-level, ram 16M, kernel standard }\ncpu 0 {\n  x = 1\n}\n', 'native');
    assert.deepEqual(picture(timeline), { walks: [], message: 'No access has run yet: step to the first load or store.' });
  });

  it('lights the 24 references of a nested walk one by one, in their order, as their events come', () => {
    const timeline = launched(SCENARIO.replace('user [0x600ffc] = 1', 'y = 1'), 'ept');
    enter(timeline, '[0x600000] = 1');
    toEvent(timeline, 'walk', 'walker');
    assert.equal(picture(timeline).lit, undefined, 'the walk has begun and nothing is read');
    assert.equal(picture(timeline).walks[0]!.references.length, 24);
    const order: (readonly [number, number, number])[] = [];
    for (let event = timeline.eventsOfStep().at(-1)!; event.kind !== 'vm_exit'; event = timeline.eventsOfStep().at(-1)!) {
      if (event.kind === 'table_read') {
        const shown = picture(timeline);
        assert.equal(shown.walks.length, 1);
        const lit = shown.walks[0]!.references.find(({ number }) => number === shown.lit?.number)!;
        assert.equal(`0x${event.fields['value']!.toString(16)}`, lit.read?.value, 'the lit cell holds what the event read');
        assert.equal(`hpa:0x${event.fields['hpa']!.toString(16)}`, lit.read?.hpa);
        assert.equal(shown.walks[0]!.references.length, 24, 'what is still to come is listed');
        assert.equal(shown.walks[0]!.references.filter(({ read }) => read !== undefined).length, order.length + 1);
        assert.match(shown.message, new RegExp(`^Walk reference ${order.length + 1} of 24: `));
        order.push([lit.number, lit.guestLevel, lit.nestedLevel]);
      }
      move(timeline, 'event');
    }
    const expected = [4, 3, 2, 1, 0].flatMap((guest) => (guest === 0 ? [4, 3, 2, 1] : [4, 3, 2, 1, 0]).map((nested) => [guest, nested]));
    assert.deepEqual(order, expected.map(([guest, nested], i) => [i + 1, guest, nested]));
    const [ended] = picture(timeline).walks;
    assert.match(ended!.outcome!, /^EPT violation at gpa:0x[0-9a-f]+, qualification 0x182 \(data write, guest-linear address valid, translation result\): the EPT PTE is not present, for the final guest-physical address$/);
    assert.equal(picture(timeline).lit, undefined, 'the walk is over');
  });

  it('keeps the lit reference on the entry whose accessed or dirty flag is set', () => {
    const timeline = launched(SCENARIO, 'native');
    enter(timeline, '[0x600ffc] = 1');
    toEvent(timeline, 'ad_update');
    const { walks, lit } = picture(timeline);
    assert.deepEqual(lit, { walk: 0, number: 1 });
    const { read } = walks[0]!.references[0]!;
    assert.equal(BigInt(read!.updated!) - BigInt(read!.value), 0x20n, 'A of the PML4E');
    assert.equal(walks[0]!.references.every((reference) => reference.read !== undefined), true);
  });

  it('draws one walk for each page of an access that crosses into another', () => {
    const timeline = launched(SCENARIO, 'native');
    runTo(timeline, '[0x600000] = 1');
    const { walks, access } = picture(timeline);
    assert.deepEqual(walks.map(({ title }) => title), ['guest tables', 'guest tables for gva:0x601000']);
    assert.equal(access!.text, 'user store of 8 bytes at gva:0x600ffc');
  });

  it('shows a TLB hit as one, without a walk', () => {
    const timeline = launched(SCENARIO, 'ept');
    runTo(timeline, 'x = [direct(p.root)]');
    const shown = picture(timeline);
    assert.deepEqual(shown.walks, []);
    assert.match(shown.tlb!, /^TLB line \d+ maps gva:0x600000 to hpa:0x[0-9a-f]+$/);
    assert.equal(shown.access!.line, 12);
    assert.equal(shown.access!.path, 'test.guest');
    assert.match(shown.message, /^The access is over: store at gva:0x600000 completes at hpa:/);
  });

  it('splits the address by the tables walked, in the manual\'s names', () => {
    const timeline = launched(SCENARIO, 'native');
    runTo(timeline, '[0x603000] = 4');
    assert.deepEqual(picture(timeline).access!.parts, [
      { name: 'PML4', bits: [47, 39], value: 0 }, { name: 'directory pointer', bits: [38, 30], value: 0 },
      { name: 'directory', bits: [29, 21], value: 3 }, { name: 'table', bits: [20, 12], value: 2 },
      { name: 'offset', bits: [11, 0], value: 0x10 },
    ]);
  });

  it('ends at the entry that maps a large page: three references, and a wider offset', () => {
    const timeline = launched(SCENARIO, 'native');
    runTo(timeline, '[0x602010] = 3');
    const { walks, access } = picture(timeline);
    assert.deepEqual(walks[0]!.references.map(({ number, name }) => [number, name]), [[1, 'PML4E'], [2, 'PDPTE'], [3, 'PDE']]);
    assert.deepEqual(access!.parts.at(-1), { name: 'offset', bits: [20, 0], value: 0x100000 });
    assert.equal(access!.parts.length, 4);
  });

  it('numbers on without a gap behind a large guest page, also while the walk is under way', () => {
    const timeline = launched(SCENARIO, 'ept');
    enter(timeline, 'x = [direct(p.root)]');
    const toOwnRead = (level: bigint): void => {
      do toEvent(timeline, 'table_read'); while (timeline.eventsOfStep().at(-1)!.fields['space'] !== 0n);
      assert.equal(timeline.eventsOfStep().at(-1)!.fields['level'], level);
    };
    toOwnRead(4n);
    toOwnRead(3n);
    assert.equal(picture(timeline).walks[0]!.references.length, 24);
    toOwnRead(2n);
    assert.equal(picture(timeline).walks[0]!.references.length, 19, 'the five references for a PTE will not be made');
    toEvent(timeline, 'tlb_fill');
    assert.deepEqual(picture(timeline).walks[0]!.references.at(-1)!.number, 19);
  });

  it('tells a fault under the shadow tables, the hypervisor\'s work, and the retry', () => {
    const timeline = launched(SCENARIO, 'shadow-wp');
    enter(timeline, '[0x600ffc] = 1');
    toEvent(timeline, 'walk_done', 'walker');
    assert.deepEqual(picture(timeline).walks.map(({ outcome }) => outcome), ['page fault, error code 0x6 (write, user): the PML4E is not present']);
    toEvent(timeline, 'vm_exit');
    assert.match(picture(timeline).message, /^VM exit: Exception or non-maskable interrupt/);
    toEvent(timeline, 'listing_line');
    assert.match(picture(timeline).message, /^shadow-wp\.vmm, line \d+: /);
    toEvent(timeline, 'table_read', 'vmm');
    assert.match(picture(timeline).message, /^The hypervisor walks: PML4E at hpa:/);
    assert.equal(picture(timeline).walks.length, 1, 'the walk in software is the hypervisor\'s, not the access\'s');
    assert.equal(picture(timeline).lit, undefined);
    runTo(timeline, '[0x600000] = 1');
    const { walks } = picture(timeline);
    assert.equal(walks[0]!.title, 'shadow tables');
    assert.match(walks[1]!.outcome!, /^maps hpa:0x[0-9a-f]+ffc$/);
    assert.equal(walks[1]!.references[0]!.read!.address, walks[1]!.references[0]!.read!.hpa);
  });

  it('tells which rights refuse an access', () => {
    for (const mmu of ['native', 'ept'] as const) {
      const timeline = launched(SCENARIO, mmu);
      enter(timeline, '[0x603000] = 4');
      toEvent(timeline, 'page_fault');
      const { walks } = picture(timeline);
      assert.equal(walks.at(-1)!.outcome, 'page fault, error code 0x7 (present, write, user): the rights refuse a user write to a user page');
      assert.equal(walks.at(-1)!.mapsTo, undefined);
    }
  });

  it('tells which rule a reserved bit breaks', () => {
    const timeline = launched(SCENARIO.replace('x = [direct(p.root)]', 'entry [pte_at(p, 0x603000)] |= bit(51)'), 'native');
    enter(timeline, '[0x603000] = 4');
    toEvent(timeline, 'page_fault');
    assert.equal(picture(timeline).walks[0]!.outcome,
      'page fault, error code 0xf (present, write, user, reserved): the PTE has a reserved bit set: an address bit above MAXPHYADDR');
  });

  for (const { bit, outcome } of [
    { bit: 1, outcome: /^EPT misconfiguration at gpa:0x100000: the EPT PTE is illegal: writable but not readable, for the table of the PML4E$/ },
    { bit: 2, outcome: /^EPT violation at gpa:0x100000, qualification 0xab \(.*\): the EPT entries do not give the right to it, for the table of the PML4E$/ },
  ]) {
    it(`tells what an EPT entry without bit ${bit} does to the walk of a guest table behind it`, () => {
      const timeline = launched(SCENARIO, 'ept');
      runTo(timeline, '[0x600ffc] = 1');
      const { memory } = timeline.machine;
      const address = Number(BigInt(eptLeafOf(timeline, 'gpa:0x100000').slice('hpa:'.length)));
      memory.store32(address, 0, memory.load32(address, 0) & ~bit);
      toEvent(timeline, 'vm_exit');
      assert.match(picture(timeline).walks[0]!.outcome!, outcome);
      assert.equal(picture(timeline).walks[0]!.references.length, 4, 'nothing after it was read');
    });
  }

  it('tells which expectation fails, where one does', () => {
    const timeline = launched(SCENARIO.replace('  done = 1', '  expect x == 5\n  done = 1'), 'native');
    runTo(timeline, 'expect x == 5');
    toEvent(timeline, 'expectation_failed');
    assert.equal(picture(timeline).message, 'Expect x == 5 fails.');
  });

  it('belongs to the line of the access also after the guest\'s handler has run', () => {
    const timeline = launched(SCENARIO, 'native');
    enter(timeline, '[0x602010] = 3');
    toEvent(timeline, 'exception_delivered');
    assert.match(picture(timeline).message, /^Vector 14 delivered to the guest, error code 0x6\.$/);
    toEvent(timeline, 'iret');
    toEvent(timeline, 'access');
    assert.deepEqual([picture(timeline).access!.path, picture(timeline).access!.line], ['test.guest', 14], 'while the access runs again');
    runTo(timeline, '[0x603000] = 4');
    const { access, walks } = picture(timeline);
    assert.deepEqual([access!.path, access!.line], ['test.guest', 14]);
    assert.equal(walks.length, 1, 'the retry is an access of its own');
  });

  it('forgets nothing and adds nothing when time goes back', () => {
    const timeline = launched(SCENARIO, 'ept');
    enter(timeline, '[0x600ffc] = 1');
    for (let i = 0; i < 12; i++) move(timeline, 'event');
    const there = picture(timeline);
    for (let i = 0; i < 5; i++) move(timeline, 'event');
    assert.notDeepEqual(picture(timeline), there);
    for (let i = 0; i < 5; i++) move(timeline, 'event-back');
    assert.deepEqual(picture(timeline), there);
  });
});
