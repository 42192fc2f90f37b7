import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { compiled, scenarioText } from '../engine/onMachine';
import { audit, machineFor, runAudited } from './audit';
import { ofVendor } from './programs/agreement';
import { claims } from './programs/claims';
import { guestPrograms } from './programs/guestOperation';
import { guestText } from './programs/guestText';

const techniques = ['native', 'deprivileged', 'shadow-wp', 'shadow-wp:update=zap', 'shadow-wp:shadow_pages=16', 'shadow-unsync', 'shadow-unsync:shadow_pages=16', 'shadow-rebuild', 'shadow-vtlb', 'shadow-vtlb:shadow_pages=16', 'ept', 'npt', 'interpret'] as const;

describe('audit of what the hypervisor keeps', function () {
  this.timeout(240_000);

  for (const scenario of ['first-touch', 'page-table-write', 'context-switch']) {
    it(`finds nothing after any instruction of ${scenario}`, () => {
      for (const mmu of techniques) runAudited(machineFor(compiled(scenarioText(scenario)), mmu));
    });
  }

  it('finds nothing after any instruction of the guests that a technique may get wrong', () => {
    for (const { text } of claims) {
      const program = compiled(text);
      for (const mmu of ofVendor(program, techniques)) runAudited(machineFor(program, mmu));
    }
  });

  it('finds nothing after any instruction of random guests', () => {
    fc.assert(fc.property(guestPrograms, fc.constantFrom(...techniques), (guest, mmu) => {
      const program = compiled(guestText(guest));
      for (const each of ofVendor(program, [mmu])) runAudited(machineFor(program, each));
    }), { numRuns: 60, seed: 20261121 });
  });

  it('finds a bit that is flipped in any leaf, and a link that is cut', () => {
    for (const mmu of ['deprivileged', 'shadow-vtlb', 'shadow-rebuild', 'shadow-wp', 'shadow-unsync', 'ept', 'npt']) {
      const machine = machineFor(compiled(scenarioText('first-touch')), mmu);
      while (machine.interpreter.run.status === 0) machine.interpreter.step();
      assert.deepEqual(audit(machine), []);
      machine.processors[0]!.walkWithoutEffects(0x600000, 0, 0);
      const { inspection } = machine.processors[0]!;
      const { result } = inspection.nested ?? inspection;
      for (const level of [1, 2]) {
        const [lo, hi] = [result.entryHpaLo[level]!, result.entryHpaHi[level]!];
        const value = machine.memory.load32(lo, hi);
        // The lowest bit of the frame, then the entry as a whole; an EPT leaf may be absent at any time.
        for (const changed of (mmu === 'ept' || mmu === 'npt') && level === 1 ? [value ^ 0x1000] : [value ^ 0x1000, 0]) {
          machine.memory.store32(lo, hi, changed);
          assert.notDeepEqual(audit(machine), [], `level ${level} under ${mmu}`);
        }
        machine.memory.store32(lo, hi, value);
      }
      assert.deepEqual(audit(machine), []);
    }
  });
});
