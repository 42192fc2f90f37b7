import { INVPCID } from '../../hardware/caches/invalidations';
import { eferWithLma } from '../../hardware/processor/controlRegisterRules';
import { CR0, CR4, EFER, RFLAGS } from '../../hardware/processor/controlRegisters';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { VMCS } from '../../hardware/vmx/vmcs';
import type { GuestControls } from '../shadowWp/guestMode';
import { deprivilegedModeOf } from '../shadowWp/role';
import { ShadowMmu } from '../shadowWp/shadowMmu';
import type { OwnPrivilege, PrivilegeOwner } from './ownPrivilege';

/**
 * CR0 and EFER that the processor has, whatever the guest has: the hypervisor's own, as a 64-bit kernel sets them. But for AM: RFLAGS.AC
 * of the guest's kernel is for SMAP, and at CPL 3 would turn alignment checks on.
 */
const HOST_CR0 = CR0.PE | CR0.MP | CR0.ET | CR0.NE | CR0.WP | CR0.PG;
const HOST_EFER = EFER.LME | EFER.LMA | EFER.NXE;
/**
 * Keys tell user pages from others, which have U alike here, and WRPKRU is no privileged instruction; the others change what STI, CLI
 * and SGDT do at CPL 3.
 */
export const HIDDEN_CR4 = CR4.PKE | CR4.PKS | CR4.PVI | CR4.VME | CR4.UMIP;
const USER_LEVEL = 3;
/** Roots of a vCPU: what the guest's kernel runs on, and its user mode; and with CR4.SMAP the kernel while RFLAGS.AC is 1. */
export const ROOT = { kernel: 0, user: 1, kernelWithAc: 2 } as const;
/** The PCID of root n, but for a host without tags. */
const FIRST_PCID = 1;

/**
 * What the listing of deprivileged works on. What it keeps of its virtual CPU has the form of a VMCS, since it is the same:
 * the guest's control registers (the read shadows), those of the processor, what a trap was about, and an event to reflect. It is
 * memory of the hypervisor's, which no instruction of VMX reads.
 */
export class DeprivilegedMmu extends ShadowMmu implements PrivilegeOwner {
  /** 1 while a trap is handled: the guest's RFLAGS are then those that it returns with. */
  isHandling = 0;

  constructor(readonly privilege: OwnPrivilege, private readonly tags: 'on' | 'off', ...parts: ConstructorParameters<typeof ShadowMmu>) {
    super(...parts);
    privilege.owner = this;
  }

  override get cr0(): number {
    return this.vmcs(VMCS.cr0_read_shadow);
  }

  override get cr4(): number {
    return this.vmcs(VMCS.cr4_read_shadow);
  }

  override get mode(): number {
    return this.modeOfRoot(this.root);
  }

  /** The mode part of the role of shadow pages below root `root`. */
  modeOfRoot(root: number): number {
    const { cr0, cr4, efer } = this;
    return deprivilegedModeOf({
      wp: cr0 & CR0.WP ? 1 : 0, smep: cr4 & CR4.SMEP ? 1 : 0, smap: this.hasSmap && root === ROOT.kernel ? 1 : 0,
      nxe: efer & EFER.NXE ? 1 : 0, paging: this.paging, pse: 1, keys: 0,
    }, root === ROOT.user ? 'user' : 'kernel');
  }

  override isInForce(mode: number): boolean {
    return this.roots.some((root) => this.modeOfRoot(root) === mode);
  }

  /** Number of the root that the guest's level and RFLAGS.AC ask for. */
  get root(): number {
    if (this.privilege.level === USER_LEVEL) return ROOT.user;
    const { registers, vmcs } = this.processor;
    const flags = this.isHandling === 1 ? vmcs[VMCS.guest_rflags]! : registers[2 * REGISTER.rflags]!;
    return this.hasSmap && (flags & RFLAGS.AC) !== 0 ? ROOT.kernelWithAc : ROOT.kernel;
  }

  /** Of the roots, those that the guest's CR4 asks for. */
  get roots(): readonly number[] {
    return this.hasSmap ? [ROOT.kernel, ROOT.user, ROOT.kernelWithAc] : [ROOT.kernel, ROOT.user];
  }

  /** The processor is always in 64-bit mode: where the guest has paging off, its memory is mapped one to one. */
  override get rootLevel(): number {
    return (this.cr4 & CR4.LA57) === 0 ? 4 : 5;
  }

  /** SMAP is in force, but for RFLAGS.AC. */
  private get hasSmap(): boolean {
    return (this.cr4 & CR4.SMAP) !== 0 && this.paging !== 'none';
  }

  /** Of the processor's CR4 the guest decides nothing but how many levels its tables have. */
  override setControls({ cr0, cr4, efer: written }: GuestControls): void {
    this.vcpu.efer = eferWithLma(cr0, written);
    this.setVmcs(VMCS.cr0_read_shadow, cr0, 0);
    this.setVmcs(VMCS.cr4_read_shadow, cr4, 0);
    this.setVmcs(VMCS.guest_cr0, HOST_CR0, 0);
    this.setVmcs(VMCS.guest_cr4, CR4.PAE | (cr4 & CR4.LA57) | (this.tags === 'on' ? CR4.PCIDE : 0), 0);
    this.setVmcs(VMCS.guest_ia32_efer, HOST_EFER, 0);
  }

  override takesControl(cr: number, lo: number, hi: number): boolean {
    return super.takesControl(cr, lo, hi) && (cr !== 4 || (lo & HIDDEN_CR4) === 0);
  }

  override rootFor(): { readonly page: number; readonly level: number } {
    return { page: this.vcpu.rootPageOf(this.root), level: this.rootLevel };
  }

  /** The processor walks the shadow of the level that the guest is at from now on: the one's lines stay while it walks the other's. */
  switchRoot(): void {
    this.setRoot();
    this.processor.guest.loadCr3(this.vmcs(VMCS.guest_cr3), this.vmcs(VMCS.guest_cr3 + 1), this.tags === 'on' ? 'stay' : 'go');
  }

  /** The same for the next return to the guest. */
  setRoot(): void {
    const { root } = this;
    const frame = this.pages.frameOf(this.vcpu.rootPageOf(root));
    this.setVmcs(VMCS.guest_cr3, (frame << 12) | this.pcidOf(root), frame >>> 20);
  }

  visibleLo(register: number): number | undefined {
    switch (register) {
      case REGISTER.cr0: return this.cr0;
      case REGISTER.cr4: return this.cr4;
      case REGISTER.efer: return this.efer;
      default: return undefined;
    }
  }

  override flushTlbOf(processor: Processor): void {
    processor.guest.invpcid(INVPCID.allWithGlobals, 0, 0, 0);
  }

  override flushAddress(gvaLo: number, gvaHi: number): void {
    for (const pcid of new Set(this.roots.map((root) => this.pcidOf(root)))) this.processor.guest.invpcid(INVPCID.address, pcid, gvaLo, gvaHi);
  }

  private pcidOf(root: number): number {
    return this.tags === 'off' ? 0 : FIRST_PCID + root;
  }
}
