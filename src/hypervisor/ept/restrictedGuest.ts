import { eferWithLma } from '../../hardware/processor/controlRegisterRules';
import { CR0, CR4, EFER } from '../../hardware/processor/controlRegisters';
import { LEGACY32 } from '../../hardware/paging/formats/legacy32';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { ENTRY, PRIMARY, VMCS } from '../../hardware/vmx/vmcs';
import { EntryMaker } from '../entryMaker';
import { GuestPdptes } from '../guestPdptes';
import { pdptesOf } from '../guestRegisters';
import { cr0ForGuest, cr4ForGuest } from '../prepareVmcs';
import { PrivateSlot } from '../realMode/privateSlot';
import { IDENTITY_MAP_GFN, Rmode } from '../realMode/rmode';
import type { VirtualMachine } from '../virtualMachine';

/** So that scenario's slots keep their ids, as the TSS's. */
const IDENTITY_MAP_SLOT_ID = 1000;
const ENTRIES = 1024;
/** Guest frames of a 4-MByte page. */
const LARGE_FRAMES = 1024;
/** Bits of CR4 that make the identity map another format, or withhold it from the guest. */
const TRANSLATING = CR4.PSE | CR4.PAE | CR4.LA57 | CR4.PCIDE | CR4.SMEP | CR4.SMAP | CR4.PKE | CR4.PKS | CR4.VME;
const CR3_EXITS = PRIMARY.cr3LoadExiting | PRIMARY.cr3StoreExiting;

/** Control registers as the guest has them: low halves. */
export interface GuestControls {
  readonly cr0: number;
  readonly cr4: number;
  readonly efer: number;
}

/**
 * A guest under EPT without "unrestricted guest": CR0.PE and PG are 1 in the processor. While the guest has paging off, a page
 * table of 32-bit paging in the guest's memory maps the first 4 GBytes to themselves; while it has protection off, it is in
 * virtual-8086 mode. SDM Vol. 3, "Restrictions on VMX Operation".
 */
export class RestrictedGuest {
  readonly rmode: Rmode;
  /** PDPTEs on their way into the guest's registers. */
  readonly pdptes: GuestPdptes;
  private readonly identityMap: PrivateSlot;

  constructor(private readonly vm: VirtualMachine, private readonly processor: Processor) {
    this.rmode = new Rmode(vm, processor, 0);
    this.pdptes = new GuestPdptes(vm.host.maxphyaddr);
    this.identityMap = new PrivateSlot(vm, { id: IDENTITY_MAP_SLOT_ID, baseGfn: IDENTITY_MAP_GFN, pages: 1 });
  }

  get isPaging(): boolean {
    return (this.processor.vmcs[VMCS.cr0_read_shadow]! & CR0.PG) !== 0;
  }

  /** Before the guest runs: the identity map and, for a guest in real-address mode, the TSS. False: no host memory. */
  prepare(): boolean {
    const { registers } = this.processor;
    const vcpu = this.vm.vcpus.of(this.processor.cpu);
    const low = (register: number): number => registers[2 * register]!;
    vcpu.setCr3(low(REGISTER.cr3), registers[2 * REGISTER.cr3 + 1]!);
    vcpu.pdptes.set(pdptesOf(registers));
    if (!this.mapIdentity()) return false;
    if ((low(REGISTER.cr0) & CR0.PE) === 0 && !this.rmode.makeTss()) return false;
    const { vmcs } = this.processor;
    vmcs[VMCS.cr0_guest_host_mask]! |= CR0.PE | CR0.PG;
    this.setMode({ cr0: low(REGISTER.cr0), cr4: low(REGISTER.cr4), efer: low(REGISTER.efer) });
    return true;
  }

  /** KVM's init_rmode_identity_map: large pages with every right, accessed and dirty already. */
  private mapIdentity(): boolean {
    if (this.identityMap.isThere) return true;
    if (!this.identityMap.add()) return false;
    const maker = new EntryMaker(LEGACY32);
    for (let index = 0; index < ENTRIES; index++) {
      maker.make(index * LARGE_FRAMES, PAGE_RIGHTS.writable | PAGE_RIGHTS.user | PAGE_RIGHTS.executable);
      maker.markAccessed();
      maker.markDirty();
      maker.markLarge();
      this.identityMap.write(4 * index, maker.lo);
    }
    return true;
  }

  /** Gives the guest these control registers, and the processor those that it runs with. EFER.LME shows only while paging is on, for LMA would follow it. */
  setMode({ cr0, cr4, efer: written }: GuestControls): void {
    const { vmcs } = this.processor;
    const vcpu = this.vm.vcpus.of(this.processor.cpu);
    const isPaging = (cr0 & CR0.PG) !== 0;
    const efer = eferWithLma(cr0, written);
    const isLong = (efer & EFER.LMA) !== 0;
    vcpu.efer = efer;
    vmcs[VMCS.cr0_read_shadow] = cr0;
    vmcs[VMCS.cr4_read_shadow] = cr4;
    vmcs[VMCS.guest_cr0] = cr0ForGuest(cr0) | CR0.PE | CR0.PG;
    const standIn = CR4.PSE | ((cr0 & CR0.PE) === 0 ? CR4.VME : 0);
    vmcs[VMCS.guest_cr4] = isPaging ? cr4ForGuest(cr4) : (cr4ForGuest(cr4) & ~TRANSLATING) | standIn;
    vmcs[VMCS.cr4_guest_host_mask] = (vmcs[VMCS.cr4_guest_host_mask]! & ~TRANSLATING) | (isPaging ? 0 : TRANSLATING);
    vmcs[VMCS.primary_controls] = (vmcs[VMCS.primary_controls]! & ~CR3_EXITS) | (isPaging ? 0 : CR3_EXITS);
    vmcs[VMCS.guest_cr3] = isPaging ? vcpu.cr3Lo : IDENTITY_MAP_GFN << 12;
    vmcs[VMCS.guest_cr3 + 1] = isPaging ? vcpu.cr3Hi : 0;
    vmcs[VMCS.guest_ia32_efer] = isLong ? efer : efer & ~EFER.LME;
    vmcs[VMCS.entry_controls] = (vmcs[VMCS.entry_controls]! & ~ENTRY.ia32eModeGuest) | (isLong ? ENTRY.ia32eModeGuest : 0);
  }

  /** The guest's own CR3 is the processor's while paging is on: kept before it is turned off. */
  keepCr3(): void {
    const { vmcs, cpu } = this.processor;
    if (this.isPaging) this.vm.vcpus.of(cpu).setCr3(vmcs[VMCS.guest_cr3]!, vmcs[VMCS.guest_cr3 + 1]!);
  }

  /** The PDPTEs that have been loaded for the guest, for the VM entry to load. */
  usePdptes(): void {
    const { vmcs, cpu } = this.processor;
    const { pdptes } = this.vm.vcpus.of(cpu);
    [VMCS.guest_pdpte0, VMCS.guest_pdpte1, VMCS.guest_pdpte2, VMCS.guest_pdpte3].forEach((field, index) => {
      vmcs[field] = pdptes[2 * index]!;
      vmcs[field + 1] = pdptes[2 * index + 1]!;
    });
  }
}
