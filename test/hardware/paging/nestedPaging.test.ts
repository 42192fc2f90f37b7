import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { CR0, CR4, EFER } from '../../../src/hardware/processor/controlRegisters';
import { COUNTER, EXIT_COUNTERS_AT } from '../../../src/hardware/state/counters';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { refusalText } from '../../../src/hardware/paging/refusalText';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { A, D, halves, P, PS, RW, US, XD } from '../testMachine';
import { type Mode, NESTED_ROOT, ROOT, TABLES, TablesByHand } from './tablesByHand';

const PAGE = 0x60_1000n;
const GPA = 0x9000n;
const OPEN = P | RW | US;
/** EXITINFO1: the error code, and in bits 33:32 what the nested access was for. */
const FINAL = 1n << 32n;
const TABLE = 1n << 33n;
const ERROR = { P: 1n, W: 2n, U: 4n, RSVD: 8n, ID: 16n } as const;

/** A guest in `guest` mode with PAGE mapped to GPA, behind tables of the host's mode that map low memory one to one. */
function virtual(guest: Mode, host: Mode, how: { readonly cpl?: number } = {}): TablesByHand {
  const machine = new TablesByHand({ vendor: 'amd' });
  machine.map(TABLES[guest], ROOT, PAGE, GPA | OPEN);
  machine.mapLowMemory(TABLES[host], OPEN);
  machine.set({ cpl: how.cpl ?? 3 });
  machine.enter(guest, ROOT);
  return machine.enterSvm(host);
}

/** Changes the nested entry for a guest-physical address at `depth` from the top. */
function nestedEntry(machine: TablesByHand, host: Mode, gpa: bigint, depth: number, change: (entry: bigint) => bigint): void {
  const at = machine.entryAt(TABLES[host], NESTED_ROOT, gpa, depth);
  machine.put(at, change(machine.word(at, TABLES[host].entryBytes)), TABLES[host].entryBytes);
}

const info = (machine: TablesByHand): readonly bigint[] => [machine.vmcb('exitcode'), machine.vmcb('exitinfo1'), machine.vmcb('exitinfo2')];

