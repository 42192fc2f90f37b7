import type { PendingOperation } from '../processor/rootMode';
import { VM_INSTRUCTION_ERROR, type VmxOutcome } from './vmInstructionErrors';
import { fieldWidth, isReadOnly, vmcsComponent, type VmcsFieldWidth } from './vmcsEncoding';
import { LAUNCH_STATE, VMCS, VMCS_LAUNCH_STATE } from './vmcs';

/** Masks of a field's low and high half. */
export const fieldMasks: Readonly<Record<VmcsFieldWidth, readonly [lo: number, hi: number]>> = {
  '16 bits': [0xffff, 0], '32 bits': [-1, 0], '64 bits': [-1, -1], 'natural width': [-1, -1],
};
const SUCCEED: VmxOutcome = { kind: 'succeed' };
const NO_VMCS: VmxOutcome = { kind: 'fail invalid' };

/**
 * VMREAD, VMWRITE, VMCLEAR and VMPTRLD by root mode. Each processor has one VMCS: VMCLEAR takes it away, VMPTRLD makes it
 * current again. SDM Vol. 3, "VMX Instructions".
 */
export class VmcsInstructions {
  constructor(private readonly vmcs: Int32Array, private readonly pending: PendingOperation) {}

  /** VMREAD of the field with this encoding, into the pending operation's value. */
  read(encodingLo: number, encodingHi: number): VmxOutcome {
    const { vmcs, pending } = this;
    if (this.hasNone()) return NO_VMCS;
    const component = vmcsComponent(encodingLo, encodingHi);
    if (component === undefined) return this.fail(VM_INSTRUCTION_ERROR.unsupportedComponent);
    const { at, part } = component;
    pending.valueLo = part === 'all' ? vmcs[at]! : vmcs[at + 1]!;
    pending.valueHi = part === 'all' ? vmcs[at + 1]! : 0;
    return SUCCEED;
  }

  /** VMWRITE of (lo, hi), of which a narrower field takes the low bits. */
  write(encodingLo: number, encodingHi: number, lo: number, hi: number): VmxOutcome {
    const { vmcs } = this;
    if (this.hasNone()) return NO_VMCS;
    const component = vmcsComponent(encodingLo, encodingHi);
    if (component === undefined) return this.fail(VM_INSTRUCTION_ERROR.unsupportedComponent);
    if (isReadOnly(component.field.encoding)) return this.fail(VM_INSTRUCTION_ERROR.readOnlyComponent);
    const { at, part } = component;
    if (part === 'high half') {
      vmcs[at + 1] = lo;
      return SUCCEED;
    }
    const [maskLo, maskHi] = fieldMasks[fieldWidth(component.field.encoding)];
    vmcs[at] = lo & maskLo;
    vmcs[at + 1] = hi & maskHi;
    return SUCCEED;
  }

  /** VMCLEAR of the current VMCS: its launch state is clear, and it is current no more. */
  clear(): VmxOutcome {
    this.vmcs[VMCS_LAUNCH_STATE] = LAUNCH_STATE.none;
    return SUCCEED;
  }

  /** VMPTRLD of the processor's VMCS; one that is current stays as it is. */
  makeCurrent(): VmxOutcome {
    if (this.hasNone()) this.vmcs[VMCS_LAUNCH_STATE] = LAUNCH_STATE.clear;
    return SUCCEED;
  }

  private hasNone(): boolean {
    return this.vmcs[VMCS_LAUNCH_STATE] === LAUNCH_STATE.none;
  }

  private fail(error: number): VmxOutcome {
    this.vmcs[VMCS.vm_instruction_error] = error;
    return { kind: 'fail valid', error };
  }
}
