import { strict as assert } from 'node:assert';
import { DELIVERY_MODE } from '../../../src/hardware/apic/deliveryMode';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { CR0, CR4, EFER } from '../../../src/hardware/processor/controlRegisters';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { COUNTER } from '../../../src/hardware/state/counters';
import { intercept, SVM_EXIT } from '../../../src/hardware/svm/svmExitCodes';
import { NESTED_CONTROL, VMCB, type VmcbFieldName } from '../../../src/hardware/svm/vmcb';
import { injectPageFault } from '../../../src/hypervisor/injection';
import { VcpuState } from '../../../src/hypervisor/vcpuState';
import { Registry } from '../../../src/hardware/state/registry';
import { AT, HandlersByHand, PROGRAM } from '../delivery/handlersByHand';
import { halves, P, RW, US, whole } from '../testMachine';

const NESTED_PAGES = 0x60_0000n;
const VALID = 0x8000_0000n;

/** Nested tables of 2-MByte pages in one page each for the first GByte, but a 4-KByte page for each of `absent`. */
function nest(machine: HandlersByHand, absent: readonly bigint[]): void {
  const [pml4, pdpt, pd] = [NESTED_PAGES, NESTED_PAGES + 0x1000n, NESTED_PAGES + 0x2000n];
  machine.put(pml4, pdpt | P | RW | US);
  machine.put(pdpt, pd | P | RW | US);
  for (let page = 0n; page < 512n; page++) machine.put(pd + 8n * page, page << 21n | P | RW | US | 0x80n);
  absent.forEach((gpa, index) => {
    const table = NESTED_PAGES + 0x3000n + 0x1000n * BigInt(index);
    for (let page = 0n; page < 512n; page++) machine.put(table + 8n * page, (gpa & ~0x1f_ffffn) + (page << 12n) | P | RW | US);
    machine.put(table + 8n * ((gpa >> 12n) & 0x1ffn), 0n);
    machine.put(pd + 8n * (gpa >> 21n), table | P | RW | US);
  });
}

const field = (machine: HandlersByHand, name: VmcbFieldName): bigint => (
  whole(machine.processor.vmcb[VMCB[name]]!, machine.processor.vmcb[VMCB[name] + 1]!)
);

/** A guest of SVM at CPL 3 that delivers through memory; the nested tables lack these pages. */
function guest(absent: readonly bigint[]): HandlersByHand {
  const machine = new HandlersByHand({ vendor: 'amd' });
  nest(machine, absent);
  machine.user();
  const fields: Partial<Record<VmcbFieldName, bigint>> = {
    asid: 1n, nested_control: BigInt(NESTED_CONTROL.enable), n_cr3: NESTED_PAGES,
    host_cr0: BigInt((CR0.PE | CR0.PG) >>> 0), host_cr4: BigInt(CR4.PAE), host_efer: BigInt(EFER.LME | EFER.LMA | EFER.NXE),
    guest_cr0: machine.register('cr0'), guest_cr3: machine.register('cr3'), guest_cr4: machine.register('cr4'),
    guest_efer: machine.register('efer') | BigInt(EFER.SVME), guest_rflags: machine.register('rflags'), guest_cpl: 3n,
  };
  for (const [name, value] of Object.entries(fields)) {
    const at = VMCB[name as VmcbFieldName];
    [machine.processor.vmcb[at], machine.processor.vmcb[at + 1]] = halves(value);
  }
  intercept(machine.processor.vmcb, SVM_EXIT.vmrun);
  assert.equal(machine.processor.enterVirtualization(), STATUS.done);
  return machine;
}

