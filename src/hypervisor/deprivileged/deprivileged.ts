import { OPERATION } from '../../hardware/paging/accessKinds';
import { PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { PFEC } from '../../hardware/paging/pageFaultErrorCode';
import { RFLAGS } from '../../hardware/processor/controlRegisters';
import { REGISTER } from '../../hardware/processor/registers';
import { SEGMENT, SEGMENT_RIGHTS } from '../../hardware/segments/segmentRegisters';
import { RESUME } from '../../hardware/processor/rootMode';
import { saveGuestState } from '../../hardware/vmx/guestState';
import { PIN, VMCS } from '../../hardware/vmx/vmcs';
import { pdptesOf } from '../guestRegisters';
import { give, when, type ListingFrame, type ListingProcedure } from '../listing';
import { afterAccess, emulateAccessOf } from '../shadowWp/emulateAccess';
import { emulatePageTableWrite } from '../shadowWp/emulatePageTableWrite';
import { fetch } from '../shadowWp/fetch';
import { getShadowPage } from '../shadowWp/getShadowPage';
import { handleInvlpg, handleInvpcid } from '../shadowWp/controlRegisters';
import { loadPdptrs, PAE_ROOTS } from '../shadowWp/loadRoot';
import { makePagesAvailable } from '../shadowWp/makePagesAvailable';
import { enableLogDirty, flushShadowMemslot } from '../shadowWp/memslotChanges';
import { handleMmioPageFault } from '../shadowWp/mmioFault';
import { emulatedWrites, emulateFaulting, PAGE_FAULT, pageFaultOf } from '../shadowWp/pageFault';
import type { ShadowMmu } from '../shadowWp/shadowMmu';
import { hasSmapAndNotWp } from '../shadowWp/role';
import { ShadowWp, type ShadowFlavour, type ShadowWpSettings } from '../shadowWp/shadowWp';
import { trackWrite } from '../shadowWp/trackWrite';
import { unmapGfnRange } from '../shadowWp/unmapGfnRange';
import type { TableRoot } from '../technique';
import type { VirtualMachine } from '../virtualMachine';
import { DeprivilegedMmu } from './deprivilegedMmu';
import { DeprivilegedSptes } from './deprivilegedSptes';
import { handleTrap, trapHandlers } from './handleTrap';
import { loadRoot } from './loadRoot';
import { OwnPrivilege } from './ownPrivilege';
import { compressAll } from './ringCompression';
import { createBounceFrame } from './createBounceFrame';
import { emulateIret } from './emulateInstructions';
import { walkOther } from './emulateSystemAccess';
import { inOwnWords } from './wording';

const CPL = 3;
/** By number. */
const rootLabels = ['shadow for the guest\'s kernel', 'shadow for the guest\'s user mode', 'shadow for the guest\'s kernel with RFLAGS.AC'] as const;

const handlePageFault = pageFaultOf<ShadowMmu>({
  beforeTrueFault: [],
  beforeFill: [emulatedWrites('the access writes a frame that holds a shadowed page table', (mmu, gfn) => mmu.isShadowed(gfn))],
  afterFill: [],
  unprotected: [
    when('the guest\'s kernel fetches from a user page, which SMAP lets it not read, and no SPTE can say so', (mmu, f) => isFetchUnderSmap(mmu, f), [
      give('emulate_access(gva, error_code, gpa)', (mmu, f) => emulateFaulting(mmu, f)),
    ]),
  ],
});

/** Its frame lies where nothing can be filled. */
const ofIret = when<DeprivilegedMmu>('it is IRET that pops, which names no operand', ({ processor }) => processor.pending.operation === OPERATION.interruptReturn, [
  give('emulate_iret()', (mmu) => mmu.call(emulateIret)),
]);

const procedures = { handlePageFault, fetch, getShadowPage, loadRoot, handleInvlpg, handleInvpcid };

const listing = inOwnWords([
  ...trapHandlers, handlePageFault, makePagesAvailable, fetch, getShadowPage, emulatePageTableWrite, trackWrite, emulateAccessOf<DeprivilegedMmu>(afterAccess, [ofIret]), walkOther,
  loadRoot, loadPdptrs, unmapGfnRange, handleMmioPageFault, flushShadowMemslot, enableLogDirty,
] as readonly ListingProcedure<never>[]);

function flavour(vm: VirtualMachine, mmus: Map<number, DeprivilegedMmu>): ShadowFlavour {
  return {
    name: 'deprivileged',
    mostRoots: rootLabels.length * PAE_ROOTS,
    procedures,
    listing,
    makeSptes: (...parts) => new DeprivilegedSptes(...parts),
    makeMmu: (cpu, ...parts) => {
      const mmu = new DeprivilegedMmu(new OwnPrivilege(vm.host.registry, cpu), vm.host.tags, cpu, ...parts);
      mmus.set(cpu, mmu);
      return mmu;
    },
  };
}

/**
 * Ring deprivileging, as before VT-x: no mode of the processor is for guests. All of the guest runs at CPL 3, its kernel too, under
 * the IDT of the hypervisor, on shadow tables as of shadow-wp; each of the guest's two levels has its own. What is privileged
 * traps and is emulated; INT n and what else is the guest's own is reflected through the guest's IDT. What is sensitive and not
 * privileged (SGDT, SMSW, PUSHF, POPF, CPUID, a read of CS) shows the guest the hypervisor's machine, and no trap tells of it:
 * for that VMware translated the binary, and Xen's guests were rewritten.
 *
 * From one level to the other the guest goes without a trap to the hypervisor, as PVM's switcher has it: CR3 is loaded with the
 * other root, under a PCID of its own.
 */
export class Deprivileged extends ShadowWp {
  private readonly own: ReadonlyMap<number, DeprivilegedMmu>;

  constructor(vm: VirtualMachine, settings: ShadowWpSettings) {
    const own = new Map<number, DeprivilegedMmu>();
    super(vm, settings, flavour(vm, own));
    this.own = own;
  }

  override handleExit(cpu: number): number {
    const mmu = this.mmuOf(cpu);
    mmu.isHandling = 1;
    const answer = this.runner.run(handleTrap, mmu as never, cpu);
    const reflects = answer !== RESUME.stopped && mmu.hasEvent && mmu.isThroughMemory;
    const gone = reflects ? this.runner.run(createBounceFrame, mmu as never, cpu) : answer;
    mmu.isHandling = 0;
    return gone;
  }

  override prepare(cpu: number): void {
    const mmu = this.mmuOf(cpu);
    const { processor, privilege } = mmu;
    const { registers, segments, vmcs } = processor;
    const registerLo = (register: number): number => registers[2 * register]!;
    privilege.setInterruptFlag((registerLo(REGISTER.rflags) & RFLAGS.IF) === 0 ? 0 : 1);
    // The tables that the loader has put there are the guest's; the processor's are the hypervisor's.
    privilege.segments.words.set(segments.words);
    compressAll(privilege.segments, segments);
    saveGuestState({ registers, segments, vmcs });
    mmu.setVmcs(VMCS.pin_controls, PIN.externalInterruptExiting, 0);
    mmu.setVmcs(VMCS.guest_rflags, registerLo(REGISTER.rflags) | RFLAGS.IF, 0);
    mmu.setVmcs(VMCS.guest_ss_access_rights, segments.rights(SEGMENT.ss) | (CPL << SEGMENT_RIGHTS.dplShift), 0);
    mmu.vcpu.pdptes.set(pdptesOf(registers));
    mmu.vcpu.setCr3(registerLo(REGISTER.cr3), registers[2 * REGISTER.cr3 + 1]!);
    mmu.setControls({ cr0: registerLo(REGISTER.cr0), cr4: registerLo(REGISTER.cr4), efer: registerLo(REGISTER.efer) });
    processor.guest.deprivilege(privilege);
    // A guest that is in long mode cannot leave it: that takes a code segment of 32 bits.
    if (mmu.isPae) rootLabels.forEach((_, root) => { mmu.addPaeRoot(root); });
    // The first roots, before the guest runs.
    mmu.call(mmu.procedures.loadRoot);
  }

  override roots(cpu: number): readonly TableRoot[] {
    const mmu = this.mmuOf(cpu);
    return mmu.roots.map((root) => ({
      space: 'shadow', frame: mmu.frameOfRoot(root), label: `${rootLabels[root]!}${mmu.isPae ? ', PDPTEs' : ''}${root === mmu.root ? ' (CR3)' : ''}`,
    }));
  }

  private mmuOf(cpu: number): DeprivilegedMmu {
    const mmu = this.own.get(cpu);
    if (mmu === undefined) throw new Error(`invariant: CPU ${cpu} is none of this VM's`);
    return mmu;
  }
}

/** SDM Vol. 3, "Determination of Access Rights": SMAP is about data. */
function isFetchUnderSmap(mmu: ShadowMmu, f: ListingFrame): boolean {
  const isKernelFetch = (f.lo(PAGE_FAULT.error_code) & (PFEC.ID | PFEC.U)) === PFEC.ID;
  return isKernelFetch && hasSmapAndNotWp(mmu.mode) && (mmu.guest.result.rights & PAGE_RIGHTS.user) !== 0;
}
