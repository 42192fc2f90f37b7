import fc from 'fast-check';
import { compiled } from '../engine/onMachine';
import { machineFor, runAudited } from './audit';
import { assertAgreement } from './programs/agreement';
import { realModeGuests, realModeRoads } from './programs/realModeGuests';

describe('guests in real-address mode', function () {
  this.timeout(240_000);

  it('see what they see natively, in virtual-8086 mode too', () => {
    assertAgreement(compiled(realModeRoads[0]!));
    fc.assert(fc.property(realModeGuests, (text) => { assertAgreement(compiled(text)); }), { numRuns: 15, seed: 20261121 });
  });

  it('leave every table as it has to be', () => {
    fc.assert(fc.property(realModeGuests, fc.constantFrom('shadow-wp', 'shadow-unsync', 'ept'), (text, mmu) => {
      runAudited(machineFor(compiled(text), mmu));
    }), { numRuns: 8, seed: 20261121 });
  });
});
