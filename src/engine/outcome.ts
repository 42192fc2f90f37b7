import { exceptionOf } from '../hardware/delivery/exceptions';
import { refusedInstruction } from '../hardware/processor/refusedInstruction';
import { pairToBigInt } from './arithmetic';
import type { Outcome } from './debuggee';
import type { Machine } from './machine';
import { deadlockText } from './deadlock';
import { NO_VECTOR } from './endings';
import { hostRefusalText } from './hostActions';
import { exceptionAt } from './names';
import { RUN } from './runState';

/** Vectors below are exceptions. SDM Vol. 3, "Exception and Interrupt Vectors". */
const FIRST_INTERRUPT = 32;

/** How the run stands as a result: `ok` when it came to its end and no expectation failed. */
export function outcomeOf(machine: Machine): Outcome {
  const { run } = machine.interpreter;
  const { passed, failed } = run;
  if (run.status === RUN.running || run.status === RUN.ended) {
    return { ok: run.status === RUN.ended && failed === 0, passed, failed };
  }
  return { ok: false, passed, failed, message: `${place(machine)}: ${causeOfDeath(machine)}` };
}

/** `FILE:LINE:COL` of the statement that ended the run. */
function place(machine: Machine): string {
  const statement = machine.program.statements[machine.interpreter.run.statement];
  if (statement === undefined) return machine.program.files[0]?.path ?? machine.program.name;
  const { file, line, column } = statement.range;
  return `${machine.program.files[file]!.path}:${line + 1}:${column + 1}`;
}

function causeOfDeath(machine: Machine): string {
  const { run } = machine.interpreter;
  const { status, code, vector } = run;
  const address = pairToBigInt(run.addressLo, run.addressHi);
  const fault = exceptionAt(vector, code, address);
  switch (status) {
    case RUN.tripleFault:
      if (vector === NO_VECTOR) return machine.processors[run.cpu]!.stopReason || `triple fault: ${machine.technique.stopReason()}`;
      return vector === 14
        ? `triple fault: the guest has no handler for ${fault}; write \`on page_fault(gva address, code)\``
        : `triple fault: ${refusal(machine, vector)}, and the guest has no handler for ${shortName(vector)}; change the statement`;
    case RUN.refused:
      return `the guest kernel refused the access (${fault}); write \`expect refused\` below it if that is meant`;
    case RUN.divideByZero:
      return 'division by zero; guard the divisor with `if`';
    case RUN.callsTooDeep:
      return 'calls are nested too deep; look for a procedure that calls itself without end, or a handler that faults';
    case RUN.handlerLoop:
      return `the handler returns without repairing anything: ${fault} came 1000 times in a row; make it map the page or \`refuse\``;
    case RUN.deadlock:
      return deadlockText(machine);
    case RUN.hostActionRefused:
      return hostRefusalText(code, address);
    default: {
      const processor = machine.processors[run.cpu]!;
      return `the hypervisor stopped the VM: ${processor.stopReason || machine.technique.stopReason()}`;
    }
  }
}

/** What happened, as a clause. */
function refusal(machine: Machine, vector: number): string {
  const processor = machine.processors[machine.interpreter.run.cpu]!;
  if (vector >= FIRST_INTERRUPT || exceptionOf(vector) === undefined) return `interrupt ${vector} came`;
  return refusedInstruction(processor);
}

/** `#GP`; SDM Vol. 3, "Exception and Interrupt Reference". */
function shortName(vector: number): string {
  return vector < FIRST_INTERRUPT ? exceptionOf(vector)?.mnemonic ?? `vector ${vector}` : `interrupt ${vector}`;
}
