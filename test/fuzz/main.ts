/**
 * `npm run fuzz [-- RUNS [SEED]]`: random guests for as long as one likes. Each must leave the same log under every
 * technique, and the audit must find nothing after any of its instructions. A failure is shrunk and printed as a
 * scenario, with the seed that finds it again.
 */
import fc from 'fast-check';
import { compiled } from '../engine/onMachine';
import { machineFor, runAudited } from '../hypervisor/audit';
import { assertAgreement, techniques } from '../hypervisor/programs/agreement';
import { guestPrograms, type GuestProgram } from '../hypervisor/programs/guestOperation';
import { guestText } from '../hypervisor/programs/guestText';

const BATCH = 200;

function judge(guest: GuestProgram): void {
  const program = compiled(guestText(guest));
  assertAgreement(program);
  for (const mmu of techniques) runAudited(machineFor(program, mmu));
}

function main([runs = '2000', seed = '1']: readonly string[]): number {
  const total = Number(runs);
  const first = Number(seed);
  if (!Number.isInteger(total) || total < 1 || !Number.isInteger(first)) {
    console.error('The arguments are RUNS and SEED, both whole numbers: npm run fuzz -- 5000 7.');
    return 2;
  }
  for (let done = 0; done < total; done += BATCH) {
    const numRuns = Math.min(BATCH, total - done);
    const batchSeed = first + done / BATCH;
    const result = fc.check(fc.property(guestPrograms, judge), { numRuns, seed: batchSeed });
    if (result.failed) {
      const [guest] = result.counterexample ?? [];
      console.error(`Seed ${batchSeed} fails after ${result.numRuns} guests and ${result.numShrinks} steps of shrinking:`);
      if (guest !== undefined) console.error(guestText(guest));
      console.error(result.errorInstance);
      return 1;
    }
    console.log(`${done + numRuns} of ${total} random guests agree`);
  }
  return 0;
}

process.exitCode = main(process.argv.slice(2));
