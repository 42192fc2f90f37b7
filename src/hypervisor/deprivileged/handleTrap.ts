import { OPERATION } from '../../hardware/paging/accessKinds';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { CR0, RFLAGS } from '../../hardware/processor/controlRegisters';
import { INTERRUPTIBILITY } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { INTERRUPTION, INTERRUPTION_TYPE, VMCS } from '../../hardware/vmx/vmcs';
import { emulateHalt, emulateHypercall, emulateRdmsr, emulateWrmsr, handleIo } from '../instructionExits';
import { handleExternalInterrupt, handleInterruptWindow } from '../interruptExits';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { EXCEPTION, is, isPrivileged, privilegedInstructions } from '../privilegedInstructions';
import { crAccessOf, handleInvlpg, handleInvpcid, pdptesFirst } from '../shadowWp/controlRegisters';
import { CR3_LOAD } from '../shadowWp/shadowMmu';
import { STOP_REASON } from '../vcpuState';
import type { DeprivilegedMmu } from './deprivilegedMmu';
import { createBounceFrame } from './createBounceFrame';
import { emulateIret, emulateLoadSegment, handleUserIo } from './emulateInstructions';
import { emulateSystemAccess } from './emulateSystemAccess';
import { trapControl } from './trapControl';

const V = EXCEPTION;
const INVALID_OPCODE = 6;
const GENERAL_PROTECTION = 13;
const PAGE_FAULT = 14;
const USER_LEVEL = 3;

