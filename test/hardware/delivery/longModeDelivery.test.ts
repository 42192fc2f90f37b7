import { strict as assert } from 'node:assert';
import { VECTOR } from '../../../src/hardware/delivery/exceptions';
import { STATUS } from '../../../src/hardware/processor/processor';
import { ACTIVITY, REGISTER } from '../../../src/hardware/processor/registers';
import { DESCRIPTOR_TABLE, SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { halves, US } from '../testMachine';
import { AT, handlerOf, HandlersByHand, PROGRAM, SELECTORS, TOP, TRAP_GATE } from './handlersByHand';

const { kernelCode, userCode, userData } = SELECTORS;
/** RFLAGS of the program: IF and the fixed bit; RF in the image that a fault pushes. */
const FLAGS = 0x202n;
const RF = 1n << 16n;

describe('an event in long mode', () => {
  it('that interrupts a user program gets the stack of the TSS and the whole frame', () => {
    const machine = new HandlersByHand().user();
    assert.equal(machine.load(0x7000_0000n), STATUS.exception);
    assert.deepEqual(machine.delivered, [VECTOR.pageFault, 4]);
    assert.equal(machine.cr2, 0x7000_0000n);
    assert.equal(machine.register('rsp'), (TOP.kernel & ~0xfn) - 48n);
    assert.deepEqual(machine.frame(6), [4n, PROGRAM, BigInt(userCode), FLAGS | RF, TOP.user, BigInt(userData)]);
    assert.equal(machine.rip, handlerOf(VECTOR.pageFault));
    assert.equal(machine.processor.level, 0);
    assert.deepEqual(machine.selectors, [kernelCode, 0], 'SS is null, its RPL the CPL');
    assert.equal(machine.register('rflags'), 2n, 'an interrupt gate clears IF');
  });

  it('that interrupts the kernel stays on its stack, aligned to 16 bytes, and pushes SS and RSP all the same', () => {
    const machine = new HandlersByHand().gate(VECTOR.invalidOpcode, { type: TRAP_GATE });
    const rsp = machine.register('rsp');
    assert.equal(machine.processor.raiseException(VECTOR.invalidOpcode, 0), STATUS.exception);
    assert.equal(machine.register('rsp'), (rsp & ~0xfn) - 40n);
    assert.deepEqual(machine.frame(5), [PROGRAM, BigInt(kernelCode), FLAGS | RF, rsp, BigInt(SELECTORS.kernelData)]);
    assert.deepEqual(machine.selectors, [kernelCode, SELECTORS.kernelData]);
    assert.equal(machine.register('rflags'), FLAGS, 'a trap gate leaves IF');
  });

  it('gets the stack that its gate names in the interrupt stack table, at any CPL', () => {
    for (const from of ['kernel', 'user'] as const) {
      const machine = new HandlersByHand()[from]();
      machine.gate(VECTOR.generalProtection, { ist: 1 });
      machine.processor.raiseException(VECTOR.generalProtection, 0x18);
      assert.equal(machine.register('rsp'), (TOP.ist & ~0xfn) - 48n, from);
      assert.equal(machine.frame(1)[0], 0x18n);
    }
  });

  it('that INT n raises returns behind the instruction, with no RF, and no error code whatever its vector', () => {
    const machine = new HandlersByHand().user();
    machine.gate(VECTOR.generalProtection, { dpl: 3 }).gate(VECTOR.breakpoint, { dpl: 3 });
    assert.equal(machine.processor.softwareInterrupt(VECTOR.generalProtection), STATUS.exception);
    assert.deepEqual(machine.frame(5), [PROGRAM + 2n, BigInt(userCode), FLAGS, TOP.user, BigInt(userData)]);
    machine.user();
    machine.processor.breakpoint();
    assert.equal(machine.rip, handlerOf(VECTOR.breakpoint));
    assert.equal(machine.frame(1)[0], PROGRAM + 1n);
  });

  it('enters conforming code at the CPL that it interrupts', () => {
    const machine = new HandlersByHand().user();
    machine.gate(VECTOR.invalidOpcode, { selector: SELECTORS.conforming });
    machine.processor.raiseException(VECTOR.invalidOpcode, 0);
    assert.equal(machine.processor.level, 3);
    assert.deepEqual(machine.selectors, [SELECTORS.conforming | 3, userData]);
    assert.equal(machine.register('rsp'), (TOP.user & ~0xfn) - 40n, 'with its stack');
  });

  it('sets the accessed bit of the code segment that it loads', () => {
    const machine = new HandlersByHand();
    const at = AT.gdt + BigInt(kernelCode);
    const accessed = 1n << 40n;
    machine.put(at, machine.word(at) & ~accessed);
    machine.processor.raiseException(VECTOR.invalidOpcode, 0);
    assert.equal(machine.word(at) & accessed, accessed);
  });

  it('tells each access that it makes of itself, and counts none as the guest\'s', () => {
    const machine = new HandlersByHand().user();
    machine.listen();
    machine.processor.counters.fill(0);
    machine.processor.raiseException(VECTOR.generalProtection, 0);
    const told = machine.events.filter((event) => event.kind === 'implicit_access').map((event) => event.json['what']);
    const pushes = new Array<string>(6).fill('push of the frame');
    assert.deepEqual(told, ['gate of the IDT', 'gate of the IDT', 'segment descriptor', 'stack pointer in the TSS', ...pushes]);
    assert.equal(machine.kinds().at(-1), 'exception_delivered');
    assert.equal(machine.processor.counters[1], 0);
  });
});

/** What is wrong on the way of vector 6 or INT 6 from CPL 0, and the fault that this is: the second event. */
const steps: readonly (readonly [name: string, spoil: (machine: HandlersByHand) => void, vector: number, code: number])[] = [
  ['a gate of another type', (m) => m.gate(6, { type: 0xc }), 13, 0x32],
  ['a task gate', (m) => m.gate(6, { type: 5 }), 13, 0x32],
  ['a gate whose upper half has type bits', (m) => m.put(AT.idt + 0x68n, m.word(AT.idt + 0x68n) | 1n << 40n), 13, 0x32],
  ['a gate that is not present', (m) => m.gate(6, { present: 0 }), 11, 0x32],
  ['a null selector in the gate', (m) => m.gate(6, { selector: 3 }), 13, 0],
  ['a selector beyond the limit of the GDT', (m) => m.gate(6, { selector: 0x48 }), 13, 0x48],
  ['a selector of an LDT that there is none of', (m) => m.gate(6, { selector: 0x0c }), 13, 0x0c],
  ['data in place of code', (m) => m.gate(6, { selector: SELECTORS.data }), 13, 0x38],
  ['code of an outer level', (m) => m.gate(6, { selector: SELECTORS.userCode }), 13, 0x20],
  ['code that is not 64-bit', (m) => m.gate(6, { selector: SELECTORS.code32 }), 13, 0x30],
  ['code that is not present', (m) => m.gate(6, { selector: SELECTORS.absent }), 11, 0x40],
  ['a TSS that does not reach to the stack', (m) => {
    m.gate(6, { ist: 7 });
    m.processor.segments.set(SEGMENT.tr, { selector: 0x48, rights: 0x8b, limit: 0x5a, baseLo: halves(AT.tss)[0], baseHi: 0 });
  }, 10, 0x48],
  ['a stack pointer that is not canonical', (m) => {
    m.gate(6, { ist: 2 });
    m.pointer(44, 0x8000_0000_0000_0000n);
  }, 12, 0],
  ['a stack that runs into the hole', (m) => {
    m.gate(6, { ist: 2 });
    m.pointer(44, 0xffff_8000_0000_0000n);
  }, 12, 0],
  ['a handler whose address is not canonical', (m) => m.gate(6, { offset: 0x8000_0000_0000n }), 13, 0],
];

describe('an event whose delivery faults in long mode', () => {
  for (const [name, spoil, vector, code] of steps) {
    for (const how of ['an exception', 'INT n'] as const) {
      it(`at ${name}, for ${how}`, () => {
        const machine = new HandlersByHand();
        spoil(machine);
        const rsp = machine.register('rsp');
        const status = how === 'INT n' ? machine.processor.softwareInterrupt(6) : machine.processor.raiseException(6, 0);
        assert.equal(status, STATUS.exception);
        const ext = how === 'INT n' ? 0 : 1;
        assert.deepEqual(machine.delivered, [vector, code | ext], 'EXT tells an exception from a program\'s own interrupt');
        assert.equal(machine.rip, handlerOf(vector));
        assert.deepEqual(machine.frame(2), [BigInt(code | ext), PROGRAM], 'the second event finds the registers as the first did');
        assert.equal(machine.frame(5)[4], rsp);
      });
    }
  }
});

/** Pages that delivery needs, and what makes vector 6 need it. Supervisor accesses all, so U is 0, at any CPL. */
const pages: readonly (readonly [name: string, prepare: (machine: HandlersByHand) => bigint, write: 0 | 1])[] = [
  ['the IDT', (m) => m.splitIdt(), 0],
  ['the TSS', (m) => {
    m.gate(6, { ist: 1 });
    return AT.tss;
  }, 0],
  ['the stack', (m) => {
    m.gate(6, { ist: 1 });
    return AT.ist;
  }, 1],
];

describe('an event for which a page of memory is missing', () => {
  for (const [name, prepare, write] of pages) {
    it(`that of ${name}, leads to a page fault of a supervisor access`, () => {
      const machine = new HandlersByHand();
      const page = prepare(machine);
      machine.put(machine.entryAt(page, 1), 0n);
      assert.equal(machine.processor.raiseException(6, 0), STATUS.exception);
      assert.deepEqual(machine.delivered, [VECTOR.pageFault, write << 1]);
      assert.equal(machine.cr2 & ~0xfffn, page);
    });

    it(`that of ${name} being a user page, leads to one under SMAP: implicit accesses do, explicit ones without RFLAGS.AC`, () => {
      for (const rflags of [0x202, 0x4_0202]) {
        // Without the TSS nothing at all is delivered out of CPL 3.
        for (const who of name === 'the TSS' ? ['kernel'] as const : ['kernel', 'user'] as const) {
          const machine = new HandlersByHand()[who]();
          const page = prepare(machine);
          const entry = machine.entryAt(page, 1);
          machine.put(entry, machine.word(entry) | US);
          machine.set({ cr4: CR4.PAE | CR4.SMAP, rflags });
          machine.processor.raiseException(6, 0);
          // A stack is no system data structure: what CPL 0 pushes is explicit.
          const isExplicit = name === 'the stack' && who === 'kernel';
          assert.deepEqual(machine.delivered, isExplicit && rflags !== 0x202 ? [6, 0] : [VECTOR.pageFault, write << 1 | 1], `${who}, RFLAGS ${rflags}`);
        }
      }
    });
  }
});

describe('the gate', () => {
  it('beyond the limit of the IDT is #GP with the gate\'s number', () => {
    for (const [limit, code] of [[19 * 16 + 14, 19 << 3 | 3], [19 * 16 + 15, undefined]] as const) {
      const machine = new HandlersByHand();
      machine.processor.segments.setTable(DESCRIPTOR_TABLE.idtr, ...halves(AT.idt), limit);
      machine.processor.raiseException(19, 0);
      assert.deepEqual(machine.delivered, code === undefined ? [19, 0] : [13, code]);
    }
  });

  it('is closed by its DPL to INT n and INT3, not to an exception with that vector', () => {
    const machine = new HandlersByHand().user();
    machine.processor.softwareInterrupt(6);
    assert.deepEqual(machine.delivered, [13, 6 << 3 | 2]);
    machine.user();
    machine.processor.breakpoint();
    assert.deepEqual(machine.delivered, [13, 3 << 3 | 2]);
    machine.user();
    machine.processor.raiseException(3, 0);
    assert.deepEqual(machine.delivered, [3, 0]);
  });
});

/** The manual's table by its prose: which classes make a double fault of each other. */
const classOf = (vector: number): string =>
  vector === 8 ? 'double' : [14, 20].includes(vector) ? 'page' : [0, 10, 11, 12, 13, 21].includes(vector) ? 'contributory' : 'benign';

function expected(first: number, second: 'contributory' | 'page'): 'second' | 'double' | 'shutdown' {
  if (classOf(first) === 'double') return 'shutdown';
  if (classOf(first) === 'benign') return 'second';
  return classOf(first) === 'page' || second === 'contributory' ? 'double' : 'second';
}

describe('a second event', () => {
  for (const first of [0, 1, 3, 4, 5, 6, 7, 8, 10, 11, 12, 13, 14, 16, 17, 18, 19, 20, 21]) {
    for (const second of ['contributory', 'page'] as const) {
      it(`of class ${second} in the delivery of vector ${first} is ${expected(first, second)}`, () => {
        const machine = new HandlersByHand();
        // The first event's gate alone is spoilt: it is not present, or its stack is not mapped.
        const raised = second === 'contributory' ? 11 : 14;
        if (second === 'contributory') machine.gate(first, { present: 0 });
        else {
          machine.gate(first, { ist: 3 });
          machine.pointer(52, 0x5000_0000n);
        }
        const outcome = expected(first, second);
        if (first === raised && outcome === 'second') throw new Error('the oracle has a fault deliver itself');
        const status = machine.processor.raiseException(first, 0);
        if (outcome === 'shutdown') {
          assert.equal(status, STATUS.stopped);
          assert.equal(machine.processor.registers[2 * REGISTER.activity], ACTIVITY.shutdown);
          assert.match(machine.processor.stopReason, /triple fault/);
          return;
        }
        assert.equal(status, STATUS.exception);
        assert.equal(machine.processor.vector, outcome === 'double' ? VECTOR.doubleFault : raised);
        if (outcome === 'double') assert.deepEqual(machine.frame(2), [0n, PROGRAM]);
        if (second === 'page') assert.equal(machine.cr2 & ~0xfffn, 0x4fff_f000n, 'CR2 is the second fault\'s');
      });
    }
  }

  it('after a double fault that cannot be delivered shuts the processor down, with an event that says so', () => {
    const machine = new HandlersByHand();
    machine.gate(VECTOR.pageFault, { present: 0 }).gate(VECTOR.doubleFault, { present: 0 });
    machine.listen();
    assert.equal(machine.load(0x7000_0000n), STATUS.stopped);
    assert.deepEqual(machine.kinds().filter((kind) => kind === 'triple_fault' || kind === 'exception_delivered'), ['triple_fault']);
  });
});
