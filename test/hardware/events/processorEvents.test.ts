import { strict as assert } from 'node:assert';
import type { Tlb } from '../../../src/hardware/caches/tlb';
import { EventBus } from '../../../src/hardware/events/eventBus';
import { ACTOR, type EventName, eventKinds, KIND, KIND_AT } from '../../../src/hardware/events/eventTable';
import { ProcessorEvents } from '../../../src/hardware/events/processorEvents';
import type { PendingOperation } from '../../../src/hardware/processor/rootMode';
import { VMCB } from '../../../src/hardware/svm/vmcb';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { VMCS } from '../../../src/hardware/vmx/vmcs';
import { type Fields, type Pair, wholeRecord } from './wholeRecord';

const CPU = 3;
/** Pairs whose halves cannot be taken for one another, nor for another pair's. */
const A: Pair = [0x1111_1234, 0x2222_5678];
const B: Pair = [0x3333_1234, 0x4444_5678];
const C: Pair = [0x5555_1234, 0x6666_5678];
const D: Pair = [0x7777_1234, 0x0888_5678];

function pending(size: number): PendingOperation {
  return {
    operation: 2, gvaLo: A[0], gvaHi: A[1], size, operandLo: 0x8765_4321 | 0, operandHi: 0x0fed_cba9,
  } as unknown as PendingOperation;
}

/** A line of 2 MBytes. */
const tlb = {
  shift: () => 21, targetLo: () => 0x4020_0000, targetHi: () => 0x11, hpaLo: () => 0x0060_0000, hpaHi: () => 0x22,
} as unknown as Tlb;

function words(places: Record<string, number>, values: Readonly<Record<string, Pair | number>>): Int32Array {
  // What no event tells of is there too: it must not be taken for what one does.
  const block = new Int32Array(1024).map((_, index) => -index - 1);
  for (const [name, value] of Object.entries(values)) {
    const at = places[name]!;
    [block[at], block[at + 1]] = typeof value === 'number' ? [value, 0] : [value[0], value[1]];
  }
  return block;
}
const vmcs = (values: Readonly<Partial<Record<keyof typeof VMCS, Pair | number>>>): Int32Array => words(VMCS, values);
const vmcb = (values: Readonly<Partial<Record<keyof typeof VMCB, Pair | number>>>): Int32Array => words(VMCB, values);

/** What of a VMCS an exit tells, whatever its reason. */
const exit = (reason: number, information = 0): Int32Array => vmcs({
  exit_reason: reason, exit_qualification: A, guest_linear_address: B, guest_physical_address: C,
  exit_interruption_info: information, exit_interruption_error_code: 0x55,
});
const told = (reason: number, gva: Pair, vector = 0, address = gva): Fields => ({ reason, qualification: A, gva, gpa: C, address, vector, code: 0x55 });

type Told = readonly [kind: EventName, actor: keyof typeof ACTOR, fields: Fields];
interface Case {
  readonly about: string;
  readonly act: (events: ProcessorEvents) => void;
  readonly tells: readonly Told[];
}

const operands: readonly Case[] = ([[1, [0x21, 0]], [2, [0x4321, 0]], [4, [0x8765_4321 | 0, 0]], [8, [0x8765_4321 | 0, 0x0fed_cba9]]] as const).flatMap(
  ([size, value]): Case[] => [
    {
      about: `an access of ${size} bytes`, act: (events) => events.access(pending(size), 7),
      tells: [['access', 'guest', { gva: A, value, size, what: 2, code: 7 }]],
    },
    {
      about: `what came of an access of ${size} bytes`, act: (events) => events.accessDone(pending(size), ...B, 0x8765_4321 | 0, 0x0fed_cba9, -1, -1),
      tells: [['access_done', 'guest', { gva: A, hpa: B, value, old: size === 8 ? [-1, -1] : [size === 4 ? -1 : (1 << 8 * size) - 1, 0], size, what: 2 }]],
    },
    {
      about: `an access of the processor's own of ${size} bytes`, act: (events) => events.implicitAccess(...A, ...B, 0x8765_4321 | 0, 0x0fed_cba9, size, 3),
      tells: [['implicit_access', 'guest', { gva: A, hpa: B, value, size, what: 3 }]],
    },
  ]);

