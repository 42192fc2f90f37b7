import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { refusalText } from '../../../src/hardware/paging/refusalText';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { STATUS } from '../../../src/hardware/processor/processor';
import { A, P, PS, R, RW, TestMachine, US, W, WB, X } from '../testMachine';
import { EPT_LEAF, type Mode, NESTED_ROOT, PAGING, ROOT, TABLES, TablesByHand } from './tablesByHand';

const PAGE = 0x60_0000n;
const GPA = 0x1_4000_0000n;

describe('a processor without 1-GByte pages', () => {
  for (const mode of ['4-level', '5-level'] as const) {
    it(`finds PS reserved in a PDPTE of ${mode} paging; one with them maps the page`, () => {
      for (const [page1Gb, outcome, code] of [['on', WALK.mapped, 0], ['off', WALK.pageFault, 9]] as const) {
        const machine = new TablesByHand({ features: { page1Gb } }).enter(mode);
        machine.map(TABLES[mode], ROOT, PAGE, 0x4000_0000n | P | RW | PS, TABLES[mode].shifts.length - 3);
        assert.equal(machine.walk(PAGE, ACCESS.read), outcome);
        assert.equal(machine.processor.inspection.result.errorCode, code);
      }
    });
  }

  it('says so by the rule\'s name, and maps 2-MByte pages all the same', () => {
    const machine = new TestMachine({ features: { page1Gb: 'off' } });
    machine.map(PAGE, 0x20_0000n, P | RW, 2);
    assert.equal(machine.walk(PAGE, ACCESS.read), WALK.mapped);
    machine.map(0x40_0000_0000n, 0x4000_0000n, P | RW, 3);
    machine.walk(0x40_0000_0000n, ACCESS.read);
    assert.equal(
      refusalText(machine.processor.inspection),
      'the PDPTE has a reserved bit set: bit 7 (PS) on a processor without 1-GByte pages',
    );
  });

  it('has none in the nested tables of AMD either, whose faults are then nested page faults', () => {
    for (const [page1Gb, status] of [['on', STATUS.done], ['off', STATUS.stopped]] as const) {
      const machine = new TablesByHand({ vendor: 'amd', features: { page1Gb } });
      machine.map(TABLES['4-level'], ROOT, PAGE, 0x4000_0000n | P | RW);
      machine.mapLowMemory(TABLES['4-level'], P | RW | US);
      machine.map(TABLES['4-level'], NESTED_ROOT, 0x4000_0000n, 0x8000_0000n | P | RW | US | PS, 1);
      machine.enter('4-level').enterSvm('4-level');
      assert.equal(machine.load(PAGE), status);
      if (status === STATUS.stopped) assert.equal(machine.vmcb('exitinfo1') & 0xffff_ffffn, 0b1101n, 'P, U and RSVD');
    }
  });
});

describe('a processor without large EPT pages', () => {
  for (const [feature, level, other] of [['ept2Mb', 2, 3], ['ept1Gb', 3, 2]] as const) {
    it(`(${feature}) finds bit 7 of an EPT ${level === 2 ? 'PDE' : 'PDPTE'} misconfigured, and maps the other size`, () => {
      for (const [state, at, status] of [['on', level, STATUS.done], ['off', level, STATUS.stopped], ['off', other, STATUS.done]] as const) {
        const machine = new TablesByHand({ features: { [feature]: state } });
        machine.map(TABLES['4-level'], ROOT, PAGE, GPA | P | RW);
        machine.mapLowMemory(TABLES.ept4, EPT_LEAF);
        machine.map(TABLES.ept4, NESTED_ROOT, GPA, 0x4000_0000n | EPT_LEAF | 0x80n, 4 - at);
        machine.enter('4-level').enterVmx(NESTED_ROOT | 0x1en);
        assert.equal(machine.load(PAGE), status);
        if (status === STATUS.stopped) assert.deepEqual([machine.vmcs('exit_reason'), machine.vmcs('guest_physical_address')], [49n, GPA]);
      }
    });
  }
});

describe('a processor without execute-only EPT translations', () => {
  for (const depth of [0, 1, 2, 3]) {
    it(`finds X alone misconfigured at depth ${depth}; one with them refuses the read`, () => {
      for (const [eptExecuteOnly, reason] of [['off', 49n], ['on', 48n]] as const) {
        const machine = new TablesByHand({ features: { eptExecuteOnly } });
        machine.map(TABLES['4-level'], ROOT, PAGE, 0x80_4000_0000n | P | RW);
        machine.mapLowMemory(TABLES.ept4, EPT_LEAF);
        const at = machine.map(TABLES.ept4, NESTED_ROOT, 0x80_4000_0000n, 0x5000n | EPT_LEAF);
        const entry = depth === 3 ? at : machine.entryAt(TABLES.ept4, NESTED_ROOT, 0x80_4000_0000n, depth);
        machine.put(entry, machine.word(entry) & ~(R | W) | X);
        machine.enter('4-level').enterVmx(NESTED_ROOT | 0x1en);
        machine.load(PAGE);
        assert.equal(machine.vmcs('exit_reason'), reason);
      }
    });
  }
});

