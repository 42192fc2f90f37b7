import { DELIVERY_MODE } from './deliveryMode';
import type { Interconnect } from './interconnect';
import { interruptCommand, SHORTHAND, storedCommand } from './interruptCommand';
import { APIC_ERROR, FIRST_INTERRUPT, type LocalApic } from './localApic';
import type { ModelSpecificRegister, MsrSource } from '../processor/modelSpecificRegisters';
import type { ProcessorEvents } from '../events/processorEvents';

/** MSRs of the local APIC. SDM Vol. 3, "x2APIC Register Address Space". */
export const APIC_MSR = {
  base: 0x1b, id: 0x802, version: 0x803, tpr: 0x808, ppr: 0x80a, eoi: 0x80b, ldr: 0x80d, svr: 0x80f,
  isr0: 0x810, tmr0: 0x818, irr0: 0x820, esr: 0x828, icr: 0x830, selfIpi: 0x83f,
} as const;
const VECTOR_WORDS = 8;
/** Integrated APIC, with no entry in a local vector table. */
const VERSION = 0x15;
/** x2APIC mode, which is the only one here; bit 8 marks CPU 0 as the one that boots. */
const BASE_LO = 0xfee0_0c00 | 0;
const BOOTSTRAP = 1 << 8;

/** What a write comes to. */
export type ApicWrite = 'done' | 'refused';

interface ApicRegister {
  readonly msr: number;
  readonly name: string;
  /** Left out: reading is #GP(0). */
  readonly read?: (apic: LocalApic) => readonly [lo: number, hi: number];
  /** Bits that must be 0 in the low half; the high half must be 0 but for the ICR's. */
  readonly reserved?: number;
  /** Left out: writing is #GP(0). */
  readonly write?: (apic: LocalApic, lo: number, hi: number, send: Sender) => ApicWrite;
}

type Sender = (lo: number, hi: number) => ApicWrite;

const byte = ~0xff;
const words = (name: string, first: number, read: (apic: LocalApic, index: number) => number): readonly ApicRegister[] =>
  Array.from({ length: VECTOR_WORDS }, (_, index) => ({
    msr: first + index, name: `${name} ${32 * index + 31}:${32 * index}`, read: (apic: LocalApic) => [read(apic, index), 0] as const,
  }));

const registers: readonly ApicRegister[] = [
  {
    msr: APIC_MSR.base, name: 'base', read: (apic) => [BASE_LO | (apic.id === 0 ? BOOTSTRAP : 0), 0],
    // Leaving x2APIC mode is not simulated: only what stands there may be written.
    write: (apic, lo, hi) => (lo === (BASE_LO | (apic.id === 0 ? BOOTSTRAP : 0)) && hi === 0 ? 'done' : 'refused'),
  },
  { msr: APIC_MSR.id, name: 'ID', read: (apic) => [apic.id, 0] },
  { msr: APIC_MSR.version, name: 'version', read: () => [VERSION, 0] },
  {
    msr: APIC_MSR.tpr, name: 'task priority', reserved: byte, read: (apic) => [apic.taskPriority, 0],
    write: (apic, lo) => {
      apic.taskPriority = lo;
      return 'done';
    },
  },
  { msr: APIC_MSR.ppr, name: 'processor priority', read: (apic) => [apic.processorPriority, 0] },
  {
    msr: APIC_MSR.eoi, name: 'EOI', reserved: -1,
    write: (apic) => {
      apic.endOfInterrupt();
      return 'done';
    },
  },
  { msr: APIC_MSR.ldr, name: 'logical destination', read: (apic) => [apic.logicalId, 0] },
  {
    msr: APIC_MSR.svr, name: 'spurious-interrupt vector', reserved: ~0x11ff, read: (apic) => [apic.spurious, 0],
    write: (apic, lo) => {
      apic.spurious = lo;
      return 'done';
    },
  },
  ...words('in service', APIC_MSR.isr0, (apic, index) => apic.service(index)),
  // IPIs are edge-triggered.
  ...words('trigger mode', APIC_MSR.tmr0, () => 0),
  ...words('interrupt request', APIC_MSR.irr0, (apic, index) => apic.request(index)),
  {
    msr: APIC_MSR.esr, name: 'error status', reserved: -1, read: (apic) => [apic.errors, 0],
    write: (apic) => {
      apic.latchErrors();
      return 'done';
    },
  },
  {
    msr: APIC_MSR.icr, name: 'interrupt command', read: (apic) => [apic.commandLo, apic.commandHi],
    write: (_, lo, hi, send) => send(lo, hi),
  },
  {
    msr: APIC_MSR.selfIpi, name: 'self IPI', reserved: byte,
    write: (_, lo, __, send) => send(lo | DELIVERY_MODE.fixed << 8 | SHORTHAND.self << 18, 0),
  },
];

/** The local APIC of x2APIC mode as MSRs. What the manual does not give, or this APIC has not, is no MSR: #GP(0). */
export class X2apicMsrs {
  /** Rows for the table of MSRs. */
  readonly rows: readonly ModelSpecificRegister[];

  constructor(private readonly apic: LocalApic, private interconnect: Interconnect, private readonly events: ProcessorEvents) {
    this.rows = registers.map((row) => ({ index: row.msr, name: `local APIC ${row.name}`, source: this.sourceOf(row) }));
  }

  useInterconnect(interconnect: Interconnect): void {
    this.interconnect = interconnect;
  }

  private sourceOf({ msr, read, write, reserved = 0 }: ApicRegister): MsrSource {
    const { apic } = this;
    return {
      kind: 'functions',
      ...(read === undefined ? {} : { read: () => read(apic) }),
      ...(write === undefined ? {} : {
        write: (lo: number, hi: number) => {
          if ((lo & reserved) !== 0 || hi !== 0 && msr !== APIC_MSR.icr) return false;
          return write(apic, lo, hi, (commandLo, commandHi) => this.send(commandLo, commandHi)) === 'done';
        },
      }),
      refusal: (lo, hi) => refusal(msr, lo, hi),
    };
  }

  private send(lo: number, hi: number): ApicWrite {
    const { apic, events } = this;
    const verdict = interruptCommand(lo, hi);
    if (verdict.kind === 'refused') return 'refused';
    apic.setCommand(storedCommand(lo), hi);
    const { command } = verdict;
    if (command.mode === DELIVERY_MODE.fixed && command.vector < FIRST_INTERRUPT) {
      apic.noteError(APIC_ERROR.sendIllegalVector);
      return 'done';
    }
    this.interconnect.send(apic, command, (target) => events.ipi(target, command.vector, command.mode));
    return 'done';
  }
}

/** Why a write is refused, as a clause. */
function refusal(msr: number, lo: number, hi: number): string {
  if (msr === APIC_MSR.base) return 'the local APIC stays in x2APIC mode';
  const verdict = msr === APIC_MSR.icr ? interruptCommand(lo, hi) : undefined;
  return verdict?.kind === 'refused' ? verdict.reason : 'a reserved bit is set';
}