describe('an event in a guest of SVM', () => {
  for (const [where, page, access] of [['the IDT', AT.idt, 4n], ['the GDT', AT.gdt, 4n], ['the TSS', AT.tss, 4n], ['the stack', AT.kernelStack, 6n]] as const) {
    it(`whose delivery finds no nested entry for ${where} exits with the event in EXITINTINFO`, () => {
      const machine = guest([page]);
      const rip = machine.rip;
      assert.equal(machine.store(0x77_0000n, 1n), STATUS.stopped);
      assert.equal(field(machine, 'exitcode'), 0x400n);
      assert.equal(field(machine, 'exitinfo1'), 1n << 32n | access);
      assert.equal(field(machine, 'exitinfo2') & ~0xfffn, page);
      // Exception, vector 14, with its error code above.
      assert.equal(field(machine, 'exitintinfo'), VALID | 0xb0en | 6n << 32n);
      assert.deepEqual([field(machine, 'guest_rip'), field(machine, 'guest_cpl')], [rip, 3n]);
    });
  }

  it('that a program raises as INT3 is an exception like any other in EXITINTINFO', () => {
    const machine = guest([AT.idt]);
    machine.gate(3, { dpl: 3 });
    assert.equal(machine.processor.breakpoint(), STATUS.stopped);
    assert.equal(field(machine, 'exitintinfo'), VALID | 0x303n);
  });

  it('that is INT n stays one in EXITINTINFO', () => {
    const machine = guest([AT.idt]);
    assert.equal(machine.processor.softwareInterrupt(0x80), STATUS.stopped);
    assert.equal(field(machine, 'exitintinfo'), VALID | 0x480n);
  });

  it('that VMRUN injects as a software interrupt returns to nRIP', () => {
    const machine = guest([]);
    machine.gate(0x80, { dpl: 3 });
    const { vmcb } = machine.processor;
    [vmcb[VMCB.nrip], vmcb[VMCB.nrip + 1]] = halves(PROGRAM + 2n);
    vmcb[VMCB.eventinj] = Number(VALID | 0x480n) | 0;
    assert.equal(machine.processor.launch(), STATUS.exception);
    assert.deepEqual([machine.delivered[0], machine.frame(1)], [0x80, [PROGRAM + 2n]]);
  });

  it('is delivered whole once root mode has mapped the page and injects what EXITINTINFO has', () => {
    const machine = guest([AT.idt, AT.kernelStack]);
    let exits = 0;
    machine.processor.root = { handleExit: () => {
      exits++;
      nest(machine, exits === 1 ? [AT.kernelStack] : []);
      const { vmcb } = machine.processor;
      vmcb[VMCB.eventinj] = vmcb[VMCB.exitintinfo]!;
      vmcb[VMCB.eventinj + 1] = vmcb[VMCB.exitintinfo + 1]!;
      return RESUME.retry;
    } };
    assert.equal(machine.store(0x77_0000n, 1n), STATUS.exception);
    assert.deepEqual([exits, machine.delivered, machine.cr2, machine.processor.level], [2, [14, 6], 0x77_0000n, 0]);
  });

  it('that is intercepted itself has nothing in EXITINTINFO', () => {
    const machine = guest([]);
    intercept(machine.processor.vmcb, SVM_EXIT.exception0 + 14);
    assert.equal(machine.store(0x77_0000n, 1n), STATUS.stopped);
    assert.deepEqual([field(machine, 'exitcode'), field(machine, 'exitintinfo')], [0x4en, 0n]);
  });

  it('that comes to a triple fault exits as a shutdown when that is intercepted', () => {
    for (const [intercepted, code] of [[true, 0x7fn], [false, 0n]] as const) {
      const machine = guest([]);
      if (intercepted) intercept(machine.processor.vmcb, SVM_EXIT.shutdown);
      for (const vector of [8, 14]) machine.gate(vector, { present: 0 });
      assert.equal(machine.store(0x77_0000n, 1n), STATUS.stopped);
      assert.equal(field(machine, 'exitcode'), code);
    }
  });
});

/** What root mode sees of each access, in order: EXITINFO1 (an access integer) and the page. */
type Seen = readonly (readonly [access: number, page: bigint])[];

/** Has root mode make each access of the guest's, as an interpreter does: where the tables refuse it, a page fault is injected. */
function interpret(machine: HandlersByHand): Seen {
  const { processor } = machine;
  const seen: (readonly [number, bigint])[] = [];
  intercept(processor.vmcb, SVM_EXIT.access);
  processor.reload();
  processor.root = { handleExit: () => {
    const access = Number(field(machine, 'exitinfo1'));
    const gva = field(machine, 'exitinfo2');
    const [lo, hi] = halves(gva);
    seen.push([access, gva & ~0xfffn]);
    if (processor.walkWithoutEffects(lo, hi, access) === WALK.mapped) {
      processor.perform(processor.inspection.result.hpaLo, processor.inspection.result.hpaHi);
      return RESUME.completed;
    }
    [processor.vmcb[VMCB.guest_cr2], processor.vmcb[VMCB.guest_cr2 + 1]] = [lo, hi];
    injectPageFault(processor, new VcpuState(new Registry(), 0), lo, hi, processor.inspection.result.errorCode);
    return RESUME.retry;
  } };
  return seen;
}

