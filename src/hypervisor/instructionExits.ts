import { OPERATION } from '../hardware/paging/accessKinds';
import { cpuid } from '../hardware/processor/cpuid';
import { MSR } from '../hardware/processor/msrNumbers';
import { EFER } from '../hardware/processor/controlRegisters';
import type { Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';
import { RESUME } from '../hardware/processor/rootMode';
import type { ControlBlock, ControlledVcpu } from './controlBlock';
import { injectGeneralProtection } from './injection';
import { give, line, when, type ListingFrame, type ListingNode, type ListingProcedure } from './listing';

const EAX = 2 * REGISTER.rax;
const EBX = 2 * REGISTER.rbx;
const ECX = 2 * REGISTER.rcx;
const EDX = 2 * REGISTER.rdx;
/** Of CPUID: AMD's features. */
const FEATURES_LEAF = 0x8000_0001 | 0;
/** What KVM answers to a hypercall that it does not know, and to one from user mode. */
const KVM_ENOSYS = -1000;
const KVM_EPERM = -1;

/** The hypervisor on whose behalf an instruction that exited is done. */
export interface InstructionOwner extends ControlledVcpu {
  /** EFER as the guest has it: its low half. */
  readonly efer: number;
  /** The guest has written another value to EFER, and what hangs on it is made anew. Gives a `RESUME`. */
  setEfer(lo: number): number;
}

type Owned<V> = ListingProcedure<V>;

/** CPUID, for the listing of a hypervisor `V`. Gives a `RESUME`, as all of these do. */
export function emulateCpuid<V extends InstructionOwner>({ words, hiddenCpuid }: ControlBlock): Owned<V> {
  return {
    name: 'kvm_emulate_cpuid',
    purpose: `CPUID: the guest is told of the processor it has, which here is all of the host's but ${words.hidden}.`,
    values: [{ name: 'leaf', kind: 'number' }, { name: 'subleaf', kind: 'number' }],
    parameters: 0,
    body: [
      line('leaf = EAX, subleaf = ECX', {}, ({ processor: { registers } }, f) => {
        f.set(0, registers[EAX]!, 0);
        f.set(1, registers[ECX]!, 0);
      }),
      line('EAX, EBX, ECX, EDX = that leaf', { writes: ['registers'] }, ({ processor }, f) => {
        const { registers, features, apicId, settings: { vendor, maxphyaddr } } = processor;
        const found = cpuid({ cpu: apicId, vendor, maxphyaddr, features, cr4: processor.visibleLo(REGISTER.cr4) }, f.lo(0), f.lo(1));
        const hidden = f.lo(0) === FEATURES_LEAF ? hiddenCpuid : 0;
        for (const [at, value] of [[EAX, found.eax], [EBX, found.ebx], [ECX, found.ecx & ~hidden], [EDX, found.edx]] as const) {
          registers[at] = value;
          registers[at + 1] = 0;
        }
      }),
      give('to the guest, behind the instruction', RESUME.completed),
    ],
  };
}

/** HLT. */
export function emulateHalt<V extends InstructionOwner>(control: ControlBlock): Owned<V> {
  return {
    name: 'kvm_emulate_halt',
    purpose: 'HLT: the vCPU has nothing to do until an interrupt comes for it.',
    values: [],
    parameters: 0,
    body: [
      line(control.words.halt, { writes: control.haltWrites }, (vmm) => control.halt(vmm)),
      give('behind the instruction; the vCPU waits', RESUME.completed),
    ],
  };
}

const IO = { port: 0, size: 1, is_in: 2 } as const;

/** IN and OUT. */
export function handleIo<V extends InstructionOwner>(control: ControlBlock): Owned<V> {
  return {
    name: control.words.names.io,
    purpose: 'IN or OUT: a matter of the VMM process, which has the devices. Where none is, ones are read.',
    values: [{ name: 'port', kind: 'number' }, { name: 'size', kind: 'number' }, { name: 'is_in', kind: 'number' }],
    parameters: 0,
    body: [
      line(`port, size, is_in = ${control.words.io}`, {}, ({ processor }, f) => {
        const { port, size, isIn } = control.io(processor);
        f.set(IO.port, port, 0);
        f.set(IO.size, size, 0);
        f.set(IO.is_in, isIn, 0);
      }),
      when('is_in', (_, f) => f.lo(IO.is_in) !== 0, [
        line('AL, AX or EAX = what the device at port gives', { writes: ['registers'] }, ({ processor }, f) => input(processor, f)),
        give('to the guest, behind the instruction', RESUME.completed),
      ]),
      line('the device at port takes AL, AX or EAX', {}, ({ processor: { registers, ports } }, f) => {
        const size = f.lo(IO.size);
        const value = size === 4 ? registers[EAX]! >>> 0 : registers[EAX]! & ((1 << (size << 3)) - 1);
        ports.deviceAt(f.lo(IO.port), size)?.write(f.lo(IO.port), size, value);
      }),
      give('to the guest, behind the instruction', RESUME.completed),
    ],
  };
}

function input({ registers, ports }: Processor, f: ListingFrame): void {
  const size = f.lo(IO.size);
  const value = (ports.deviceAt(f.lo(IO.port), size)?.read(f.lo(IO.port), size) ?? -1) | 0;
  const keeps = size === 4 ? 0 : -1 << (size << 3);
  registers[EAX] = (registers[EAX]! & keeps) | (value & ~keeps);
  if (size === 4) registers[EAX + 1] = 0;
}

const M = { msr: 0, value: 1, taken: 2 } as const;

/** RDMSR of an MSR that is not passed through. */
export function emulateRdmsr<V extends InstructionOwner>(control: ControlBlock): Owned<V> {
  return {
    name: 'kvm_emulate_rdmsr',
    purpose: 'RDMSR of an MSR that the hypervisor keeps for the guest: EFER, the local APIC\'s.',
    values: [{ name: 'msr', kind: 'number' }, { name: 'value', kind: 'number' }],
    parameters: 0,
    body: [
      line('msr = ECX', {}, ({ processor }, f) => f.set(M.msr, msrOf(processor), 0)),
      when('the guest has no such MSR', (vmm, f) => valueOf(vmm, f.lo(M.msr)) === undefined, generalProtection(control)),
      line('value = what it holds', {}, (vmm, f) => {
        const [lo, hi] = valueOf(vmm, f.lo(M.msr)) ?? [0, 0];
        f.set(M.value, lo, hi);
      }),
      line('EDX:EAX = value', { writes: ['registers'] }, ({ processor }, f) => {
        const { registers, pending } = processor;
        processor.valueLo = f.lo(M.value);
        processor.valueHi = f.hi(M.value);
        if (pending.operation === OPERATION.readRegister) return;
        registers[EAX] = f.lo(M.value);
        registers[EAX + 1] = 0;
        registers[EDX] = f.hi(M.value);
        registers[EDX + 1] = 0;
      }),
      give('to the guest, behind the instruction', RESUME.completed),
    ],
  };
}

/** WRMSR of an MSR that is not passed through. An IPI is one: the write of the interrupt command register. */
export function emulateWrmsr<V extends InstructionOwner>(control: ControlBlock): Owned<V> {
  return {
    name: 'kvm_emulate_wrmsr',
    purpose: 'WRMSR of an MSR that the hypervisor keeps for the guest. Of the local APIC\'s, one sends IPIs.',
    values: [{ name: 'msr', kind: 'number' }, { name: 'value', kind: 'number' }, { name: 'taken', kind: 'number' }],
    parameters: 0,
    body: [
      line('msr = ECX, value = EDX:EAX', {}, ({ processor }, f) => {
        f.set(M.msr, msrOf(processor), 0);
        f.set(M.value, processor.pending.operandLo, processor.pending.operandHi);
      }),
      when('msr is EFER', (_, f) => f.lo(M.msr) === (MSR.efer | 0), [
        when('EFER does not take value', ({ processor }, f) => refusesEfer(control, processor, f), generalProtection(control)),
        give('guest EFER = value, LMA as it is; and what follows from EFER', (vmm, f) => vmm.setEfer((f.lo(M.value) & ~EFER.LMA) | (vmm.efer & EFER.LMA)), {
          writes: [control.block, 'registers', 'vcpu'],
        }),
      ]),
      line('taken = the MSR takes value; an IPI arrives as it is sent', { writes: ['apic', 'msrs'] }, ({ processor }, f) => {
        f.set(M.taken, takes(processor, f) ? 1 : 0, 0);
      }),
      when('it was not: the guest has no such MSR, or value breaks a rule of it', (_, f) => f.lo(M.taken) === 0, generalProtection(control)),
      give('to the guest, behind the instruction', RESUME.completed),
    ],
  };
}

/** Hypercalls that a hypervisor knows: lines by value 0, nr, and values of their own from 2 on. */
export interface KnownHypercalls<V> {
  readonly purpose: string;
  readonly values: ListingProcedure<V>['values'];
  readonly lines: readonly ListingNode<V>[];
}

/** VMCALL. */
export function emulateHypercall<V extends InstructionOwner>(known?: KnownHypercalls<V>): Owned<V> {
  return {
    name: 'kvm_emulate_hypercall',
    purpose: known?.purpose ?? 'VMCALL: the number in RAX is one that this hypervisor does not know, and user mode may not call at all.',
    values: [{ name: 'nr', kind: 'number' }, { name: 'ret', kind: 'number' }, ...(known?.values ?? [])],
    parameters: 0,
    body: [
      line('nr = RAX; ret = -KVM_ENOSYS, at a CPL above 0 -KVM_EPERM', {}, ({ processor }, f) => {
        f.set(0, processor.registers[EAX]!, processor.registers[EAX + 1]!);
        f.set(1, processor.level === 0 ? KVM_ENOSYS : KVM_EPERM, -1);
      }),
      ...(known?.lines ?? []),
      line('RAX = ret', { writes: ['registers'] }, ({ processor: { registers } }, f) => {
        registers[EAX] = f.lo(1);
        registers[EAX + 1] = f.hi(1);
      }),
      give('to the guest, behind the instruction', RESUME.completed),
    ],
  };
}

function generalProtection<V extends InstructionOwner>({ block, words }: ControlBlock): Owned<V>['body'] {
  return [
    line(`${words.injection} = #GP(0)`, { writes: [block] }, ({ processor }) => injectGeneralProtection(processor)),
    give(`to the guest, whose ${words.entry} delivers the fault`, RESUME.retry),
  ];
}

/** A bit of a feature that the guest is not told of is reserved. */
function refusesEfer({ hiddenEfer }: ControlBlock, processor: Processor, f: ListingFrame): boolean {
  return (f.lo(M.value) & hiddenEfer) !== 0 || processor.brokenRule(REGISTER.efer, f.lo(M.value), f.hi(M.value)) !== undefined;
}

/** A scenario also names EFER as a register, and its MOV is a WRMSR that needs no other one. */
function msrOf({ registers, pending }: Processor): number {
  const isByName = pending.operation === OPERATION.writeRegister || pending.operation === OPERATION.readRegister;
  return isByName ? MSR.efer | 0 : registers[ECX]!;
}

function valueOf({ efer, processor: { registers, msrs } }: InstructionOwner, msr: number): readonly [number, number] | undefined {
  if (msr === (MSR.efer | 0)) return [efer, 0];
  const source = msrs.at(msr)?.source;
  if (source?.kind === 'register') return [registers[2 * source.register]!, registers[2 * source.register + 1]!];
  return source?.read?.();
}

/** Writes the MSR; false, and nothing done, when it is none or refuses. */
function takes({ msrs }: Processor, f: ListingFrame): boolean {
  const source = msrs.at(f.lo(M.msr))?.source;
  return source?.kind === 'functions' && (source.write?.(f.lo(M.value), f.hi(M.value)) ?? false);
}
