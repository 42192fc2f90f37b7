import { CR0, CR4, EFER, RFLAGS } from '../processor/controlRegisters';
import { EVENT_TYPE, type DeliveredEvent } from './deliveredEvent';
import type { DeliveryProcessor } from './deliveryProcessor';
import { InterruptRedirection } from './interruptRedirection';
import { TRANSLATED } from '../processor/linearTranslation';
import { LongModeDelivery } from './longModeDelivery';
import { ProtectedModeDelivery } from './protectedModeDelivery';
import { RealModeDelivery } from './realModeDelivery';
import { REGISTER } from '../processor/registers';

/** Delivery of events through the IDT in memory, in the way of the mode that the processor is in. */
export class EventDelivery {
  private readonly inLongMode: LongModeDelivery;
  private readonly inProtectedMode: ProtectedModeDelivery;
  private readonly inRealMode: RealModeDelivery;
  private readonly redirection: InterruptRedirection;

  constructor(private readonly processor: DeliveryProcessor) {
    this.inLongMode = new LongModeDelivery(processor);
    this.inProtectedMode = new ProtectedModeDelivery(processor);
    this.inRealMode = new RealModeDelivery(processor);
    this.redirection = new InterruptRedirection(processor);
  }

  /** DELIVERED, or what a fault or exit on the way led to. */
  deliver(event: DeliveredEvent): number {
    const { registers } = this.processor;
    if (event.type === EVENT_TYPE.softwareInterrupt && this.mayRedirect) {
      const answer = this.redirection.ask(event.vector);
      if (answer !== TRANSLATED) return answer;
      if (this.redirection.isRedirected) return this.inRealMode.deliver(event, 'table at 0');
    }
    if ((registers[2 * REGISTER.efer]! & EFER.LMA) !== 0) return this.inLongMode.deliver(event);
    return (registers[2 * REGISTER.cr0]! & CR0.PE) !== 0 ? this.inProtectedMode.deliver(event) : this.inRealMode.deliver(event);
  }

  private get mayRedirect(): boolean {
    const { registers } = this.processor;
    return (registers[2 * REGISTER.rflags]! & RFLAGS.VM) !== 0 && (registers[2 * REGISTER.cr4]! & CR4.VME) !== 0;
  }
}
