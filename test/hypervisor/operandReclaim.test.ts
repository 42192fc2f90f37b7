import { strict as assert } from 'node:assert';
import { outcomeOf } from '../../src/engine/run/outcome';
import { RUN } from '../../src/engine/interpreter/runState';
import { compiled } from '../engine/onMachine';
import { machineFor } from './audit';
import { runToLine, starveAt } from './programs/hostPokes';
import { operandPrograms } from './programs/operandPrograms';

describe('an operand in two pages that the hypervisor reads or writes', () => {
  for (const mmu of ['ept', 'shadow-wp', 'shadow-unsync']) {
    for (const { claim, text, line, gfn } of operandPrograms) {
      it(`${claim} is written where both pages are, when the host has taken one back for the other, under ${mmu}`, () => {
        const machine = machineFor(compiled(text), mmu);
        runToLine(machine, line);
        starveAt(machine, gfn);
        while (machine.interpreter.run.status === RUN.running) machine.interpreter.step();
        const { ok, message } = outcomeOf(machine);
        assert.equal(message, undefined);
        assert.equal(ok, true);
      });
    }
  }
});
