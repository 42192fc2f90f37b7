import { strict as assert } from 'node:assert';
import { RETRY_LIMIT } from '../../../src/hardware/processor/instructionEnd';
import { refusedInstruction } from '../../../src/hardware/processor/refusedInstruction';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { SECONDARY, VM_FUNCTION, VMCS } from '../../../src/hardware/vmx/vmcs';
import { EPT_ROOT, P, PS, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
const GPA = 0x1_4000_0000n;
const HPA = 0x2000_0000n;
const LIST = 0x3000_0000n;
/** Root of a second EPT, which maps the guest's tables as the first does and PAGE elsewhere. */
const OTHER_ROOT = 0x3100_0000n;
const INVALID_OPCODE = 6;
const VMFUNC_EXIT = 59;

function guest(options: { readonly functions?: 'on' | 'off'; readonly switching?: 'on' | 'off'; readonly vpid?: number; readonly ve?: 'off' } = {}): TestMachine {
  const machine = new TestMachine(options.ve === undefined ? {} : { features: { eptViolationVe: options.ve } });
  machine.map(PAGE, GPA, P | RW | US);
  machine.enterWithEpt(options.vpid === undefined ? {} : { vpid: options.vpid });
  machine.mapEpt(GPA, HPA, R | W | X | WB);
  // The other EPT: the first GByte by the same table, the one of PAGE by host-physical 0.
  const table = OTHER_ROOT + 0x1000n;
  machine.put(OTHER_ROOT, table | R | W | X);
  machine.put(table, machine.word(machine.eptEntryAt(0n, 3)));
  machine.put(table + ((GPA >> 30n) & 0x1ffn) * 8n, R | WB | PS);
  machine.put(LIST + 8n * 3n, OTHER_ROOT | 0x1en);
  // One at index 512 too, where the list has ended.
  for (const index of [511n, 512n]) machine.put(LIST + 8n * index, EPT_ROOT | 0x1en);
  machine.put(HPA, 1n);
  machine.put(0n, 2n);
  machine.vmcs({
    secondary_controls: SECONDARY.enableEpt | (options.functions === 'off' ? 0 : SECONDARY.enableVmFunctions)
      | (options.vpid === undefined ? 0 : SECONDARY.enableVpid),
    vm_function_controls: options.switching === 'off' ? 0 : VM_FUNCTION.eptpSwitching, eptp_list_address: LIST,
  });
  machine.processor.reload();
  return machine;
}

function vmfunc(machine: TestMachine, rax: number | bigint, rcx: number | bigint): number {
  machine.set({ rax, rcx });
  return machine.processor.vmfunc();
}

describe('VMFUNC', () => {
  it('switches to the EPTP that the list has at ECX, without an exit, and keeps the index', () => {
    const machine = guest();
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.value, 1n);
    assert.equal(vmfunc(machine, 0, 3), STATUS.done);
    assert.deepEqual([machine.field('eptp'), machine.field('eptp_index'), machine.exits.length], [OTHER_ROOT | 0x1en, 3n, 0]);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.value, 2n, 'read through the other EPT');
  });

  it('keeps no index on a processor without virtualization exceptions, whose VMCS has no field for it', () => {
    const machine = guest({ ve: 'off' });
    assert.equal(vmfunc(machine, 0, 3), STATUS.done);
    assert.deepEqual([machine.field('eptp'), machine.field('eptp_index')], [OTHER_ROOT | 0x1en, 0n]);
  });

  it('invalidates nothing: behind the first EPTP again, its translations are still cached', () => {
    const machine = guest({ vpid: 5 });
    machine.load(PAGE);
    const flushes = (): number => machine.events.filter((event) => event.kind === 'tlb_flush').length;
    machine.listen();
    vmfunc(machine, 0, 3);
    machine.load(PAGE);
    assert.ok(machine.kinds().includes('tlb_miss'), 'what the other EPT maps is not cached yet');
    vmfunc(machine, 0, 511);
    machine.listen();
    machine.load(PAGE);
    assert.deepEqual([machine.value, machine.kinds().includes('tlb_hit'), flushes()], [1n, true, 0]);
  });

  it('works at every CPL, and by EAX and ECX alone', () => {
    const machine = guest();
    machine.processor.setLevel(3);
    assert.equal(vmfunc(machine, 0xffff_ffff_0000_0000n, 0x1_0000_0003n), STATUS.done);
    assert.equal(machine.field('eptp_index'), 3n);
  });

  for (const [name, rax] of [['64', 64], ['FFFFFFFFH', 0xffff_ffff]] as const) {
    it(`is #UD for EAX = ${name}: only functions 0 to 63 can be enabled`, () => {
      const machine = guest();
      assert.equal(vmfunc(machine, rax, 3), STATUS.exception);
      assert.deepEqual([machine.processor.vector, machine.exits.length], [INVALID_OPCODE, 0]);
      assert.equal(refusedInstruction(machine.processor), 'VM functions are not enabled, or EAX is above 63');
    });
  }

  it('is given up when it exits again and again, with one exit each time', () => {
    const machine = guest();
    machine.onExit = () => RESUME.retry;
    assert.equal(vmfunc(machine, 1, 3), STATUS.stopped);
    assert.deepEqual([machine.exits.length, machine.processor.stopReason], [RETRY_LIMIT, 'VMFUNC exits again and again']);
  });

  it('takes EPTPs above 4 GBytes, and tells the old and the new one', () => {
    const high = 0x9_0000_0000n | 0x1en;
    const machine = guest();
    machine.put(LIST + 8n * 3n, high);
    // The EPT there maps the guest as OTHER_ROOT does.
    machine.put(0x9_0000_0000n, OTHER_ROOT + 0x1000n | R | W | X);
    machine.listen();
    vmfunc(machine, 0, 3);
    assert.equal(machine.field('eptp'), high);
    machine.load(PAGE);
    assert.equal(machine.value, 2n);
    vmfunc(machine, 0, 511);
    const text = (eptp: bigint): string => `0x${eptp.toString(16)}`;
    assert.deepEqual(
      machine.events.filter(({ kind }) => kind === 'eptp_switch').map(({ json }) => [json['old'], json['value']]),
      [[text(EPT_ROOT | 0x1en), text(high)], [text(high), text(EPT_ROOT | 0x1en)]],
    );
  });

  it('is #UD while VM functions are not enabled, and outside non-root operation', () => {
    const outside = guest();
    outside.processor.registers[2 * REGISTER.nonRoot] = 0;
    assert.equal(vmfunc(outside, 0, 3), STATUS.exception);
    assert.equal(outside.processor.vector, INVALID_OPCODE);
    const machine = guest({ functions: 'off' });
    assert.equal(vmfunc(machine, 0, 3), STATUS.exception);
    assert.equal(machine.processor.vector, INVALID_OPCODE);
    const native = new TestMachine();
    assert.equal(native.processor.vmfunc(), STATUS.exception);
    assert.equal(native.processor.vector, INVALID_OPCODE);
  });

  for (const [name, options, rax, rcx] of [
    ['a function that the VM-function controls do not enable', { switching: 'off' }, 0, 3],
    ['a function that there is not', {}, 1, 3],
    ['function 63', {}, 63, 3],
    ['an index of 512', {}, 0, 512],
    ['an index that is large as an unsigned number', {}, 0, 0xffff_ffff],
    ['an entry of the list that is no legal EPTP', {}, 0, 4],
  ] as const) {
    it(`exits with reason 59 for ${name}, and changes nothing`, () => {
      const machine = guest(options);
      const before = machine.field('eptp');
      assert.equal(vmfunc(machine, rax, rcx), STATUS.stopped);
      assert.deepEqual(machine.exits, [{ reason: VMFUNC_EXIT, qualification: 0n, gpa: 0n, gla: 0n }]);
      assert.deepEqual([machine.field('eptp'), machine.field('eptp_index'), machine.field('exit_instruction_length')], [before, 0n, 3n]);
    });
  }

  for (const [name, eptp] of [
    ['memory type 1', OTHER_ROOT | 0x19n], ['a walk length of 3', OTHER_ROOT | 0x16n], ['a reserved bit', OTHER_ROOT | 0x11en],
    ['a bit above MAXPHYADDR', (1n << 46n) | OTHER_ROOT | 0x1en],
  ] as const) {
    it(`exits for an EPTP with ${name}, which a VM entry would refuse`, () => {
      const machine = guest();
      machine.put(LIST + 8n * 3n, eptp);
      assert.equal(vmfunc(machine, 0, 3), STATUS.stopped);
      assert.equal(machine.exits[0]?.reason, VMFUNC_EXIT);
    });
  }

  it('exits for a list where no memory answers', () => {
    const machine = guest();
    machine.vmcs({ eptp_list_address: 1n << 40n });
    assert.equal(vmfunc(machine, 0, 3), STATUS.stopped);
    assert.equal(machine.exits[0]?.reason, VMFUNC_EXIT);
  });

  it('is done by root mode, or tried again, as root mode answers', () => {
    const machine = guest();
    machine.onExit = () => RESUME.completed;
    assert.equal(vmfunc(machine, 0, 512), STATUS.done);
    machine.onExit = () => {
      machine.processor.registers[2 * REGISTER.rcx] = 3;
      return RESUME.retry;
    };
    assert.equal(vmfunc(machine, 0, 512), STATUS.done);
    assert.equal(machine.field('eptp_index'), 3n);
    machine.onExit = () => RESUME.retry;
    machine.set({ rcx: 600 });
    assert.equal(machine.processor.vmfunc(), STATUS.stopped);
    assert.match(machine.processor.stopReason, /VMFUNC exits again and again/);
  });

  it('gives virtualization exceptions from here on the new index', () => {
    const machine = guest();
    machine.processor.vmcs[VMCS.secondary_controls]! |= SECONDARY.eptViolationVe;
    machine.vmcs({ virtualization_exception_information_address: 0x3200_0000 });
    vmfunc(machine, 0, 3);
    assert.equal(machine.store(PAGE, 1n), STATUS.exception);
    assert.equal(machine.word(0x3200_0020n), 3n);
  });

  it('goes back with a checkpoint', () => {
    const machine = guest();
    const before = machine.registry.checkpoint();
    vmfunc(machine, 0, 3);
    machine.registry.restore(before);
    machine.processor.reload();
    assert.equal(machine.field('eptp_index'), 0n);
    machine.load(PAGE);
    assert.equal(machine.value, 1n, 'through the first EPT');
  });

  it('tells the switch in one event', () => {
    const machine = guest();
    machine.listen();
    vmfunc(machine, 0, 3);
    assert.deepEqual(machine.events.map((event) => event.json), [{
      cpu: 0, actor: 'guest', kind: 'eptp_switch', index: 3, value: '0x3100001e', old: '0x80001e',
    }]);
  });
});
