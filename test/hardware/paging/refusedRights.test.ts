import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { refusalText } from '../../../src/hardware/paging/refusalText';
import { WALK, WHY } from '../../../src/hardware/paging/walkOutcome';
import { CR0, CR4, EFER } from '../../../src/hardware/processor/controlRegisters';
import { P, RW, TestMachine, US, XD } from '../testMachine';

const PAGE = 0x60_0000n;
const user = ACCESS.user;
/** Every kind of access that rights can refuse, with a page that refuses it, and what it is called. */
const refused: readonly (readonly [access: number, page: bigint, name: string])[] = [
  [ACCESS.read | user, P | RW, 'user read of a supervisor page'],
  [ACCESS.write | user, P | RW, 'user write to a supervisor page'],
  [ACCESS.fetch | user, P | RW, 'user fetch from a supervisor page'],
  [ACCESS.write | user, P | US, 'user write to a user page'],
  [ACCESS.fetch | user, P | RW | US | XD, 'user fetch from a user page'],
  [ACCESS.read, P | RW | US, 'supervisor read of a user page'],
  [ACCESS.write, P | RW | US, 'supervisor write to a user page'],
  [ACCESS.fetch, P | RW | US, 'supervisor fetch from a user page'],
  [ACCESS.write, P, 'supervisor write to a supervisor page'],
  [ACCESS.fetch, P | RW | XD, 'supervisor fetch from a supervisor page'],
];

describe('a refusal by access rights', () => {
  for (const [access, page, name] of refused) {
    it(`names the rule: ${name}`, () => {
      const machine = new TestMachine().set({
        cr0: (CR0.PE | CR0.PG | CR0.WP) >>> 0, cr4: CR4.PAE | CR4.SMEP | CR4.SMAP, efer: EFER.LME | EFER.LMA | EFER.NXE,
      });
      machine.map(PAGE, 0x5000n, page);
      assert.equal(machine.walk(PAGE, access), WALK.pageFault);
      assert.equal(refusalText(machine.processor.inspection), `the rights refuse a ${name}`);
    });
  }

  it('that is told from events, which have no rule, is one of an access like this', () => {
    const { inspection } = new TestMachine().processor;
    Object.assign(inspection.result, { outcome: WALK.pageFault, why: WHY.rights, rule: -1 });
    assert.equal(refusalText(inspection), 'the rights refuse an access like this');
  });
});
