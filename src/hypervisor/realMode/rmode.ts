import { RFLAGS } from '../../hardware/processor/controlRegisters';
import type { Processor } from '../../hardware/processor/processor';
import { SEGMENT, SEGMENT_RIGHTS, segmentNames } from '../../hardware/segments/segmentRegisters';
import { virtual8086Segments } from '../../hardware/segments/virtual8086';
import { VMCS } from '../../hardware/vmx/vmcs';
import { GuestBytes } from './guestBytes';
import { PrivateSlot } from './privateSlot';
import type { VirtualMachine } from '../virtualMachine';

const ACTIVE = 0;
/** Selector, access rights, limit, base of the guest's TR. */
const TASK = 1;
const TASK_WORDS = 5;
/** The guest's I/O privilege level, in place. */
const IOPL = TASK + TASK_WORDS;
const RIGHTS = IOPL + 1;
const WORDS = RIGHTS + virtual8086Segments.length;

/** SDM Vol. 3, "Checks on Guest Segment Registers": what each segment has in virtual-8086 mode. */
const VIRTUAL_8086 = { limit: 0xffff, rights: 0xf3 } as const;
const SELECTOR_SHIFT = 4;
const RPL = 3;
/** Their DPL is the CPL, which is 0. */
const keepsDpl: readonly number[] = [SEGMENT.cs, SEGMENT.ss];
/** Exceptions of every vector exit: none can be delivered by a protected-mode IDT that the guest does not have. */
const EVERY_EXCEPTION = -1;

/** KVM's default, with the page that identity-maps the first 4 GBytes just below: KVM_SET_IDENTITY_MAP_ADDR, KVM_SET_TSS_ADDR. */
export const IDENTITY_MAP_GFN = 0xfffbc;
const TSS_GFN = IDENTITY_MAP_GFN + 1;
/** So that scenario's slots keep their ids: KVM's private slots have ids above those of the VMM process's. */
const TSS_SLOT_ID = 1001;
const TSS_PAGES = 3;
const BUSY_TSS = 0x8b;
const BASE_BYTES = 0x68;
const REDIRECTION_BYTES = 256 / 8;
const PORT_BYTES = 65536 / 8;
const TSS_BYTES = BASE_BYTES + REDIRECTION_BYTES + PORT_BYTES + 1;
const MAP_BASE_AT = 0x66;
const TERMINATOR = 0xff;

const segmentFields = virtual8086Segments.map((segment) => {
  const name = segmentNames[segment];
  return {
    selector: VMCS[`guest_${name}_selector`], base: VMCS[`guest_${name}_base`],
    limit: VMCS[`guest_${name}_limit`], rights: VMCS[`guest_${name}_access_rights`],
  };
});

/**
 * One virtual CPU whose guest is in real-address mode, where a VM entry cannot go without "unrestricted guest" (KVM's `rmode`):
 * the processor runs it in virtual-8086 mode, with CR0.PE and PG 1. What that takes from the guest is kept here. SDM Vol. 3,
 * "Restrictions on VMX Operation", "Virtual-8086 Mode".
 */
export class Rmode {
  private readonly words: Int32Array;
  private readonly tss: PrivateSlot;
  /** The guest's memory, for what is emulated. */
  readonly bytes: GuestBytes;

  /** `exceptions`: the exception bitmap that the guest has otherwise. */
  constructor(vm: VirtualMachine, private readonly processor: Processor, private readonly exceptions: number) {
    this.words = vm.host.registry.block(`cpu${processor.cpu}.rmode`, WORDS);
    this.tss = new PrivateSlot(vm, { id: TSS_SLOT_ID, baseGfn: TSS_GFN, pages: TSS_PAGES });
    this.bytes = new GuestBytes(vm.host.memory, vm.memory, processor.cpu);
  }

  /** KVM's vm86_active. */
  get isActive(): boolean {
    return this.words[ACTIVE] === 1;
  }

  /** Has every segment what virtual-8086 mode asks for: a base of selector × 16, 64 KBytes? */
  get fits(): boolean {
    const { vmcs } = this.processor;
    return segmentFields.every(({ selector, base, limit }) => (
      vmcs[base] === (vmcs[selector]! & 0xffff) << SELECTOR_SHIFT && vmcs[base + 1] === 0 && vmcs[limit] === VIRTUAL_8086.limit
    ));
  }

