import { FLUSH } from '../events/flushCauses';
import type { PhysicalMemory } from '../memory/physicalMemory';
import type { PdpteRegisters } from '../paging/pdpteRegisters';
import type { ProcessorEvents } from '../events/processorEvents';
import type { ProcessorFeatures } from '../processor/processorFeatures';
import type { ProcessorSpaces } from '../processor/processorSpaces';
import { REGISTER } from '../processor/registers';
import { controlChecks } from './entryChecks/controlChecks';
import type { EntryCheck, EntryContext } from './entryChecks/entryCheck';
import { guestChecks, memoryChecks, pdpteChecks } from './entryChecks/guestChecks';
import { hostChecks } from './entryChecks/hostChecks';
import { EXIT_REASON } from './exitReasons';
import { completeVmcs, type GuestProcessor, loadGuestState } from './guestState';
import { PassedVmcs } from './passedVmcs';
import { VM_INSTRUCTION_ERROR, vmInstructionErrorText } from './vmInstructionErrors';
import { LAUNCH_STATE, VMCS, VMCS_LAUNCH_STATE } from './vmcs';
import { usesEpt, usesPdpteRegisters } from './vmxTransitions';

/** Bit 31 of the exit reason: the VM entry failed. */
export const ENTRY_FAILED = 1 << 31;

/** How a VM entry ends. */
export type EntryOutcome =
  | { readonly kind: 'entered' }
  /** VMfailInvalid: there is no current VMCS. */
  | { readonly kind: 'fail invalid' }
  /** VMfailValid; the VM-instruction error field has `error`. */
  | { readonly kind: 'fail valid'; readonly error: number; readonly check?: EntryCheck }
  /** Exit reason 33 with bit 31, as the VMCS has it. */
  | { readonly kind: 'entry failure'; readonly qualification: number; readonly check: EntryCheck };

/** The parts of a processor that a VM entry works on. */
export interface EnteringProcessor extends GuestProcessor {
  readonly memory: PhysicalMemory;
  readonly features: ProcessorFeatures;
  readonly maxphyaddr: number;
  readonly pdptes: PdpteRegisters;
  readonly spaces: ProcessorSpaces;
  readonly events: ProcessorEvents;
  readonly reload: () => void;
  readonly flushAtTransition: (cause: number) => void;
}

const ENTERED: EntryOutcome = { kind: 'entered' };

/** VM entries up to the event that they inject. SDM Vol. 3, "VM Entries". */
export class VmEntry {
  private readonly context: EntryContext;
  private readonly passed = new PassedVmcs();

  constructor(private readonly processor: EnteringProcessor) {
    const { vmcs, memory, features, maxphyaddr, pdptes } = processor;
    this.context = { vmcs, memory, features, maxphyaddr, pdptes };
  }

  /** VMLAUNCH of the current VMCS. */
  launch(): EntryOutcome {
    const { vmcs } = this.processor;
    if (vmcs[VMCS_LAUNCH_STATE] === LAUNCH_STATE.none) return { kind: 'fail invalid' };
    if (vmcs[VMCS_LAUNCH_STATE] !== LAUNCH_STATE.clear) return this.failValid(VM_INSTRUCTION_ERROR.vmlaunchNonClear);
    const outcome = this.checked();
    if (outcome.kind === 'entered') vmcs[VMCS_LAUNCH_STATE] = LAUNCH_STATE.launched;
    return outcome;
  }

  /** VMRESUME of the current VMCS; of one that a loader entered, nothing is checked but what cannot be loaded. */
  resume(): EntryOutcome {
    switch (this.processor.vmcs[VMCS_LAUNCH_STATE]) {
      case LAUNCH_STATE.launched: return this.checked();
      case LAUNCH_STATE.loaded: return this.unchecked();
      case LAUNCH_STATE.none: return { kind: 'fail invalid' };
      default: return this.failValid(VM_INSTRUCTION_ERROR.vmresumeNonLaunched);
    }
  }

  /**
   * Non-root operation with what the VMCS says of the guest's control registers and the rest as the processor has it: how a
   * machine is put together behind the processor's back, for a guest in the middle of things. Nothing is checked.
   */
  loadBehind(): EntryOutcome {
    completeVmcs(this.processor);
    this.processor.vmcs[VMCS_LAUNCH_STATE] = LAUNCH_STATE.loaded;
    return this.unchecked();
  }

  private checked(): EntryOutcome {
    const { context, passed } = this;
    if (passed.isStill(context.vmcs)) {
      const late = memoryChecks.find((check) => check.broken(context));
      return late === undefined ? this.load() : this.failGuest(late.qualification, late);
    }
    const control = controlChecks.find((check) => check.broken(context));
    if (control !== undefined) return this.failValid(VM_INSTRUCTION_ERROR.invalidControls, control);
    const host = hostChecks.find((check) => check.broken(context));
    if (host !== undefined) return this.failValid(VM_INSTRUCTION_ERROR.invalidHostState, host);
    const guest = guestChecks.find((check) => check.broken(context));
    if (guest !== undefined) return this.failGuest(guest.qualification, guest);
    passed.keep(context.vmcs);
    return this.load();
  }

  private unchecked(): EntryOutcome {
    const check = pdpteChecks.find((each) => each.broken(this.context));
    return check === undefined ? this.load() : this.failGuest(check.qualification, check);
  }

  private load(): EntryOutcome {
    const { registers, vmcs, pdptes, spaces, events } = this.processor;
    registers[2 * REGISTER.nonRoot] = 1;
    loadGuestState(this.processor);
    if (!usesEpt(vmcs) && usesPdpteRegisters(registers)) pdptes.load(registers[2 * REGISTER.cr3]!, undefined);
    this.processor.reload();
    if (spaces.vpid === 0) this.processor.flushAtTransition(FLUSH.vmEntry);
    events.vmEntry(vmcs);
    return ENTERED;
  }

  private failValid(error: number, check?: EntryCheck): EntryOutcome {
    this.processor.vmcs[VMCS.vm_instruction_error] = error;
    return check === undefined ? { kind: 'fail valid', error } : { kind: 'fail valid', error, check };
  }

  /** SDM Vol. 3, "VM-Entry Failures During or After Loading Guest State": no guest state is saved, no other exit field written. */
  private failGuest(qualification: number, check: EntryCheck): EntryOutcome {
    const { vmcs } = this.processor;
    vmcs[VMCS.exit_reason] = EXIT_REASON.entry_failure_guest_state | ENTRY_FAILED;
    vmcs[VMCS.exit_qualification] = qualification;
    vmcs[VMCS.exit_qualification + 1] = 0;
    return { kind: 'entry failure', qualification, check };
  }
}

/** Why the guest is not entered, as a sentence; empty when it is. */
export function entryFailureText(outcome: EntryOutcome): string {
  switch (outcome.kind) {
    case 'entered': return '';
    case 'fail invalid': return 'VM entry fails: there is no current VMCS';
    case 'fail valid': {
      const error = `VM-instruction error ${outcome.error}, ${vmInstructionErrorText(outcome.error) ?? 'unknown'}`;
      return outcome.check === undefined ? `VM entry fails with ${error}` : `VM entry fails with ${error}: ${ruleText(outcome.check)}`;
    }
    case 'entry failure':
      return `VM entry fails with exit reason 33, invalid guest state, qualification ${outcome.qualification}: ${ruleText(outcome.check)}`;
  }
}

function ruleText({ name, section }: EntryCheck): string {
  return `${name} (SDM Vol. 3, "${section}")`;
}