describe('the delivery of an event, where accesses are intercepted', () => {
  const raised = {
    'an exception': (machine: HandlersByHand) => machine.processor.raiseException(6, 0),
    'INT n': (machine: HandlersByHand) => machine.processor.softwareInterrupt(0x80),
    'a page fault that VMRUN injects': (machine: HandlersByHand) => machine.store(0x77_0000n, 1n),
  } as const;
  const outcome = (machine: HandlersByHand): unknown => [
    machine.rip, machine.register('rsp'), machine.register('rflags'), machine.processor.level, machine.selectors, machine.frame(6), machine.cr2, machine.delivered,
  ];
  for (const [name, raise] of Object.entries(raised)) {
    it(`exits for each of its own, is not broken off, and comes to the same: ${name}`, () => {
      const [plain, machine] = [guest([]), guest([])].map((each) => each.gate(0x80, { dpl: 3 })) as [HandlersByHand, HandlersByHand];
      const seen = interpret(machine);
      for (const each of [plain, machine]) each.listen();
      assert.equal(raise(plain), STATUS.exception);
      assert.equal(raise(machine), STATUS.exception);
      assert.deepEqual(outcome(machine), outcome(plain));
      const told = (each: HandlersByHand): unknown => each.events.filter(({ kind }) => kind === 'implicit_access').map(({ json }) => json);
      assert.deepEqual(told(machine), told(plain));
      const pages = seen.filter(([access]) => (access & ACCESS.user) === 0).map(([, page]) => page);
      assert.deepEqual([...new Set(pages)].sort(), [AT.idt, AT.gdt, AT.tss, AT.kernelStack].sort());
      // Those of descriptors are implicit; so are pushes out of CPL 3.
      assert.ok(seen.every(([access]) => (access & (ACCESS.user | ACCESS.implicit)) !== 0));
      assert.equal(machine.processor.counters[COUNTER.walk_references], 0);
    });
  }

  it('meets faults of its own as ever: a stack that is not there makes the page fault a double fault', () => {
    const [plain, machine] = [guest([]), guest([])];
    const seen = interpret(machine);
    for (const each of [plain, machine]) each.map(AT.kernelStack, 0n, 0n);
    for (const each of [plain, machine]) each.gate(8, { ist: 1 });
    plain.processor.raiseException(6, 0);
    machine.processor.raiseException(6, 0);
    assert.deepEqual(outcome(machine), outcome(plain));
    assert.ok(seen.some(([access, page]) => page === AT.kernelStack && (access & ACCESS.implicit) !== 0));
  });

  it('leaves the instruction that it was part of pending: IRET goes back, and INVPCID reads its operand by two accesses', () => {
    const machine = guest([]);
    const seen = interpret(machine);
    const before = [machine.rip, machine.register('rsp'), machine.processor.level];
    assert.equal(machine.processor.raiseException(6, 0), STATUS.exception);
    const { length } = seen;
    assert.equal(machine.processor.interruptReturn(), STATUS.done);
    assert.deepEqual([machine.rip, machine.register('rsp'), machine.processor.level], before);
    assert.ok(seen.length > length);
    const kernel = machine.kernel();
    kernel.processor.reload();
    const from = seen.length;
    assert.equal(kernel.processor.invpcid(7, ...halves(AT.kernelStack)), STATUS.exception);
    assert.equal(kernel.processor.vector, 13);
    assert.deepEqual(seen.slice(from, from + 2), [[ACCESS.read, AT.kernelStack], [ACCESS.read, AT.kernelStack]]);
  });
});

describe('an IDT where no memory is', () => {
  it('reads as ones, says so, and what follows is what such a gate means', () => {
    const machine = new HandlersByHand({ maxphyaddr: 46 });
    machine.map(AT.idt, 1n << 40n, P | RW);
    machine.listen();
    const status = machine.processor.raiseException(6, 0);
    const told = machine.events.filter(({ kind }) => kind === 'bus_error').map(({ json }) => json['hpa']);
    assert.equal(told[0], `0x${((1n << 40n) + 0x60n).toString(16)}`);
    assert.ok(told.length > 1 && told.every((hpa) => BigInt(String(hpa)) >> 12n === 1n << 28n));
    // Type 15 of a gate with bits set that must be 0: #GP, then #DF, and the end.
    assert.equal(status, STATUS.stopped);
    assert.match(machine.processor.stopReason, /triple fault/i);
  });
});

describe('a physical interrupt for a guest of SVM', () => {
  it('exits by its intercept when RFLAGS.IF is 1, and with V_INTR_MASKING whatever it is', () => {
    for (const [isEnabled, control, exits] of [[true, 0, true], [false, 0, false], [false, 1 << 24, true]] as const) {
      const machine = guest([]);
      intercept(machine.processor.vmcb, SVM_EXIT.intr);
      machine.processor.vmcb[VMCB.v_intr] = control;
      const at = 2 * REGISTER.rflags;
      machine.processor.registers[at] = isEnabled ? machine.processor.registers[at]! | 0x200 : machine.processor.registers[at]! & ~0x200;
      machine.processor.apic.accept(DELIVERY_MODE.fixed, 0x51);
      assert.equal(machine.processor.deliverPending(), exits ? STATUS.stopped : STATUS.done);
      assert.equal(field(machine, 'exitcode'), exits ? 0x60n : 0n);
    }
  });
});
