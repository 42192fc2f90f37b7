import { strict as assert } from 'node:assert';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { PassedVmcs } from '../../../src/hardware/vmx/passedVmcs';
import { VMCS, vmcsFields } from '../../../src/hardware/vmx/vmcs';
import { isReadOnly } from '../../../src/hardware/vmx/vmcsEncoding';
import { machineWithVmcs } from './goodVmcs';

const wordsOf = (kind: 'written' | 'reported'): readonly (readonly [name: string, word: number])[] => vmcsFields.flatMap(({ name, encoding }) => (
  isReadOnly(encoding) === (kind === 'reported') ? [[name, VMCS[name]] as const, [`${name}, high half`, VMCS[name] + 1] as const] : []));

describe('a VM entry by a VMCS that was right before', () => {
  const vmcs = Int32Array.from({ length: 2 * vmcsFields.length }, (_, word) => word + 1);
  const passed = new PassedVmcs();

  it('is none before one has passed, whatever stands in it', () => {
    assert.equal(passed.isStill(new Int32Array(vmcs.length)), false);
    passed.keep(vmcs);
    assert.equal(passed.isStill(vmcs), true);
  });

  it('is another one when any half of any field is, but for those that report an exit', () => {
    for (const [name, word] of wordsOf('written')) {
      vmcs[word]! ^= 1 << 31;
      assert.equal(passed.isStill(vmcs), false, name);
      vmcs[word]! ^= 1 << 31;
    }
    for (const [, word] of wordsOf('reported')) vmcs[word]! ^= 1;
    assert.equal(passed.isStill(vmcs), true);
  });

  it('is checked again for what has changed: the next entry refuses it as the first would have', () => {
    const machine = machineWithVmcs();
    let exits = 0;
    machine.onExit = () => {
      exits++;
      // Bit 1 of RFLAGS must be 1.
      if (exits === 2) machine.vmcs({ guest_rflags: 0 });
      return RESUME.completed;
    };
    assert.equal(machine.processor.launch(), STATUS.done);
    machine.processor.cpuid();
    assert.equal(machine.processor.stopReason, '');
    machine.processor.cpuid();
    assert.match(machine.processor.stopReason, /RFLAGS/);
  });
});
