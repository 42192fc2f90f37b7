import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { decodeEntry } from '../../../src/hardware/paging/decodeEntry';
import { refusalText } from '../../../src/hardware/paging/refusalText';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { SECONDARY } from '../../../src/hardware/vmx/vmcs';
import { P, PS, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
/** In a 512-GByte region of its own: no other entry of EPT is used on the way. */
const GPA = 0x80_4000_0000n;
const XU = 1n << 10n;
const type = (number: bigint): bigint => number << 3n;
type Case = readonly [level: 1 | 2 | 3 | 4, entry: bigint, rule: string];

/** SDM Vol. 3, "EPT Misconfigurations": each combination that is illegal in itself, alone and beside another. */
const cases: readonly Case[] = [
  [1, W | WB, 'illegal: writable but not readable'],
  [2, W | X | WB | PS, 'illegal: writable but not readable'],
  [2, W, 'illegal: writable but not readable'],
  [4, W | X, 'illegal: writable but not readable'],
  [1, W | type(2n), 'illegal: writable but not readable'],
  [1, X | WB, 'illegal: execute-only on a processor without it'],
  [3, X, 'illegal: execute-only on a processor without it'],
  [1, X | type(7n), 'illegal: execute-only on a processor without it'],
  [1, XU | WB, 'illegal: execute-only for user-mode addresses on a processor without it'],
  [2, XU, 'illegal: execute-only for user-mode addresses on a processor without it'],
  [1, R | type(2n), 'illegal: memory type 2'],
  [2, R | W | type(2n) | PS, 'illegal: memory type 2'],
  [1, R | type(3n), 'illegal: memory type 3'],
  [3, R | type(3n) | PS, 'illegal: memory type 3'],
  [1, R | X | type(7n), 'illegal: memory type 7'],
  // In an entry that references a table the same bits are no memory type.
  [2, R | type(2n), 'reserved: bits 6:3 of an entry that references a table'],
  [3, R | type(7n), 'reserved: bits 6:3 of an entry that references a table'],
];
/** Of a processor that has execute-only translations: what remains of those above. */
const legal: readonly Case[] = [[1, X | WB, ''], [3, X, ''], [1, XU | WB, ''], [2, XU, '']];
const stillIllegal: readonly Case[] = [
  [1, X | type(7n), 'illegal: memory type 7'],
  [1, XU | type(3n), 'illegal: memory type 3'],
  [1, W | X | WB, 'illegal: writable but not readable'],
];

describe('an illegal entry of EPT', () => {
  const machines = { on: machineWith('on'), off: machineWith('off') };
  for (const [executeOnly, rows] of [['off', cases], ['on', [...legal, ...stillIllegal]]] as const) {
    for (const [level, entry, rule] of rows) {
      it(`0x${entry.toString(16)} of level ${level} is told as "${rule}" where execute-only translations are ${executeOnly}`, () => {
        const machine = machines[executeOnly];
        const space = machine.processor.inspection.nested!;
        const at = machine.eptEntryAt(GPA, level);
        const before = machine.word(at);
        machine.put(at, entry | (before & ~0xfffn));
        const outcome = machine.walk(PAGE, ACCESS.fetch);
        const told = refusalText(space);
        const decoded = decodeEntry(space.compiled, level, Number(entry), 0, 'hpa');
        machine.put(at, before);
        assert.equal(decoded.fault ?? '', rule);
        assert.equal(outcome === WALK.eptMisconfiguration, rule !== '');
        if (rule === '') return;
        const name = space.format.levelNames[level]!;
        assert.equal(told, rule.replace(/^illegal/, `the ${name} is illegal`).replace(/^reserved/, `the ${name} has a reserved bit set`));
      });
    }
  }
});

function machineWith(executeOnly: 'on' | 'off'): TestMachine {
  const machine = new TestMachine({ features: { eptExecuteOnly: executeOnly } });
  machine.map(PAGE, GPA, P | RW | US);
  machine.enterWithEpt();
  machine.mapEpt(GPA, 0x900_0000n, R | W | X | WB);
  machine.vmcs({ secondary_controls: SECONDARY.enableEpt | SECONDARY.modeBasedExecute });
  machine.processor.reload();
  return machine;
}
