import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { refusalText } from '../../../src/hardware/paging/refusalText';
import { COUNTER } from '../../../src/hardware/state/counters';
import { A, D, EA, ED, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
/** Guest-physical page that PAGE is mapped to: in a GByte of its own, whose EPT entries serve nothing else. */
const GPA = 0x1_4000_0000n;
const HPA = 0x2000_0000n;
/** Exit-qualification bits. */
const Q = { read: 1n, write: 2n, fetch: 4n, linear: 1n << 7n, final: 1n << 8n } as const;
const rights = (bits: bigint): bigint => bits << 3n;

function guest(accessedDirty: 'on' | 'off' = 'off', leafBits = P | RW | US): TestMachine {
  const machine = new TestMachine();
  machine.map(PAGE, GPA, leafBits);
  return machine.enterWithEpt({ accessedDirty });
}

describe('an EPT violation', () => {
  for (const [what, qualification] of [['load', Q.read], ['store', Q.write], ['fetch', Q.fetch]] as const) {
    it(`of a ${what} whose page has no EPT entry reports the access, no rights, and both addresses`, () => {
      const machine = guest();
      const status = what === 'load' ? machine.load(PAGE + 8n) : what === 'store' ? machine.store(PAGE + 8n, 1n) : machine.fetch(PAGE + 8n);
      assert.equal(status, STATUS.stopped);
      assert.deepEqual(machine.exits, [{
        reason: EXIT_REASON.ept_violation, qualification: qualification | Q.linear | Q.final, gpa: GPA + 8n, gla: PAGE + 8n,
      }]);
    });
  }

  it('reports the rights that all entries used give together', () => {
    const machine = guest();
    machine.mapEpt(GPA, HPA, R | W | WB);
    machine.put(machine.eptEntryAt(GPA, 3), machine.word(machine.eptEntryAt(GPA, 3)) & ~W);
    machine.store(PAGE, 1n);
    assert.equal(machine.exits[0]?.qualification, Q.write | rights(R) | Q.linear | Q.final);
  });

  it('reports no rights when an entry below a present one is absent', () => {
    const machine = guest();
    machine.mapEpt(GPA, 0n, 0n);
    machine.load(PAGE);
    assert.equal(machine.exits[0]?.qualification, Q.read | Q.linear | Q.final);
  });

  it('on a guest table is a read of a paging structure, and with EPT flags on a read and a write', () => {
    for (const [accessedDirty, access] of [['off', Q.read], ['on', Q.read | Q.write]] as const) {
      const machine = guest(accessedDirty);
      const page = machine.eptEntryAt(0x10_0000n, 2);
      machine.put(page, 0n);
      machine.load(PAGE);
      assert.deepEqual(machine.exits[0], {
        reason: EXIT_REASON.ept_violation, qualification: access | Q.linear,
        gpa: machine.register('cr3') + ((PAGE >> 39n) & 0x1ffn) * 8n, gla: PAGE,
      });
    }
  });

  it('on a read-only guest table comes with every walk while EPT flags are on, with the first flag while they are off', () => {
    for (const [accessedDirty, access] of [['on', Q.read | Q.write], ['off', Q.write]] as const) {
      const machine = guest(accessedDirty);
      machine.mapEpt(GPA, HPA, R | W | X | WB);
      const page = machine.eptEntryAt(0x10_0000n, 2);
      machine.put(page, machine.word(page) & ~W);
      assert.equal(machine.load(PAGE), STATUS.stopped);
      const [exit] = machine.exits;
      assert.deepEqual([exit?.qualification, exit?.gpa], [access | rights(R | X) | Q.linear, machine.register('cr3')]);
    }
  });

  it('does not come with a guest table that is read-only, once all flags are set', () => {
    const machine = new TestMachine();
    machine.map(PAGE, GPA, P | RW | US | A | D);
    for (const level of [4, 3, 2]) machine.put(machine.entryAt(PAGE, level), machine.word(machine.entryAt(PAGE, level)) | A);
    machine.enterWithEpt();
    machine.mapEpt(GPA, HPA, R | W | WB);
    const page = machine.eptEntryAt(0x10_0000n, 2);
    machine.put(page, machine.word(page) & ~W);
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.equal(machine.hpa, HPA);
  });

  it('never comes before a page fault of the guest itself', () => {
    const machine = guest('on', P | RW);
    machine.processor.setLevel(3);
    assert.equal(machine.load(PAGE), STATUS.exception);
    assert.deepEqual([machine.processor.errorCode, machine.exits.length], [5, 0]);
  });

  it('comes for a guest-physical address that EPT tables do not translate', () => {
    const machine = new TestMachine({ maxphyaddr: 52 });
    machine.map(PAGE, 1n << 50n, P | RW);
    machine.enterWithEpt();
    machine.load(PAGE);
    assert.deepEqual(machine.exits.map((exit) => [exit.reason, exit.gpa]), [[EXIT_REASON.ept_violation, 1n << 50n]]);
  });
});

describe('an EPT misconfiguration', () => {
  for (const [name, level, bits] of [
    ['W without R', 1, W | WB], ['W and X without R', 1, W | X | WB], ['memory type 2', 1, R | (2n << 3n)],
    ['memory type 3', 2, R | (3n << 3n)], ['memory type 7', 3, R | (7n << 3n)], ['an address bit above MAXPHYADDR', 1, R | WB | (1n << 46n)],
    ['bit 12 of a 2-MByte page', 2, R | WB | (1n << 12n)], ['bit 29 of a 1-GByte page', 3, R | WB | (1n << 29n)],
  ] as const) {
    it(`is ${name}, reported with the guest-physical address alone`, () => {
      const machine = guest();
      machine.mapEpt(GPA, 0n, bits, level);
      assert.equal(machine.load(PAGE), STATUS.stopped);
      assert.deepEqual(machine.exits, [{ reason: EXIT_REASON.ept_misconfiguration, qualification: 0n, gpa: GPA, gla: 0n }]);
    });
  }

  it('is a reserved bit in a table entry, met before the absent entry below it', () => {
    const machine = guest();
    machine.mapEpt(GPA, 0n, 0n);
    const table = machine.eptEntryAt(GPA, 2);
    machine.put(table, machine.word(table) | (1n << 3n));
    machine.load(PAGE);
    assert.equal(machine.exits[0]?.reason, EXIT_REASON.ept_misconfiguration);
    machine.walk(PAGE, ACCESS.read);
    assert.match(refusalText(machine.processor.inspection) ?? '', /^the EPT PDE has a reserved bit set: bits 6:3.*final/);
  });

  it('is not execute-only, nor memory type 4 to 6, nor an ignored bit', () => {
    const machine = guest();
    machine.mapEpt(GPA, HPA, X | (5n << 3n) | (1n << 11n) | (1n << 52n));
    assert.equal(machine.fetch(PAGE), STATUS.done);
    machine.load(PAGE);
    assert.equal(machine.exits[0]?.qualification, Q.read | rights(X) | Q.linear | Q.final);
  });
});

describe('EPT accessed and dirty flags', () => {
  it('are set on both dimensions while on: guest tables count as written, the page only by a store', () => {
    const machine = guest('on');
    const leaf = machine.mapEpt(GPA, HPA, R | W | WB);
    machine.load(PAGE);
    assert.equal(machine.word(leaf) & (EA | ED), EA);
    assert.equal(machine.word(machine.eptEntryAt(0x10_0000n, 2)) & (EA | ED), EA | ED);
    assert.equal(machine.word(machine.eptEntryAt(GPA, 4)) & (EA | ED), EA);
    machine.store(PAGE, 1n);
    assert.equal(machine.word(leaf) & (EA | ED), EA | ED);
  });

  it('of the page come with the first store although guest and TLB have it dirty and clean', () => {
    const machine = guest('on', P | RW | US | A | D);
    const leaf = machine.mapEpt(GPA, HPA, R | W | WB);
    machine.load(PAGE);
    assert.equal(machine.word(leaf) & ED, 0n);
    machine.store(PAGE, 1n);
    assert.equal(machine.word(leaf) & ED, ED);
  });

  it('are never set while off', () => {
    const machine = guest('off');
    const leaf = machine.mapEpt(GPA, HPA, R | W | WB);
    machine.store(PAGE, 1n);
    assert.equal(machine.word(leaf) & (EA | ED), 0n);
    assert.equal(machine.word(machine.entryAt(PAGE, 1)) & (A | D), A | D);
  });
});

describe('a two-dimensional walk', () => {
  it('makes 24 references for 4-KByte pages on both sides, in the order of the papers', () => {
    const machine = guest();
    machine.mapEpt(GPA, HPA, R | W | WB);
    for (let gpa = 0n; gpa < 0x80_0000n; gpa += 0x20_0000n) machine.put(machine.eptEntryAt(gpa, 2), 0n);
    for (let gpa = 0x10_0000n; gpa < 0x11_0000n; gpa += 0x1000n) machine.mapEpt(gpa, gpa, R | W | WB);
    machine.listen();
    assert.equal(machine.load(PAGE), STATUS.done);
    const reads = machine.events.filter((event) => event.kind === 'table_read').map((event) => `${event.json['entry']}/${event.json['guestLevel']}`);
    const block = (served: number): string[] => ['EPT PML4E', 'EPT PDPTE', 'EPT PDE', 'EPT PTE'].map((entry) => `${entry}/${served}`);
    assert.deepEqual(reads, [
      ...block(4), 'PML4E/0', ...block(3), 'PDPTE/0', ...block(2), 'PDE/0', ...block(1), 'PTE/0', ...block(0),
    ]);
    assert.equal(machine.processor.space.result.references, 24);
    assert.equal(machine.processor.counters[COUNTER.walk_references], 24);
  });

  it('makes 19 with 2-MByte pages of the host, and the TLB holds the smaller page', () => {
    const machine = guest();
    machine.mapEpt(GPA, HPA, R | W | WB, 2);
    machine.listen();
    machine.load(PAGE + 0x123n, 1);
    assert.equal(machine.processor.counters[COUNTER.walk_references], 4 * 3 + 4 + 3);
    assert.equal(machine.hpa, HPA + 0x123n);
    assert.equal(machine.processor.space.result.effectiveShift, 12);
  });

  it('of a large guest page is cached by the pages of EPT', () => {
    const machine = new TestMachine();
    machine.map(0x4000_0000n, GPA, P | RW, 2);
    machine.enterWithEpt();
    machine.mapEpt(GPA, HPA, R | W | WB);
    machine.mapEpt(GPA + 0x1000n, HPA + 0x8000n, R | W | WB);
    machine.load(0x4000_0000n);
    machine.load(0x4000_1008n);
    assert.equal(machine.hpa, HPA + 0x8008n);
  });

  it('goes on when root mode has mended the entry, without INVEPT', () => {
    const machine = guest();
    machine.onExit = () => {
      machine.mapEpt(GPA, HPA, R | W | X | WB);
      return RESUME.retry;
    };
    assert.equal(machine.store(PAGE, 7n), STATUS.done);
    assert.equal(machine.word(HPA), 7n);
    assert.equal(machine.exits.length, 1);
  });
});
