import { strict as assert } from 'node:assert';
import { CR4, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { P, RW, TestMachine, US, WB, X } from '../testMachine';

/* A load that hit is remembered with the mode it was made in: what another kind of access, or another mode, was allowed tells it nothing. */
const PAGE = 0x60_0000n;
const FRAME = 0x9000n;
const PF = 14;

/** The page has been used so often that the third load of its kind would be made by heart. */
function used(bits: bigint, use: (machine: TestMachine) => number, registers: Parameters<TestMachine['set']>[0]): TestMachine {
  const machine = new TestMachine().set(registers);
  machine.map(PAGE, FRAME, bits);
  machine.put(FRAME, 0x1122_3344n);
  for (let time = 0; time < 3; time++) assert.equal(use(machine), STATUS.done);
  return machine;
}

const load = (machine: TestMachine): number => machine.load(PAGE, 4);

function assertRefused(machine: TestMachine, errorCode: number): void {
  assert.deepEqual([load(machine), machine.processor.vector, machine.processor.errorCode], [STATUS.exception, PF, errorCode]);
}

describe('a load in a page that the TLB has', () => {
  it('is refused by SMAP, though fetches were not', () => {
    assertRefused(used(P | RW | US, (machine) => machine.fetch(PAGE), { cr4: CR4.PAE | CR4.SMAP }), 1);
  });

  it('is refused by SMAP, though loads in user mode were not', () => {
    const machine = used(P | RW | US, load, { cr4: CR4.PAE | CR4.SMAP, cpl: 3 });
    machine.processor.setLevel(0);
    assertRefused(machine, 1);
  });

  it('is refused by U/S, though loads in supervisor mode were not', () => {
    const machine = used(P | RW, load, { cpl: 0 });
    machine.processor.setLevel(3);
    assertRefused(machine, 5);
  });

  it('is refused by SMAP from CLAC on', () => {
    const machine = used(P | RW | US, load, { cr4: CR4.PAE | CR4.SMAP, rflags: RFLAGS.fixed | RFLAGS.AC });
    assert.equal(machine.processor.setAlignmentCheck('clear'), STATUS.done);
    assertRefused(machine, 1);
  });

  it('is an EPT violation where EPT lets the page be executed only, though fetches were done', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x80_0000n, P | RW);
    machine.put(FRAME, 1n);
    machine.enterWithEpt();
    machine.mapEpt(0x80_0000n, FRAME, X | WB);
    for (let time = 0; time < 3; time++) assert.equal(machine.fetch(PAGE), STATUS.done);
    assert.equal(load(machine), STATUS.stopped);
    assert.deepEqual(machine.exits.map(({ reason }) => reason), [48]);
  });

  it('is of the page at all 64 bits of its address', () => {
    const machine = new TestMachine();
    const pages = [PAGE, PAGE + (1n << 32n), PAGE + (5n << 32n)];
    pages.forEach((page, index) => {
      machine.map(page, FRAME + BigInt(index) * 0x1000n, P | RW);
      machine.put(FRAME + BigInt(index) * 0x1000n, BigInt(index + 1));
    });
    for (const index of [0, 0, 0, 1, 0, 1, 1, 1, 2, 1, 0, 2, 2, 2, 0]) {
      assert.equal(machine.load(pages[index]!, 4), STATUS.done);
      assert.deepEqual([machine.value, machine.hpa], [BigInt(index + 1), FRAME + BigInt(index) * 0x1000n]);
    }
  });

  it('is of as many bytes as are asked for, wherever they lie in its words', () => {
    const machine = new TestMachine();
    machine.map(PAGE, FRAME, P | RW);
    machine.put(FRAME, 0x8877_6655_4433_2211n);
    machine.put(FRAME + 8n, 0xffee_ddcc_bbaa_9988n | 1n);
    const bytes = [0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x89, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff];
    for (let time = 0; time < 3; time++) {
      for (const size of [1, 2, 4, 8]) {
        for (let at = 0; at <= 8; at++) {
          assert.equal(machine.load(PAGE + BigInt(at), size), STATUS.done);
          const expected = bytes.slice(at, at + size).reduceRight((value, byte) => value << 8n | BigInt(byte), 0n);
          assert.equal(machine.value, expected, `${size} bytes at ${at}`);
        }
      }
    }
  });
});
