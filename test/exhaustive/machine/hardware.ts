import { EventBus } from '../../../src/hardware/events/eventBus';
import { Processor, RESUME } from '../../../src/hardware/processor/processor';
import type { ProcessorFeatures } from '../../../src/hardware/processor/processorFeatures';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { VMCB } from '../../../src/hardware/svm/vmcb';
import { VMCS } from '../../../src/hardware/vmx/vmcs';
import type { Controls } from '../oracle/accessRights';
import type { Paging } from '../oracle/bitTables';
import type { Features } from '../oracle/entryFacts';
import type { Shape, TableLayout } from './tableLayout';

/** SDM Vol. 3, "Control Registers", "Extended Feature Enable Register"; bits by number, the oracle's own. */
const CR0 = { PE: 2 ** 0, NE: 2 ** 5, WP: 2 ** 16, PG: 2 ** 31 } as const;
const CR4 = { PSE: 2 ** 4, PAE: 2 ** 5, LA57: 2 ** 12, SMEP: 2 ** 20, SMAP: 2 ** 21, PKE: 2 ** 22, PKS: 2 ** 24 } as const;
const EFER = { LME: 2 ** 8, LMA: 2 ** 10, NXE: 2 ** 11 } as const;
const RFLAGS = { fixed: 2 ** 1, AC: 2 ** 18 } as const;
const ACTIVATE_SECONDARY = 2 ** 31;
const ENABLE_EPT = 2 ** 1;
const MODE_BASED_EXECUTE = 2 ** 22;
const NESTED_PAGING = 1;
const EPTP = { writeBack: 6, accessedDirty: 2 ** 6 } as const;

export const allOff: Controls = {
  wp: false, smep: false, smap: false, ac: false, nxe: false, pse: false, pke: false, pkru: 0, pks: false, pkrs: 0,
};

/** What the processor of a shape has. */
export function featuresOf({ features }: Shape): Features {
  return { page1Gb: true, pse36: true, executeOnly: true, ept2Mb: true, ept1Gb: true, advancedInformation: false, ...features };
}

function processorFeaturesOf(shape: Shape): Partial<ProcessorFeatures> {
  const { page1Gb, pse36, executeOnly, ept2Mb, ept1Gb, advancedInformation } = featuresOf(shape);
  const state = (has: boolean): 'on' | 'off' => (has ? 'on' : 'off');
  return {
    page1Gb: state(page1Gb), pse36: state(pse36), eptExecuteOnly: state(executeOnly), ept2Mb: state(ept2Mb), ept1Gb: state(ept1Gb),
    eptAdvancedExitInformation: state(advancedInformation),
  };
}

interface Registers { readonly cr0: number; readonly cr4: number; readonly efer: number }

const when = (condition: boolean, bit: number): number => (condition ? bit : 0);

/** CR0, CR4 and EFER of a paging mode with these controls. SDM Vol. 3, "Paging Modes and Control Bits". */
export function registersOf(paging: Paging, controls: Controls): Registers {
  const isLong = paging === '4-level' || paging === '5-level';
  const { wp, smep, smap, nxe, pse, pke, pks } = controls;
  return {
    cr0: CR0.PE + CR0.NE + when(wp, CR0.WP) + when(paging !== 'none', CR0.PG),
    cr4: when(pse, CR4.PSE) + when(paging === 'PAE' || isLong, CR4.PAE) + when(paging === '5-level', CR4.LA57)
      + when(smep, CR4.SMEP) + when(smap, CR4.SMAP) + when(pke, CR4.PKE) + when(pks, CR4.PKS),
    efer: when(isLong, EFER.LME + EFER.LMA) + when(nxe, EFER.NXE),
  };
}

/** The processor under test over the tables of a layout, in non-root operation or a guest when they are nested. */
export class Hardware {
  readonly processor: Processor;

  constructor(private readonly layout: TableLayout) {
    const { shape, registry, memory } = layout;
    this.processor = new Processor(registry, memory, new EventBus(), 0, {
      vendor: shape.nested?.kind === 'NPT' ? 'amd' : 'intel', maxphyaddr: shape.maxphyaddr,
      tlbEntries: 4, tlbWays: 4, rewalkOnPermissionFault: 'off', features: processorFeaturesOf(shape),
    });
    this.processor.root = { handleExit: () => RESUME.stopped };
    layout.useRegisters(this.processor.registers, 2 * REGISTER.pdpte0);
  }

  /** Sets the registers behind the processor's back. `host`: of the nested tables of an AMD host. */
  use(controls: Controls, host: Controls, eptFlags: 'on' | 'off'): void {
    const { processor, layout } = this;
    const { nested, paging } = layout.shape;
    const { cr0, cr4, efer } = registersOf(paging, controls);
    const { registers } = processor;
    this.set(registers, 2 * REGISTER.cr0, cr0);
    this.set(registers, 2 * REGISTER.cr4, cr4);
    this.set(registers, 2 * REGISTER.efer, efer);
    this.set(registers, 2 * REGISTER.cr3, layout.linearRoot);
    this.set(registers, 2 * REGISTER.rflags, RFLAGS.fixed + when(controls.ac, RFLAGS.AC));
    this.set(registers, 2 * REGISTER.pkru, controls.pkru);
    this.set(registers, 2 * REGISTER.pkrs, controls.pkrs);
    this.set(registers, 2 * REGISTER.nonRoot, when(nested !== undefined, 1));
    if (nested?.kind === 'EPT') {
      const length = nested.length === 'EPT, 5 levels' ? 5 : 4;
      this.set(processor.vmcs, VMCS.primary_controls, ACTIVATE_SECONDARY);
      this.set(processor.vmcs, VMCS.secondary_controls, ENABLE_EPT + when(layout.shape.modeBasedExecute === true, MODE_BASED_EXECUTE));
      this.set(processor.vmcs, VMCS.eptp, layout.nestedRoot + EPTP.writeBack + (length - 1) * 8 + when(eptFlags === 'on', EPTP.accessedDirty));
    }
    if (nested?.kind === 'NPT') {
      const of = registersOf(nested.paging, host);
      this.set(processor.vmcb, VMCB.asid, 1);
      this.set(processor.vmcb, VMCB.nested_control, NESTED_PAGING);
      this.set(processor.vmcb, VMCB.n_cr3, layout.nestedRoot);
      this.set(processor.vmcb, VMCB.host_cr0, of.cr0);
      this.set(processor.vmcb, VMCB.host_cr4, of.cr4);
      this.set(processor.vmcb, VMCB.host_efer, of.efer);
    }
    processor.reload();
  }

  private set(block: Int32Array, at: number, value: number): void {
    block[at] = value % 2 ** 32 | 0;
    block[at + 1] = Math.floor(value / 2 ** 32) | 0;
  }
}
