import { strict as assert } from 'node:assert';
import { DELIVERY_MODE } from '../../../src/hardware/apic/deliveryMode';
import { RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { ACTIVITY, INTERRUPTIBILITY, REGISTER } from '../../../src/hardware/processor/registers';
import { intercept, SVM_EXIT } from '../../../src/hardware/svm/svmExitCodes';
import { VMCB } from '../../../src/hardware/svm/vmcb';
import { PIN, PRIMARY, VMCS } from '../../../src/hardware/vmx/vmcs';
import { TestMachine } from '../testMachine';

/* A processor that halts is asked whether anything would wake it: it must say what it would then do. */
const { blockingBySti, blockingByMovSs, blockingByNmi } = INTERRUPTIBILITY;
const V_IRQ = 1 << 8 | 5 << 16;
const V_INTR_MASKING = 1 << 24;

/** All ways to choose one of each. */
function products<T extends readonly (readonly unknown[])[]>(...lists: T): { readonly [K in keyof T]: T[K][number] }[] {
  return lists.reduce<unknown[][]>((all, list) => all.flatMap((chosen) => list.map((each) => [...chosen, each])), [[]]) as never;
}

const pins = [0, PIN.externalInterruptExiting, PIN.nmiExiting, PIN.nmiExiting | PIN.virtualNmis, PIN.externalInterruptExiting | PIN.nmiExiting | PIN.virtualNmis];
const windows = [0, PRIMARY.nmiWindowExiting, PRIMARY.interruptWindowExiting];

for (const [who, vendor, nonRoot, controls] of [
  ['natively', 'intel', 0, products(pins, windows)], ['in a guest of VMX', 'intel', 1, products(pins, windows)],
  ['natively on AMD', 'amd', 0, products([0, V_IRQ, V_IRQ | V_INTR_MASKING], [0])], ['in a guest of SVM', 'amd', 1, products([0, V_IRQ, V_INTR_MASKING, V_IRQ | V_INTR_MASKING], [0])],
] as const) {
  it(`whether something waits is whether something is taken, ${who}`, () => {
    const machine = new TestMachine({ vendor });
    const { processor, registry } = machine;
    if (vendor === 'amd') intercept(processor.vmcb, SVM_EXIT.intr, SVM_EXIT.vintr);
    const saved = registry.checkpoint();
    let taken = 0;
    for (const [rflags, blocking, activity, nmi, vector, [first, second]] of products(
      [RFLAGS.fixed, RFLAGS.fixed | RFLAGS.IF], [0, blockingBySti, blockingByMovSs, blockingByNmi, blockingBySti | blockingByNmi],
      [ACTIVITY.active, ACTIVITY.hlt, ACTIVITY.shutdown], ['no NMI', 'an NMI'], ['no interrupt', 'an interrupt'], controls,
    )) {
      registry.restore(saved);
      processor.reload();
      machine.exits.length = 0;
      processor.registers[2 * REGISTER.nonRoot] = nonRoot;
      processor.registers[2 * REGISTER.rflags] = rflags;
      processor.registers[2 * REGISTER.interruptibility] = blocking;
      processor.registers[2 * REGISTER.activity] = activity;
      if (vendor === 'intel') [processor.vmcs[VMCS.pin_controls], processor.vmcs[VMCS.primary_controls]] = [first, second];
      else processor.vmcb[VMCB.v_intr] = first;
      if (nmi === 'an NMI') processor.apic.accept(DELIVERY_MODE.nmi, 0);
      if (vector === 'an interrupt') processor.apic.accept(DELIVERY_MODE.fixed, 0x51);
      const waits = processor.hasPending;
      const counted = processor.counters.slice();
      const isTaken = processor.deliverPending() !== STATUS.done || processor.counters.some((count, index) => count !== counted[index]);
      const what = JSON.stringify({ rflags, blocking, activity, nmi, vector, first, second });
      // Nothing wakes a processor that has shut down: the machine has stopped.
      if (activity === ACTIVITY.shutdown) assert.equal(waits, false, what);
      else assert.equal(waits, isTaken, what);
      if (isTaken) taken++;
    }
    assert.ok(taken > 40, `${taken} were taken`);
  });
}
