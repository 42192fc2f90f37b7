import { DescriptorTables } from '../segments/descriptorTables';
import { EventDelivery } from './eventDelivery';
import { EventInstructions } from './eventInstructions';
import { EventStack } from './eventStack';
import { Interconnect } from '../apic/interconnect';
import { InterruptReturn } from './interruptReturn';
import type { InstructionEnd } from '../processor/instructionEnd';
import type { Interruption } from '../processor/interruption';
import { LocalApic } from '../apic/localApic';
import type { MemoryInstructions } from '../processor/memoryInstructions';
import type { ModelSpecificRegisters } from '../processor/modelSpecificRegisters';
import { PendingEvents } from './pendingEvents';
import type { PendingOperation, ProcessorSettings } from '../processor/rootMode';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorSpaces } from '../processor/processorSpaces';
import type { StateClaims } from '../state/registry';
import { Segmentation } from '../segments/segmentation';
import { SegmentInstructions } from '../segments/segmentInstructions';
import type { SegmentRegisters } from '../segments/segmentRegisters';
import type { SystemAccess } from './systemAccess';
import { X2apicMsrs } from '../apic/x2apicMsrs';

/** The parts of a processor that events and segments are made of. */
export interface EventUnitProcessor {
  readonly cpu: number;
  readonly apicId: number;
  readonly vendor: 'intel' | 'amd';
  readonly registers: Int32Array;
  readonly vmcs: Int32Array;
  readonly vmcb: Int32Array;
  readonly segments: SegmentRegisters;
  readonly spaces: ProcessorSpaces;
  readonly access: SystemAccess;
  readonly msrs: ModelSpecificRegisters;
  readonly pending: PendingOperation;
  readonly events: ProcessorEvents;
  readonly interruption: Interruption;
  readonly onMemory: MemoryInstructions;
  readonly end: InstructionEnd;
  readonly reload: () => void;
}

/** What a processor has for events and segments: delivery, return, the instructions about them, and its local APIC. */
export class EventUnit {
  readonly instructions: EventInstructions;
  readonly pending: PendingEvents;
  readonly onSegments: SegmentInstructions;
  readonly apic: LocalApic;
  readonly apicMsrs: X2apicMsrs;

  /** `delivery`: memory, through the IDT; direct, where whoever runs the program finds the handler. */
  constructor(registry: StateClaims, processor: EventUnitProcessor, delivery: ProcessorSettings['delivery']) {
    const { cpu, apicId, segments, interruption, access, events, registers } = processor;
    const raise = (vector: number, errorCode: number): number => interruption.raise(vector, errorCode, 0, 0);
    const tables = new DescriptorTables({ segments, access, raise, isHypervisors: () => interruption.privilege !== undefined });
    const parts = {
      ...processor, tables, stack: new EventStack(access), raise,
      taskSwitch: (selector: number, source: number) => interruption.taskSwitch(selector, source),
    };
    if (delivery === 'memory') interruption.throughMemory = new EventDelivery(parts);
    const alone = new Interconnect();
    this.apic = new LocalApic(registry, cpu, apicId);
    alone.attach(this.apic);
    this.apicMsrs = new X2apicMsrs(this.apic, alone, events);
    for (const row of this.apicMsrs.rows) processor.msrs.add(row);
    this.instructions = new EventInstructions({ ...processor, interruptReturn: new InterruptReturn(parts) });
    this.pending = new PendingEvents({ ...processor, apic: this.apic });
    this.onSegments = new SegmentInstructions({ ...processor, tables, segmentation: new Segmentation({ registers, segments }) });
  }

  /** Joins the processors that IPIs go between. */
  connect(interconnect: Interconnect): void {
    interconnect.attach(this.apic);
    this.apicMsrs.useInterconnect(interconnect);
  }
}
