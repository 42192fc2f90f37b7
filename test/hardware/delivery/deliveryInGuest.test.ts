import { strict as assert } from 'node:assert';
import { VECTOR } from '../../../src/hardware/delivery/exceptions';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { INTERRUPTIBILITY, REGISTER } from '../../../src/hardware/processor/registers';
import { PRIMARY, SECONDARY } from '../../../src/hardware/vmx/vmcs';
import { vmcsControl } from '../../../src/hypervisor/vmcsControl';
import { EPT_ROOT, R, W, WB, X } from '../testMachine';
import { AT, handlerOf, HandlersByHand, PROGRAM, SELECTORS } from './handlersByHand';

const OPEN = R | W | X | WB;
const GAP = 0x7000_0000n;
const VALID = 0x8000_0000n;

/** What the program does, and the IDT-vectoring information of the event that comes of it. */
const events = {
  'a page fault': [(m: HandlersByHand) => m.store(GAP, 1n), VALID | 0xb0en, 6n, 0n],
  'an exception without an error code': [(m: HandlersByHand) => m.processor.raiseException(6, 0), VALID | 0x306n, 0n, 0n],
  'INT n': [(m: HandlersByHand) => m.processor.softwareInterrupt(0x80), VALID | 0x480n, 0n, 2n],
  'INT3': [(m: HandlersByHand) => m.processor.breakpoint(), VALID | 0x603n, 0n, 1n],
} as const satisfies Record<string, readonly [(machine: HandlersByHand) => number, bigint, bigint, bigint]>;

/** A user program behind EPT by pages of 4 KBytes, all of its memory there but for the pages of `absent`. */
function behindEpt(absent: readonly bigint[]): HandlersByHand {
  const machine = new HandlersByHand().user();
  machine.gate(0x80, { dpl: 3 }).gate(3, { dpl: 3 });
  for (let gpa = 0x10_0000n; gpa < 0x40_0000n; gpa += 0x1000n) {
    if (!absent.includes(gpa)) machine.mapEpt(gpa, gpa, OPEN);
  }
  machine.vmcs({
    guest_cr0: machine.register('cr0'), guest_cr3: machine.register('cr3'), guest_cr4: machine.register('cr4'),
    guest_ia32_efer: machine.register('efer'), guest_rflags: machine.register('rflags'), guest_ss_access_rights: 3 << 5,
    primary_controls: PRIMARY.secondaryControls >>> 0, secondary_controls: SECONDARY.enableEpt, eptp: EPT_ROOT | 0x1en,
  });
  machine.processor.enterVirtualization();
  return machine;
}

/** Root mode maps the page that is missing and, unless it forgets to, injects the event anew. */
function repair(machine: HandlersByHand, how: 'reinjects' | 'forgets'): void {
  machine.onExit = ({ gpa }) => {
    machine.mapEpt(gpa & ~0xfffn, gpa & ~0xfffn, OPEN);
    if (how === 'reinjects') vmcsControl.reinjectVectored(machine.processor);
    return RESUME.retry;
  };
}

const outcome = (machine: HandlersByHand): unknown => [
  machine.rip, machine.register('rsp'), machine.register('rflags'), machine.processor.level, machine.selectors, machine.frame(6), machine.cr2,
];

