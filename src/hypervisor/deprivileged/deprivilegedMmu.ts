import { INVPCID } from '../../hardware/caches/invalidations';
import { eferWithLma } from '../../hardware/processor/controlRegisterRules';
import { CR0, CR4, EFER, RFLAGS } from '../../hardware/processor/controlRegisters';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { INTERRUPTION, VMCS } from '../../hardware/vmx/vmcs';
import { type GuestControls, PAE_ROOT_LEVEL, setEntryMode } from '../shadowWp/guestMode';
import { PAE_ROOTS } from '../shadowWp/loadRoot';
import { deprivilegedModeOf } from '../shadowWp/role';
import { ShadowMmu } from '../shadowWp/shadowMmu';
import type { SegmentValue } from '../../hardware/segments/segmentRegisters';
import type { OwnPrivilege, PrivilegeOwner } from './ownPrivilege';
import { compressed } from './ringCompression';
import { VirtualCpu } from './virtualCpu';

/**
 * CR0 and EFER that the processor has, whatever the guest has: the hypervisor's own, as a kernel of 64 bits sets them, or of 32 bits with PAE. But for AM: RFLAGS.AC
 * of the guest's kernel is for SMAP, and at CPL 3 would turn alignment checks on.
 */
const HOST_CR0 = CR0.PE | CR0.MP | CR0.ET | CR0.NE | CR0.WP | CR0.PG;
const LONG_EFER = EFER.LME | EFER.LMA | EFER.NXE;
const PAE_EFER = EFER.NXE;
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
  /** The access (`ACCESS`) that the hypervisor makes in the guest's processor's place; undefined: none. */
  systemAccess: number | undefined;
  /** The guest's processor, for what is done on it while a trap is handled. */
  readonly virtualCpu: VirtualCpu;

  constructor(readonly privilege: OwnPrivilege, private readonly tags: 'on' | 'off', ...parts: ConstructorParameters<typeof ShadowMmu>) {
    super(...parts);
    privilege.owner = this;
    this.virtualCpu = new VirtualCpu(this);
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
      nxe: efer & EFER.NXE ? 1 : 0, paging: this.paging, pse: cr4 & CR4.PSE ? 1 : 0, keys: 0,
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

  /** Shadow page that root `root` has for GByte `gbyte`; one with a fourth level has the first alone. */
  rootPage(root: number, gbyte: number): number {
    return this.vcpu.rootPageOf(indexOf(root, gbyte));
  }

  /** Shadow page `page` is that from now on; 0: none is. */
  pinRootPage(root: number, gbyte: number, page: number): void {
    this.pinRoot(indexOf(root, gbyte), page);
    if (this.isPae) this.setPaeRoot(gbyte, page, root);
  }

  /** Host frame of the table that CR3 names for root `root`. */
  frameOfRoot(root: number): number {
    return this.isPae ? this.vcpu.paeRootOf(root) : this.pages.frameOf(this.rootPage(root, 0));
  }

  /** The guest is not in long mode, nor is the processor: it walks PAE tables. */
  get isPae(): boolean {
    return this.rootLevel === PAE_ROOT_LEVEL;
  }

  /** There are PCIDs in long mode alone. */
  private get isTagged(): boolean {
    return this.tags === 'on' && !this.isPae;
  }

  /** SMAP is in force, but for RFLAGS.AC. */
  private get hasSmap(): boolean {
    return (this.cr4 & CR4.SMAP) !== 0 && this.paging !== 'none';
  }

  /** Of the processor's CR4 and EFER the guest decides nothing but how many levels its tables have: 4 or 5, or 3 while it is not in long mode. */
  override setControls({ cr0, cr4, efer: written }: GuestControls): void {
    this.vcpu.efer = eferWithLma(cr0, written);
    this.setVmcs(VMCS.cr0_read_shadow, cr0, 0);
    this.setVmcs(VMCS.cr4_read_shadow, cr4, 0);
    this.setVmcs(VMCS.guest_cr0, HOST_CR0, 0);
    const ofLongMode = this.isPae ? 0 : (cr4 & CR4.LA57) | (this.isTagged ? CR4.PCIDE : 0);
    this.setVmcs(VMCS.guest_cr4, CR4.PAE | ofLongMode, 0);
    this.setVmcs(VMCS.guest_ia32_efer, this.isPae ? PAE_EFER : LONG_EFER, 0);
    setEntryMode(this, this.isPae ? 'legacy mode' : 'long mode');
  }

  override takesControl(cr: number, lo: number, hi: number): boolean {
    return super.takesControl(cr, lo, hi) && (cr !== 4 || (lo & HIDDEN_CR4) === 0);
  }

  override rootFor(gvaLo: number): { readonly page: number; readonly level: number } {
    const level = this.rootLevel;
    return this.isPae ? { page: this.rootPage(this.root, gvaLo >>> 30), level: level - 1 } : { page: this.rootPage(this.root, 0), level };
  }

  /** The processor walks the shadow of the level that the guest is at from now on: the one's lines stay while it walks the other's. */
  switchRoot(): void {
    this.setRoot();
    this.processor.guest.loadCr3(this.vmcs(VMCS.guest_cr3), this.vmcs(VMCS.guest_cr3 + 1), this.isTagged ? 'stay' : 'go');
  }

  /** The same for the next return to the guest. */
  setRoot(): void {
    const { root } = this;
    const frame = this.frameOfRoot(root);
    this.setVmcs(VMCS.guest_cr3, (frame << 12) | this.pcidOf(root), frame >>> 20);
  }

  /** `setRoot`, and what a load of another CR3 drops without PCIDs. */
  returnToRoot(): void {
    const before = this.vmcs(VMCS.guest_cr3);
    this.setRoot();
    if (!this.isTagged && this.vmcs(VMCS.guest_cr3) !== before) this.flushTlbOf(this.processor);
  }

  /** An event waits to be reflected, by software where the guest's events go through its memory. */
  get hasEvent(): boolean {
    return (this.vmcs(VMCS.entry_interruption_info) & INTERRUPTION.valid) !== 0;
  }

  /** Its events go through its own IDT, in its memory. */
  get isThroughMemory(): boolean {
    return this.processor.settings.delivery === 'memory';
  }

  useSegment(segment: number, value: SegmentValue): void {
    this.processor.segments.set(segment, compressed(segment, value));
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
    return this.isTagged ? FIRST_PCID + root : 0;
  }
}

/** Among the vCPU's root pages. */
function indexOf(root: number, gbyte: number): number {
  return PAE_ROOTS * root + gbyte;
}
