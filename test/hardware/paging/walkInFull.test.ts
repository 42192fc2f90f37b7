import { strict as assert } from 'node:assert';
import { KIND } from '../../../src/hardware/events/eventTable';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { refusalText } from '../../../src/hardware/paging/refusalText';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { D, G, halves, P, PS, R, RW, TestMachine, US, W, WB, X } from '../testMachine';
import { ROOT, TablesByHand } from './tablesByHand';

/* What the walk itself says, where somebody listens to it or asks it: the generated ones do not serve these. */
const PAGE = 0x60_0000n;
const GPA = 0x1000_0000n;

function guest(leaf: bigint, accessedDirty: 'on' | 'off' = 'off'): TestMachine {
  const machine = new TestMachine();
  machine.map(PAGE, GPA, P | RW | US);
  machine.enterWithEpt({ vpid: 5, accessedDirty });
  machine.mapEpt(GPA, 0x2000_0000n, leaf);
  return machine;
}

function native(leaf: bigint): TestMachine {
  const machine = new TestMachine();
  machine.map(PAGE, 0x9000n, leaf);
  return machine;
}

/** A guest whose EPT takes writes from the page of its page tables: with its own accessed and dirty flags reads of them are writes too. */
function withTablesReadOnly(accessedDirty: 'on' | 'off'): TestMachine {
  const machine = guest(R | W | X | WB, accessedDirty);
  const tables = machine.eptEntryAt(0n, 2);
  machine.put(tables, machine.word(tables) & ~W);
  return machine;
}

const ends: readonly { readonly name: string; readonly make: () => TestMachine; readonly status: number }[] = [
  { name: 'maps the page', make: () => native(P | RW), status: STATUS.done },
  { name: 'finds an entry that is not present', make: () => native(0n), status: STATUS.exception },
  { name: 'finds a reserved bit', make: () => native(P | RW | (1n << 51n)), status: STATUS.exception },
  { name: 'is refused by rights', make: () => native(P), status: STATUS.exception },
  { name: 'maps the page behind EPT', make: () => guest(R | W | X | WB), status: STATUS.done },
  { name: 'is refused by EPT its final address', make: () => guest(0n), status: STATUS.stopped },
  { name: 'finds an EPT entry that is illegal', make: () => guest(W), status: STATUS.stopped },
  { name: 'is refused by EPT its first table', make: () => withTablesReadOnly('on'), status: STATUS.stopped },
  { name: 'is refused by EPT the flags of its tables', make: () => withTablesReadOnly('off'), status: STATUS.stopped },
];

