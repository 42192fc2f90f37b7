import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { RUN } from '../../src/engine/interpreter/runState';
import { LARGE_FRAMES } from '../../src/hypervisor/host/hostFrames';
import { compiled } from '../engine/onMachine';
import { audit, machineFor, runAudited } from './audit';
import { ofVendor, seenByGuest } from './programs/agreement';
import { guestPrograms } from './programs/guestOperation';
import { guestText } from './programs/guestText';
import { hostEvents, withHostEvents } from './programs/hostEvents';
import { leaveFrames, runToLine } from './programs/hostPokes';

const hypervisors = ['interpret', 'deprivileged', 'shadow-rebuild', 'shadow-vtlb', 'shadow-wp', 'shadow-unsync', 'ept', 'npt', 'nested'] as const;

describe('what the host does', function () {
  this.timeout(240_000);

  it('no guest can tell: random guests log the same while pages are swapped, merged, migrated, split and collapsed', () => {
    fc.assert(fc.property(guestPrograms, hostEvents, (guest, events) => {
      const program = compiled(withHostEvents(guestText(guest), events));
      const native = seenByGuest(program, 'native');
      // A run under nested takes as long as those under all others.
      for (const mmu of ofVendor(program, hypervisors)) if (mmu !== 'nested' || events.events.length % 3 === 0) assert.deepEqual(seenByGuest(program, mmu), native, mmu);
    }), { numRuns: 14, seed: 20261121 });
  });

  it('leaves frames, reverse maps, swap counts and every entry above them in step, after each instruction', () => {
    fc.assert(fc.property(guestPrograms, hostEvents, fc.constantFrom(...hypervisors), (guest, events, mmu) => {
      const program = compiled(withHostEvents(guestText({ ...guest, operations: guest.operations.slice(0, 6) }), events));
      for (const each of ofVendor(program, [mmu])) runAudited(machineFor(program, each));
    }), { numRuns: 6, seed: 20261121 });
  });

  it('collapses nothing when the large page takes the last frames, and none is left for the table above it', () => {
    const text = `platform { backing 2M, ram 4G }
machine { paging 4-level, ram 2G }
cpu 0 {
  host collapse(gpa:1536M)
}
`;
    for (const mmu of hypervisors) {
      const machine = machineFor(compiled(text), mmu);
      const { interpreter: { run } } = machine;
      runToLine(machine, 3);
      leaveFrames(machine, LARGE_FRAMES);
      while (run.status === RUN.running) machine.interpreter.step();
      assert.equal(run.status, RUN.hostActionRefused, mmu);
      assert.deepEqual(audit(machine), [], mmu);
    }
  });
});
