import { EFER } from '../../hardware/processor/controlRegisters';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { DESCRIPTOR_TABLE, SEGMENT } from '../../hardware/segments/segmentRegisters';
import type { GuestMemory } from '../../hypervisor/guestMemory';
import { pagingModeOf, type PagingModeName } from '../../language/pagingModes';
import type { Handlers } from '../../language/virtualMachines';
import { EXCEPTION_VECTORS } from '../../language/virtualMachines';

/** Guest frames of the loader's, below 1 MiB: IDT, then of each CPU a page with GDT and TSS, then two stacks. */
const IDT_FRAME = 0x60;
const FIRST_CPU_FRAME = 0x61;
const FIRST_STACK_FRAME = 0x71;
/** So many CPUs have a place for theirs there. */
export const MOST_CPUS = 16;
const PAGE_BYTES = 4096;
const TSS_OFFSET = 0x800;
const TSS_LIMIT = 0x67;
const NO_IO_BITMAP = TSS_LIMIT + 1;
const GDT_LIMIT = 0x4f;
const VECTORS = 256;

/** Selectors of the loader's GDT; those of user mode with their RPL. */
export const SELECTOR = { kernelCode: 0x10, kernelData: 0x18, userData: 0x23, userCode: 0x2b, task: 0x40 } as const;
/** Bytes 5 and 6 of a descriptor. SDM Vol. 3, "Segment Descriptors". */
const ACCESS = { kernelCode: 0x9b, kernelData: 0x93, userData: 0xf3, userCode: 0xfb, busyTss: 0x8b } as const;
const FLAGS = { longCode: 0xa, big: 0xc } as const;
const INTERRUPT_GATE_64 = 0x8e;
const USER_GATE = 0x60;
/** Where the real-mode stack begins, in segment 0, and the segment of the real-mode handlers. */
const REAL_STACK = 0x7000;
const REAL_HANDLER_SEGMENT = 0xf000;
/** Linear address of the real-mode handler of vector 0, and bytes from one to the next: as the library's `bios` has them too. */
export const REAL_HANDLERS = { at: REAL_HANDLER_SEGMENT << 4, bytes: 16 } as const;

/** Bytes from one handler to the next outside real-address mode. */
export const HANDLER_BYTES = 16;

/** What event delivery finds in guest memory. */
export interface DeliveryImage {
  readonly paging: PagingModeName;
  /** `none`: paging is off at first, and linear addresses are physical ones. */
  readonly kernel: 'library' | 'none';
  readonly handlers: Handlers;
}

/**
 * `delivery memory`: puts GDT, IDT, TSS and stacks into guest memory, as a boot loader's kernel would, or in real-address
 * mode the interrupt vector table, and the registers on them. Only vectors with a handler have a gate; those of interrupts
 * may be called by INT n from user mode. SDM Vol. 3, "Interrupt Descriptor Table (IDT)", "Task-State Segment (TSS)".
 */
export function loadDeliveryTables(memory: PhysicalMemory, guestMemory: GuestMemory, processors: readonly Processor[], image: DeliveryImage): void {
  const write = (frame: number, offset: number, value: number): void => {
    const host = guestMemory.back(frame);
    memory.store32((host << 12) | offset, host >>> 20, value);
  };
  const vectors = vectorsOf(image.handlers);
  if (image.paging === 'none') {
    for (const { vector } of vectors) write(0, 4 * vector, (REAL_HANDLER_SEGMENT << 16) | (REAL_HANDLERS.bytes * vector));
    for (const { registers, segments } of processors) {
      segments.setTable(DESCRIPTOR_TABLE.idtr, 0, 0, 4 * VECTORS - 1);
      registers[2 * REGISTER.rsp] = REAL_STACK;
    }
    return;
  }
  const base = kernelBase(image.paging, image.kernel);
  const isLong = processors.some(({ registers }) => (registers[2 * REGISTER.efer]! & EFER.LMA) !== 0);
  for (const { vector, dpl } of vectors) writeGate(write, vector, dpl, base, isLong);
  processors.forEach(({ registers, segments, cpu }) => {
    const frame = FIRST_CPU_FRAME + cpu;
    const at = (where: number, offset = 0): bigint => base + BigInt(where * PAGE_BYTES + offset);
    writeGdt(write, frame, at(frame, TSS_OFFSET), isLong);
    const bootStack = FIRST_STACK_FRAME + 2 * cpu;
    const [top0Lo, top0Hi] = halves(at(bootStack + 2));
    write(frame, TSS_OFFSET + 4, top0Lo);
    write(frame, TSS_OFFSET + 8, isLong ? top0Hi : SELECTOR.kernelData);
    write(frame, TSS_OFFSET + 0x64, NO_IO_BITMAP << 16);
    segments.setTable(DESCRIPTOR_TABLE.gdtr, ...halves(at(frame)), GDT_LIMIT);
    segments.setTable(DESCRIPTOR_TABLE.idtr, ...halves(at(IDT_FRAME)), (isLong ? 16 : 8) * VECTORS - 1);
    const [tssLo, tssHi] = halves(at(frame, TSS_OFFSET));
    segments.set(SEGMENT.tr, { selector: SELECTOR.task, rights: ACCESS.busyTss, limit: TSS_LIMIT, baseLo: tssLo, baseHi: tssHi });
    const [stackLo, stackHi] = halves(at(bootStack + 1));
    registers[2 * REGISTER.rsp] = stackLo;
    registers[2 * REGISTER.rsp + 1] = isLong ? stackHi : 0;
  });
}

