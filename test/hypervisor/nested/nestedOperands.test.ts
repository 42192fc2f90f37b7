import { strict as assert } from 'node:assert';
import { configure } from '../../../src/engine/settings/configuration';
import { Machine } from '../../../src/engine/machine/machine';
import { outcomeOf } from '../../../src/engine/run/outcome';
import { RUN } from '../../../src/engine/interpreter/runState';
import { compiled } from '../../engine/onMachine';
import { auditEpt02 } from './nestedAudit';
import { nestedOperands } from './nestedOperands';

describe('an operand of a nested guest in two pages, of which the second', () => {
  for (const { claim, text } of nestedOperands) {
    it(claim, () => {
      const program = compiled(text);
      const configuration = configure(program, undefined);
      assert.ok(!('error' in configuration), 'error' in configuration ? configuration.error : '');
      const machine = new Machine(program, configuration);
      const { interpreter, interpreter: { run } } = machine;
      while (run.status === RUN.running) {
        interpreter.step();
        const { current } = interpreter.scheduler;
        const isOfText = interpreter.isAtStatement(current) && program.statements[interpreter.statementAhead(current)]!.range.file === 0;
        if (run.isCounting && isOfText) auditEpt02(machine);
      }
      const { ok, message, passed } = outcomeOf(machine);
      assert.equal(message, undefined);
      assert.deepEqual({ ok, isTested: passed > 0 }, { ok: true, isTested: true });
    });
  }
});