  /** A guest that began in protected mode has none: its CS, which only a far jump loads, never fits. */
  get hasTss(): boolean {
    return this.tss.isThere;
  }

  /**
   * Makes the TSS of the VM, once, before a guest runs that begins in real-address mode: no bit of its redirection map is set,
   * so that INT n stays in the guest, and none of its I/O map, so that ports exit by the controls. False: no host memory.
   */
  makeTss(): boolean {
    const { tss } = this;
    if (tss.isThere) return true;
    if (!tss.add()) return false;
    tss.write(MAP_BASE_AT & ~3, (BASE_BYTES + REDIRECTION_BYTES) << 16);
    const last = TSS_BYTES - 1;
    tss.write(last & ~3, TERMINATOR << (8 * (last & 3)));
    return true;
  }

  /** Keeps what virtual-8086 mode has no room for. */
  keep(): void {
    const { words, processor: { vmcs } } = this;
    words[ACTIVE] = 1;
    words.set([VMCS.guest_tr_selector, VMCS.guest_tr_access_rights, VMCS.guest_tr_limit, VMCS.guest_tr_base, VMCS.guest_tr_base + 1]
      .map((field) => vmcs[field]!), TASK);
    words[IOPL] = vmcs[VMCS.guest_rflags]! & RFLAGS.iopl;
    segmentFields.forEach(({ rights }, index) => { words[RIGHTS + index] = vmcs[rights]!; });
  }

  /** Gives the processor virtual-8086 mode at its next entry. */
  enter(): void {
    const { processor: { vmcs } } = this;
    this.setTask(0, BUSY_TSS, TSS_BYTES - 1, TSS_GFN << 12, 0);
    for (const { rights } of segmentFields) vmcs[rights] = VIRTUAL_8086.rights;
    vmcs[VMCS.guest_rflags]! |= RFLAGS.VM | RFLAGS.iopl;
    vmcs[VMCS.exception_bitmap] = EVERY_EXCEPTION;
  }

  /**
   * Takes it back: the segments keep base and limit, as real-address mode leaves them to protected mode. A selector of then may
   * have any RPL, and a VM entry wants a data segment's DPL not below it: KVM's fix_pmode_seg.
   */
  leave(): void {
    const { words, processor: { vmcs } } = this;
    this.setTask(words[TASK]!, words[TASK + 1]!, words[TASK + 2]!, words[TASK + 3]!, words[TASK + 4]!);
    segmentFields.forEach((fields, index) => {
      const rights = words[RIGHTS + index]!;
      vmcs[fields.rights] = keepsDpl.includes(virtual8086Segments[index]!) ? rights : withDpl(rights, vmcs[fields.selector]! & RPL);
    });
    vmcs[VMCS.guest_rflags] = this.guestFlags;
    vmcs[VMCS.exception_bitmap] = this.exceptions;
    words[ACTIVE] = 0;
  }

  /** RFLAGS as the guest's own machine would have them. */
  get guestFlags(): number {
    return (this.processor.vmcs[VMCS.guest_rflags]! & ~(RFLAGS.VM | RFLAGS.iopl)) | this.words[IOPL]!;
  }

  private setTask(selector: number, rights: number, limit: number, baseLo: number, baseHi: number): void {
    const { vmcs } = this.processor;
    vmcs[VMCS.guest_tr_selector] = selector;
    vmcs[VMCS.guest_tr_access_rights] = rights;
    vmcs[VMCS.guest_tr_limit] = limit;
    vmcs[VMCS.guest_tr_base] = baseLo;
    vmcs[VMCS.guest_tr_base + 1] = baseHi;
  }
}

function withDpl(rights: number, dpl: number): number {
  return (rights & ~(SEGMENT_RIGHTS.dplMask << SEGMENT_RIGHTS.dplShift)) | (dpl << SEGMENT_RIGHTS.dplShift);
}

/** The segment that the stack is in, of those fields. */
export const STACK_SEGMENT = segmentFields[virtual8086Segments.indexOf(SEGMENT.ss)]!;
