import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { CR0, CR4 } from '../../../src/hardware/processor/controlRegisters';
import { TestMachine } from '../testMachine';

describe('without paging', () => {
  it('nothing refuses an access: SMEP, SMAP and WP are rules of paging', () => {
    const machine = new TestMachine().set({ cr0: CR0.PE | CR0.WP, cr4: CR4.SMEP | CR4.SMAP, efer: 0 });
    for (const access of [ACCESS.read, ACCESS.write, ACCESS.fetch]) {
      for (const by of [0, ACCESS.user, ...(access === ACCESS.fetch ? [] : [ACCESS.implicit])]) {
        assert.equal(machine.walk(0x5678n, access | by), WALK.mapped, `access ${access | by}`);
      }
    }
    assert.equal(machine.processor.inspection.result.hpaLo, 0x5678);
  });
});
