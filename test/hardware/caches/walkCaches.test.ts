import { strict as assert } from 'node:assert';
import { cachedMappings } from '../../../src/hardware/caches/cacheView';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { COUNTER } from '../../../src/hardware/state/counters';
import { ROOT, TABLES, TablesByHand, type Mode } from '../paging/tablesByHand';
import { A, D, EPT_ROOT, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
const MIB = 0x10_0000n;
const GIB = 0x4000_0000n;
const on = { walkCaches: 'on' } as const;

interface Loader { load(gva: bigint): number; readonly processor: { readonly counters: Float64Array } }

/** Entries that the processor reads in a load that succeeds. */
function references(machine: Loader, gva: bigint): number {
  const { counters } = machine.processor;
  const before = counters[COUNTER.walk_references]!;
  assert.equal(machine.load(gva), STATUS.done);
  return counters[COUNTER.walk_references]! - before;
}

function mapped(...pages: readonly bigint[]): TestMachine {
  const machine = new TestMachine(on);
  for (const page of pages) machine.map(page, 0x9000n, P | RW | US);
  return machine;
}

describe('the paging-structure caches', () => {
  it('spare the entries above the lowest table that they know', () => {
    const pages = [PAGE, PAGE + 0x1000n, PAGE + 2n * MIB, PAGE + GIB, PAGE + 512n * GIB, PAGE + 0x2000n];
    const machine = mapped(...pages);
    assert.deepEqual(pages.map((page) => references(machine, page)), [4, 1, 2, 3, 4, 1]);
  });

  for (const [mode, first, second] of [['32-bit', 2, 1], ['pae', 2, 1], ['4-level', 4, 1], ['5-level', 5, 1]] as const satisfies readonly (readonly [Mode, number, number])[]) {
    it(`begin in the page table with ${mode} paging`, () => {
      const machine = new TablesByHand(on);
      for (const page of [PAGE, PAGE + 0x1000n]) machine.map(TABLES[mode], ROOT, page, 0x9000n | P | RW);
      machine.enter(mode);
      assert.deepEqual([references(machine, PAGE), references(machine, PAGE + 0x1000n)], [first, second]);
    });
  }

  it('have a PML5E with 5-level paging', () => {
    const machine = new TablesByHand(on);
    const pages = [PAGE, PAGE + 512n * GIB, PAGE + GIB];
    for (const page of pages) machine.map(TABLES['5-level'], ROOT, page, 0x9000n | P | RW);
    machine.enter('5-level');
    assert.deepEqual(pages.map((page) => references(machine, page)), [5, 4, 3]);
  });

  it('hold nothing of an entry that maps a page', () => {
    const machine = new TestMachine(on);
    machine.map(GIB, 0x20_0000n, P | RW, 2);
    machine.map(GIB + 2n * MIB, 0x20_0000n, P | RW, 2);
    assert.deepEqual([references(machine, GIB), references(machine, GIB + 2n * MIB)], [3, 1]);
  });

  it('hold the AND of the rights above', () => {
    for (const level of [4, 3, 2]) {
      const machine = mapped(PAGE, PAGE + 0x1000n);
      const above = machine.entryAt(PAGE, level);
      machine.put(above, machine.word(above) & ~RW);
      assert.equal(machine.load(PAGE), STATUS.done);
      assert.equal(machine.store(PAGE + 0x1000n, 1n), STATUS.exception, `level ${level}`);
      assert.equal(machine.processor.errorCode, 3);
      machine.put(above, (machine.word(above) | RW) & ~US);
      assert.equal(machine.invlpg(0n), STATUS.done);
      assert.equal(machine.load(PAGE), STATUS.done);
      machine.set({ cpl: 3 });
      assert.equal(machine.load(PAGE + 0x1000n), STATUS.exception);
      assert.equal(machine.processor.errorCode, 5);
    }
  });

  it('know an old table until INVLPG, of whatever address', () => {
    const machine = mapped(PAGE, PAGE + 0x1000n);
    const other = 0x7000n;
    machine.put(other + 8n, 0xa000n | P | RW);
    machine.put(0x9000n, 1n);
    machine.put(0xa000n, 2n);
    assert.equal(machine.load(PAGE), STATUS.done);
    machine.put(machine.entryAt(PAGE, 2), other | P | RW);
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.done);
    assert.equal(machine.value, 1n, 'by the old table');
    assert.equal(machine.invlpg(PAGE + 0x1000n), STATUS.done);
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.done);
    assert.equal(machine.value, 2n, 'by the new one');
  });

  it('do not set an accessed flag that was cleared without invalidation', () => {
    const machine = mapped(PAGE, PAGE + 0x1000n, PAGE + 0x2000n);
    const above = machine.entryAt(PAGE, 2);
    assert.equal(machine.load(PAGE), STATUS.done);
    machine.put(above, machine.word(above) & ~A);
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.done);
    assert.equal(machine.word(above) & A, 0n);
    machine.invlpg(PAGE);
    assert.equal(machine.load(PAGE + 0x2000n), STATUS.done);
    assert.equal(machine.word(above) & A, A);
  });

  it('take nothing from a walk that faults, and forget what it used', () => {
    for (const entry of [0n, 0x9000n | P | (1n << 50n)]) {
      const machine = mapped(PAGE, PAGE + 0x1000n);
      machine.put(machine.entryAt(PAGE, 1), entry);
      assert.equal(machine.load(PAGE), STATUS.exception);
      assert.deepEqual(cachedMappings(machine.processor.caches), []);
      assert.equal(references(machine, PAGE + 0x1000n), 4);
      assert.equal(machine.load(PAGE), STATUS.exception);
      assert.deepEqual(cachedMappings(machine.processor.caches).map(({ cache }) => cache), ['L1 TLB'], 'the other page');
    }
  });

  it('belong to a PCID', () => {
    const machine = mapped(PAGE, PAGE + 0x1000n).set({ cr4: CR4.PAE | CR4.PCIDE });
    const root = machine.register('cr3');
    assert.equal(references(machine, PAGE), 4);
    machine.move('cr3', root | 1n | (1n << 63n));
    assert.equal(references(machine, PAGE + 0x1000n), 4);
    machine.move('cr3', root | (1n << 63n));
    assert.equal(references(machine, PAGE + 0x1000n), 1);
  });

  it('are left alone by inspection, which reads the tables', () => {
    const machine = mapped(PAGE, PAGE + 0x1000n);
    machine.load(PAGE);
    machine.put(machine.entryAt(PAGE, 2), 0n);
    const before = JSON.stringify(cachedMappings(machine.processor.caches));
    const counted = machine.processor.counters[COUNTER.walk_references];
    assert.notEqual(machine.walk(PAGE + 0x1000n, ACCESS.read), 0);
    assert.equal(JSON.stringify(cachedMappings(machine.processor.caches)), before);
    assert.equal(machine.processor.counters[COUNTER.walk_references], counted);
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.done);
  });

  it('tell of hits and fills, and each reference is one entry read', () => {
    const machine = mapped(PAGE, PAGE + 0x1000n);
    const told = (gva: bigint): string[] => {
      machine.listen();
      machine.load(gva);
      return machine.events.filter(({ kind }) => /structure_cache|table_read/.test(kind)).map(({ kind, json }) => `${kind} ${json['entry']}`);
    };
    assert.deepEqual(told(PAGE), [
      'table_read PML4E', 'table_read PDPTE', 'table_read PDE', 'table_read PTE',
      'structure_cache_fill PML4E', 'structure_cache_fill PDPTE', 'structure_cache_fill PDE',
    ]);
    assert.deepEqual(told(PAGE + 0x1000n), ['structure_cache_hit PDE', 'table_read PTE']);
  });

  for (const [rewalk, status] of [['off', STATUS.exception], ['on', STATUS.done]] as const) {
    it(`with rewalk_on_permission_fault ${rewalk} ${rewalk === 'on' ? 'are looked past' : 'fault once'} when what they know is stale`, () => {
      const machine = new TestMachine({ ...on, rewalkOnPermissionFault: rewalk });
      for (const page of [PAGE, PAGE + 0x1000n]) machine.map(page, 0x9000n, P | RW);
      const above = machine.entryAt(PAGE, 3);
      machine.put(above, machine.word(above) & ~RW);
      machine.load(PAGE);
      machine.put(above, machine.word(above) | RW);
      assert.equal(machine.store(PAGE + 0x1000n, 1n), status, 'a raised right');
      assert.equal(machine.store(PAGE + 0x1000n, 1n), STATUS.done, 'and never twice');
    });
  }
});

