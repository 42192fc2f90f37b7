import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { run } from '../../src/engine/run/run';
import { compiled } from '../engine/onMachine';
import { assertAgreement, ofVendor, techniques } from './programs/agreement';
import { claims } from './programs/claims';
import { guestPrograms } from './programs/guestOperation';
import { guestText } from './programs/guestText';

/** The techniques agree, and the claim's own expectations hold under each. */
function assertHolds(text: string, endsInGp: boolean): void {
  const program = compiled(text);
  assertAgreement(program);
  for (const mmu of ofVendor(program, techniques)) {
    const failures: string[] = [];
    const report = run(program, mmu, { say: ({ text: said, line }) => failures.push(`${mmu}, line ${line}: ${said}`) });
    if ('error' in report) assert.fail(report.error);
    assert.deepEqual(failures, []);
    if (endsInGp) assert.match(report.outcome.message ?? '', /no handler for #GP/);
    else assert.equal(report.outcome.message, undefined);
  }
}

describe('every technique shows the guest the same machine', function () {
  this.timeout(240_000);

  for (const { claim, text, endsInGp } of claims) it(claim, () => assertHolds(text, endsInGp));

  // A walk that faults sets no flag here, under no technique, so that the table lines agree to the bit: the processor,
  // the walk through EPT and the hypervisor's own walk of the guest's tables are the one walk.
  it('whatever it does: random guests leave equal logs', () => {
    fc.assert(fc.property(guestPrograms, (guest) => {
      assertAgreement(compiled(guestText(guest)));
    }), { numRuns: 30, seed: 20261121 });
  });
});
