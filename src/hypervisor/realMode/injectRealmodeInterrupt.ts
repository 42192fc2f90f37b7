import { RFLAGS } from '../../hardware/processor/controlRegisters';
import { ACTIVITY, INTERRUPTIBILITY } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import { INTERRUPTION, VMCS } from '../../hardware/vmx/vmcs';
import { line, give, type ListingProcedure } from '../listing';
import { STACK_SEGMENT } from './rmode';
import type { RmodeOwner } from './rmodeListing';

const V = { vector: 0, cs: 1, ip: 2, flags: 3, stack: 4 } as const;
const WORD = 0xffff;
const SELECTOR_SHIFT = 4;
const ENTRY_BYTES = 4;
/** INT n and the like, for which IP goes behind the instruction. */
const SOFTWARE = 4 << 8;
/** SDM Vol. 2, "INT n/INTO/INT3/INT1—Call to Interrupt Procedure": REAL-ADDRESS-MODE. */
const CLEARED = RFLAGS.IF | RFLAGS.TF | RFLAGS.AC | RFLAGS.RF;
/** State that a write to guest memory changes. */
const GUEST_MEMORY = ['memory', 'host.frames', 'host.frame_list', 'host.rmap', 'host.rmap_free', 'vm.dirty_bitmap'] as const;

/** Gives a `RESUME`. */
export function injectRealmodeInterrupt<M extends RmodeOwner>(): ListingProcedure<M> {
  return {
    name: 'kvm_inject_realmode_interrupt',
    purpose: 'An event for a guest in real-address mode: pushed and vectored by software, as its own processor would by the table at IDTR.',
    values: [
      { name: 'vector', kind: 'number' }, { name: 'cs', kind: 'number' }, { name: 'ip', kind: 'number' }, { name: 'flags', kind: 'number' },
      { name: 'stack', kind: 'gpa' },
    ],
    parameters: 0,
    body: [
      line('vector = VM-entry interruption information, which is used up; cs, ip, flags = the guest\'s, ip behind an INT n', { writes: ['vmcs'] }, ({ processor: { vmcs }, rmode }, f) => {
        const information = vmcs[VMCS.entry_interruption_info]!;
        const length = (information & INTERRUPTION.typeMask) >= SOFTWARE ? vmcs[VMCS.entry_instruction_length]! : 0;
        f.set(V.vector, information & INTERRUPTION.vectorMask, 0);
        f.set(V.cs, vmcs[VMCS.guest_cs_selector]!, 0);
        f.set(V.ip, (vmcs[VMCS.guest_rip]! + length) & WORD, 0);
        f.set(V.flags, rmode.guestFlags & WORD, 0);
        vmcs[VMCS.entry_interruption_info] = information & ~INTERRUPTION.valid;
      }),
      line('SP = SP - 6; stack = SS × 16 + SP: FLAGS, CS and IP go there', { writes: ['vmcs', ...GUEST_MEMORY] }, ({ processor: { vmcs }, rmode: { bytes } }, f) => {
        const pointer = vmcs[VMCS.guest_rsp]!;
        const base = vmcs[STACK_SEGMENT.base]!;
        [f.lo(V.flags), f.lo(V.cs), f.lo(V.ip)].forEach((value, index) => bytes.store16(base + ((pointer - 2 * index - 2) & WORD), value));
        vmcs[VMCS.guest_rsp] = (pointer & ~WORD) | ((pointer - 6) & WORD);
        f.set(V.stack, base + ((pointer - 6) & WORD), 0);
      }),
      line('CS:IP = the 4 bytes of guest memory at IDTR\'s base + 4 × vector; IF and TF = 0', { writes: ['vmcs', ...GUEST_MEMORY] }, ({ processor: { vmcs }, rmode: { bytes } }, f) => {
        const at = vmcs[VMCS.guest_idtr_base]! + ENTRY_BYTES * f.lo(V.vector);
        const selector = bytes.load16(at + 2);
        vmcs[VMCS.guest_rip] = bytes.load16(at);
        vmcs[VMCS.guest_rip + 1] = 0;
        vmcs[VMCS.guest_cs_selector] = selector;
        vmcs[VMCS.guest_cs_base] = selector << SELECTOR_SHIFT;
        vmcs[VMCS.guest_rflags]! &= ~CLEARED;
        vmcs[VMCS.guest_activity_state] = ACTIVITY.active;
        vmcs[VMCS.guest_interruptibility]! &= ~(INTERRUPTIBILITY.blockingBySti | INTERRUPTIBILITY.blockingByMovSs);
      }),
      give('to the guest, in its handler', (mmu) => {
        const { vmcs } = mmu.processor;
        mmu.processor.noteDelivered(vmcs[VMCS.entry_interruption_info]! & ~INTERRUPTION.errorCodeValid, 0);
        return RESUME.delivered;
      }, { writes: ['counters'] }),
    ],
  };
}
