import { strict as assert } from 'node:assert';
import { DELIVERY_MODE } from '../../../src/hardware/apic/deliveryMode';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { ACTIVITY, INTERRUPTIBILITY, REGISTER } from '../../../src/hardware/processor/registers';
import { EXIT, PIN, PRIMARY, SECONDARY, type VmcsFieldName } from '../../../src/hardware/vmx/vmcs';
import { vmcsControl } from '../../../src/hypervisor/vmcsControl';
import { EPT_ROOT, R, W, WB, X } from '../testMachine';
import { AT, handlerOf, HandlersByHand, PROGRAM, SELECTORS, TOP } from './handlersByHand';

const VALID = 0x8000_0000n;
const IF = 0x200;
const EXTERNAL = PIN.externalInterruptExiting;

const send = (machine: HandlersByHand, vector: number): void => machine.processor.apic.accept(DELIVERY_MODE.fixed, vector);
const sendNmi = (machine: HandlersByHand): void => machine.processor.apic.accept(DELIVERY_MODE.nmi, 0);
const activity = (machine: HandlersByHand): number => machine.processor.registers[2 * REGISTER.activity]!;

function guest(values: Partial<Record<VmcsFieldName, number>>, primary = 0): HandlersByHand {
  const machine = new HandlersByHand();
  machine.enterShadowed({ ...values, primary_controls: (PRIMARY.secondaryControls | primary) >>> 0 });
  return machine;
}

