import { RFLAGS } from '../hardware/processor/controlRegisters';
import { EventBus } from '../hardware/events/eventBus';
import { EPT_QUALIFICATION } from '../hardware/vmx/exitQualification';
import { EXIT_REASON } from '../hardware/vmx/exitReasons';
import { RMW } from '../hardware/memory/readModifyWrite';
import { PhysicalMemory } from '../hardware/memory/physicalMemory';
import { Processor, RESUME, STATUS } from '../hardware/processor/processor';
import { machineRefusal } from '../hardware/processor/machineRules';
import { REGISTER, type RegisterName } from '../hardware/processor/registers';
import { type Checkpoint, Registry } from '../hardware/state/registry';
import { PRIMARY, SECONDARY, SS_DPL_SHIFT, VMCS, type VmcsFieldName } from '../hardware/vmx/vmcs';
import { SVM_EXIT, intercept } from '../hardware/svm/svmExitCodes';
import { NESTED_CONTROL, VMCB, type VmcbFieldName } from '../hardware/svm/vmcb';
import { type HostTables, printHex, type Vector } from './conformVector';

/** What the machine did: the outcome and its fields, as `Vector.expect` has them. */
export type Observed = Readonly<Record<string, string>>;

const guestPdptes = ['guest_pdpte0', 'guest_pdpte1', 'guest_pdpte2', 'guest_pdpte3'] as const;

/** A machine whose state is put back after each vector. */
export class ConformMachine {
  private readonly registry = new Registry();
  private readonly memory: PhysicalMemory;
  private readonly processor: Processor;
  private readonly clean: Checkpoint;

  /** `walkCaches`: with caches of paging structures nothing may come out differently. */
  constructor(readonly maxphyaddr: number, readonly vendor: 'intel' | 'amd', walkCaches: 'on' | 'off' = 'off') {
    this.memory = new PhysicalMemory(this.registry, 2 ** maxphyaddr);
    this.processor = new Processor(this.registry, this.memory, new EventBus(), 0, {
      vendor, maxphyaddr, tlbEntries: 4, tlbWays: 4, rewalkOnPermissionFault: 'off', walkCaches,
    });
    this.processor.root = { handleExit: () => RESUME.stopped };
    this.clean = this.registry.checkpoint();
  }

  /** Why there is no machine such as the vector's, as a clause; undefined when there is one. */
  static refusal(vector: Vector, vendor: 'intel' | 'amd'): string | undefined {
    const { cpu, eptp, npt } = vector;
    const state = { cr0: halves(cpu.cr0), cr3: halves(cpu.cr3), cr4: halves(cpu.cr4), efer: halves(cpu.efer) };
    return machineRefusal({
      vendor, maxphyaddr: cpu.maxphyaddr,
      // A guest of SVM is VMRUN's to refuse: paging without protection is allowed there.
      ...(npt === undefined ? { registers: state } : {
        nestedHost: { cr0: halves(npt.cr0), cr3: halves(npt.ncr3), cr4: halves(npt.cr4), efer: halves(npt.efer) },
      }),
      ...(eptp === undefined ? {} : { eptp: halves(eptp) }),
    });
  }

  /** Runs the access and judges nothing. `wordAt` reads memory as the access left it, until the next run. */
  run(vector: Vector): Observed {
    this.registry.restore(this.clean);
    for (const [address, value] of vector.memory) this.storeWord(address, value);
    const refusal = this.loadRegisters(vector);
    if (refusal !== undefined) return { outcome: refusal };
    const status = this.access(vector);
    if (status === STATUS.exception) return this.exception();
    return status === STATUS.stopped ? this.exit() : this.done(vector);
  }

  wordAt(address: bigint): bigint {
    const [lo, hi] = halves(address);
    return whole(this.memory.load32(lo, hi), this.memory.load32(lo + 4, hi));
  }

  /** Why the guest cannot be entered, or undefined. */
  private loadRegisters(vector: Vector): string | undefined {
    const { processor } = this;
    const { cpu } = vector;
    const values: Partial<Record<RegisterName, bigint>> = {
      cr0: cpu.cr0, cr3: cpu.cr3, cr4: cpu.cr4, efer: cpu.efer, pkru: cpu.pkru,
      rflags: BigInt(RFLAGS.fixed | (cpu.rflagsAc === 0 ? 0 : RFLAGS.AC)),
    };
    for (const [name, value] of Object.entries(values)) this.setRegister(REGISTER[name as RegisterName], value);
    processor.setLevel(cpu.cpl);
    if (vector.eptp !== undefined) return this.enterVmx(vector, vector.eptp, values.rflags ?? 0n);
    if (vector.npt !== undefined) return this.enterSvm(vector, vector.npt, values.rflags ?? 0n);
    if (vector.paging === 'pae' && processor.loadPdptes() === STATUS.stopped) return processor.stopReason;
    processor.reload();
    return undefined;
  }

