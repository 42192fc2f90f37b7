import { strict as assert } from 'node:assert';
import { RUN } from '../../src/engine/runState';
import { compiled } from '../engine/onMachine';
import { audit, machineFor, runAudited } from './audit';
import { assertAgreement } from './programs/agreement';
import { changing, comeRound, slotted, WRAP_AT } from './programs/slotPrograms';

const hosted = ['shadow-wp', 'shadow-wp:update=zap', 'shadow-wp:shadow_pages=16', 'shadow-unsync', 'ept', 'ept:dirty_log=pml'] as const;

describe('memory slots', function () {
  this.timeout(240_000);

  for (const mmu of hosted) {
    it(`with ROM and MMIO: the audit finds nothing after any instruction under ${mmu}`, () => runAudited(machineFor(compiled(slotted), mmu)));

    it(`that come, move, are logged and go: the audit finds nothing after any statement under ${mmu}`, () => {
      for (const poke of ['none', 'generation'] as const) {
        const machine = machineFor(compiled(changing.replace('LOG', 'wp')), mmu);
        const { interpreter: { run }, program } = machine;
        while (run.status === RUN.running && !run.isCounting) machine.interpreter.step();
        while (run.status === RUN.running) {
          const ahead = machine.interpreter.isAtStatement(0) ? program.statements[machine.interpreter.statementAhead(0)] : undefined;
          if (poke === 'generation' && ahead?.range.line === WRAP_AT) comeRound(machine);
          machine.interpreter.step();
          if (!machine.interpreter.isAtStatement(0)) continue;
          const { range } = program.statements[machine.interpreter.stacks[0]!.statement]!;
          assert.deepEqual(audit(machine), [], `line ${range.line + 1}`);
        }
        assert.equal(run.status, RUN.ended);
      }
    });
  }

  it('with ROM and MMIO look alike to the guest under every technique', () => assertAgreement(compiled(slotted)));
});
