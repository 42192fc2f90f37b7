import { strict as assert } from 'node:assert';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { RMW } from '../../../src/hardware/memory/readModifyWrite';
import { A, D, halves, P, R, RW, TestMachine, US, W, WB } from '../testMachine';
import { EPT_LEAF, NESTED_ROOT, ROOT, TABLES, TablesByHand } from '../paging/tablesByHand';

const PAGE = 0x60_0000n;
const NEXT = PAGE + 0x1000n;
/** Frames that are not neighbours. */
const FRAME = 0x2000_0000n;
const OTHER = 0x1000_0000n;
const BYTES = 0x1122_3344_5566_7788n;
const mask = (size: number): bigint => (1n << BigInt(8 * size)) - 1n;
/** Every way in which an operand of `size` bytes crosses the end of a page: bytes in the first. */
const crossings = [2, 4, 8].flatMap((size) => Array.from({ length: size - 1 }, (_, i) => [size, i + 1] as const));

function machineWith(firstBits = P | RW | US, secondBits = P | RW | US): TestMachine {
  const machine = new TestMachine();
  machine.map(PAGE, FRAME, firstBits);
  machine.map(NEXT, OTHER, secondBits);
  return machine;
}

/** The byte at a host-physical address. */
const byteAt = (machine: TestMachine | TablesByHand, hpa: bigint): bigint => BigInt(machine.memory.load8(...halves(hpa)));

describe('an access that crosses a page', () => {
  it('goes into another memory frame: each byte where its own page is mapped', () => {
    for (const [size, inFirst] of crossings) {
      const machine = machineWith();
      const at = NEXT - BigInt(inFirst);
      assert.equal(machine.store(at, BYTES, size), STATUS.done);
      for (let i = 0; i < size; i++) {
        const hpa = i < inFirst ? FRAME + 0x1000n - BigInt(inFirst - i) : OTHER + BigInt(i - inFirst);
        assert.equal(byteAt(machine, hpa), (BYTES >> BigInt(8 * i)) & 0xffn, `byte ${i} of ${size}, ${inFirst} in the first page`);
      }
      assert.equal(byteAt(machine, FRAME + 0x1000n), 0n, 'the frame behind the first is none of its');
      assert.equal(machine.load(at, size), STATUS.done);
      assert.equal(machine.value, BYTES & mask(size));
    }
  });

  it('marks both pages, dirty by a write and accessed by a read', () => {
    for (const writes of [true, false]) {
      const machine = machineWith();
      if (writes) machine.store(NEXT - 4n, BYTES);
      else machine.load(NEXT - 4n);
      for (const page of [PAGE, NEXT]) assert.equal(machine.word(machine.entryAt(page, 1)) & (A | D), writes ? A | D : A);
    }
  });

  for (const [size, inFirst] of crossings) {
    it(`into a page that faults is #PF at that page's first byte, and nothing is written: ${inFirst} of ${size} bytes before it`, () => {
      for (const [bits, code] of [[0n, 2], [P, 3]] as const) {
        const machine = machineWith(P | RW | US, bits);
        assert.equal(machine.store(NEXT - BigInt(inFirst), BYTES, size), STATUS.exception);
        assert.deepEqual([machine.processor.vector, machine.processor.errorCode, machine.cr2], [14, code, NEXT]);
        for (let i = 1n; i <= BigInt(inFirst); i++) assert.equal(byteAt(machine, FRAME + 0x1000n - i), 0n);
        assert.equal(machine.word(machine.entryAt(PAGE, 1)) & A, A, 'the first page was translated');
        assert.equal(machine.word(machine.entryAt(NEXT, 1)), OTHER | bits);
      }
    });
  }

  it('from a page that faults is #PF at the operand\'s first byte, whatever the second page is', () => {
    for (const second of [0n, P | RW | US]) {
      const machine = machineWith(0n, second);
      assert.equal(machine.load(NEXT - 3n), STATUS.exception);
      assert.deepEqual([machine.processor.errorCode, machine.cr2], [0, NEXT - 3n]);
      assert.equal(machine.word(machine.entryAt(NEXT, 1)) & A, 0n);
    }
  });

  it('is judged page by page: a user\'s, whose second page is the supervisor\'s', () => {
    const machine = machineWith(P | RW | US, P | RW);
    machine.processor.setLevel(3);
    assert.equal(machine.load(NEXT - 4n), STATUS.exception);
    assert.deepEqual([machine.processor.errorCode, machine.cr2], [5, NEXT]);
  });

  it('that reads, modifies and writes needs both pages writable before it reads', () => {
    const machine = machineWith(P | RW | US, P | US);
    const add = (): number => machine.processor.readModifyWrite(...halves(NEXT - 4n), 8, RMW.add, 1, 0);
    assert.equal(add(), STATUS.exception);
    assert.deepEqual([machine.processor.errorCode, machine.cr2], [3, NEXT]);
    machine.map(NEXT, OTHER, P | RW | US);
    machine.put(FRAME + 0xff8n, 0xffff_ffff_0000_0000n);
    assert.equal(add(), STATUS.done);
    assert.deepEqual([machine.value, machine.word(OTHER)], [0xffff_ffffn, 1n], 'and carries into the second');
  });

  it('goes from a 4-KByte page into a large one', () => {
    const machine = new TestMachine();
    const large = 0x80_0000n;
    machine.map(large - 0x1000n, FRAME, P | RW);
    machine.map(large, 0x4000_0000n, P | RW, 2);
    machine.store(large - 4n, BYTES);
    assert.deepEqual([machine.word(FRAME + 0xff8n) >> 32n, machine.word(0x4000_0000n)], [BYTES & 0xffff_ffffn, BYTES >> 32n]);
  });
});

