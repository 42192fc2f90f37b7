import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { INTERRUPTION, PIN, VMCS } from '../../hardware/vmx/vmcs';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { reinjectVectored } from '../vmcsControl';
import { handleInvept, handleInvvpid } from './handleInvalidations';
import { handleNestedEptViolation } from './handleNestedEptViolation';
import { handleVmread, handleVmwrite } from './handleVmcsFields';
import { handleVmclear, handleVmptrld } from './handleVmcsRegion';
import type { NestedMmu } from './nestedMmu';
import { nestedExternalInterrupt, nestedVmexit } from './vmexit';
import { nestedVmxRun } from './vmxRun';
import { l1Wants } from './wantedExits';

const E = { reason: 0 } as const;

interface InstructionRow {
  readonly name: string;
  readonly reason: number;
  readonly call: string;
  readonly handle: (mmu: NestedMmu) => number;
}

/** What L1 executes as the hypervisor that it is. Operands are as `GuestVmxInstructions` leaves them. */
const instructions: readonly InstructionRow[] = [
  { name: 'VMCLEAR', reason: EXIT_REASON.vmclear, call: 'handle_vmclear(operand)', handle: (mmu) => mmu.call(handleVmclear, ...operand(mmu)) },
  { name: 'VMPTRLD', reason: EXIT_REASON.vmptrld, call: 'handle_vmptrld(operand)', handle: (mmu) => mmu.call(handleVmptrld, ...operand(mmu)) },
  { name: 'VMREAD', reason: EXIT_REASON.vmread, call: 'handle_vmread(encoding)', handle: (mmu) => mmu.call(handleVmread, ...descriptor(mmu)) },
  { name: 'VMWRITE', reason: EXIT_REASON.vmwrite, call: 'handle_vmwrite(encoding, operand)', handle: (mmu) => mmu.call(handleVmwrite, ...descriptor(mmu), ...operand(mmu)) },
  { name: 'VMLAUNCH', reason: EXIT_REASON.vmlaunch, call: 'nested_vmx_run(1)', handle: (mmu) => mmu.call(nestedVmxRun, 1, 0) },
  { name: 'VMRESUME', reason: EXIT_REASON.vmresume, call: 'nested_vmx_run(0)', handle: (mmu) => mmu.call(nestedVmxRun, 0, 0) },
  { name: 'INVEPT', reason: EXIT_REASON.invept, call: 'handle_invept(type, EPTP)', handle: (mmu) => mmu.call(handleInvept, ...operand(mmu), ...descriptor(mmu)) },
  {
    name: 'INVVPID', reason: EXIT_REASON.invvpid, call: 'handle_invvpid(type, VPID, gva)',
    handle: (mmu) => mmu.call(handleInvvpid, ...operand(mmu), ...descriptor(mmu), mmu.processor.pending.gvaLo, mmu.processor.pending.gvaHi),
  },
];

const instructionReasons: ReadonlySet<number> = new Set(instructions.map(({ reason }) => reason));

/** Is an exit for this reason, of L1, that of a VMX instruction? */
export function isVmxInstruction(reason: number): boolean {
  return instructionReasons.has(reason);
}

/** Gives a `RESUME`. */
export const handleNestedExit: ListingProcedure<NestedMmu> = {
  name: 'handle_exit',
  purpose: 'Exits of L2, and of L1 those of VMX instructions: all others are handled as any guest\'s.',
  values: [{ name: 'reason', kind: 'number' }],
  parameters: 0,
  body: [
    line('reason = VMREAD', {}, (mmu, f) => f.set(E.reason, mmu.vmcs(VMCS.exit_reason), 0)),
    when('the exit is L2\'s', (mmu) => mmu.state.guestMode === 1, [
      line('vmcs12 = the current VMCS of L1, mapped and read', {}, (mmu) => mmu.readVmcs12()),
      when('it has broken into the delivery of an event, as the IDT-vectoring information of vmcs02 tells', brokeIntoDeliveryOfL2, [
        line('vmx_complete_interrupts(): if L0 lets L2 go on, its entry delivers that event; if L1 hears of the exit, vmcs12 tells of it', { writes: ['vmcs'] }, (mmu) => {
          reinjectVectored({ read: (at) => mmu.vmcs(at), write: (at, lo, hi) => mmu.setVmcs(at, lo, hi) });
        }),
      ]),
      when('reason is EPT_VIOLATION, and L1 has an EPT for L2', (mmu, f) => f.lo(E.reason) === EXIT_REASON.ept_violation && mmu.usesEpt12, [
        give('handle_ept_violation(guest-physical address, qualification)', (mmu) => mmu.call(handleNestedEptViolation,
          mmu.vmcs(VMCS.guest_physical_address), mmu.vmcs(VMCS.guest_physical_address + 1), mmu.vmcs(VMCS.exit_qualification), 0)),
      ]),
      when('reason is EXTERNAL_INTERRUPT, and vmcs12 has "external-interrupt exiting"', wantsInterrupt, [
        give('nested_vmx_external_interrupt()', (mmu) => mmu.call(nestedExternalInterrupt)),
      ]),
      when('nested_vmx_l1_wants_exit(reason)', (mmu) => l1Wants(mmu.exitOfL2()), [
        give('nested_vmx_vmexit()', (mmu) => mmu.call(nestedVmexit)),
      ]),
      give('as of any guest: handle_exit() of ept.vmm', (mmu) => mmu.parts.outer.handleExit(mmu.cpu)),
    ]),
    ...instructions.map(({ name, reason, call, handle }) => when<NestedMmu>(`reason is ${name}`, (_, f: ListingFrame) => f.lo(E.reason) === reason, [
      give(call, handle),
    ])),
  ],
};

function brokeIntoDeliveryOfL2(mmu: NestedMmu): boolean {
  return (mmu.vmcs(VMCS.idt_vectoring_info) & INTERRUPTION.valid) !== 0;
}

function wantsInterrupt(mmu: NestedMmu, f: ListingFrame): boolean {
  return f.lo(E.reason) === EXIT_REASON.external_interrupt && (mmu.field12(VMCS.pin_controls) & PIN.externalInterruptExiting) !== 0;
}

function operand({ processor: { pending } }: NestedMmu): readonly [lo: number, hi: number] {
  return [pending.operandLo, pending.operandHi];
}

function descriptor({ processor: { pending } }: NestedMmu): readonly [lo: number, hi: number] {
  return [pending.descriptorLo, pending.descriptorHi];
}
