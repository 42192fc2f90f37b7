import { strict as assert } from 'node:assert';
import { STATUS } from '../../../src/hardware/processor/processor';
import { EA, ED, P, R, RW, US, W, WB, X } from '../testMachine';
import { EPT_LEAF, type Mode, NESTED_ROOT, ROOT, TABLES, TablesByHand } from './tablesByHand';

const PAGE = 0x60_1000n;
const GPA = 0x9000n;
const LENGTH_5 = NESTED_ROOT | (4n << 3n) | 6n;

function behindEpt5(guest: Mode = '5-level', eptp = LENGTH_5): TablesByHand {
  const machine = new TablesByHand({ maxphyaddr: 52 });
  machine.map(TABLES[guest], ROOT, PAGE, GPA | P | RW | US);
  machine.mapLowMemory(TABLES.ept5, EPT_LEAF);
  return machine.enter(guest).enterVmx(eptp);
}

describe('EPT with a page-walk length of 5', () => {
  it('takes 35 references behind 5-level paging and 29 behind 4-level paging', () => {
    for (const [guest, references] of [['5-level', 35], ['4-level', 29]] as const) {
      const machine = behindEpt5(guest);
      assert.equal(machine.load(PAGE), STATUS.done);
      assert.equal(machine.processor.space.result.references, references);
    }
  });

  it('translates guest-physical addresses of 52 bits, which a length of 4 does not map', () => {
    const gpa = 0xa_1234_0000_5000n;
    for (const [length, status] of [[5, STATUS.done], [4, STATUS.stopped]] as const) {
      const machine = new TablesByHand({ maxphyaddr: 52 });
      const ept = length === 5 ? TABLES.ept5 : TABLES.ept4;
      machine.map(TABLES['4-level'], ROOT, PAGE, gpa | P | RW);
      machine.mapLowMemory(ept, EPT_LEAF);
      if (length === 5) machine.map(ept, NESTED_ROOT, gpa, 0x5000n | EPT_LEAF);
      machine.enter('4-level').enterVmx(NESTED_ROOT | (BigInt(length - 1) << 3n) | 6n);
      assert.equal(machine.load(PAGE), status);
      if (length === 5) assert.equal(machine.hpa, 0x5000n);
      else assert.deepEqual([machine.vmcs('exit_qualification'), machine.vmcs('guest_physical_address')], [0x181n, gpa]);
    }
  });

  for (const bit of [3, 4, 5, 6, 7]) {
    it(`finds bit ${bit} of an EPT PML5E, and of an EPT PML4E, misconfigured`, () => {
      for (const depth of [0, 1]) {
        const machine = behindEpt5();
        const at = machine.entryAt(TABLES.ept5, NESTED_ROOT, GPA, depth);
        machine.put(at, machine.word(at) | (1n << BigInt(bit)));
        assert.equal(machine.load(PAGE), STATUS.stopped);
        assert.equal(machine.vmcs('exit_reason'), 49n);
      }
    });
  }

  it('sets accessed flags from the EPT PML5E down, and dirty in the leaf', () => {
    const machine = behindEpt5('5-level', LENGTH_5 | 0x40n);
    machine.store(PAGE, 1n);
    const flags = [0, 1, 2, 3, 4].map((depth) => machine.word(machine.entryAt(TABLES.ept5, NESTED_ROOT, GPA, depth)) & (EA | ED));
    assert.deepEqual(flags, [EA, EA, EA, EA, EA | ED]);
  });
});

describe('the update of a guest\'s flag while EPT accessed and dirty flags are off', () => {
  for (const [guest, depth] of [['32-bit', 0], ['32-bit', 1], ['pae', 1], ['pae', 2], ['5-level', 0], ['5-level', 4]] as const) {
    it(`into a page without W is an EPT violation: ${guest} entry at depth ${depth}`, () => {
      const machine = new TablesByHand();
      machine.map(TABLES[guest], ROOT, PAGE, GPA | P | RW | US);
      machine.mapLowMemory(TABLES.ept4, EPT_LEAF);
      machine.enter(guest);
      const entry = machine.entryAt(TABLES[guest], ROOT, PAGE, depth);
      machine.map(TABLES.ept4, NESTED_ROOT, entry, (entry & ~0xfffn) | R | X | WB);
      const pdptes = guest === 'pae' ? { guest_pdpte0: machine.pdpte(0) } : {};
      machine.enterVmx(NESTED_ROOT | 0x1en, pdptes);
      assert.equal(machine.load(PAGE), STATUS.stopped);
      assert.equal(machine.vmcs('guest_physical_address'), entry);
      assert.equal(machine.vmcs('exit_qualification'), 0x80n | 2n | ((R | X) << 3n), 'a write, to a paging structure');
      machine.put(entry, machine.word(entry, TABLES[guest].entryBytes) | (1n << 5n), TABLES[guest].entryBytes);
      machine.map(TABLES.ept4, NESTED_ROOT, entry, (entry & ~0xfffn) | R | W | WB);
      assert.equal(machine.load(PAGE), STATUS.done);
    });
  }
});
