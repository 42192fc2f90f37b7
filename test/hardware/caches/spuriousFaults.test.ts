import { strict as assert } from 'node:assert';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { P, RW, TestMachine, US, XD } from '../testMachine';

/*
 * The forgotten INVLPG. SDM Vol. 3, "Optional Invalidation": rights that were raised may fault once more, and that fault
 * invalidates; "Recommended Invalidation": rights that were lowered may go on being had until somebody invalidates.
 */
const PAGE = 0x60_0000n;
const FRAME = 0x9000n;
const OPEN = FRAME | P | RW | US;
const PF = 14;
const NO_EXECUTE = OPEN | XD;

interface Right {
  readonly name: string;
  readonly lowered: bigint;
  readonly cpl: number;
  readonly use: (machine: TestMachine) => number;
  /** Error code of the access by the lowered entry. */
  readonly code: number;
}

const rights: readonly Right[] = [
  { name: 'R/W', lowered: FRAME | P | US, cpl: 3, use: (machine) => machine.store(PAGE, 1n), code: 7 },
  { name: 'R/W for a supervisor', lowered: FRAME | P | US, cpl: 0, use: (machine) => machine.store(PAGE, 1n), code: 3 },
  { name: 'U/S', lowered: FRAME | P | RW, cpl: 3, use: (machine) => machine.load(PAGE), code: 5 },
  { name: 'XD', lowered: NO_EXECUTE, cpl: 3, use: (machine) => machine.fetch(PAGE), code: 0x15 },
  { name: 'the key', lowered: OPEN | (3n << 59n), cpl: 3, use: (machine) => machine.load(PAGE), code: 0x25 },
];

/** A machine that has used the page by `entry`: a way that `entry` allows whatever the rest. */
function cachedWith(entry: bigint, rewalk: 'on' | 'off', level: number): TestMachine {
  const machine = new TestMachine({ rewalkOnPermissionFault: rewalk, vendor: rewalk === 'on' ? 'amd' : 'intel' });
  machine.map(PAGE, FRAME, entry & ~FRAME, 1);
  machine.set({ cr4: CR4.PAE | CR4.PKE, pkru: 1 << 6 });
  // One of a load and a fetch at CPL 0 is allowed by each of these entries.
  machine.set({ cpl: 0 });
  if (entry === NO_EXECUTE || (entry >> 59n) === 0n) assert.equal(machine.load(PAGE), STATUS.done);
  else assert.equal(machine.fetch(PAGE), STATUS.done);
  return machine.set({ cpl: level });
}

function rewrite(machine: TestMachine, entry: bigint): void {
  machine.put(machine.entryAt(PAGE, 1), entry | 0x60n);
}

describe('a forgotten INVLPG', () => {
  for (const { name, lowered, cpl, use, code } of rights) {
    it(`after ${name} was raised: one spurious fault, which invalidates`, () => {
      const machine = cachedWith(lowered, 'off', cpl);
      rewrite(machine, OPEN);
      assert.equal(use(machine), STATUS.exception);
      assert.deepEqual([machine.processor.vector, machine.processor.errorCode, machine.cr2], [PF, code, PAGE]);
      assert.equal(use(machine), STATUS.done, 'never twice');
    });

    it(`after ${name} was raised: none where refusals are walked again`, () => {
      const machine = cachedWith(lowered, 'on', cpl);
      rewrite(machine, OPEN);
      assert.equal(use(machine), STATUS.done);
    });

    for (const rewalk of ['off', 'on'] as const) {
      it(`after ${name} was lowered, with rewalk_on_permission_fault ${rewalk}: the stale right is had until INVLPG`, () => {
        const machine = cachedWith(OPEN, rewalk, cpl);
        // The dirty flag is set in the line, or the store would walk.
        machine.set({ cpl: 0 });
        assert.equal(machine.store(PAGE, 0n), STATUS.done);
        machine.set({ cpl });
        rewrite(machine, lowered);
        assert.equal(use(machine), STATUS.done);
        machine.set({ cpl: 0 });
        machine.invlpg(PAGE);
        machine.set({ cpl });
        assert.equal(use(machine), STATUS.exception);
        assert.equal(machine.processor.errorCode, code);
      });
    }
  }

  for (const rewalk of ['off', 'on'] as const) {
    it(`after P was raised, with rewalk_on_permission_fault ${rewalk}: nothing, since an absent page is not cached`, () => {
      const machine = new TestMachine({ rewalkOnPermissionFault: rewalk });
      machine.put(machine.entryAt(PAGE, 1), 0n);
      assert.equal(machine.load(PAGE), STATUS.exception);
      rewrite(machine, OPEN);
      assert.equal(machine.load(PAGE), STATUS.done);
    });

    it(`after P was lowered, with rewalk_on_permission_fault ${rewalk}: the page is had until INVLPG`, () => {
      const machine = cachedWith(OPEN, rewalk, 0);
      machine.put(machine.entryAt(PAGE, 1), 0n);
      assert.equal(machine.load(PAGE), STATUS.done);
      machine.invlpg(PAGE);
      assert.equal(machine.load(PAGE), STATUS.exception);
      assert.equal(machine.processor.errorCode, 0);
    });
  }

  it('is told by the fault that a TLB line raised it: level 0', () => {
    const machine = cachedWith(FRAME | P | US, 'off', 3);
    rewrite(machine, OPEN);
    machine.listen();
    machine.store(PAGE, 1n);
    const fault = machine.events.find(({ kind }) => kind === 'page_fault');
    assert.equal(fault?.json['level'], 0);
    assert.ok(!machine.kinds().includes('table_read'));
  });
});