describe('nested paging', () => {
  for (const [guest, host, references] of [
    ['4-level', '4-level', 24], ['5-level', '5-level', 35], ['4-level', '5-level', 29], ['5-level', '4-level', 29],
    ['32-bit', '4-level', 14], ['pae', '4-level', 19], ['pae', '5-level', 23], ['32-bit', 'pae', 3 * 4 - 1], ['pae', 'pae', 4 * 4 - 1],
    ['32-bit', '32-bit', 3 * 3 - 1],
  ] as const) {
    it(`of a ${guest} guest in a ${host} host takes (g + 1)(h + 1) - 1 references: ${references}`, () => {
      const machine = virtual(guest, host);
      assert.equal(machine.load(PAGE + 0x123n), STATUS.done);
      assert.equal(machine.hpa, GPA + 0x123n);
      assert.equal(machine.processor.space.result.references, references);
      assert.equal(machine.processor.counters[COUNTER.walk_references], references);
    });
  }

  it('of an unpaged guest is the nested walk alone', () => {
    const machine = virtual('4-level', '4-level');
    machine.set({ cr0: CR0.PE, efer: 0 });
    assert.equal(machine.load(0x5123n), STATUS.done);
    assert.deepEqual([machine.hpa, machine.processor.space.result.references], [0x5123n, 4]);
  });

  for (const host of ['32-bit', 'pae', '4-level', '5-level'] as const) {
    const depths = TABLES[host].shifts.map((_, depth) => depth).filter((depth) => host !== 'pae' || depth > 0);
    for (const depth of depths) {
      it(`needs U/S = 1 at depth ${depth} of a ${host} host even for a supervisor's access`, () => {
        const machine = virtual('32-bit', host, { cpl: 0 });
        // The final page shares its upper tables with the guest's own tables, which fault first.
        nestedEntry(machine, host, GPA, depth, (entry) => entry & ~US);
        assert.equal(machine.load(PAGE), STATUS.stopped);
        const isLast = depth === TABLES[host].shifts.length - 1;
        assert.deepEqual(info(machine), isLast
          ? [0x400n, FINAL | ERROR.P | ERROR.U, GPA]
          : [0x400n, TABLE | ERROR.P | ERROR.U | ERROR.W, ROOT + ((PAGE >> 22n) * 4n)]);
      });
    }
  }

  it('reads and writes guest tables as user writes: a read-only nested page of a table refuses a mere read', () => {
    const machine = virtual('4-level', '4-level');
    const pte = machine.entryAt(TABLES['4-level'], ROOT, PAGE, 3);
    nestedEntry(machine, '4-level', pte, 3, (entry) => entry & ~RW);
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.deepEqual(info(machine), [0x400n, TABLE | ERROR.P | ERROR.W | ERROR.U, pte]);
    assert.equal(machine.processor.counters[EXIT_COUNTERS_AT + EXIT_REASON.npf], 1);
  });

  it('marks the page of a guest table dirty by the walk, and the final page only by a write', () => {
    const machine = virtual('4-level', '4-level');
    const flags = (gpa: bigint): bigint => machine.word(machine.entryAt(TABLES['4-level'], NESTED_ROOT, gpa, 3)) & (A | D);
    machine.load(PAGE);
    assert.deepEqual([flags(machine.entryAt(TABLES['4-level'], ROOT, PAGE, 3)), flags(GPA)], [A | D, A]);
    machine.store(PAGE, 1n);
    assert.equal(flags(GPA), A | D);
  });

  for (const [name, change, store, code] of [
    ['an absent page', () => 0n, 'load', ERROR.U], ['an absent page, written', () => 0n, 'store', ERROR.U | ERROR.W],
    ['a read-only page, written', (e: bigint) => e & ~RW, 'store', ERROR.P | ERROR.U | ERROR.W],
    ['an address bit above MAXPHYADDR', (e: bigint) => e | (1n << 46n), 'load', ERROR.P | ERROR.U | ERROR.RSVD],
    ['XD, fetched', (e: bigint) => e | XD, 'fetch', ERROR.P | ERROR.U | ERROR.ID],
  ] as const) {
    it(`exits for ${name} with EXITINFO1 and EXITINFO2, and neither CR2 nor a guest fault`, () => {
      const machine = virtual('4-level', '4-level');
      nestedEntry(machine, '4-level', GPA, 3, change);
      const status = store === 'store' ? machine.store(PAGE + 8n, 1n) : store === 'load' ? machine.load(PAGE + 8n) : machine.fetch(PAGE + 8n);
      assert.equal(status, STATUS.stopped);
      assert.deepEqual(info(machine), [0x400n, FINAL | code, GPA + 8n]);
      assert.deepEqual([machine.register('cr2'), machine.processor.counters[COUNTER['faults.guest']]], [0n, 0]);
    });
  }

  it('leaves the guest\'s own page fault first: the final address is never asked for', () => {
    const machine = virtual('4-level', '4-level');
    machine.map(TABLES['4-level'], ROOT, PAGE, GPA | P | US);
    nestedEntry(machine, '4-level', GPA, 3, () => 0n);
    assert.equal(machine.store(PAGE, 1n), STATUS.exception);
    assert.deepEqual(machine.fault, [14, 7, PAGE]);
    assert.equal(machine.exits, 0);
  });

  it('goes by the host\'s registers, not the guest\'s: WP, NXE, SMEP, SMAP, PKE', () => {
    const machine = virtual('4-level', '4-level', { cpl: 0 });
    nestedEntry(machine, '4-level', GPA, 3, (entry) => entry & ~RW | XD | (5n << 59n));
    machine.set({ cr0: CR0.PE | CR0.PG, efer: EFER.LME | EFER.LMA, cr4: CR4.PAE | CR4.PKE, pkru: 0xffff_ffff });
    machine.map(TABLES['4-level'], ROOT, PAGE, GPA | P | RW);
    assert.equal(machine.load(PAGE), STATUS.done, 'XD is no reserved bit, keys of nested entries do not judge');
    assert.equal(machine.store(PAGE, 1n), STATUS.stopped, 'WP of the guest is no matter: the nested access is a user\'s');
    assert.equal(machine.vmcb('exitinfo1'), FINAL | ERROR.P | ERROR.U | ERROR.W);
    const noNxe = virtual('4-level', '4-level');
    nestedEntry(noNxe, '4-level', GPA, 3, (entry) => entry | XD);
    noNxe.enterSvm('4-level', { host_efer: EFER.LME | EFER.LMA });
    assert.equal(noNxe.load(PAGE), STATUS.stopped);
    assert.equal(noNxe.vmcb('exitinfo1'), FINAL | ERROR.P | ERROR.U | ERROR.RSVD);
  });

  it('reads PAE PDPTEs from memory at each walk, through the nested tables, and no MOV checks them', () => {
    const machine = virtual('pae', '4-level');
    machine.processor.setLevel(0);
    assert.equal(machine.load(PAGE), STATUS.done);
    machine.put(ROOT, machine.word(ROOT) | RW);
    assert.equal(machine.move('cr3', ROOT), STATUS.done);
    assert.equal(machine.load(PAGE), STATUS.exception);
    assert.deepEqual(machine.fault, [14, 9, PAGE], 'a reserved bit of the PDPTE is a page fault here');
    machine.put(ROOT, 0n);
    machine.load(PAGE);
    assert.deepEqual(machine.fault, [14, 0, PAGE]);
    nestedEntry(machine, '4-level', ROOT, 3, () => 0n);
    machine.load(PAGE);
    assert.deepEqual(info(machine), [0x400n, TABLE | ERROR.W | ERROR.U, ROOT]);
  });

  it('maps nothing above the addresses that the host\'s tables translate', () => {
    for (const [host, gpa] of [['32-bit', 1n << 32n], ['pae', 1n << 32n], ['4-level', 1n << 48n]] as const) {
      const machine = new TablesByHand({ vendor: 'amd', maxphyaddr: 52 });
      machine.map(TABLES['4-level'], ROOT, PAGE, gpa | GPA | OPEN);
      machine.mapLowMemory(TABLES[host], OPEN);
      // What would be a fifth PDPTE is none.
      if (host === 'pae') machine.put(NESTED_ROOT + 32n, machine.word(NESTED_ROOT));
      machine.enter('4-level', ROOT, { cpl: 3 }).enterSvm(host);
      assert.equal(machine.load(PAGE), STATUS.stopped);
      assert.deepEqual(info(machine), [0x400n, FINAL | ERROR.U, gpa | GPA]);
    }
  });

  it('retries the access after root mode has mapped the page', () => {
    const machine = virtual('4-level', '4-level');
    nestedEntry(machine, '4-level', GPA, 3, () => 0n);
    machine.onExit = () => {
      nestedEntry(machine, '4-level', GPA, 3, () => 0x5000n | OPEN);
      return RESUME.retry;
    };
    assert.equal(machine.store(PAGE, 7n), STATUS.done);
    assert.deepEqual([machine.hpa, machine.exits, machine.word(0x5000n)], [0x5000n, 1, 7n]);
  });

  it('caches the combined translation at the smaller page size, and walks again when a cached nested right refuses', () => {
    const machine = new TablesByHand({ vendor: 'amd' });
    machine.map(TABLES['32-bit'], ROOT, 0x80_0000n, OPEN | PS, 0);
    machine.mapLowMemory(TABLES['4-level'], OPEN);
    machine.enter('32-bit', ROOT, { cpl: 3 }).enterSvm('4-level');
    nestedEntry(machine, '4-level', 0x5000n, 3, (entry) => entry & ~RW);
    machine.load(0x80_5000n);
    const line = machine.processor.tlb.peek(...halves(0x80_5000n));
    assert.equal(machine.processor.tlb.shift(line), 12);
    nestedEntry(machine, '4-level', 0x5000n, 3, (entry) => entry | RW);
    assert.equal(machine.store(0x80_5000n, 1n), STATUS.done, 'no stale exit');
  });

  it('tells each reference with its tables\' name and level', () => {
    const machine = virtual('pae', '4-level');
    machine.listen();
    machine.load(PAGE);
    const reads = machine.events.filter((event) => event.kind === 'table_read').map(({ json }) => `${json['space']} ${json['entry']}`);
    const nested = ['npt nested PML4E', 'npt nested PDPTE', 'npt nested PDE', 'npt nested PTE'];
    assert.deepEqual(reads, [...nested, 'guest PDPTE', ...nested, 'guest PDE', ...nested, 'guest PTE', ...nested]);
  });

  it('tells the exit by its name, with EXITINFO1 and the guest-physical address, and says why', () => {
    const machine = virtual('4-level', '4-level');
    nestedEntry(machine, '4-level', GPA, 3, () => 0n);
    machine.listen();
    machine.load(PAGE);
    const exit = machine.events.find((event) => event.kind === 'vm_exit');
    assert.deepEqual([exit?.json['reason'], exit?.json['qualification'], exit?.json['gpa']], ['npf', '0x100000004', '0x9000']);
    assert.equal(machine.walk(PAGE, ACCESS.read), WALK.nestedPageFault);
    assert.equal(refusalText(machine.processor.inspection), 'the nested PTE is not present, for the final guest-physical address');
  });
});