describe('between two instructions', () => {
  it('nothing happens while nothing waits', () => {
    const machine = new HandlersByHand();
    machine.listen();
    assert.equal(machine.processor.deliverPending(), STATUS.done);
    assert.deepEqual([machine.rip, machine.kinds()], [PROGRAM, []]);
  });

  it('an interrupt is taken when IF is 1, from IRR to ISR, with a frame and no error code', () => {
    const machine = new HandlersByHand().user();
    machine.set({ rflags: 2 });
    send(machine, 0x40);
    assert.equal(machine.processor.deliverPending(), STATUS.done, 'IF is 0');
    machine.set({ rflags: 2 | IF });
    assert.equal(machine.processor.deliverPending(), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.rip], [0x40, handlerOf(0x40)]);
    assert.deepEqual(machine.frame(5), [PROGRAM, BigInt(SELECTORS.userCode), 0x202n, TOP.user, BigInt(SELECTORS.userData)]);
    const { apic } = machine.processor;
    assert.deepEqual([apic.pending, apic.service(2)], [-1, 1]);
    assert.equal(machine.processor.deliverPending(), STATUS.done, 'not twice');
  });

  it('of two the higher comes first, the lower after EOI, and what its handler interrupts in between is higher still', () => {
    const machine = new HandlersByHand();
    const taken: number[] = [];
    const take = (): void => {
      machine.set({ rflags: 2 | IF });
      if (machine.processor.deliverPending() === STATUS.exception) taken.push(machine.processor.vector);
    };
    send(machine, 0x41);
    send(machine, 0x62);
    take();
    take();
    send(machine, 0x6f);
    take();
    send(machine, 0x70);
    take();
    for (let i = 0; i < 4; i++) {
      machine.processor.apic.endOfInterrupt();
      take();
    }
    assert.deepEqual(taken, [0x62, 0x70, 0x6f, 0x41]);
  });

  it('an NMI is taken whatever IF is, before an interrupt, and blocks the next until IRET', () => {
    const machine = new HandlersByHand();
    machine.set({ rflags: 2 | IF });
    send(machine, 0x40);
    sendNmi(machine);
    machine.processor.deliverPending();
    assert.equal(machine.processor.vector, 2);
    sendNmi(machine);
    assert.equal(machine.processor.deliverPending(), STATUS.done, 'the gate cleared IF, and NMIs are blocked');
    machine.processor.interruptReturn();
    machine.processor.deliverPending();
    assert.equal(machine.processor.vector, 2, 'the second NMI');
    machine.processor.interruptReturn();
    machine.processor.deliverPending();
    assert.equal(machine.processor.vector, 0x40);
  });

  it('HLT ends by an interrupt or NMI that is taken, and not by one that IF masks', () => {
    const machine = new HandlersByHand();
    machine.set({ rflags: 2 });
    assert.equal(machine.processor.hlt(), STATUS.done);
    assert.equal(activity(machine), ACTIVITY.hlt);
    send(machine, 0x40);
    machine.processor.deliverPending();
    assert.equal(activity(machine), ACTIVITY.hlt);
    sendNmi(machine);
    machine.processor.deliverPending();
    assert.deepEqual([activity(machine), machine.processor.vector], [ACTIVITY.active, 2]);
  });

  it('MOV SS and STI block interrupts before one instruction, and in no handler', () => {
    for (const bit of [INTERRUPTIBILITY.blockingBySti, INTERRUPTIBILITY.blockingByMovSs]) {
      const machine = new HandlersByHand();
      machine.processor.registers[2 * REGISTER.interruptibility] = bit;
      send(machine, 0x40);
      assert.equal(machine.processor.deliverPending(), STATUS.done);
      assert.equal(machine.processor.deliverPending(), STATUS.exception);
      assert.equal(machine.processor.vector, 0x40);
    }
  });

  it('MOV SS blocks NMIs as well, STI does not, and an exit waits as a delivery does', () => {
    for (const [bit, taken] of [[INTERRUPTIBILITY.blockingBySti, STATUS.exception], [INTERRUPTIBILITY.blockingByMovSs, STATUS.done]] as const) {
      const machine = new HandlersByHand();
      machine.processor.registers[2 * REGISTER.interruptibility] = bit;
      sendNmi(machine);
      assert.equal(machine.processor.deliverPending(), taken);
      if (taken === STATUS.done) machine.processor.deliverPending();
      assert.deepEqual([machine.processor.vector, machine.processor.registers[2 * REGISTER.interruptibility]], [2, INTERRUPTIBILITY.blockingByNmi]);
    }
    for (const [bring, bits] of [
      [sendNmi, INTERRUPTIBILITY.blockingByMovSs],
      [(m: HandlersByHand) => send(m, 0x40), INTERRUPTIBILITY.blockingByMovSs], [(m: HandlersByHand) => send(m, 0x40), INTERRUPTIBILITY.blockingBySti],
    ] as const) {
      const machine = guest({ pin_controls: EXTERNAL | PIN.nmiExiting });
      machine.processor.registers[2 * REGISTER.interruptibility] = bits;
      bring(machine);
      assert.equal(machine.processor.deliverPending(), STATUS.done);
      assert.equal(machine.exits.length, 0);
      assert.equal(machine.processor.deliverPending(), STATUS.stopped);
      assert.equal(machine.exits.length, 1);
    }
  });

  it('MOV SS and STI block interrupts where the state says so, and a shutdown blocks all but NMIs', () => {
    for (const [bits, active, vector] of [
      [INTERRUPTIBILITY.blockingBySti, ACTIVITY.active, 0], [INTERRUPTIBILITY.blockingByMovSs, ACTIVITY.active, 0],
      [0, ACTIVITY.shutdown, 0], [0, ACTIVITY.active, 0x40],
    ] as const) {
      const machine = new HandlersByHand();
      machine.processor.registers[2 * REGISTER.interruptibility] = bits;
      machine.processor.registers[2 * REGISTER.activity] = active;
      send(machine, 0x40);
      machine.processor.deliverPending();
      assert.equal(machine.processor.vector, vector);
    }
  });

  it('without memory delivery an interrupt is told by its vector, and touches nothing', () => {
    const machine = new HandlersByHand({ delivery: 'direct' });
    const rsp = machine.register('rsp');
    send(machine, 0x40);
    machine.listen();
    assert.equal(machine.processor.deliverPending(), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.register('rsp'), machine.rip], [0x40, rsp, PROGRAM]);
    assert.deepEqual(machine.kinds(), ['interrupt_delivered']);
  });
});