const externalInterrupt = handleExternalInterrupt<DeprivilegedMmu>(trapControl);
const interruptWindow = handleInterruptWindow<DeprivilegedMmu>(trapControl);
const halt = emulateHalt<DeprivilegedMmu>(trapControl);
const rdmsr = emulateRdmsr<DeprivilegedMmu>(trapControl);
const wrmsr = emulateWrmsr<DeprivilegedMmu>(trapControl);
const io = handleIo<DeprivilegedMmu>(trapControl);
const userIo = handleUserIo(io);
const hypercall = emulateHypercall<DeprivilegedMmu>();
const crAccess = crAccessOf({
  pdptes: pdptesFirst,
  cr0: 'CR0 of the virtual CPU = value; the processor keeps the hypervisor\'s, with PG and WP; EFER.LMA goes with PG, and the processor\'s with it',
  cr4: 'CR4 of the virtual CPU = value; the processor\'s has PAE, and LA57 of it',
  protection: [
    when('PE is 0', (mmu) => (mmu.cr0 & CR0.PE) === 0, [
      give('stop the VM: virtual-8086 mode needs a task of its own, which this hypervisor does not have', (mmu) => {
        mmu.vcpu.stop = STOP_REASON.leftProtectedMode;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
  ],
});

/** Gives a `RESUME`. */
export const reflect: ListingProcedure<DeprivilegedMmu> = {
  name: 'reflect',
  purpose: 'An event that is the guest\'s own. The processor has looked for its handler in the hypervisor\'s IDT; it is in the guest\'s.',
  values: [{ name: 'vector', kind: 'number' }, { name: 'error_code', kind: 'number' }],
  parameters: 2,
  body: [
    line('the event to reflect = what has trapped', { writes: ['vmcs'] }, (mmu, f) => {
      mmu.setVmcs(VMCS.entry_interruption_info, mmu.vmcs(VMCS.exit_interruption_info) & ~INTERRUPTION.reserved, 0);
      mmu.setVmcs(VMCS.entry_exception_error_code, f.lo(V.error_code), 0);
      mmu.setVmcs(VMCS.entry_instruction_length, mmu.vmcs(VMCS.exit_instruction_length), 0);
    }),
    give('to the guest, in the handler that its own IDT names', RESUME.retry),
  ],
};

/** Gives a `RESUME`. */
export const emulatePrivileged: ListingProcedure<DeprivilegedMmu> = {
  name: 'emulate_privileged',
  purpose: 'The guest\'s kernel, at CPL 0 as it believes, was refused something at CPL 3: it is done for it, on the virtual CPU.',
  values: [{ name: 'vector', kind: 'number' }, { name: 'error_code', kind: 'number' }],
  parameters: 2,
  body: [
    ...privilegedInstructions<DeprivilegedMmu>({
      crAccess, halt, rdmsr, wrmsr, invlpg: handleInvlpg,
      alignmentCheck: [line('CR3 of the return to the guest = that of the root for it', { writes: ['vmcs', 'tlb', 'counters'] }, (mmu) => mmu.returnToRoot())],
    }),
    when('#GP(0) of INVPCID', (mmu, f) => isPrivileged(f) && is(mmu, OPERATION.invpcid), [give('handle_invpcid()', (mmu) => mmu.call(handleInvpcid))]),
    when('#GP(0) of IN or OUT', (mmu, f) => isPrivileged(f) && isIo(mmu), [give('handle_io()', (mmu) => mmu.call(io))]),
    when('#GP(0) of STI or CLI', (mmu, f) => isPrivileged(f) && is(mmu, OPERATION.interruptFlag), [
      line('RFLAGS.IF of the virtual CPU, as the instruction sets it; the processor\'s stays 1. One instruction behind STI is shielded', { writes: ['vmcs', 'privilege'] }, setInterruptFlag),
      give('to the guest, behind the instruction', RESUME.completed),
    ]),
    give('reflect(vector, error_code)', (mmu, f) => mmu.call(reflect, f.lo(V.vector), 0, f.lo(V.error_code), 0)),
  ],
};

/** Gives a `RESUME`. */
export const handleTrap: ListingProcedure<DeprivilegedMmu> = {
  name: 'handle_trap',
  purpose: 'Every gate of the hypervisor\'s IDT leads here: what CPL 3 was refused, page faults, INT n, interrupts. What CPL 3 may do comes to no one\'s ears.',
  values: [{ name: 'vector', kind: 'number' }, { name: 'error_code', kind: 'number' }],
  parameters: 0,
  body: [
    line('vector = the number of the gate, error_code = what the processor has pushed', {}, (mmu, f) => {
      mmu.mustFlush = 0;
      mmu.cr3Load = CR3_LOAD.none;
      f.set(V.vector, mmu.vmcs(VMCS.exit_interruption_info) & INTERRUPTION.vectorMask, 0);
      f.set(V.error_code, mmu.vmcs(VMCS.exit_interruption_error_code), 0);
    }),
    line('CR3 of the return to the guest = that of the root that its level and RFLAGS.AC ask for: POPF changes AC without a trap', { writes: ['vmcs', 'tlb', 'counters'] }, (mmu) => mmu.returnToRoot()),
    when('it is an interrupt from outside', causedBy(EXIT_REASON.external_interrupt), [give('handle_external_interrupt()', (mmu) => mmu.call(externalInterrupt))]),
    when('it is none: the guest has set RFLAGS.IF, and an interrupt waits', causedBy(EXIT_REASON.interrupt_window), [
      give('handle_interrupt_window()', (mmu) => mmu.call(interruptWindow)),
    ]),
    when('vector is 14, #PF', (mmu, f) => f.lo(V.vector) === PAGE_FAULT && isException(mmu), [
      line('error_code = with U only if the guest is at its CPL 3: to the processor all of it is user mode', {}, (mmu, f) => {
        f.set(V.error_code, (f.lo(V.error_code) & ~PFEC.U) | (mmu.privilege.level === USER_LEVEL ? PFEC.U : 0), 0);
      }),
      give('handle_page_fault(CR2, error_code)', (mmu, f) => (
        mmu.call(mmu.procedures.handlePageFault, mmu.vmcs(VMCS.exit_qualification), mmu.vmcs(VMCS.exit_qualification + 1), f.lo(V.error_code), 0)
      )),
    ]),
    when('it is #UD of VMCALL', (mmu, f) => f.lo(V.vector) === INVALID_OPCODE && is(mmu, OPERATION.vmcall), [give('kvm_emulate_hypercall()', (mmu) => mmu.call(hypercall))]),
    when('it is of IRET, which finds no segment of the guest\'s', (mmu) => isException(mmu) && is(mmu, OPERATION.interruptReturn), [give('emulate_iret()', (mmu) => mmu.call(emulateIret))]),
    when('it is #GP of a load of a segment register', (mmu, f) => isRefused(mmu, f) && is(mmu, OPERATION.loadSegment), [
      give('emulate_load_segment()', (mmu) => mmu.call(emulateLoadSegment)),
    ]),
    when('it is #GP(0) of IN or OUT at its CPL 3, and its TSS is in its memory', (mmu, f) => isRefused(mmu, f) && mmu.privilege.level !== 0 && isIo(mmu) && mmu.isThroughMemory, [
      give('handle_user_io()', (mmu) => mmu.call(userIo)),
    ]),
    when('it is #GP(0) of STI or CLI, and its IOPL allows it', (mmu, f) => isRefused(mmu, f) && is(mmu, OPERATION.interruptFlag) && mmu.privilege.level <= mmu.privilege.ioLevel, [
      give('emulate_privileged(vector, error_code)', (mmu, f) => mmu.call(emulatePrivileged, f.lo(V.vector), 0, f.lo(V.error_code), 0)),
    ]),
    when('it is an exception while the guest is at its CPL 0', (mmu) => isException(mmu) && mmu.privilege.level === 0, [
      give('emulate_privileged(vector, error_code)', (mmu, f) => mmu.call(emulatePrivileged, f.lo(V.vector), 0, f.lo(V.error_code), 0)),
    ]),
    give('reflect(vector, error_code)', (mmu, f) => mmu.call(reflect, f.lo(V.vector), 0, f.lo(V.error_code), 0)),
  ],
};

/** Handlers of what has nothing to do with memory. */
export const trapHandlers = [
  handleTrap, emulatePrivileged, reflect, crAccess, handleInvlpg, handleInvpcid, externalInterrupt, interruptWindow, halt, rdmsr, wrmsr, io, hypercall,
  createBounceFrame, emulateSystemAccess, emulateIret, emulateLoadSegment, userIo,
] as readonly ListingProcedure<never>[];

/** An exception of hardware, not what INT n and the like raise. */
function isException(mmu: DeprivilegedMmu): boolean {
  return (mmu.vmcs(VMCS.exit_interruption_info) & INTERRUPTION.typeMask) === INTERRUPTION_TYPE.hardwareException;
}

/** CPL 3 was refused something. */
function isRefused(mmu: DeprivilegedMmu, f: ListingFrame): boolean {
  return f.lo(V.vector) === GENERAL_PROTECTION && isException(mmu);
}

function isIo(mmu: DeprivilegedMmu): boolean {
  return is(mmu, OPERATION.input) || is(mmu, OPERATION.output);
}

function causedBy(reason: number): (mmu: DeprivilegedMmu) => boolean {
  return (mmu) => mmu.vmcs(VMCS.exit_reason) === reason;
}

/** SDM Vol. 2, "STI—Set Interrupt Flag". */
function setInterruptFlag({ privilege, processor: { pending, vmcs } }: DeprivilegedMmu): void {
  const flag = (pending.operandLo & RFLAGS.IF) === 0 ? 0 : 1;
  if (flag === 1 && privilege.interruptFlag === 0) vmcs[VMCS.guest_interruptibility]! |= INTERRUPTIBILITY.blockingBySti;
  privilege.setInterruptFlag(flag);
}