describe('an access at the top of the address space', () => {
  it('is #GP(0) where the lower canonical half ends, with 4 levels and with 5', () => {
    const four = machineWith();
    four.map(0x7fff_ffff_f000n, FRAME, P | RW);
    assert.equal(four.load(0x7fff_ffff_fff8n), STATUS.done);
    assert.equal(four.load(0x7fff_ffff_fff9n), STATUS.exception);
    assert.deepEqual([four.processor.vector, four.processor.errorCode], [13, 0]);
    const five = new TablesByHand({ maxphyaddr: 52 });
    five.map(TABLES['5-level'], ROOT, 0xff_ffff_ffff_f000n, 0x9000n | P | RW);
    five.enter('5-level');
    assert.equal(five.load(0xff_ffff_ffff_fff8n, 8), STATUS.done);
    assert.equal(five.load(0xff_ffff_ffff_fff9n, 8), STATUS.exception);
    assert.deepEqual(five.fault.slice(0, 2), [13, 0]);
  });

  it('is #GP(0) for a first byte that is not canonical, though the second page is', () => {
    const machine = new TestMachine();
    machine.map(0xffff_8000_0000_0000n, FRAME, P | RW);
    assert.equal(machine.load(0xffff_7fff_ffff_fffcn), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.processor.errorCode], [13, 0]);
  });

  it('goes on at address 0 behind the last byte of the upper half', () => {
    const machine = new TestMachine();
    machine.map(0xffff_ffff_ffff_f000n, FRAME, P | RW);
    machine.map(0n, OTHER, P | RW);
    assert.equal(machine.store(0xffff_ffff_ffff_fffcn, BYTES), STATUS.done);
    assert.deepEqual([machine.word(FRAME + 0xff8n) >> 32n, machine.word(OTHER)], [BYTES & 0xffff_ffffn, BYTES >> 32n]);
    machine.map(0n, 0n, 0n);
    machine.invlpg(0n);
    assert.equal(machine.load(0xffff_ffff_ffff_fffcn), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.cr2], [14, 0n]);
  });

  for (const mode of ['32-bit', 'pae'] as const) {
    it(`goes on at address 0 behind 4 GBytes in ${mode} paging`, () => {
      const machine = new TablesByHand();
      machine.map(TABLES[mode], ROOT, 0xffff_f000n, 0x9000n | P | RW);
      machine.map(TABLES[mode], ROOT, 0n, 0xb000n | P | RW);
      machine.enter(mode);
      assert.equal(machine.store(0xffff_fffen, 0x1122_3344n, 4), STATUS.done);
      assert.deepEqual([machine.word(0x9ff8n) >> 48n, machine.word(0xb000n)], [0x3344n, 0x1122n]);
    });
  }

  it('goes on at address 0 behind 4 GBytes while paging is off', () => {
    const machine = new TestMachine();
    machine.set({ cr0: CR0.PE, efer: 0, cr4: 0 });
    assert.equal(machine.store(0xffff_fffcn, BYTES), STATUS.done);
    assert.deepEqual([machine.word(0xffff_fff8n) >> 32n, machine.word(0n)], [BYTES & 0xffff_ffffn, BYTES >> 32n]);
  });
});

describe('an access that crosses a page behind EPT', () => {
  function guest(): TestMachine {
    const machine = new TestMachine();
    machine.map(PAGE, 0x1_4000_0000n, P | RW | US);
    machine.map(NEXT, 0x1_4000_5000n, P | RW | US);
    machine.enterWithEpt();
    machine.mapEpt(0x1_4000_0000n, FRAME, R | W | WB);
    return machine;
  }

  it('is an EPT violation at the second page\'s first byte, by both addresses, and nothing is written', () => {
    const machine = guest();
    assert.equal(machine.store(NEXT - 4n, BYTES), STATUS.stopped);
    assert.deepEqual(machine.exits.map(({ qualification, gpa, gla }) => [qualification, gpa, gla]), [[0x182n, 0x1_4000_5000n, NEXT]]);
    assert.equal(machine.word(FRAME + 0xff8n), 0n);
  });

  it('runs again as a whole once root mode has mapped the second page', () => {
    const machine = guest();
    machine.onExit = () => {
      machine.mapEpt(0x1_4000_5000n, OTHER, R | W | WB);
      return RESUME.retry;
    };
    assert.equal(machine.store(NEXT - 4n, BYTES), STATUS.done);
    assert.deepEqual([machine.exits.length, machine.word(FRAME + 0xff8n) >> 32n, machine.word(OTHER)], [1, BYTES & 0xffff_ffffn, BYTES >> 32n]);
  });

  it('behind 32-bit paging of 4-MByte pages goes from one EPT page into another', () => {
    const machine = new TablesByHand();
    machine.map(TABLES['32-bit'], ROOT, 0x40_0000n, 0x4000_0000n | P | RW | 0x80n, 0);
    machine.mapLowMemory(TABLES.ept4, EPT_LEAF);
    machine.map(TABLES.ept4, NESTED_ROOT, 0x4000_0000n, 0x9000n | EPT_LEAF);
    machine.map(TABLES.ept4, NESTED_ROOT, 0x4000_1000n, 0xb000n | EPT_LEAF);
    machine.enter('32-bit').enterVmx(NESTED_ROOT | 0x1en);
    assert.equal(machine.store(0x40_0ffen, 0x1122_3344n, 4), STATUS.done);
    assert.deepEqual([machine.word(0x9ff8n) >> 48n, machine.word(0xb000n)], [0x3344n, 0x1122n]);
  });
});