describe('between two instructions of a guest', () => {
  it('an interrupt exits when external-interrupt exiting is 1, whatever IF is; else the guest takes it', () => {
    for (const rflags of [2, 2 | IF]) {
      const machine = guest({ pin_controls: EXTERNAL, guest_rflags: rflags });
      send(machine, 0x40);
      assert.equal(machine.processor.deliverPending(), STATUS.stopped);
      assert.deepEqual(machine.exits.map(({ reason }) => reason), [1]);
      assert.equal(machine.field('exit_interruption_info') & VALID, 0n, 'not acknowledged: no vector is told');
      assert.equal(machine.processor.apic.pending, 0x40, 'and it goes on waiting');
    }
    const machine = guest({});
    send(machine, 0x40);
    assert.equal(machine.processor.deliverPending(), STATUS.exception);
    assert.deepEqual([machine.exits.length, machine.processor.vector], [0, 0x40]);
  });

  it('its exit acknowledges it when the exit control says so, and tells the vector', () => {
    const machine = guest({ pin_controls: EXTERNAL, exit_controls: EXIT.acknowledgeInterrupt, guest_rflags: 2 });
    send(machine, 0x40);
    machine.processor.deliverPending();
    assert.equal(machine.field('exit_interruption_info'), VALID | 0x40n);
    assert.deepEqual([machine.processor.apic.pending, machine.processor.apic.service(2)], [-1, 1]);
  });

  it('an exit by an NMI or an interrupt has no error code, whatever an exit before it had', () => {
    const machine = guest({ pin_controls: EXTERNAL | PIN.nmiExiting, exit_controls: EXIT.acknowledgeInterrupt, exception_bitmap: 1 << 13 });
    const codes: bigint[] = [];
    machine.onExit = () => {
      codes.push(machine.field('exit_interruption_error_code'));
      return RESUME.completed;
    };
    for (const bring of [() => sendNmi(machine), () => send(machine, 0x40)]) {
      machine.processor.raiseException(13, 0x18);
      bring();
      machine.processor.deliverPending();
    }
    assert.deepEqual(codes, [0x18n, 0n, 0x18n, 0n]);
  });

  it('an exit that leaves HLT saves that state, and the guest goes on halted', () => {
    const machine = guest({ pin_controls: EXTERNAL, exit_controls: EXIT.acknowledgeInterrupt, guest_activity_state: ACTIVITY.hlt });
    machine.processor.registers[2 * REGISTER.activity] = ACTIVITY.hlt;
    let saved = -1n;
    machine.onExit = () => {
      saved = machine.field('guest_activity_state');
      return RESUME.retry;
    };
    send(machine, 0x40);
    assert.equal(machine.processor.deliverPending(), STATUS.done);
    assert.deepEqual([saved, activity(machine)], [BigInt(ACTIVITY.hlt), ACTIVITY.hlt]);
  });

  it('the interrupt window exits once IF is 1, before any interrupt, and root mode injects there', () => {
    const machine = guest({ guest_rflags: 2 }, PRIMARY.interruptWindowExiting);
    assert.equal(machine.processor.deliverPending(), STATUS.done);
    machine.onExit = () => {
      machine.vmcs({ primary_controls: PRIMARY.secondaryControls >>> 0, entry_interruption_info: VALID | 0x41n });
      return RESUME.retry;
    };
    machine.processor.setInterruptFlag('set');
    send(machine, 0x70);
    assert.equal(machine.processor.deliverPending(), STATUS.done, 'STI blocks for one instruction');
    assert.equal(machine.processor.deliverPending(), STATUS.exception);
    assert.deepEqual([machine.exits.map(({ reason }) => reason), machine.processor.vector], [[7], 0x41]);
    assert.equal(machine.frame(1)[0], PROGRAM);
  });

  it('STI lets interrupts in behind one more instruction, where IF was 0', () => {
    const machine = guest({ guest_rflags: 2 });
    send(machine, 0x70);
    machine.processor.setInterruptFlag('set');
    assert.equal(machine.processor.hasPending, false);
    assert.equal(machine.processor.deliverPending(), STATUS.done);
    assert.equal(machine.processor.hasPending, true);
    machine.processor.setInterruptFlag('set');
    assert.equal(machine.processor.deliverPending(), STATUS.exception);
  });

  it('a window that root mode never closes is given up with a sentence', () => {
    const machine = guest({ guest_rflags: 2 | IF }, PRIMARY.interruptWindowExiting);
    machine.onExit = () => RESUME.retry;
    assert.equal(machine.processor.deliverPending(), STATUS.stopped);
    assert.match(machine.processor.stopReason, /again and again/);
  });

  it('an NMI exits with NMI exiting, else the guest takes it; the NMI window needs virtual NMIs', () => {
    const exiting = guest({ pin_controls: PIN.nmiExiting });
    sendNmi(exiting);
    exiting.processor.deliverPending();
    assert.deepEqual(exiting.exits.map(({ reason }) => reason), [0]);
    assert.equal(exiting.field('exit_interruption_info'), VALID | 0x202n);
    assert.equal(exiting.processor.apic.hasNmi, 0);

    const own = guest({});
    sendNmi(own);
    own.processor.deliverPending();
    assert.deepEqual([own.exits.length, own.processor.vector], [0, 2]);

    for (const [pin, blocked, reasons] of [
      [PIN.nmiExiting | PIN.virtualNmis, 0, [8]], [PIN.nmiExiting | PIN.virtualNmis, INTERRUPTIBILITY.blockingByNmi, []], [PIN.nmiExiting, 0, []],
    ] as const) {
      const machine = guest({ pin_controls: pin }, PRIMARY.nmiWindowExiting);
      machine.processor.registers[2 * REGISTER.interruptibility] = blocked;
      machine.processor.deliverPending();
      assert.deepEqual(machine.exits.map(({ reason }) => reason), reasons);
    }
    const unasked = guest({ pin_controls: PIN.nmiExiting | PIN.virtualNmis });
    assert.deepEqual([unasked.processor.deliverPending(), unasked.exits.length], [STATUS.done, 0]);
  });

  for (const [name, ask, information] of [
    ['an interrupt', (machine: HandlersByHand) => send(machine, 0x40), VALID | 0x40n],
    ['an NMI', sendNmi, VALID | 0x202n],
  ] as const) {
    it(`${name} whose delivery exits is told of, and root mode injects it anew`, () => {
      const machine = new HandlersByHand().user();
      for (let gpa = 0x10_0000n; gpa < 0x40_0000n; gpa += 0x1000n) if (gpa !== AT.kernelStack) machine.mapEpt(gpa, gpa, R | W | X | WB);
      machine.vmcs({
        guest_cr0: machine.register('cr0'), guest_cr3: machine.register('cr3'), guest_cr4: machine.register('cr4'),
        guest_ia32_efer: machine.register('efer'), guest_rflags: 0x202, guest_ss_access_rights: 3 << 5,
        primary_controls: PRIMARY.secondaryControls >>> 0, secondary_controls: SECONDARY.enableEpt, eptp: EPT_ROOT | 0x1en,
      });
      machine.processor.enterVirtualization();
      let told = 0n;
      let blocked = 0n;
      machine.onExit = ({ gpa }) => {
        told = machine.field('idt_vectoring_info');
        blocked = machine.field('guest_interruptibility');
        machine.mapEpt(gpa & ~0xfffn, gpa & ~0xfffn, R | W | X | WB);
        vmcsControl.reinjectVectored(machine.processor);
        return RESUME.retry;
      };
      ask(machine);
      assert.equal(machine.processor.deliverPending(), STATUS.exception);
      assert.deepEqual([told, machine.exits.length], [information, 1]);
      assert.equal(blocked, name === 'an NMI' ? BigInt(INTERRUPTIBILITY.blockingByNmi) : 0n);
      assert.equal(machine.frame(1)[0], PROGRAM);
      assert.equal(machine.processor.registers[2 * REGISTER.interruptibility], Number(blocked));
    });
  }
});
