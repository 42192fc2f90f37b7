import { strict as assert } from 'node:assert';
import { KIND } from '../../../src/hardware/events/eventTable';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { ACTIVITY, REGISTER } from '../../../src/hardware/processor/registers';
import { COUNTER } from '../../../src/hardware/state/counters';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { PRIMARY, VMCS, type VmcsFieldName } from '../../../src/hardware/vmx/vmcs';
import { P, R, RW, TestMachine, US, W } from '../testMachine';
import { machineWithVmcs } from './goodVmcs';

/** A linear and a guest-physical address with bits in both halves. */
const HIGH = 0x7f12_3460_0000n;
const GPA = 0x80_4000_0000n;
const VALID = 1n << 31n;
const [PAGE_FAULT, GENERAL_PROTECTION] = [14, 13];

/** What an exit reports, and what most exits leave 0. */
const FIELDS = [
  'exit_qualification', 'guest_linear_address', 'guest_physical_address', 'exit_interruption_info', 'exit_interruption_error_code',
  'exit_instruction_info', 'exit_instruction_length', 'idt_vectoring_info', 'idt_vectoring_error_code',
] as const satisfies readonly VmcsFieldName[];
/** Those of more than 32 bits. */
const WIDE: readonly string[] = ['exit_qualification', 'guest_linear_address', 'guest_physical_address'];
type Report = Partial<Record<(typeof FIELDS)[number], bigint>>;

/** As an exit of everything before it would have left them. */
function poison({ processor }: TestMachine): void {
  for (const name of FIELDS) processor.vmcs.fill(0x5a5a_5a5a, VMCS[name], VMCS[name] + (WIDE.includes(name) ? 2 : 1));
}

function reported(machine: TestMachine): Report {
  return Object.fromEntries(FIELDS.map((name) => [name, machine.field(name)]));
}

function launched(primary = 0, exceptions = 0): TestMachine {
  const machine = machineWithVmcs({ primary });
  machine.vmcs({ exception_bitmap: exceptions });
  assert.equal(machine.processor.launch(), STATUS.done, machine.processor.stopReason);
  return machine;
}

/** A guest behind EPT that maps none of the page at GPA, or maps it so that it is misconfigured. */
function behindEpt(entry: bigint): TestMachine {
  const machine = new TestMachine();
  machine.map(HIGH, GPA, P | RW | US);
  machine.enterWithEpt();
  machine.mapEpt(GPA, 0n, entry);
  return machine;
}

interface Case {
  readonly about: string;
  readonly on: () => TestMachine;
  readonly act: (machine: TestMachine) => number;
  readonly reason: number;
  readonly reports: Report;
}

/** SDM Vol. 3, "VM-Exit Information Fields". */
const cases: readonly Case[] = [
  { about: 'CPUID', on: launched, act: ({ processor }) => processor.cpuid(), reason: EXIT_REASON.cpuid, reports: { exit_instruction_length: 2n } },
  {
    about: 'INVLPG of an address with a high half', on: () => launched(PRIMARY.invlpgExiting), act: (machine) => machine.invlpg(HIGH), reason: EXIT_REASON.invlpg,
    reports: { exit_qualification: HIGH, exit_instruction_length: 3n },
  },
  {
    about: 'a page fault at an address with a high half', on: () => launched(0, 1 << PAGE_FAULT), act: (machine) => machine.store(HIGH, 1n), reason: EXIT_REASON.exception_nmi,
    reports: { exit_qualification: HIGH, exit_interruption_info: VALID | 0xb0en, exit_interruption_error_code: 2n },
  },
  {
    about: '#GP(0)', on: () => launched(0, 1 << GENERAL_PROTECTION), act: (machine) => machine.load(1n << 63n), reason: EXIT_REASON.exception_nmi,
    reports: { exit_interruption_info: VALID | 0xb0dn },
  },
  {
    about: '#UD, which has no error code', on: () => launched(0, 1 << 6), act: ({ processor }) => processor.raiseException(6, 0), reason: EXIT_REASON.exception_nmi,
    reports: { exit_interruption_info: VALID | 0x306n },
  },
  {
    about: 'an EPT violation', on: () => behindEpt(0n), act: (machine) => machine.load(HIGH + 8n), reason: EXIT_REASON.ept_violation,
    reports: { exit_qualification: 0x181n, guest_linear_address: HIGH + 8n, guest_physical_address: GPA + 8n },
  },
  {
    about: 'an EPT misconfiguration, which reports no linear address', on: () => behindEpt(W), act: (machine) => machine.load(HIGH + 8n),
    reason: EXIT_REASON.ept_misconfiguration, reports: { guest_physical_address: GPA + 8n },
  },
  { about: 'a triple fault', on: launched, act: ({ processor }) => processor.tripleFault(), reason: EXIT_REASON.triple_fault, reports: {} },
];

