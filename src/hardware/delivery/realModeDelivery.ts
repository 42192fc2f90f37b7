import { RFLAGS } from '../processor/controlRegisters';
import type { DeliveredEvent } from './deliveredEvent';
import { DELIVERED, type DeliveryProcessor } from './deliveryProcessor';
import { pushAccess } from './eventStack';
import { VECTOR } from './exceptions';
import { TRANSLATED } from '../processor/linearTranslation';
import { REGISTER } from '../processor/registers';
import { loadRealSelector, stackSegment } from '../segments/realModeSegments';
import { DESCRIPTOR_TABLE, SEGMENT } from '../segments/segmentRegisters';
import { SYSTEM_ACCESS } from './systemAccessKinds';

const ENTRY_BYTES = 4;
const SLOT = 2;
const FRAME_SLOTS = 3;
const IP_MASK = 0xffff;
/** What an entry begins with. SDM Vol. 2, "INT n/INTO/INT3/INT1—Call to Interrupt Procedure": REAL-ADDRESS-MODE. */
const CLEARED = RFLAGS.IF | RFLAGS.TF | RFLAGS.AC | RFLAGS.RF;

/**
 * Delivery in real-address mode: IP and CS of the handler are 4 bytes of the interrupt vector table at IDTR's base;
 * FLAGS, CS and IP are pushed, and no error code ever is. SDM Vol. 3, "Interrupt and Exception Handling" of real-address mode.
 */
export class RealModeDelivery {
  constructor(private readonly processor: DeliveryProcessor) {}

  /** DELIVERED, or what a fault or exit on the way led to. `by`: IDTR, or an INT n that is redirected in virtual-8086 mode. */
  deliver(event: DeliveredEvent, by: 'idtr' | 'table at 0' = 'idtr'): number {
    const { registers, segments, access, stack, raise, reload } = this.processor;
    const at = event.vector * ENTRY_BYTES;
    if (by === 'idtr' && at + ENTRY_BYTES - 1 > segments.tableLimit(DESCRIPTOR_TABLE.idtr)) return raise(VECTOR.generalProtection, 0);
    const base = by === 'idtr' ? segments.tableBaseLo(DESCRIPTOR_TABLE.idtr) : 0;
    const entry = access.read(base + at | 0, 0, ENTRY_BYTES, SYSTEM_ACCESS.gate);
    if (entry !== TRANSLATED) return entry;
    const handler = access.lo;
    const cpl = registers[2 * REGISTER.cpl]!;
    stack.useSegment(stackSegment(segments), registers[2 * REGISTER.rsp]!, SLOT, pushAccess(cpl, cpl), 0);
    if (!stack.hasRoom(FRAME_SLOTS)) return raise(VECTOR.stackFault, 0);
    const rflags = registers[2 * REGISTER.rflags]!;
    let answer = stack.push(rflags, 0);
    if (answer === TRANSLATED) answer = stack.push(segments.selector(SEGMENT.cs), 0);
    if (answer === TRANSLATED) answer = stack.push(registers[2 * REGISTER.rip]! + event.length & IP_MASK, 0);
    if (answer !== TRANSLATED) return answer;
    loadRealSelector(segments, SEGMENT.cs, handler >>> 16);
    registers[2 * REGISTER.rip] = handler & IP_MASK;
    registers[2 * REGISTER.rip + 1] = 0;
    registers[2 * REGISTER.rsp] = stack.lo;
    registers[2 * REGISTER.rflags] = rflags & ~CLEARED;
    reload();
    return DELIVERED;
  }
}
