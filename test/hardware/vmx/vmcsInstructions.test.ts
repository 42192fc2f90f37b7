import { strict as assert } from 'node:assert';
import { fieldGroup, fieldWidth, vmcsComponent } from '../../../src/hardware/vmx/vmcsEncoding';
import { VMCS, vmcsFields } from '../../../src/hardware/vmx/vmcs';
import type { VmxOutcome } from '../../../src/hardware/vmx/vmInstructionErrors';
import { halves, TestMachine } from '../testMachine';

const ALL_ONES = 0xffff_ffff_ffff_ffffn;
/** What is left of all ones in a field of each width. SDM Vol. 3, "VMREAD", "VMWRITE". */
const kept = { '16 bits': 0xffffn, '32 bits': 0xffff_ffffn, '64 bits': ALL_ONES, 'natural width': ALL_ONES } as const;

function write(machine: TestMachine, encoding: number, value: bigint): VmxOutcome {
  return machine.processor.vmcsInstructions.write(encoding, 0, ...halves(value));
}

function read(machine: TestMachine, encoding: number): bigint | VmxOutcome {
  const outcome = machine.processor.vmcsInstructions.read(encoding, 0);
  return outcome.kind === 'succeed' ? machine.value : outcome;
}

describe('the fields of a VMCS', () => {
  it('have encodings of their own, of the width and the group that their names say', () => {
    assert.equal(new Set(vmcsFields.map(({ encoding }) => encoding)).size, vmcsFields.length);
    assert.equal(new Set(vmcsFields.map(({ name }) => name)).size, vmcsFields.length);
    for (const { name, encoding } of vmcsFields) {
      const group = fieldGroup(encoding);
      assert.equal(name.startsWith('host_'), group === 'host state', name);
      if (name.startsWith('guest_') && !/^guest_(physical|linear)_address$/.test(name)) assert.equal(group, 'guest state', name);
      if (name.endsWith('_selector')) assert.equal(fieldWidth(encoding), '16 bits', name);
      if (/_(limit|access_rights|controls)$/.test(name) && name !== 'vm_function_controls') assert.equal(fieldWidth(encoding), '32 bits', name);
      if (name.endsWith('_base')) assert.equal(fieldWidth(encoding), 'natural width', name);
      assert.equal(encoding & 1, 0, 'bit 0 is the access to a high half');
    }
  });

  it('are where the manual has them', () => {
    const some = {
      vpid: 0x0000, guest_tr_selector: 0x080e, host_tr_selector: 0x0c0c, io_bitmap_a: 0x2000, msr_bitmap: 0x2004, eptp: 0x201a,
      vmcs_link_pointer: 0x2800, pin_controls: 0x4000, vm_instruction_error: 0x4400, exit_reason: 0x4402, guest_activity_state: 0x4826,
      cr3_target3: 0x600e, exit_qualification: 0x6400, guest_cr0: 0x6800, guest_rip: 0x681e, host_rip: 0x6c16,
    } as const;
    for (const [name, encoding] of Object.entries(some)) assert.equal(vmcsComponent(encoding, 0)?.at, VMCS[name as keyof typeof some], name);
  });

  it('are written and read by encoding, each in its width', () => {
    const machine = new TestMachine();
    for (const { name, encoding } of vmcsFields) {
      const isReadOnly = fieldGroup(encoding) === 'exit information';
      const outcome = write(machine, encoding, ALL_ONES);
      if (isReadOnly) assert.deepEqual(outcome, { kind: 'fail valid', error: 13 }, name);
      else assert.equal(outcome.kind, 'succeed', name);
      if (name === 'vm_instruction_error') assert.equal(read(machine, encoding), 13n, 'what the refusal has left');
      else assert.equal(read(machine, encoding), isReadOnly ? 0n : kept[fieldWidth(encoding)], name);
    }
  });

  it('of 64 bits have a high half by itself, others none', () => {
    const machine = new TestMachine();
    write(machine, 0x201a, 0x1111_1111_2222_2222n);
    assert.equal(read(machine, 0x201b), 0x1111_1111n);
    write(machine, 0x201b, 0xffff_ffff_3333_3333n);
    assert.equal(read(machine, 0x201a), 0x3333_3333_2222_2222n);
    for (const encoding of [0x4003, 0x6801, 0x0001]) assert.deepEqual(read(machine, encoding), { kind: 'fail valid', error: 12 });
  });

  it('that there are not are VMfailValid with error 12, and without a VMCS all is VMfailInvalid', () => {
    const machine = new TestMachine();
    assert.deepEqual(read(machine, 0x2032), { kind: 'fail valid', error: 12 });
    assert.deepEqual(write(machine, 0x8000, 1n), { kind: 'fail valid', error: 12 });
    assert.deepEqual(machine.processor.vmcsInstructions.read(0, 1), { kind: 'fail valid', error: 12 });
    assert.equal(machine.field('vm_instruction_error'), 12n);
    machine.processor.vmcsInstructions.clear();
    assert.deepEqual(read(machine, 0x6800), { kind: 'fail invalid' });
    assert.deepEqual(write(machine, 0x6800, 1n), { kind: 'fail invalid' });
    machine.processor.vmcsInstructions.makeCurrent();
    assert.equal(write(machine, 0x6800, 1n).kind, 'succeed');
  });
});
