import { CR0, EFER } from '../processor/controlRegisters';
import type { DeliveredEvent } from './deliveredEvent';
import type { DeliveryProcessor } from './deliveryProcessor';
import { LongModeDelivery } from './longModeDelivery';
import { ProtectedModeDelivery } from './protectedModeDelivery';
import { RealModeDelivery } from './realModeDelivery';
import { REGISTER } from '../processor/registers';

/** Delivery of events through the IDT in memory, in the way of the mode that the processor is in. */
export class EventDelivery {
  private readonly inLongMode: LongModeDelivery;
  private readonly inProtectedMode: ProtectedModeDelivery;
  private readonly inRealMode: RealModeDelivery;

  constructor(private readonly processor: DeliveryProcessor) {
    this.inLongMode = new LongModeDelivery(processor);
    this.inProtectedMode = new ProtectedModeDelivery(processor);
    this.inRealMode = new RealModeDelivery(processor);
  }

  /** DELIVERED, or what a fault or exit on the way led to. */
  deliver(event: DeliveredEvent): number {
    const { registers } = this.processor;
    if ((registers[2 * REGISTER.efer]! & EFER.LMA) !== 0) return this.inLongMode.deliver(event);
    return (registers[2 * REGISTER.cr0]! & CR0.PE) !== 0 ? this.inProtectedMode.deliver(event) : this.inRealMode.deliver(event);
  }
}
