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
});
