import type { RootMode } from '../../../hardware/processor/rootMode';
import { RESUME, STATUS } from '../../../hardware/processor/rootMode';
import { REGISTER } from '../../../hardware/processor/registers';
import type { TranslationSpace } from '../../../hardware/paging/translationSpace';
import { isReadOnly } from '../../../hardware/vmx/vmcsEncoding';
import { VMCS, type VmcsFieldName, vmcsFields } from '../../../hardware/vmx/vmcs';
import { Ept, type EptSettings } from '../../ept/ept';
import type { ListingRunner } from '../../listing';
import type { EptPteWrite, TableRoot, Technique } from '../../technique';
import type { VirtualMachine } from '../../virtualMachine';
import { ComposedMemory } from './composedMemory';
import { GuestHost, type Level0 } from './guestHost';

/**
 * The handlers of ept as a hypervisor that is a guest itself (L1): its EPT lies in memory that another (L0) maps for it, and its
 * VMREAD, VMWRITE, VMRESUME and INVEPT exit. L0 runs L2, the guest, by an EPT that it composes of L1's and its own.
 */
export class Nested implements Technique, RootMode {
  readonly name = 'nested';
  readonly root = this;
  readonly guestMemory: ComposedMemory;
  readonly listings: readonly ListingRunner<never>[];
  readonly ept: Ept;
  readonly level0: Level0;

  constructor(readonly vm: VirtualMachine, { dirtyLog }: Pick<EptSettings, 'dirtyLog'>) {
    const { host } = vm;
    if (!(host instanceof GuestHost)) throw new Error('invariant: technique nested on a host that is no guest');
    this.level0 = host.level0;
    this.ept = new Ept(vm, { dirtyLog, unrestrictedGuest: 'on', violationExceptions: 'off' });
    this.guestMemory = new ComposedMemory(vm.memory, this.level0.vm.memory, host.reach);
    this.listings = [...this.ept.listings, ...this.level0.nesting.listings];
    for (const processor of vm.processors) processor.hypervisor = this.level0.accessOf(processor.cpu);
  }

  /** An exit of L2, which comes to L0 first. */
  handleExit(cpu: number): number {
    const { level0, level0: { nesting } } = this;
    const answer = nesting.handleExit(cpu);
    if (nesting.isInL2(cpu) || answer === RESUME.stopped) return answer;
    return level0.on(cpu, () => this.runL1(cpu));
  }

  prepare(cpu: number): void {
    const { level0 } = this;
    const l1 = level0.cpus[cpu]!;
    const { processor: { registers } } = l1;
    const [l2] = this.vm.processors.filter((processor) => processor.cpu === cpu);
    const vmcs = new Int32Array(2 * vmcsFields.length);
    this.ept.fillVmcs(cpu, { registers: l2!.registers, segments: l2!.segments, features: l2!.features, vmcs });
    const set = (name: VmcsFieldName, register: number): void => {
      vmcs[VMCS[name]] = registers[2 * register]!;
      vmcs[VMCS[name] + 1] = registers[2 * register + 1]!;
    };
    set('host_cr0', REGISTER.cr0);
    set('host_cr3', REGISTER.cr3);
    set('host_cr4', REGISTER.cr4);
    set('host_ia32_efer', REGISTER.efer);
    level0.on(cpu, () => {
      level0.makeRegion(cpu);
      l1.processor.vmx.vmclear(level0.regionOf(cpu) << 12, 0);
      l1.processor.vmx.vmptrld(level0.regionOf(cpu) << 12, 0);
      for (const { name, encoding } of vmcsFields) {
        const at = VMCS[name];
        if (!isReadOnly(encoding) && (vmcs[at] !== 0 || vmcs[at + 1] !== 0)) l1.write(at, vmcs[at]!, vmcs[at + 1]!);
      }
      this.enterL2(cpu, 'launch');
    });
  }

  unmapGfnRange(gfn: number, pages: number, actor: number): void {
    this.ept.unmapGfnRange(gfn, pages, actor);
  }

  /** In EPT12, whose frames are L1's. */
  setEpte(gfn: number, lo: number, hi: number, actor: number): EptPteWrite {
    return this.ept.setEpte(gfn, lo, hi, actor);
  }

  get below(): Technique {
    return this.level0.nesting;
  }

  get dirtyLogging(): Technique['dirtyLogging'] {
    return this.ept.dirtyLogging;
  }

  reload(): void {
    this.level0.reload();
  }

  guestCr3Lo(cpu: number): number {
    return this.ept.guestCr3Lo(cpu);
  }

  guestCr3Hi(cpu: number): number {
    return this.ept.guestCr3Hi(cpu);
  }

  guestEfer(cpu: number): number {
    return this.ept.guestEfer(cpu);
  }

  guestTables(cpu: number): TranslationSpace {
    return this.ept.guestTables(cpu);
  }

  /** Those that processors walk: L1's own EPT lies in its memory. */
  roots(cpu: number): readonly TableRoot[] {
    const { level0: { nesting } } = this;
    const frame = nesting.rootOf02(cpu);
    const ept01 = nesting.ept.roots().map((root) => ({ ...root, label: 'EPT01, of L1' }));
    return frame === undefined ? ept01 : [{ space: 'ept', frame, label: 'EPT02, made of EPT12 and EPT01' }, ...ept01];
  }

  tablePages(kind: 'shadow' | 'ept' | 'host'): number {
    return kind === 'shadow' ? this.level0.nesting.tablePages(kind) : this.ept.tablePages(kind);
  }

  hasTripleFaulted(cpu: number): boolean {
    return this.ept.hasTripleFaulted(cpu);
  }

  stopReason(): string {
    return this.level0.isStopped() ? this.level0.nesting.stopReason() : this.ept.stopReason();
  }

  /** L0 has entered L1 behind its VMRESUME: L1 handles the exit that its VMCS tells of. */
  private runL1(cpu: number): number {
    const { level0 } = this;
    level0.cpus[cpu]!.processor.resume();
    const answer = this.ept.handleExit(cpu);
    if (level0.isStopped() || answer === RESUME.stopped) return RESUME.stopped;
    if (answer === RESUME.completed) this.skipInstruction(cpu);
    this.enterL2(cpu, 'resume');
    return level0.isStopped() ? RESUME.stopped : answer;
  }

  /** KVM's skip_emulated_instruction. */
  private skipInstruction(cpu: number): void {
    const l1 = this.level0.cpus[cpu]!;
    const rip = l1.read(VMCS.guest_rip);
    const hi = l1.hi;
    const length = l1.read(VMCS.exit_instruction_length);
    l1.write(VMCS.guest_rip, rip + length | 0, hi);
  }

  private enterL2(cpu: number, how: 'launch' | 'resume'): void {
    const { level0, level0: { nesting } } = this;
    const { processor } = level0.cpus[cpu]!;
    const status = how === 'launch' ? processor.vmx.vmlaunch() : processor.vmx.vmresume();
    if (!nesting.isInL2(cpu) && !level0.isStopped()) throw new Error(`invariant: L1 cannot enter L2 (status ${status}, ${STATUS.stopped} is expected)`);
  }
}

