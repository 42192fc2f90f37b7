import type { Processor } from '../../hardware/processor/processor';
import { SECONDARY, VMCS } from '../../hardware/vmx/vmcs';
import { brokeIntoDelivery } from '../commonExits';
import { USE } from '../host/hostFrames';
import { HEARD_PIN, HEARD_PRIMARY, prepareVmcs } from '../prepareVmcs';
import { Tdp } from '../tdp/tdp';
import { unmapGfnRangeOf } from '../tdp/unmapGfnRange';
import type { EptPteWrite } from '../technique';
import type { VirtualMachine } from '../virtualMachine';
import type { WriteTracking } from '../writeTracking';
import { emulateAccess, walkOperand } from './emulateAccess';
import { EPT_TABLES } from './eptFormat';
import { EptMmu } from './eptMmu';
import { EptSlots } from './eptSlots';
import { handleCrAccess } from './handleCrAccess';
import { handleEptMisconfig } from './handleEptMisconfig';
import { handleEptViolation } from './handleEptViolation';
import { completeInterrupts, handleExit, instructionHandlers } from './handleExit';
import { enableLogDirty, flushPmlBuffer } from './logDirty';

const NO_LOG = -1;

export interface EptSettings {
  /** How the first write to a page of a logged slot is noticed: it faults, or the processor logs it. */
  readonly dirtyLog: 'wp' | 'pml';
}

const unmapGfnRange = unmapGfnRangeOf<EptMmu>(EPT_TABLES);

/** Extended page tables, by the EPTP of a VMCS. */
export class Ept extends Tdp<EptMmu> {
  readonly name = 'ept';
  readonly slots: EptSlots;

  /** `tracking`: guest frames whose writes somebody must see. */
  constructor(vm: VirtualMachine, { dirtyLog }: EptSettings, tracking?: WriteTracking) {
    super(vm, {
      space: 'ept',
      rootLabel: 'EPTP',
      procedures: [
        handleExit, handleEptViolation, walkOperand, handleCrAccess, ...instructionHandlers, unmapGfnRange, handleEptMisconfig, emulateAccess,
        enableLogDirty, flushPmlBuffer,
      ],
      unmapGfnRange,
      makeMmu: (processor, rootFrame) => new EptMmu(
        processor, vm, rootFrame, dirtyLog === 'pml' ? vm.frames.allocate(USE.modificationLog, 0, processor.cpu) : NO_LOG, tracking,
      ),
    });
    vm.dirty.noticedBy = dirtyLog === 'pml' ? 'processor' : 'fault';
    this.slots = new EptSlots(vm, this.mmus, this.runner, (gfn, pages, actor) => this.unmapGfnRange(gfn, pages, actor));
    vm.slotKeeper.listener = this.slots;
  }

  handleExit(cpu: number): number {
    const mmu = this.mmus.of(cpu);
    if (mmu.pml.hasEntries) this.runner.run(flushPmlBuffer, mmu, cpu);
    if (brokeIntoDelivery(mmu.processor)) this.runner.run(completeInterrupts, mmu, cpu);
    return this.runner.run(handleExit, mmu, cpu);
  }

  /** Clears W in the entry that maps `gfn`, in a step of `cpu`; true when it had it. */
  writeProtect(gfn: number, cpu: number): boolean {
    return this.mmus.of(cpu).leaves.writeProtect(gfn, cpu);
  }

  prepare(cpu: number): void {
    const { processor, pml } = this.mmus.of(cpu);
    this.fillVmcs(cpu, processor);
    pml.prepare();
  }

  /** Fills `vmcs` for CPU `cpu` from the state in `registers` and `segments`. */
  fillVmcs(cpu: number, state: Pick<Processor, 'registers' | 'segments' | 'vmcs' | 'features'>): void {
    const { vmcs } = state;
    const mmu = this.mmus.of(cpu);
    const set = (at: number, lo: number, hi: number): void => {
      vmcs[at] = lo;
      vmcs[at + 1] = hi;
    };
    const tags = this.vm.host.tags === 'on' ? SECONDARY.enableVpid : 0;
    prepareVmcs(state, {
      pin: HEARD_PIN, primary: HEARD_PRIMARY,
      secondary: SECONDARY.enableEpt | SECONDARY.unrestrictedGuest | SECONDARY.enableInvpcid | tags,
      ownedCr0: 0, ownedCr4: 0, msrBitmap: this.vm.host.msrBitmap,
    });
    set(VMCS.vpid, this.vm.vpidOf(cpu), 0);
    set(VMCS.eptp, mmu.eptpLo, mmu.eptpHi);
  }

  setEpte(gfn: number, lo: number, hi: number, actor: number): EptPteWrite {
    const mmu = this.mmus.ofActor(actor);
    if (mmu.leaves.find(gfn) && mmu.leaves.isLarge) return 'large page';
    const isWritten = mmu.leaves.put(gfn, lo, hi, actor);
    mmu.flushRemoteTlbs();
    return isWritten ? 'written' : 'no host frame';
  }
}