const IN_LINE = { gva: [0x1111_1234, 0x2222_5678], gpa: [0x4031_1234, 0x11], hpa: [0x0071_1234, 0x22], index: 9 } as const;
const PAGE_FAULT = 14;
const cases: readonly Case[] = [
  ...operands,
  { about: 'a hit', act: (events) => events.tlbHit(tlb, 9, ...A), tells: [['tlb_hit', 'walker', IN_LINE]] },
  { about: 'a hit in L2', act: (events) => events.tlbL2Hit(tlb, 9, ...A), tells: [['tlb_l2_hit', 'walker', IN_LINE]] },
  {
    about: 'a stale hit', act: (events) => events.staleTlbHit(tlb, 9, ...A, 0, ...B),
    tells: [['stale_tlb_hit', 'walker', { ...IN_LINE, what: 0, address: B }]],
  },
  { about: 'a miss', act: (events) => events.tlbMiss(...A), tells: [['tlb_miss', 'walker', { gva: A }]] },
  { about: 'a fill', act: (events) => events.tlbFill(tlb, 9, ...A, 2), tells: [['tlb_fill', 'walker', { ...IN_LINE, level: 2 }]] },
  { about: 'a flush', act: (events) => events.tlbFlush(ACTOR.vmm, 4, ...A), tells: [['tlb_flush', 'vmm', { gva: A, what: 4 }]] },
  { about: 'a page fault', act: (events) => events.pageFault(...A, 14, 7, 2), tells: [['page_fault', 'walker', { gva: A, vector: 14, code: 7, level: 2 }]] },
  { about: 'an exception', act: (events) => events.exceptionDelivered(...A, 13, 8), tells: [['exception_delivered', 'guest', { gva: A, vector: 13, code: 8 }]] },
  { about: 'an interrupt', act: (events) => events.interruptDelivered(0x41), tells: [['interrupt_delivered', 'guest', { vector: 0x41 }]] },
  { about: 'a triple fault', act: (events) => events.tripleFault(...A, 8, 9), tells: [['triple_fault', 'guest', { gva: A, vector: 8, code: 9 }]] },
  { about: 'an IPI', act: (events) => events.ipi(2, 0x41, 4), tells: [['ipi', 'device', { index: 2, vector: 0x41, what: 4 }]] },
  { about: 'a MOV to CR', act: (events) => events.crWrite(3, ...A), tells: [['cr_write', 'guest', { index: 3, value: A }]] },
  { about: 'a write of a register', act: (events) => events.registerWrite(5, ...A, ...B), tells: [['register_write', 'guest', { index: 5, value: A, old: B }]] },
  { about: 'an instruction', act: (events) => events.systemInstruction(13, 7, ...A), tells: [['system_instruction', 'guest', { what: 13, index: 7, value: A }]] },
  { about: 'INVLPG', act: (events) => events.invlpg(...A), tells: [['invlpg', 'guest', { gva: A }]] },
  {
    about: 'an EPT violation, which exits', act: (events) => events.vmExit(exit(EXIT_REASON.ept_violation)),
    tells: [['ept_violation', 'walker', told(EXIT_REASON.ept_violation, B, 0, C)], ['vm_exit', 'guest', told(EXIT_REASON.ept_violation, B, 0, C)]],
  },
  {
    about: 'an EPT misconfiguration, which exits', act: (events) => events.vmExit(exit(EXIT_REASON.ept_misconfiguration)),
    tells: [['ept_misconfiguration', 'walker', told(EXIT_REASON.ept_misconfiguration, B, 0, C)], ['vm_exit', 'guest', told(EXIT_REASON.ept_misconfiguration, B, 0, C)]],
  },
  { about: 'an exit', act: (events) => events.vmExit(exit(EXIT_REASON.cpuid)), tells: [['vm_exit', 'guest', told(EXIT_REASON.cpuid, B)]] },
  {
    about: 'an exit of INVLPG, whose qualification is the linear address', act: (events) => events.vmExit(exit(EXIT_REASON.invlpg)),
    tells: [['vm_exit', 'guest', told(EXIT_REASON.invlpg, A)]],
  },
  {
    about: 'an exit of a page fault, whose qualification is the linear address',
    act: (events) => events.vmExit(exit(EXIT_REASON.exception_nmi, 0x8000_0b00 | PAGE_FAULT)),
    tells: [['vm_exit', 'guest', told(EXIT_REASON.exception_nmi, A, PAGE_FAULT)]],
  },
  {
    about: 'an exit of another exception', act: (events) => events.vmExit(exit(EXIT_REASON.exception_nmi, 0x8000_0b0d)),
    tells: [['vm_exit', 'guest', told(EXIT_REASON.exception_nmi, B, 13)]],
  },
  {
    about: 'an exit of an interrupt that happens to have the number of the page fault', act: (events) => events.vmExit(exit(EXIT_REASON.external_interrupt, 0x8000_000e)),
    tells: [['vm_exit', 'guest', told(EXIT_REASON.external_interrupt, B, PAGE_FAULT)]],
  },
  { about: 'a VM entry', act: (events) => events.vmEntry(vmcs({ guest_cr3: A, eptp: B })), tells: [['vm_entry', 'vmm', { value: A, address: B }]] },
  { about: 'VMRUN', act: (events) => events.vmrun(vmcb({ guest_cr3: A, n_cr3: B })), tells: [['vm_entry', 'vmm', { value: A, address: B }]] },
  ...([
    ['a nested page fault', 0x400, EXIT_REASON.npf, { gpa: B, address: B }],
    ['INVLPG', 0x79, EXIT_REASON.invlpg, { gva: A, address: A }],
    ['a page fault', 0x4e, EXIT_REASON.exception_nmi, { gva: B, address: B, vector: 14, code: A[0] }],
    ['another exception', 0x4d, EXIT_REASON.exception_nmi, { vector: 13, code: A[0] }],
    ['an intercepted access', 0xbf, EXIT_REASON.interpreted_access, { gva: B, address: B }],
    ['an NMI', 0x61, EXIT_REASON.exception_nmi, { vector: 2, code: A[0] }],
    ['CPUID', 0x72, EXIT_REASON.cpuid, {}],
  ] as const).map(([cause, code, reason, more]): Case => ({
    about: `#VMEXIT of ${cause}`, act: (events) => events.svmExit(vmcb({ exitcode: code, exitinfo1: A, exitinfo2: B }), reason),
    tells: [['vm_exit', 'guest', { reason, qualification: A, ...more }]],
  })),
];

describe('what a processor tells', () => {
  for (const { about, act, tells } of cases) {
    it(`of ${about} is every field that its kind has, and nothing else`, () => {
      const bus = new EventBus();
      const heard: number[][] = [];
      bus.listen((record) => heard.push([...record]), 'all');
      const events = new ProcessorEvents(bus, CPU);
      // A record before it, full of other things: nothing of it stays.
      events.accessDone(pending(8), ...D, ...D, ...D);
      heard.length = 0;
      act(events);
      assert.deepEqual(heard, tells.map(([kind, actor, fields]) => wholeRecord(kind, actor, CPU, fields)));
    });

    it(`of ${about} is told nobody who did not ask for its kind`, () => {
      const bus = new EventBus();
      const kinds = eventKinds.map((_, kind) => kind).filter((kind) => !tells.some(([name]) => KIND[name] === kind));
      bus.listen((record) => assert.fail(`kind ${record[KIND_AT]}`), kinds);
      act(new ProcessorEvents(bus, CPU));
    });
  }
});