  private enterVmx({ cpu }: Vector, eptp: bigint, rflags: bigint): string | undefined {
    const fields: readonly (readonly [VmcsFieldName, bigint])[] = [
      ['guest_cr0', cpu.cr0], ['guest_cr3', cpu.cr3], ['guest_cr4', cpu.cr4], ['guest_ia32_efer', cpu.efer],
      ['guest_rflags', rflags], ['guest_ss_access_rights', BigInt(cpu.cpl << SS_DPL_SHIFT)],
      ['primary_controls', BigInt(PRIMARY.secondaryControls >>> 0)], ['secondary_controls', BigInt(SECONDARY.enableEpt)],
      ['eptp', eptp],
      ...(cpu.pdptes ?? []).map((pdpte, index) => [guestPdptes[index] ?? 'guest_pdpte0', pdpte] as const),
    ];
    const { processor } = this;
    for (const [name, value] of fields) [processor.vmcs[VMCS[name]], processor.vmcs[VMCS[name] + 1]] = halves(value);
    return this.enter();
  }

  private enterSvm({ cpu }: Vector, host: HostTables, rflags: bigint): string | undefined {
    const fields: readonly (readonly [VmcbFieldName, bigint])[] = [
      ['guest_cr0', cpu.cr0], ['guest_cr3', cpu.cr3], ['guest_cr4', cpu.cr4], ['guest_efer', cpu.efer],
      ['guest_rflags', rflags], ['guest_cpl', BigInt(cpu.cpl)], ['asid', 1n],
      ['nested_control', BigInt(NESTED_CONTROL.enable)], ['n_cr3', host.ncr3],
      ['host_cr0', host.cr0], ['host_cr4', host.cr4], ['host_efer', host.efer],
    ];
    const { processor } = this;
    for (const [name, value] of fields) [processor.vmcb[VMCB[name]], processor.vmcb[VMCB[name] + 1]] = halves(value);
    intercept(processor.vmcb, SVM_EXIT.vmrun);
    return this.enter();
  }

  private enter(): string | undefined {
    return this.processor.enterVirtualization() === STATUS.stopped ? this.processor.stopReason : undefined;
  }

  private setRegister(number: number, value: bigint): void {
    [this.processor.registers[2 * number], this.processor.registers[2 * number + 1]] = halves(value);
  }

  /** A write is a read-modify-write that changes nothing: its data must not disturb the words that are compared. */
  private access({ access }: Vector): number {
    const [lo, hi] = halves(access.linear);
    switch (access.type) {
      case 'read': return this.processor.load(lo, hi, access.size);
      case 'write': return this.processor.readModifyWrite(lo, hi, access.size, RMW.or, 0, 0);
      case 'fetch': return this.processor.fetch(lo, hi);
    }
  }

  private done(vector: Vector): Observed {
    const { processor } = this;
    const { result } = processor.space;
    const hpa = whole(processor.performedLo, processor.performedHi);
    const observed: Record<string, string> = { outcome: 'ok', hpa: printHex(hpa) };
    if (vector.kind !== 'native') observed['gpa'] = printHex(whole(result.gpaLo, result.gpaHi));
    return observed;
  }

  private exception(): Observed {
    const { vector, errorCode, cr2Lo, cr2Hi } = this.processor;
    if (vector !== 14) return { outcome: `vector ${vector}` };
    return { outcome: 'page-fault', error_code: `0x${errorCode.toString(16)}`, cr2: printHex(whole(cr2Lo, cr2Hi)) };
  }

  private exit(): Observed {
    if (this.vendor === 'amd') return this.svmExit();
    const gpa = printHex(this.vmcsField('guest_physical_address'));
    const reason = this.processor.vmcs[VMCS.exit_reason];
    if (reason === EXIT_REASON.ept_misconfiguration) return { outcome: 'ept-misconfiguration', gpa };
    if (reason !== EXIT_REASON.ept_violation) return { outcome: `VM exit ${reason}` };
    const qualification = this.vmcsField('exit_qualification');
    const observed: Record<string, string> = { outcome: 'ept-violation', qualification: printHex(qualification), gpa };
    if (Number(qualification) & EPT_QUALIFICATION.linearAddressValid) {
      observed['gla'] = printHex(this.vmcsField('guest_linear_address'));
    }
    return observed;
  }

  private svmExit(): Observed {
    const field = (name: VmcbFieldName): bigint => whole(this.processor.vmcb[VMCB[name]] ?? 0, this.processor.vmcb[VMCB[name] + 1] ?? 0);
    const code = Number(field('exitcode'));
    if (code !== SVM_EXIT.npf) return { outcome: `#VMEXIT ${code}` };
    return { outcome: 'npf', exitinfo1: printHex(field('exitinfo1')), exitinfo2: printHex(field('exitinfo2')) };
  }

  private vmcsField(name: VmcsFieldName): bigint {
    return whole(this.processor.vmcs[VMCS[name]] ?? 0, this.processor.vmcs[VMCS[name] + 1] ?? 0);
  }

  private storeWord(address: bigint, value: bigint): void {
    const [lo, hi] = halves(address);
    const [valueLo, valueHi] = halves(value);
    this.memory.store32(lo, hi, valueLo);
    this.memory.store32(lo + 4, hi, valueHi);
  }
}

function halves(value: bigint): [lo: number, hi: number] {
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}

function whole(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