describe('the caches of a two-dimensional walk', () => {
  function behindEpt(options: { readonly accessedDirty?: 'on' | 'off' } = {}): TestMachine {
    const machine = new TestMachine(on);
    [0n, 0x1000n, 0x2000n, 2n * MIB].forEach((offset) => machine.map(PAGE + offset, 0x1000_0000n + offset, P | RW));
    machine.map(PAGE + 0x3000n, 0x1000_0000n, P | RW);
    machine.enterWithEpt({ ...options, vpid: 1 });
    [0n, 0x1000n, 0x2000n, 2n * MIB].forEach((offset) => machine.mapEpt(0x1000_0000n + offset, 0x2000_0000n + offset, R | W | X | WB));
    return machine;
  }

  it('lead from the linear address to the last guest table, and from there to memory', () => {
    const machine = behindEpt();
    // The guest's tables are mapped by EPT pages of 2 MBytes: 3 for the first of them, 1 for each that the same PDPTE is for; 4 for the page.
    const first = references(machine, PAGE);
    assert.equal(references(machine, PAGE + 0x1000n), 2, 'guest PTE, EPT PTE');
    assert.equal(references(machine, PAGE + 0x3000n), 1, 'guest PTE; the nested TLB has the page');
    assert.equal(references(machine, PAGE + 2n * MIB), 4, 'guest PDE and PTE, EPT PDE and PTE');
    assert.ok(first < 24);
    assert.deepEqual(
      [...new Set(cachedMappings(machine.processor.caches).map(({ cache, mapping }) => `${cache}: ${mapping}`))],
      [
        'L1 TLB: combined', 'nested TLB: guest-physical',
        'PDE cache: combined', 'PDPTE cache: combined', 'PML4E cache: combined',
        'nested PDE cache: guest-physical', 'nested PDPTE cache: guest-physical', 'nested PML4E cache: guest-physical',
      ],
    );
  });

  for (const [nested, first] of [['4-level', 24], ['5-level', 29]] as const) {
    it(`do the same behind nested paging of ${nested} paging`, () => {
      const machine = new TablesByHand({ ...on, vendor: 'amd' });
      const pages = [PAGE, PAGE + 0x1000n];
      for (const page of pages) machine.map(TABLES['4-level'], ROOT, page, page | P | RW);
      machine.mapLowMemory(TABLES[nested], P | RW | US);
      machine.enter('4-level').enterSvm(nested);
      const plain = new TablesByHand({ vendor: 'amd' });
      for (const page of pages) plain.map(TABLES['4-level'], ROOT, page, page | P | RW);
      plain.mapLowMemory(TABLES[nested], P | RW | US);
      plain.enter('4-level').enterSvm(nested);
      assert.deepEqual(pages.map((page) => references(plain, page)), [first, first]);
      assert.ok(references(machine, PAGE) < first);
      assert.equal(references(machine, PAGE + 0x1000n), 2);
    });
  }

  it('keep guest-physical mappings over INVVPID, and lose them by INVEPT', () => {
    const machine = behindEpt();
    machine.put(0x2000_0000n, 1n);
    machine.put(0x2000_5000n, 2n);
    machine.load(PAGE);
    machine.mapEpt(0x1000_0000n, 0x2000_5000n, R | W | X | WB);
    machine.processor.invvpid();
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.value, 1n, 'the nested TLB has the old page');
    machine.processor.invept(Number(EPT_ROOT), 0);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.value, 2n);
  });

  it('look rights up again that a nested line withholds', () => {
    const machine = behindEpt();
    machine.mapEpt(0x1000_0000n, 0x2000_0000n, R | WB);
    machine.load(PAGE);
    machine.mapEpt(0x1000_0000n, 0x2000_0000n, R | W | WB);
    assert.equal(machine.store(PAGE + 0x3000n, 1n), STATUS.done);
    assert.deepEqual(machine.exits, []);
  });

  it('set the dirty flag of EPT with the first write through a clean nested line', () => {
    const machine = behindEpt({ accessedDirty: 'on' });
    const leaf = machine.eptEntryAt(0x1000_0000n, 1);
    machine.load(PAGE);
    assert.equal(machine.word(leaf) & (1n << 9n), 0n);
    machine.store(PAGE + 0x3000n, 1n);
    assert.equal(machine.word(leaf) & (1n << 9n), 1n << 9n);
  });

  it('have one line for an address, made anew by the first write through a clean one', () => {
    const machine = behindEpt({ accessedDirty: 'on' });
    machine.load(PAGE);
    machine.store(PAGE + 0x3000n, 1n);
    const pages = cachedMappings(machine.processor.caches).filter(({ cache }) => cache === 'nested TLB')
      .map(({ pageLo, pageHi }) => `${pageHi}:${pageLo}`);
    assert.ok(pages.length > 0);
    assert.deepEqual(pages, [...new Set(pages)]);
  });

  it('hold nothing of an EPT entry that is misconfigured or absent', () => {
    for (const entry of [0x2000_0000n | W | WB, 0n]) {
      const machine = behindEpt();
      machine.put(machine.eptEntryAt(0x1000_0000n, 1), entry);
      assert.equal(machine.load(PAGE), STATUS.stopped);
      const ofPage = cachedMappings(machine.processor.caches).filter(({ cache, pageLo }) => cache.endsWith('TLB') && (pageLo === 0x1000_0000 || pageLo === Number(PAGE)));
      assert.deepEqual(ofPage, []);
    }
  });

  it('know what EPT lets a guest table be written with', () => {
    const machine = new TestMachine(on);
    const preset = P | RW | A | D;
    machine.map(PAGE, 0x10_0000n, preset);
    const clean = machine.map(PAGE + 0x1000n, 0x10_0000n, P | RW);
    for (const level of [4, 3, 2]) machine.put(machine.entryAt(PAGE, level), machine.word(machine.entryAt(PAGE, level)) | A);
    machine.enterWithEpt({ vpid: 1 });
    machine.put(machine.eptEntryAt(0n, 2), 0n);
    for (let gpa = 0n; gpa < 2n * MIB; gpa += 0x1000n) {
      machine.mapEpt(gpa, gpa, gpa === (clean & ~0xfffn) ? R | WB : R | W | X | WB);
    }
    assert.equal(machine.load(PAGE), STATUS.done, 'its flags are set already');
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.stopped);
    const [exit] = machine.exits;
    assert.equal(exit?.reason, 48);
    assert.equal(exit.gpa, clean);
    assert.equal(exit.qualification & 0x182n, 0x82n, 'a write, to a guest table');
  });

  it('cache guest-physical mappings alone while the guest has paging off', () => {
    const machine = new TestMachine(on);
    machine.set({ cr0: 0x21, efer: 0, cr4: CR4.VMXE });
    machine.enterWithEpt({ vpid: 1 });
    machine.load(0x3000n);
    const kinds = new Set(cachedMappings(machine.processor.caches).map(({ mapping }) => mapping));
    assert.deepEqual([...kinds], ['guest-physical']);
    machine.processor.invvpid();
    assert.ok(machine.processor.caches.holds(0x3000, 0));
    machine.processor.invept(Number(EPT_ROOT), 0);
    assert.ok(!machine.processor.caches.holds(0x3000, 0));
  });
});
