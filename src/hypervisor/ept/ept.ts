import type { Processor } from '../../hardware/processor/processor';
import { SECONDARY, VMCS } from '../../hardware/vmx/vmcs';
import { brokeIntoDelivery } from '../commonExits';
import { USE } from '../host/hostFrames';
import { HEARD_PIN, HEARD_PRIMARY, prepareVmcs } from '../prepareVmcs';
import { followProtection, resumeRmode } from '../realMode/rmodeListing';
import { STOP_REASON } from '../vcpuState';
import { Tdp } from '../tdp/tdp';
import { unmapGfnRangeOf } from '../tdp/unmapGfnRange';
import type { EptPteWrite } from '../technique';
import type { VirtualMachine } from '../virtualMachine';
import type { WriteTracking } from '../writeTracking';
import { emulateAccess, walkOperand } from './emulateAccess';
import { EPT_TABLES, SUPPRESSING_EPT_TABLES } from './eptFormat';
import { InformationArea } from './informationArea';
import { markInformationAreas, virtualizationExceptions } from './virtualizationExceptions';
import { EptMmu } from './eptMmu';
import { EptSlots } from './eptSlots';
import { handleCrAccess } from './handleCrAccess';
import { handleEptMisconfig } from './handleEptMisconfig';
import { handleEptViolation } from './handleEptViolation';
import { completeInterrupts, handleExit, handleRestrictedExit, instructionHandlers } from './handleExit';
import { enterPmode, enterRmode, injectRealmodeInterrupt, restrictedProcedures } from './handleRestrictedCrAccess';
import { RestrictedGuest } from './restrictedGuest';
import { enableLogDirty, flushPmlBuffer } from './logDirty';

const NO_LOG = -1;

export interface EptSettings {
  /** How the first write to a page of a logged slot is noticed: it faults, or the processor logs it. */
  readonly dirtyLog: 'wp' | 'pml';
  /** May the processor itself run the guest without protection or paging? */
  readonly unrestrictedGuest: 'on' | 'off';
  /** May a guest have violations as virtualization exceptions? */
  readonly violationExceptions: 'on' | 'off';
}

const unmapGfnRange = unmapGfnRangeOf<EptMmu>(EPT_TABLES);

/** Extended page tables, by the EPTP of a VMCS. */
export class Ept extends Tdp<EptMmu> {
  readonly name = 'ept';
  readonly slots: EptSlots;

  /** `tracking`: guest frames whose writes somebody must see. */
  constructor(vm: VirtualMachine, { dirtyLog, unrestrictedGuest, violationExceptions }: EptSettings, tracking?: WriteTracking) {
    const isUnrestricted = unrestrictedGuest === 'on';
    const converts = violationExceptions === 'on';
    const areas = converts ? vm.processors.map((processor) => new InformationArea(processor, vm.vcpus.of(processor.cpu))) : [];
    const unmap = converts ? virtualizationExceptions.unmapGfnRange : unmapGfnRange;
    super(vm, {
      space: 'ept',
      rootLabel: 'EPTP',
      procedures: [
        isUnrestricted ? handleExit : handleRestrictedExit, converts ? virtualizationExceptions.violation : handleEptViolation, walkOperand,
        ...(isUnrestricted ? [handleCrAccess] : restrictedProcedures),
        ...instructionHandlers.map((handler) => (converts && handler.name === virtualizationExceptions.hypercall.name ? virtualizationExceptions.hypercall : handler)),
        unmap, handleEptMisconfig, emulateAccess,
        enableLogDirty, flushPmlBuffer, ...(converts ? [markInformationAreas] : []),
      ],
      unmapGfnRange: unmap,
      makeMmu: (processor, rootFrame) => new EptMmu(
        processor, vm, rootFrame, dirtyLog === 'pml' ? vm.frames.allocate(USE.modificationLog, 0, processor.cpu) : NO_LOG, tracking,
        isUnrestricted ? undefined : new RestrictedGuest(vm, processor), areas,
      ),
    });
    if (converts) vm.writer.fillTable(this.rootFrame, SUPPRESSING_EPT_TABLES.absentHi);
    vm.dirty.noticedBy = dirtyLog === 'pml' ? 'processor' : 'fault';
    this.slots = new EptSlots(vm, this.mmus, this.runner, (gfn, pages, actor) => this.unmapGfnRange(gfn, pages, actor));
    vm.slotKeeper.listener = this.slots;
  }

  handleExit(cpu: number): number {
    const mmu = this.mmus.of(cpu);
    if (mmu.pml.hasEntries) this.runner.run(flushPmlBuffer, mmu, cpu);
    if (brokeIntoDelivery(mmu.processor)) this.runner.run(completeInterrupts, mmu, cpu);
    const answer = this.runner.run(handleExit, mmu, cpu);
    return mmu.restricted === undefined ? answer : resumeRmode(mmu, answer, () => this.runner.run(injectRealmodeInterrupt, mmu, cpu));
  }

  /** Clears W in the entry that maps `gfn`, in a step of `cpu`; true when it had it. */
  writeProtect(gfn: number, cpu: number): boolean {
    return this.mmus.of(cpu).leaves.writeProtect(gfn, cpu);
  }

  prepare(cpu: number): void {
    const mmu = this.mmus.of(cpu);
    const { processor, restricted } = mmu;
    this.fillVmcs(cpu, processor);
    if (restricted === undefined) return;
    if (!restricted.prepare()) mmu.vcpu.stop = STOP_REASON.hostMemory;
    else followProtection(mmu, { enterRmode, enterPmode });
  }

  /** Fills `vmcs` for CPU `cpu` from the state in `registers` and `segments`. */
  fillVmcs(cpu: number, state: Pick<Processor, 'registers' | 'segments' | 'vmcs' | 'features'>): void {
    const { vmcs } = state;
    const mmu = this.mmus.of(cpu);
    const { restricted } = mmu;
    const set = (at: number, lo: number, hi: number): void => {
      vmcs[at] = lo;
      vmcs[at + 1] = hi;
    };
    const tags = this.vm.host.tags === 'on' ? SECONDARY.enableVpid : 0;
    prepareVmcs(state, {
      pin: HEARD_PIN, primary: HEARD_PRIMARY,
      secondary: SECONDARY.enableEpt | (restricted === undefined ? SECONDARY.unrestrictedGuest : 0) | SECONDARY.enableInvpcid | tags,
      ownedCr0: 0, ownedCr4: 0, msrBitmap: this.vm.host.msrBitmap,
    });
    set(VMCS.vpid, this.vm.vpidOf(cpu), 0);
    set(VMCS.eptp, mmu.eptpLo, mmu.eptpHi);
    mmu.pml.prepare(set);
  }

  override guestCr3Lo(cpu: number): number {
    return this.mmus.of(cpu).cr3Lo;
  }

  override guestCr3Hi(cpu: number): number {
    return this.mmus.of(cpu).cr3Hi;
  }

  setEpte(gfn: number, lo: number, hi: number, actor: number): EptPteWrite {
    const mmu = this.mmus.ofActor(actor);
    if (mmu.leaves.find(gfn) && mmu.leaves.isLarge) return 'large page';
    const isWritten = mmu.leaves.put(gfn, lo, hi, actor);
    mmu.flushRemoteTlbs();
    return isWritten ? 'written' : 'no host frame';
  }
}
