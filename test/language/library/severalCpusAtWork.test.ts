import fc from 'fast-check';
import { compiled } from '../../engine/onMachine';
import { expectationsHold, inMode } from './onEveryMachine';
import { rounds, scenarioOfRounds } from './randomRounds';

describe('the kernel library on several CPUs does what a kernel without page tables would', function () {
  this.timeout(240_000);

  for (const [mode, ram, pcids] of [['4-level', '16M', 'with PCIDs'], ['pae', '520M', 'without PCIDs']] as const) {
    it(`whoever comes first (${mode})`, () => {
      fc.assert(fc.property(rounds, fc.integer({ min: 1, max: 1000 }), (given, seed) => {
        expectationsHold(mode, compiled(inMode(mode, scenarioOfRounds(given, seed, pcids), ram)));
      }), { numRuns: Number(process.env['ROUNDS'] ?? 10), seed: Number(process.env['SEED'] ?? 20261121) });
    });
  }
});
