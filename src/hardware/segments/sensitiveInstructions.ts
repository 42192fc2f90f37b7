import { VECTOR } from '../delivery/exceptions';
import type { ProcessorEvents } from '../events/processorEvents';
import { OPERATION, operationNames } from '../paging/accessKinds';
import { CR0, RFLAGS } from '../processor/controlRegisters';
import { type InstructionEnd, RETRY_LIMIT } from '../processor/instructionEnd';
import { NO_EXIT } from '../processor/instructionExits';
import type { Interruption } from '../processor/interruption';
import type { RegisterFile } from '../processor/registerFile';
import { REGISTER } from '../processor/registers';
import { type PendingOperation, RESUME } from '../processor/rootMode';
import { DESCRIPTOR_TABLE, SEGMENT, type SegmentRegisters } from './segmentRegisters';

const MACHINE_STATUS_WORD = 0xffff;

/** The parts of a processor that these instructions read. */
export interface SensitiveProcessor {
  readonly registers: Int32Array;
  readonly segments: SegmentRegisters;
  readonly file: RegisterFile;
  readonly pending: PendingOperation;
  readonly events: ProcessorEvents;
  readonly interruption: Interruption;
  readonly end: InstructionEnd;
}

/**
 * SGDT, SIDT, SLDT, STR and SMSW: they tell of system registers, and any CPL may execute them. What they store is left in
 * `pending.value`: of GDTR and IDTR the base, of the others 16 bits. Each comes back with a `STATUS`. Whether one exits is
 * for "descriptor-table exiting" or an intercept to say; SMSW has CR0 as MOV from it has. SDM Vol. 2, "SGDT—Store Global
 * Descriptor Table Register", "SMSW—Store Machine Status Word".
 */
export class SensitiveInstructions {
  constructor(private readonly processor: SensitiveProcessor) {}

  sgdt(): number { return this.storeTable(OPERATION.sgdt, DESCRIPTOR_TABLE.gdtr); }
  sidt(): number { return this.storeTable(OPERATION.sidt, DESCRIPTOR_TABLE.idtr); }
  sldt(): number { return this.storeSelector(OPERATION.sldt, SEGMENT.ldtr); }
  str(): number { return this.storeSelector(OPERATION.str, SEGMENT.tr); }

  smsw(): number {
    const { file, interruption } = this.processor;
    return this.run(OPERATION.smsw, () => interruption.exits.smsw(), () => this.give(file.visibleLo(REGISTER.cr0) & MACHINE_STATUS_WORD, 0));
  }

  private storeTable(operation: number, table: number): number {
    const { segments, interruption } = this.processor;
    return this.run(operation, () => interruption.exits.storeTable(operation), () => {
      this.give(segments.tableBaseLo(table), segments.tableBaseHi(table));
    });
  }

  /** There are no such segments in real-address and virtual-8086 mode: #UD, before anything else. */
  private storeSelector(operation: number, segment: number): number {
    const { registers, segments, interruption } = this.processor;
    return this.run(operation, () => {
      const isProtected = (registers[2 * REGISTER.cr0]! & CR0.PE) !== 0 && (registers[2 * REGISTER.rflags]! & RFLAGS.VM) === 0;
      return isProtected ? interruption.exits.storeTable(operation) : interruption.raise(VECTOR.invalidOpcode, 0, 0, 0);
    }, () => this.give(segments.selector(segment), 0));
  }

  private give(lo: number, hi: number): void {
    this.processor.pending.valueLo = lo;
    this.processor.pending.valueHi = hi;
  }

  /** `ask`: NO_EXIT, or what stands in the way and has led to a `RESUME` or EXCEPTION. */
  private run(operation: number, ask: () => number, act: () => void): number {
    const { pending, events, end } = this.processor;
    pending.operation = operation;
    events.systemInstruction(operation, 0, 0, 0);
    for (let attempt = 0; attempt < RETRY_LIMIT; attempt++) {
      const next = ask();
      if (next === NO_EXIT) {
        act();
        return end.statusOf(RESUME.completed);
      }
      if (next !== RESUME.retry) return end.statusOf(next);
    }
    return end.giveUp(`${operationNames[operation]!} exits again and again`);
  }
}