/** Linear address of the handler of vector 0 of a machine that does not begin in real-address mode. */
export function handlersOf({ paging, kernel }: Pick<DeliveryImage, 'paging' | 'kernel'>): { readonly lo: number; readonly hi: number } {
  const [lo, hi] = halves(kernelBase(paging, kernel));
  return { lo, hi };
}

function kernelBase(paging: PagingModeName, kernel: DeliveryImage['kernel']): bigint {
  return kernel === 'none' || paging === 'none' ? 0n : pagingModeOf(paging).directMap.base;
}

type Write = (frame: number, offset: number, value: number) => void;

function vectorsOf({ exceptions, interrupts }: Handlers): readonly { readonly vector: number; readonly dpl: number }[] {
  const own = Object.entries(EXCEPTION_VECTORS).filter(([name]) => exceptions[name as keyof typeof EXCEPTION_VECTORS] !== undefined);
  return [...own.map(([, vector]) => ({ vector, dpl: 0 })), ...[...interrupts.keys()].map((vector) => ({ vector, dpl: USER_GATE }))];
}

/** A handler's body is a procedure of the scenario: its address, one paragraph a vector in the kernel's part, is that by which it is known. */
function writeGate(write: Write, vector: number, dpl: number, base: bigint, isLong: boolean): void {
  const [lo, hi] = halves(base + BigInt(HANDLER_BYTES * vector));
  const at = (isLong ? 16 : 8) * vector;
  write(IDT_FRAME, at, (SELECTOR.kernelCode << 16) | (lo & 0xffff));
  write(IDT_FRAME, at + 4, (lo & ~0xffff) | ((INTERRUPT_GATE_64 | dpl) << 8));
  if (isLong) write(IDT_FRAME, at + 8, hi);
}

function writeGdt(write: Write, frame: number, tss: bigint, isLong: boolean): void {
  const [tssLo, tssHi] = halves(tss);
  const code = isLong ? FLAGS.longCode : FLAGS.big;
  const put = (selector: number, access: number, flags: number, base: number, limit: number): void => {
    const at = selector & ~7;
    write(frame, at, (base << 16) | (limit & 0xffff));
    write(frame, at + 4, ((base >>> 16) & 0xff) | (access << 8) | (limit & 0xf0000) | (flags << 20) | (base & 0xff00_0000));
  };
  put(SELECTOR.kernelCode, ACCESS.kernelCode, code, 0, 0xfffff);
  put(SELECTOR.kernelData, ACCESS.kernelData, FLAGS.big, 0, 0xfffff);
  put(SELECTOR.userData, ACCESS.userData, FLAGS.big, 0, 0xfffff);
  put(SELECTOR.userCode, ACCESS.userCode, code, 0, 0xfffff);
  put(SELECTOR.task, ACCESS.busyTss, 0, tssLo, TSS_LIMIT);
  write(frame, SELECTOR.task + 8, isLong ? tssHi : 0);
}

function halves(value: bigint): readonly [lo: number, hi: number] {
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}