describe('a walk that somebody listens to', () => {
  for (const { name, make, status } of ends) {
    it(`tells where it begins and ends, and of each reference it counts, when it ${name}`, () => {
      const machine = make();
      machine.listen();
      assert.equal(machine.store(PAGE, 1n), status);
      const walks: string[] = [];
      let depth = 0;
      let references = 0;
      for (const kind of machine.kinds()) {
        if (kind === 'walk') walks.push('>'.repeat(++depth));
        if (kind === 'walk_done') walks.push('<'.repeat(depth--));
        if (kind === 'table_read') references++;
      }
      assert.deepEqual([depth, walks[0], walks.at(-1)], [0, '>', '<'], walks.join(' '));
      assert.equal(machine.processor.space.result.references, references);
      assert.ok(references > 0);
      assert.equal(machine.kinds().filter((kind) => kind === 'tlb_fill').length, status === STATUS.done ? 1 : 0);
    });

    it(`tells nothing when nobody asked, when it ${name}`, () => {
      const machine = make();
      machine.bus.listen(() => assert.fail('an event that nobody asked for'), [KIND.vm_entry]);
      assert.equal(machine.store(PAGE, 1n), status);
    });
  }

  it('counts the references of EPT anew each time', () => {
    const machine = guest(0n);
    machine.listen();
    for (const time of [1, 2]) {
      machine.events.length = 0;
      assert.equal(machine.load(PAGE), STATUS.stopped);
      assert.equal(machine.processor.space.result.references, machine.kinds().filter((kind) => kind === 'table_read').length, `time ${time}`);
    }
  });

  it('says that a page is global, and that it is dirty', () => {
    const machine = new TestMachine().set({ cr4: CR4.PAE | CR4.PGE });
    const leaf = machine.map(PAGE, 0x9000n, P | RW | G);
    machine.map(PAGE + 0x1000n, 0xa000n, P | RW);
    machine.listen();
    const isRead = (): boolean => machine.kinds().includes('table_read');
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.equal(machine.word(leaf) & D, D);
    machine.load(PAGE + 0x1000n);
    machine.move('cr3', machine.register('cr3'));
    machine.events.length = 0;
    assert.equal(machine.store(PAGE, 2n), STATUS.done);
    assert.ok(!isRead(), 'the global page is cached, and dirty');
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.done);
    assert.ok(isRead(), 'the other one is not');
  });

  it('takes both halves of a PDPTE register', () => {
    const machine = new TablesByHand();
    const directory = 0x12_3456_7000n;
    machine.put(ROOT, directory | P);
    machine.put(directory + 8n * 3n, 0xa0_0000n | P | RW | PS);
    machine.enter('pae');
    machine.listen();
    assert.equal(machine.walk(PAGE + 0x1238n, ACCESS.read), WALK.mapped);
    assert.equal(machine.load(PAGE + 0x1238n), STATUS.done);
    assert.equal(machine.processor.space.result.hpaLo, 0xa0_1238);
  });
});

describe('a refusal', () => {
  const named: readonly (readonly [make: () => TestMachine, access: number, text: RegExp])[] = [
    [() => native(0n), ACCESS.read, /^the PTE is not present$/],
    [() => native(P | RW | (1n << 51n)), ACCESS.read, /^the PTE has a reserved bit set: .*MAXPHYADDR/],
    [() => guest(W | WB), ACCESS.read, /^the EPT PTE is illegal: \S.*, for the final guest-physical address$/],
    [() => guest(R | (2n << 3n)), ACCESS.read, /^the EPT PTE is illegal: memory type 2.*, for the final guest-physical address$/],
    [() => native(P | RW | US | (3n << 59n)).set({ cr4: CR4.PAE | CR4.PKE, pkru: 1 << 6 }), ACCESS.read, /^protection key 3 refuses the access$/],
  ];
  for (const [make, access, text] of named) {
    it(`names its rule: ${text.source}`, () => {
      const machine = make();
      assert.notEqual(machine.walk(PAGE, access), WALK.mapped);
      assert.match(refusalText(machine.processor.inspection) ?? '', text);
    });
  }

  it('of a flag names the entry that would have it, and is none of the log of pages', () => {
    const machine = withTablesReadOnly('off');
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.match(refusalText(machine.processor.space) ?? '', /^the accessed or dirty flag of the PML4E cannot be set/);
  });

  it('by what no row of a table says has no row', () => {
    for (const make of [() => native(0n), () => native(P | RW | US | (3n << 59n)).set({ cr4: CR4.PAE | CR4.PKE, pkru: 1 << 6 }), () => native(P | RW)]) {
      const machine = make();
      machine.walk(PAGE, ACCESS.read);
      assert.equal(machine.processor.inspection.result.rule, -1);
    }
  });
});

describe('how much of a translation is one page', () => {
  it('is what EPT maps in one piece, while the guest has no paging or larger pages', () => {
    for (const [level, shift] of [[1, 12], [2, 21]] as const) {
      const machine = guest(R | W | X | WB);
      machine.map(0x4000_0000n, 0x4000_0000n, P | RW, 3);
      machine.mapEpt(0x4000_0000n, 0x4000_0000n, R | W | X | WB, level);
      machine.listen();
      assert.equal(machine.load(0x4000_0000n), STATUS.done);
      const line = machine.processor.tlb.peek(...halves(0x4000_0000n));
      assert.equal(machine.processor.tlb.shift(line), shift);
    }
  });
});
