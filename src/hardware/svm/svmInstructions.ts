import { OPERATION } from '../paging/accessKinds';
import type { Invalidations } from '../caches/invalidations';
import { EFER } from '../processor/controlRegisters';
import { VECTOR } from '../delivery/exceptions';
import { type InstructionEnd, RETRY_LIMIT } from '../processor/instructionEnd';
import { NO_EXIT } from '../processor/instructionExits';
import type { Interruption } from '../processor/interruption';
import { REGISTER } from '../processor/registers';
import { type PendingOperation, RESUME } from '../processor/rootMode';

/** The parts of a processor that a guest's SVM instructions work on. */
export interface SvmInstructionProcessor {
  readonly vendor: 'intel' | 'amd';
  readonly registers: Int32Array;
  readonly pending: PendingOperation;
  readonly interruption: Interruption;
  readonly invalidations: Invalidations;
  readonly end: InstructionEnd;
}

/**
 * SVM instructions that a program executes; each comes back with a `STATUS`. #UD without EFER.SVME and #GP(0) outside CPL 0
 * come before the intercept. APM Vol. 3, "INVLPGA", "VMRUN". Root mode does not execute them: see `Processor`.
 */
export class SvmInstructions {
  constructor(private readonly processor: SvmInstructionProcessor) {}

  /** INVLPGA: (lo, hi) in rAX, the ASID in ECX; of an ASID that nothing has it invalidates nothing. */
  invlpga(): number {
    const { pending, registers, interruption, invalidations } = this.processor;
    pending.gvaLo = registers[2 * REGISTER.rax]!;
    pending.gvaHi = registers[2 * REGISTER.rax + 1]!;
    return this.run(OPERATION.invlpga, 'INVLPGA', () => interruption.exits.invlpga(), () => {
      invalidations.invlpga(registers[2 * REGISTER.rcx]!, registers[2 * REGISTER.rax]!, registers[2 * REGISTER.rax + 1]!);
    });
  }

  /** VMRUN by a guest, which every VMRUN that got there intercepts; outside a guest there is no VMCB for it: #GP(0). */
  vmrun(): number {
    const { interruption } = this.processor;
    return this.run(OPERATION.vmrun, 'VMRUN', () => interruption.exits.vmrun(), undefined);
  }

  /** By root mode: what VMRUN with this `TLB_CONTROL` invalidates, of a guest that is made to exit and is entered again at once. */
  flushByTlbControl(control: number): void {
    this.processor.invalidations.byTlbControl(control);
  }

  private run(operation: number, name: string, ask: () => number, act: (() => void) | undefined): number {
    const { pending, end } = this.processor;
    pending.operation = operation;
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      const next = this.attempt(ask, act);
      if (next !== RESUME.retry) return end.statusOf(next);
    }
    return end.giveUp(`${name} exits again and again`);
  }

  private attempt(ask: () => number, act: (() => void) | undefined): number {
    const { vendor, registers, interruption } = this.processor;
    if (vendor !== 'amd' || (registers[2 * REGISTER.efer]! & EFER.SVME) === 0) return interruption.raise(VECTOR.invalidOpcode, 0, 0, 0);
    if (registers[2 * REGISTER.cpl] !== 0) return interruption.raise(VECTOR.generalProtection, 0, 0, 0);
    const exit = ask();
    if (exit !== NO_EXIT) return exit;
    if (act === undefined) return interruption.raise(VECTOR.generalProtection, 0, 0, 0);
    act();
    return RESUME.completed;
  }
}
