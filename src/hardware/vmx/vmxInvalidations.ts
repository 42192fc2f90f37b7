import type { Invalidations } from '../caches/invalidations';
import { brokenEptPointerRule, type EptProcessor } from './eptPointerRules';
import { isCanonical } from '../paging/compiledFormat';
import type { ProcessorSpaces } from '../processor/processorSpaces';
import { VM_INSTRUCTION_ERROR, type VmxOutcome } from './vmInstructionErrors';
import { VMCS } from './vmcs';

/** SDM Vol. 3, "INVEPT—Invalidate Translations Derived from EPT". */
export const INVEPT = { context: 1, all: 2 } as const;
/** SDM Vol. 3, "INVVPID—Invalidate Translations Based on VPID". */
export const INVVPID = { address: 0, context: 1, all: 2, contextRetainingGlobals: 3 } as const;

const VPID_MAX = 0xffff;

/** The parts of a processor that INVEPT and INVVPID work on. */
export interface VmxInvalidationProcessor extends EptProcessor {
  readonly vmcs: Int32Array;
  readonly spaces: ProcessorSpaces;
  readonly invalidations: Invalidations;
}

/** What of a type and a descriptor makes INVVPID fail. */
const vpidRules: readonly { readonly name: string; readonly types: readonly number[]; readonly broken: (vpid: number, isCanonical: boolean) => boolean }[] = [
  { name: 'bits 63:16 of the descriptor', types: [0, 1, 2, 3], broken: (vpid) => vpid < 0 || vpid > VPID_MAX },
  { name: 'VPID 0', types: [INVVPID.address, INVVPID.context, INVVPID.contextRetainingGlobals], broken: (vpid) => vpid === 0 },
  { name: 'a linear address that is not canonical', types: [INVVPID.address], broken: (_, canonical) => !canonical },
];

/** INVEPT and INVVPID as root mode executes them, with their descriptors as arguments. */
export class VmxInvalidations {
  constructor(private readonly processor: VmxInvalidationProcessor) {}

  /** `type`: an `INVEPT`; the EPTP counts for a single context only. */
  invept(type: number, eptpLo: number, eptpHi: number): VmxOutcome {
    const { invalidations } = this.processor;
    if (type === INVEPT.all) invalidations.inveptAll();
    else if (type !== INVEPT.context || brokenEptPointerRule(eptpLo, eptpHi, this.processor) !== undefined) return this.fail();
    else invalidations.invept(eptpLo, eptpHi);
    return { kind: 'succeed' };
  }

  /** `type`: an `INVVPID`; `vpid`: bits 63:0 of the descriptor; (lo, hi): the linear address in it. */
  invvpid(type: number, vpid: number, lo: number, hi: number): VmxOutcome {
    const { invalidations, spaces } = this.processor;
    const canonical = isCanonical(spaces.linear.compiled, hi);
    if (vpidRules.some((rule) => rule.types.includes(type) && rule.broken(vpid, canonical))) return this.fail();
    switch (type) {
      case INVVPID.address: invalidations.invvpidAddress(lo, hi, vpid); break;
      case INVVPID.context: invalidations.invvpid(vpid); break;
      case INVVPID.all: invalidations.invvpidAll(); break;
      case INVVPID.contextRetainingGlobals: invalidations.invvpidRetainingGlobals(vpid); break;
      default: return this.fail();
    }
    return { kind: 'succeed' };
  }

  private fail(): VmxOutcome {
    const error = VM_INSTRUCTION_ERROR.invalidOperand;
    this.processor.vmcs[VMCS.vm_instruction_error] = error;
    return { kind: 'fail valid', error };
  }
}
