import { CR0, CR0_KNOWN, CR4, EFER, RFLAGS } from '../processor/controlRegisters';
import type { StateClaims } from '../state/registry';
import { EXIT, VMCS, type VmcsFieldName } from './vmcs';

/** Registers of VMX root operation that VM exits load. */
const rows = [
  { name: 'cr0', field: 'host_cr0' },
  { name: 'cr3', field: 'host_cr3' },
  { name: 'cr4', field: 'host_cr4' },
  { name: 'efer', field: 'host_ia32_efer' },
  { name: 'rsp', field: 'host_rsp' },
  { name: 'rip', field: 'host_rip' },
  { name: 'pkrs', field: 'host_ia32_pkrs' },
  { name: 'rflags', field: undefined },
] as const satisfies readonly { readonly name: string; readonly field: VmcsFieldName | undefined }[];

export type RootRegisterName = (typeof rows)[number]['name'];

/** Word index of each register's low half. */
export const ROOT_REGISTER = Object.fromEntries(rows.map((row, index) => [row.name, 2 * index])) as Record<RootRegisterName, number>;

const CR0_KEPT = CR0.ET | CR0.CD | CR0.NW | ~CR0_KNOWN;

/**
 * The processor's registers in VMX root operation, kept apart from the guest's. Root mode is no simulated program: it translates
 * no address of its own, and what it asks of the processor's registers while it handles an exit is the guest's. These are
 * what VM exits load from the host-state area, for who looks at the machine.
 */
export class RootState {
  readonly words: Int32Array;

  constructor(registry: StateClaims, cpu: number) {
    this.words = registry.block(`cpu${cpu}.root`, 2 * rows.length);
    this.words[ROOT_REGISTER.rflags] = RFLAGS.fixed;
  }

  /** SDM Vol. 3, "Loading Host State". */
  load(vmcs: Int32Array): void {
    const { words } = this;
    const controls = vmcs[VMCS.exit_controls]!;
    const is64 = (controls & EXIT.hostAddressSpaceSize) !== 0;
    const cr0 = words[ROOT_REGISTER.cr0]!;
    const efer = words[ROOT_REGISTER.efer]!;
    const pkrs = words[ROOT_REGISTER.pkrs]!;
    for (const { name, field } of rows) {
      if (field === undefined) continue;
      words[ROOT_REGISTER[name]] = vmcs[VMCS[field]]!;
      words[ROOT_REGISTER[name] + 1] = vmcs[VMCS[field] + 1]!;
    }
    words[ROOT_REGISTER.cr0] = (vmcs[VMCS.host_cr0]! & ~CR0_KEPT) | (cr0 & CR0_KEPT);
    words[ROOT_REGISTER.cr4] = is64 ? vmcs[VMCS.host_cr4]! | CR4.PAE : vmcs[VMCS.host_cr4]! & ~CR4.PCIDE;
    if ((controls & EXIT.loadEfer) === 0) {
      const flags = EFER.LMA | EFER.LME;
      words[ROOT_REGISTER.efer] = is64 ? efer | flags : efer & ~flags;
    }
    if ((controls & EXIT.loadPkrs) === 0) words[ROOT_REGISTER.pkrs] = pkrs;
    words[ROOT_REGISTER.rflags] = RFLAGS.fixed;
    words[ROOT_REGISTER.rflags + 1] = 0;
  }
}
