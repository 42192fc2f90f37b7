import { cr4Defined } from './controlRegisterChecks';
import { CR0, CR0_KNOWN, CR4, EFER, EFER_KNOWN } from './controlRegisters';
import { type ProcessorFeatures, featuresWith } from './processorFeatures';

/** A 64-bit value. */
export type Halves = readonly [lo: number, hi: number];

/** The control registers that a machine begins with, which no MOV has checked. */
export interface ControlState {
  readonly cr0: Halves;
  readonly cr3: Halves;
  readonly cr4: Halves;
  readonly efer: Halves;
}

/** The processor whose registers they are; of features, those that differ from the table's defaults. */
export interface ControlledProcessor {
  readonly vendor: 'intel' | 'amd';
  readonly maxphyaddr: number;
  readonly features?: Partial<ProcessorFeatures>;
}

/** A combination of control registers that no processor gets into. */
export interface ControlStateRule {
  readonly name: string;
  /** Title of the section of SDM Vol. 3, or of APM Vol. 2 for what Intel does not have. */
  readonly section: string;
  readonly broken: (state: ControlState, processor: ControlledProcessor) => boolean;
}

const isLongMode = ({ cr0, efer }: ControlState): boolean => (cr0[0] & CR0.PG) !== 0 && (efer[0] & EFER.LME) !== 0;

/**
 * What must hold of the registers together, however they came to be so. CR4.LA57 outside long mode is not among them:
 * that is where software must set it.
 */
export const controlStateRules: readonly ControlStateRule[] = [
  { name: 'CR0 has no bit that is not defined', section: 'Control Registers', broken: ({ cr0 }) => cr0[1] !== 0 || (cr0[0] & ~CR0_KNOWN) !== 0 },
  {
    name: 'CR4 has no bit that is not defined, or that the processor lacks', section: 'Control Registers',
    broken: ({ cr4 }, { vendor, features }) => cr4[1] !== 0 || (cr4[0] & ~cr4Defined({ vendor, features: featuresWith(features) })) !== 0,
  },
  {
    name: 'EFER has no bit that is not defined', section: 'Extended Feature Enable Register',
    broken: ({ efer }) => efer[1] !== 0 || (efer[0] & ~EFER_KNOWN) !== 0,
  },
  {
    name: 'EFER.SVME is AMD\'s', section: 'Enabling SVM',
    broken: ({ efer }, { vendor }) => vendor === 'intel' && (efer[0] & EFER.SVME) !== 0,
  },
  {
    name: 'CR0.PG is 1 only while CR0.PE is 1', section: 'Control Registers',
    broken: ({ cr0 }) => (cr0[0] & CR0.PG) !== 0 && (cr0[0] & CR0.PE) === 0,
  },
  {
    name: 'CR0.NW is 1 only while CR0.CD is 1', section: 'Control Registers',
    broken: ({ cr0 }) => (cr0[0] & CR0.NW) !== 0 && (cr0[0] & CR0.CD) === 0,
  },
  {
    name: 'with EFER.LME = 1 there is no paging without CR4.PAE', section: 'Initializing IA-32e Mode',
    broken: (state) => isLongMode(state) && (state.cr4[0] & CR4.PAE) === 0,
  },
  {
    name: 'EFER.LMA is 1 exactly while CR0.PG and EFER.LME are', section: 'Initializing IA-32e Mode',
    broken: (state) => ((state.efer[0] & EFER.LMA) !== 0) !== isLongMode(state),
  },
  {
    name: 'CR4.PCIDE is 1 only in long mode', section: 'Process-Context Identifiers (PCIDs)',
    broken: (state) => (state.cr4[0] & CR4.PCIDE) !== 0 && !isLongMode(state),
  },
  {
    name: 'CR3 has no bit at or above MAXPHYADDR', section: 'Control Registers',
    broken: ({ cr3 }, { maxphyaddr }) => (cr3[1] & ~((1 << (maxphyaddr - 32)) - 1)) !== 0,
  },
];