describe('an event in a guest behind EPT', () => {
  for (const [name, [act, vectoring, code, length]] of Object.entries(events)) {
    for (const [where, page, access] of [
      ['the IDT', AT.idt, 1n], ['the GDT', AT.gdt, 1n], ['the TSS', AT.tss, 1n], ['the stack', AT.kernelStack, 2n],
    ] as const) {
      it(`that is ${name} and finds no EPT entry for ${where} exits with what it was`, () => {
        const machine = behindEpt([page]);
        assert.equal(act(machine), STATUS.stopped);
        assert.equal(machine.exits.length, 1);
        const [exit] = machine.exits;
        assert.equal(exit!.reason, 48);
        assert.equal(exit!.qualification, 0x180n | access, 'linear address valid, of the translation itself');
        assert.deepEqual([exit!.gpa & ~0xfffn, exit!.gla & ~0xfffn], [page, page]);
        assert.deepEqual([machine.field('idt_vectoring_info'), machine.field('idt_vectoring_error_code')], [vectoring, code]);
        if (length !== 0n) assert.equal(machine.field('exit_instruction_length'), length);
        assert.equal(machine.field('guest_rip'), PROGRAM, 'nothing of the delivery is in a register');
        assert.equal(machine.field('guest_ss_access_rights') >> 5n & 3n, 3n);
      });
    }

    it(`that is ${name} comes to the same, however often its delivery exits, once root mode injects it anew`, () => {
      const whole = behindEpt([]);
      assert.equal(act(whole), STATUS.exception);
      const machine = behindEpt([AT.idt, AT.gdt, AT.tss, AT.kernelStack]);
      repair(machine, 'reinjects');
      assert.equal(act(machine), STATUS.exception);
      assert.equal(machine.exits.length, 4);
      assert.deepEqual(outcome(machine), outcome(whole));
    });
  }

  it('that root mode forgets is lost, and comes again, since the instruction that it broke off runs again', () => {
    for (const [act, vector] of [[events['a page fault'][0], 14], [events['INT n'][0], 0x80]] as const) {
      const machine = behindEpt([AT.idt]);
      repair(machine, 'forgets');
      assert.equal(act(machine), STATUS.exception);
      assert.deepEqual([machine.exits.length, machine.processor.vector], [1, vector]);
    }
  });

  it('whose page is missing in a table of the guest\'s exits for an access to a paging structure', () => {
    const machine = behindEpt([]);
    const table = machine.entryAt(AT.idt, 1) & ~0xfffn;
    machine.put(machine.eptEntryAt(table, 1), 0n);
    machine.processor.raiseException(6, 0);
    assert.deepEqual([machine.exits[0]!.reason, machine.exits[0]!.qualification, machine.exits[0]!.gpa & ~0xfffn], [48, 0x81n, table]);
    assert.equal(machine.field('idt_vectoring_info'), VALID | 0x306n);
  });

  it('that injection exits for a thousand times is given up with a sentence', () => {
    const machine = behindEpt([AT.idt]);
    machine.onExit = () => {
      vmcsControl.reinjectVectored(machine.processor);
      return RESUME.retry;
    };
    assert.equal(machine.processor.raiseException(6, 0), STATUS.stopped);
    assert.match(machine.processor.stopReason, /injected event exits again and again/);
  });
});

describe('a second event in a guest', () => {
  const shadowed = (bitmap: number): HandlersByHand => {
    const machine = new HandlersByHand();
    machine.enterShadowed({ exception_bitmap: bitmap >>> 0, pfec_mask: 0, pfec_match: 0 });
    return machine;
  };

  it('exits by its own bit, and the exit tells of the first', () => {
    const machine = shadowed(1 << VECTOR.segmentNotPresent);
    machine.gate(13, { present: 0 });
    assert.equal(machine.processor.raiseException(13, 0x50), STATUS.stopped);
    assert.equal(machine.field('exit_interruption_info'), VALID | 0xb0bn);
    assert.equal(machine.field('exit_interruption_error_code'), 0x6bn);
    assert.deepEqual([machine.field('idt_vectoring_info'), machine.field('idt_vectoring_error_code')], [VALID | 0xb0dn, 0x50n]);
  });

  it('that makes a double fault exits by the bit of #DF, and then tells of no first', () => {
    const machine = shadowed(1 << VECTOR.doubleFault);
    machine.gate(13, { present: 0 });
    machine.processor.raiseException(13, 0);
    assert.equal(machine.field('exit_interruption_info'), VALID | 0xb08n);
    assert.equal(machine.field('idt_vectoring_info') & VALID, 0n);
  });

  it('after a double fault is exit 2, which tells of nothing', () => {
    const machine = shadowed(0);
    machine.gate(13, { present: 0 }).gate(8, { present: 0 });
    machine.processor.raiseException(13, 0);
    assert.deepEqual(machine.exits.map(({ reason, qualification }) => [reason, qualification]), [[2, 0n]]);
    assert.equal(machine.field('idt_vectoring_info') & VALID, 0n);
    assert.equal(machine.field('exit_interruption_info'), 0n);
  });

  it('that root mode repairs and injects in its place is what the guest gets', () => {
    const machine = shadowed(1 << VECTOR.segmentNotPresent);
    machine.gate(13, { present: 0 });
    machine.onExit = () => {
      machine.gate(13, {});
      vmcsControl.reinjectVectored(machine.processor);
      return RESUME.retry;
    };
    assert.equal(machine.processor.raiseException(13, 0x50), STATUS.exception);
    assert.deepEqual([machine.delivered, machine.rip, machine.frame(1)], [[13, 0x50], handlerOf(13), [0x50n]]);
  });

  it('of an IRET that had unblocked NMIs says that it did', () => {
    const machine = shadowed(1 << VECTOR.generalProtection);
    machine.processor.registers[2 * REGISTER.interruptibility] = INTERRUPTIBILITY.blockingByNmi;
    machine.put(machine.register('rsp') + 8n, BigInt(SELECTORS.data));
    machine.processor.interruptReturn();
    assert.equal(machine.field('exit_interruption_info'), VALID | 0x1b0dn);
    assert.equal(machine.field('guest_interruptibility'), 0n);
  });
});