describe('what an exit reports', () => {
  for (const { about, on, act, reason, reports } of cases) {
    it(`of ${about} are its own fields, whole, and 0 in all others`, () => {
      const machine = on();
      const all: Report = { ...Object.fromEntries(FIELDS.map((name) => [name, 0n])), ...reports };
      for (const when of ['first', 'after another of the same'] as const) {
        poison(machine);
        assert.equal(act(machine), STATUS.stopped);
        assert.equal(machine.exits.at(-1)?.reason, reason);
        assert.deepEqual(reported(machine), all, when);
      }
    });
  }

  it('tells of no event whose delivery it breaks off, when the last one has been delivered', () => {
    const machine = launched();
    machine.processor.raiseException(PAGE_FAULT, 7);
    machine.processor.cpuid();
    assert.deepEqual([machine.field('idt_vectoring_info'), machine.field('idt_vectoring_error_code')], [0n, 0n], 'of a page fault with an error code');
    machine.processor.softwareInterrupt(0x80);
    machine.processor.vmcall();
    assert.equal(machine.field('exit_instruction_length'), 3n, 'not the length of INT n');
  });
});

describe('what is counted as a page fault', () => {
  const counted = ({ processor }: TestMachine): readonly number[] => (
    [processor.counters[COUNTER['faults.guest']]!, processor.counters[COUNTER['faults.guest_exited']]!]);

  it('is what the guest gets as one, directly or injected, and nothing else', () => {
    const machine = launched();
    machine.processor.raiseException(GENERAL_PROTECTION, 0);
    machine.processor.raiseException(6, 0);
    assert.deepEqual(counted(machine), [0, 0]);
    machine.load(HIGH);
    assert.deepEqual(counted(machine), [1, 0]);
    machine.processor.softwareInterrupt(PAGE_FAULT);
    assert.deepEqual(counted(machine), [1, 0], 'INT 14 is none');
    for (const [information, expected] of [[0x8000_0b0d, [1, 0]], [0x8000_040e, [1, 0]], [0x8000_0b0e, [2, 1]]] as const) {
      machine.onExit = () => {
        machine.vmcs({ entry_interruption_info: information, entry_exception_error_code: 0, entry_instruction_length: 2 });
        return RESUME.retry;
      };
      machine.processor.cpuid();
      assert.deepEqual(counted(machine), expected, information.toString(16));
    }
  });
});

describe('what root mode answers to an exit', () => {
  it('halted: the instruction is done, and the processor waits as after HLT', () => {
    const machine = launched();
    machine.onExit = () => RESUME.halted;
    assert.equal(machine.processor.cpuid(), STATUS.done);
    assert.equal(machine.processor.registers[2 * REGISTER.activity], ACTIVITY.hlt);
  });

  it('delivered: the guest is in the handler of the event that root mode names, which is told', () => {
    const machine = launched();
    const told: number[] = [];
    machine.set({ cr2: HIGH });
    machine.bus.listen((record) => told.push(record[0]!), [KIND.interrupt_delivered, KIND.exception_delivered]);
    machine.onExit = () => {
      machine.processor.noteDelivered(0x8000_0020, 0);
      return RESUME.delivered;
    };
    assert.equal(machine.processor.cpuid(), STATUS.exception);
    assert.deepEqual([machine.processor.vector, told], [0x20, [KIND.interrupt_delivered]]);
    const records: Int32Array[] = [];
    machine.bus.listen((record) => records.push(record.slice()), [KIND.exception_delivered]);
    machine.onExit = () => {
      machine.processor.noteDelivered(0x8000_0b0e, 5);
      return RESUME.delivered;
    };
    assert.equal(machine.processor.cpuid(), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.processor.errorCode, machine.cr2], [PAGE_FAULT, 5, HIGH]);
    assert.deepEqual([records[0]![6], records[0]![7]], [Number(HIGH & 0xffff_ffffn), Number(HIGH >> 32n)]);
  });

  it('waiting, by a field of root mode: the processor halts in the guest\'s place, once the instruction is done', () => {
    for (const waits of [0, 1]) {
      const machine = launched();
      machine.processor.root = { handleExit: () => RESUME.completed, isWaiting: () => waits };
      assert.equal(machine.processor.cpuid(), STATUS.done);
      assert.equal(machine.processor.registers[2 * REGISTER.activity], waits === 1 ? ACTIVITY.hlt : ACTIVITY.active);
    }
  });
});

describe('an exit and VPIDs', () => {
  it('flushes where VPIDs are not enabled, at the exit and at the entry, and not else', () => {
    for (const vpid of [undefined, 1] as const) {
      const machine = new TestMachine();
      machine.map(HIGH, 0x5000n, P | RW | US);
      machine.mapEpt(0x0n, 0x0n, R);
      machine.enterWithEpt(vpid === undefined ? {} : { vpid });
      machine.onExit = () => RESUME.completed;
      machine.load(HIGH);
      const flushes: number[] = [];
      machine.bus.listen((record) => flushes.push(record[0]!), [KIND.tlb_flush]);
      machine.processor.cpuid();
      assert.equal(flushes.length, vpid === undefined ? 2 : 0);
    }
  });
});
