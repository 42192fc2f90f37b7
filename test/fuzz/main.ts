/**
 * `npm run fuzz -- requests --requests N --seed S`: random requests to the debug adapter.
 *
 * `npm run fuzz [-- RUNS [SEED]]`: random guests for as long as one likes. Each must leave the same log under every
 * technique, and the audit must find nothing after any of its instructions. `npm run fuzz -- time [RUNS [SEED]]`: random walks
 * through the time of such guests, with edits, which must find what a run forward with the same edits finds. A failure is shrunk
 * and printed as a scenario, with the seed that finds it again.
 */
import fc from 'fast-check';
import { acts, editedTechniques, judgeEditedRun } from '../engine/editedRuns';
import { compiled } from '../engine/onMachine';
import { machineFor, runAudited } from '../hypervisor/audit';
import { assertAgreement, techniques } from '../hypervisor/programs/agreement';
import { guestPrograms, type GuestProgram } from '../hypervisor/programs/guestOperation';
import { guestText } from '../hypervisor/programs/guestText';
import { ownPlaces } from '../bundledTests';
import { runBundled } from '../hypervisor/equivalence/bundledRun';

const BATCH = 200;

function judge(guest: GuestProgram): void {
  const program = compiled(guestText(guest));
  assertAgreement(program);
  for (const mmu of techniques) runAudited(machineFor(program, mmu));
}

/** What is judged, and how what fails is printed. */
interface Subject {
  readonly property: fc.IProperty<readonly [GuestProgram, ...unknown[]]>;
  readonly holds: string;
}

const subjects: Readonly<Record<'guests' | 'time', Subject>> = {
  guests: { property: fc.property(guestPrograms, judge), holds: 'random guests agree' },
  time: {
    property: fc.property(guestPrograms, fc.constantFrom(...editedTechniques), acts, (guest, mmu, walk) => void judgeEditedRun(compiled(guestText(guest)), mmu, walk)),
    holds: 'random walks through time agree',
  },
};

function main([first = 'guests', ...rest]: readonly string[]): number {
  return first === 'time' ? fuzz(subjects.time, rest) : fuzz(subjects.guests, first === 'guests' ? rest : [first, ...rest]);
}

function fuzz({ property, holds }: Subject, [runs = '2000', seed = '1']: readonly string[]): number {
  const total = Number(runs);
  const first = Number(seed);
  if (!Number.isInteger(total) || total < 1 || !Number.isInteger(first)) {
    console.error('The arguments are RUNS and SEED, both whole numbers, after `time` if that is meant: npm run fuzz -- 5000 7.');
    return 2;
  }
  for (let done = 0; done < total; done += BATCH) {
    const numRuns = Math.min(BATCH, total - done);
    const batchSeed = first + done / BATCH;
    const result = fc.check(property, { numRuns, seed: batchSeed });
    if (result.failed) {
      const [guest, ...more] = result.counterexample ?? [];
      console.error(`Seed ${batchSeed} fails after ${result.numRuns} guests and ${result.numShrinks} steps of shrinking:`);
      if (guest !== undefined) console.error(guestText(guest));
      for (const each of more) console.error(JSON.stringify(each));
      console.error(result.errorInstance);
      return 1;
    }
    console.log(`${done + numRuns} of ${total} ${holds}`);
  }
  return 0;
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'requests') {
  void runBundled(rest, (chunk) => { process.stdout.write(chunk); }, [ownPlaces], 'test/fuzz/requests/main.ts').then(({ status }) => { process.exitCode = status; });
} else process.exitCode = main(process.argv.slice(2));
