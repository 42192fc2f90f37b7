import { exceptionOf } from '../../hardware/delivery/exceptions';
import type { Processor } from '../../hardware/processor/processor';
import { refusedInstruction } from '../../hardware/processor/refusedInstruction';
import { EXCEPTION_VECTORS } from '../../language/virtualMachines';
import { pairToBigInt } from '../arithmetic';
import { callStackOf } from './callStack';
import type { Outcome } from '../debuggee';
import type { Machine } from '../machine/machine';
import { deadlockText } from '../schedule/deadlock';
import type { Death } from '../interpreter/deaths';
import { NO_VECTOR } from '../interpreter/endings';
import { hostRefusalText } from '../host/hostRefusals';
import { lastExitText } from './lastExit';
import { exceptionAt } from '../names';
import { RUN } from '../interpreter/runState';

/** Vectors below are exceptions. SDM Vol. 3, "Exception and Interrupt Vectors". */
const FIRST_INTERRUPT = 32;

/** How the run stands as a result: `ok` when it came to its end and no expectation failed. */
export function outcomeOf(machine: Machine): Outcome {
  const { run, deaths } = machine.interpreter;
  const { passed, failed } = run;
  const isDead = run.status !== RUN.running && run.status !== RUN.ended;
  const all = [...deaths.unexpected(), ...(isDead ? [run] : [])];
  if (all.length === 0) return { ok: run.status === RUN.ended && failed === 0, passed, failed };
  const stack = all.flatMap((death) => callStackOf(machine, death));
  return { ok: false, passed, failed, message: all.map((death) => deathText(machine, death)).join('\n'), stack };
}

/** What a VM, or the run, came to an end of: place and cause, and where there are several VMs whose CPU it was. */
export function deathText(machine: Machine, death: Death): string {
  const { vms, program } = machine;
  const who = vms.length > 1 && death.status !== RUN.deadlock ? `${program.actors[death.cpu]!.name}: ` : '';
  return `${place(machine, death)}: ${who}${causeOfDeath(machine, death)}`;
}

/** `FILE:LINE:COL` of the statement that it was. */
function place(machine: Machine, death: Death): string {
  const statement = machine.program.statements[death.statement];
  if (statement === undefined) return machine.program.files[0]?.path ?? machine.program.name;
  const { file, line, column } = statement.range;
  return `${machine.program.files[file]!.path}:${line + 1}:${column + 1}`;
}

function causeOfDeath(machine: Machine, death: Death): string {
  const { status, code, vector, cpu } = death;
  const address = pairToBigInt(death.addressLo, death.addressHi);
  const fault = exceptionAt(vector, code, address);
  switch (status) {
    case RUN.tripleFault:
      if (vector === NO_VECTOR) return machine.processors[cpu]!.stopReason || `triple fault${lastExitText(machine, cpu)}: ${machine.vmOf(cpu).technique.stopReason()}`;
      return vector === 14
        ? `triple fault: the guest has no handler for ${fault}; write \`on page_fault(gva address, code)\``
        : `triple fault: ${refusal(machine.processors[cpu]!, vector)}, and the guest has no handler for ${shortName(vector)}; ${handlerAdvice(vector)}change the statement`;
    case RUN.refused:
      return `the guest kernel refused the access (${fault}); write \`expect refused\` below it if that is meant`;
    case RUN.divideByZero:
      return 'division by zero; guard the divisor with `if`';
    case RUN.callsTooDeep:
      return tooDeepText(machine, cpu, vector === 0 ? undefined : fault);
    case RUN.handlerLoop:
      return `the handler returns without repairing anything: ${fault} came 1000 times in a row; make it map the page or \`refuse\``;
    case RUN.otherVmcs: {
      const name = machine.program.vms[code]?.name ?? '';
      return `the current VMCS is not that of ${name} on this CPU; write vmptrld(${name}) above`;
    }
    case RUN.deadlock:
      return deadlockText(machine);
    case RUN.hostActionRefused:
      return hostRefusalText(code, address);
    default: {
      const processor = machine.processors[cpu]!;
      if (processor.stopReason !== '') return `the hypervisor stopped the VM: ${processor.stopReason}`;
      return `the hypervisor stopped the VM${lastExitText(machine, cpu)}: ${machine.vmOf(cpu).technique.stopReason()}`;
    }
  }
}

/** `fault`: what a handler was to be called for; left out: it was a call. */
function tooDeepText({ program, interpreter }: Machine, cpu: number, fault: string | undefined): string {
  const stack = interpreter.stacks[cpu]!;
  const handlers = stack.frames().filter(({ isHandler }) => isHandler).map(({ procedure, base }) => {
    const { vector, errorCode, lo, hi } = stack.faultOf(base);
    return { name: `\`on ${program.procedures[procedure]!.name}\``, handles: exceptionAt(vector, errorCode, pairToBigInt(lo, hi)) };
  });
  const endless = 'look for a procedure that calls itself without end';
  const [innermost, outer] = handlers;
  const [around, came] = fault === undefined ? [outer, innermost?.handles ?? ''] : [innermost, fault];
  if (around !== undefined) {
    const times = handlers.length === 1 ? 'once' : `${handlers.length} times over`;
    return `calls are nested too deep: ${came} came inside ${around.name}, which is under way ${times} and faults as it handles a fault; have it touch only what is mapped, or \`refuse\` there`;
  }
  if (fault !== undefined) return `calls are nested too deep for the handler of ${fault}; ${endless}`;
  return innermost === undefined ? `calls are nested too deep; ${endless}` : `calls are nested too deep as ${innermost.name} handles ${innermost.handles}; ${endless}`;
}

/** A handler that would take it, where the language has one. */
function handlerAdvice(vector: number): string {
  if (vector >= FIRST_INTERRUPT) return `write \`on interrupt 0x${vector.toString(16)}\`, or `;
  return vector === EXCEPTION_VECTORS.general_protection ? 'write `on general_protection(code)`, or ' : '';
}

/** What happened, as a clause. */
function refusal(processor: Processor, vector: number): string {
  if (vector >= FIRST_INTERRUPT || exceptionOf(vector) === undefined) return `interrupt ${vector} came`;
  return refusedInstruction(processor);
}

/** `#GP`; SDM Vol. 3, "Exception and Interrupt Reference". */
function shortName(vector: number): string {
  return vector < FIRST_INTERRUPT ? exceptionOf(vector)?.mnemonic ?? `vector ${vector}` : `interrupt ${vector}`;
}
