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

  // The hypervisor's TSS lies at the end of the first 4 GBytes, and the audit looks at every frame up to there: few exits.
  for (const mmu of ['shadow-wp', 'ept']) {
    it(`leave every table under ${mmu} as it has to be`, () => {
      runAudited(machineFor(compiled('machine { paging none, ram 16M, delivery memory, unrestricted_guest off }\ncpu 0 {\n  int(0x15)\n  cr0.PE = 1\n}\n'), mmu));
    });
  }
});
