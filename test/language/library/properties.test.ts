import fc from 'fast-check';
import { holds, modes } from './onEveryMachine';
import { kernelWork, scenarioOf } from './randomKernelWork';

describe('the kernel library does what a kernel without page tables would', function () {
  this.timeout(240_000);

  for (const mode of modes) {
    it(`whatever it is asked for (${mode})`, () => {
      fc.assert(fc.property(kernelWork, (pieces) => holds(mode, scenarioOf(pieces))), { numRuns: 12, seed: 20261121 });
    });
  }
});