describe('a processor without PSE-36', () => {
  it('reserves bits 20:13 of a 4-MByte page, and bit 21 as ever', () => {
    for (let bit = 13n; bit <= 21n; bit++) {
      for (const pse36 of ['on', 'off'] as const) {
        const machine = new TablesByHand({ features: { pse36 } }).enter('32-bit');
        machine.map(TABLES['32-bit'], ROOT, PAGE, 0x40_0000n | P | PS | (1n << bit), 0);
        const isReserved = pse36 === 'off' || bit === 21n;
        assert.equal(machine.walk(PAGE, ACCESS.read), isReserved ? WALK.pageFault : WALK.mapped, `bit ${bit}, PSE-36 ${pse36}`);
        if (isReserved) assert.equal(machine.processor.inspection.result.errorCode, 9);
      }
    }
  });
});

/** Depths of a mode's entries that have an address, and the bits that such an entry needs to be walked. */
const addressed: readonly (readonly [Mode, readonly bigint[]])[] = [
  ['pae', [P, P | RW | US | A, P | RW | US | A]],
  ['4-level', [P | RW | US, P | RW | US, P | RW | US, P | RW | US]],
  ['5-level', [P | RW | US, P | RW | US, P | RW | US, P | RW | US, P | RW | US]],
];

describe('MAXPHYADDR', () => {
  for (const maxphyaddr of [36, 39, 40, 46, 51, 52]) {
    it(`of ${maxphyaddr} reserves bits 51:${maxphyaddr} of every entry, in each mode, and none below`, () => {
      for (const [mode, bits] of addressed) {
        for (const [depth, given] of bits.entries()) {
          if (mode === 'pae' && depth === 0) continue;
          for (let bit = 30; bit < 52; bit++) {
            const machine = new TablesByHand({ maxphyaddr });
            machine.map(TABLES[mode], ROOT, PAGE, 0x9000n | P);
            machine.enter(mode);
            machine.map(TABLES[mode], ROOT, PAGE, (1n << BigInt(bit)) | given, depth);
            const outcome = machine.walk(PAGE, ACCESS.read);
            const { result } = machine.processor.inspection;
            // A table above what is installed reads as ones: that is reserved too, one level further down.
            const isRsvd = outcome === WALK.pageFault && (result.errorCode & 8) !== 0 && result.level === bits.length - depth;
            assert.equal(isRsvd, bit >= maxphyaddr, `${mode}, depth ${depth}, bit ${bit}`);
          }
        }
      }
    });

    it(`of ${maxphyaddr} makes bits 51:${maxphyaddr} of every EPT entry a misconfiguration, and none below`, () => {
      for (const [depth, bit] of [0, 1, 2, 3].flatMap((each) => [35, 36, 39, 45, 50, 51].map((at) => [each, at] as const))) {
        const machine = new TablesByHand({ maxphyaddr });
        machine.map(TABLES['4-level'], ROOT, PAGE, 0x8_0000_0000n | P | RW);
        machine.mapLowMemory(TABLES.ept4, EPT_LEAF);
        machine.map(TABLES.ept4, NESTED_ROOT, 0x8_0000_0000n, 0x5000n | EPT_LEAF);
        const at = machine.entryAt(TABLES.ept4, NESTED_ROOT, 0x8_0000_0000n, depth);
        machine.put(at, machine.word(at) | (1n << BigInt(bit)));
        machine.enter('4-level').enterVmx(NESTED_ROOT | 0x1en);
        machine.load(PAGE);
        const isHere = machine.processor.space.nested?.result.level === 4 - depth;
        assert.equal(isHere && machine.vmcs('exit_reason') === 49n, bit >= maxphyaddr, `depth ${depth}, bit ${bit}`);
      }
    });
  }

  it('of 36 leaves CR3 and the EPTP no bit above it', () => {
    const machine = new TablesByHand({ maxphyaddr: 36 }).enter('4-level', ROOT, PAGING['4-level']);
    assert.equal(machine.move('cr3', 1n << 36n), STATUS.exception);
    assert.equal(machine.processor.vector, 13);
    assert.equal(machine.move('cr3', 1n << 35n), STATUS.done);
  });
});

describe('EPT behind 5 guest levels and with 5 of its own', () => {
  it('finds a misconfiguration in an entry of the top level before one that is absent below it', () => {
    const machine = new TablesByHand({ maxphyaddr: 52 });
    machine.map(TABLES['5-level'], ROOT, PAGE, 0x9000n | P | RW);
    machine.mapLowMemory(TABLES.ept5, EPT_LEAF);
    machine.enter('5-level').enterVmx(NESTED_ROOT | 0x26n);
    machine.put(NESTED_ROOT, machine.word(NESTED_ROOT) & ~R | W | WB);
    machine.load(PAGE);
    assert.equal(machine.vmcs('exit_reason'), 49n);
  });
});
