import fc from 'fast-check';
import { compiled } from '../engine/onMachine';
import { machineFor, runAudited } from './audit';
import { assertAgreement } from './programs/agreement';
import { modeGuests, togglingGuests } from './programs/modeGuests';

const shadows = ['shadow-wp', 'shadow-wp:update=zap', 'shadow-wp:shadow_pages=16', 'shadow-unsync', 'shadow-unsync:prefetch=0,early_unshadow=on', 'shadow-rebuild', 'shadow-vtlb'] as const;

describe('shadow tables of guests in every paging mode', function () {
  this.timeout(240_000);

  it('show the guest what it sees natively, whatever it does', () => {
    fc.assert(fc.property(modeGuests, (text) => { assertAgreement(compiled(text)); }), { numRuns: 30, seed: 20261121 });
  });

  it('show it the same while it turns paging off and on, with 32-bit and PAE tables', () => {
    fc.assert(fc.property(togglingGuests, (text) => { assertAgreement(compiled(text)); }), { numRuns: 40, seed: 20261121 });
  });

  it('hold what they promise after every instruction', () => {
    fc.assert(fc.property(fc.oneof(modeGuests, togglingGuests), fc.constantFrom(...shadows), (text, mmu) => {
      runAudited(machineFor(compiled(text), mmu));
    }), { numRuns: 40, seed: 20261121 });
  });
});
