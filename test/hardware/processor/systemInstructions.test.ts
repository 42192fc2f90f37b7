import { strict as assert } from 'node:assert';
import { STATUS } from '../../../src/hardware/processor/processor';
import { ACTIVITY, REGISTER } from '../../../src/hardware/processor/registers';
import type { ProcessorSettings } from '../../../src/hardware/processor/rootMode';
import { adjustControls } from '../../../src/hardware/vmx/vmxControls';
import { TestMachine, whole } from '../testMachine';

const at = (name: 'rax' | 'rbx' | 'rcx' | 'rdx'): number => 2 * REGISTER[name];

function cpuid(leaf: number, subleaf = 0, settings: Partial<ProcessorSettings> = {}): { eax: number; ebx: number; ecx: number; edx: number } {
  const { processor } = new TestMachine(settings);
  processor.registers[at('rax')] = leaf;
  processor.registers[at('rcx')] = subleaf;
  assert.equal(processor.cpuid(), STATUS.done);
  const { registers } = processor;
  return { eax: registers[at('rax')]!, ebx: registers[at('rbx')]!, ecx: registers[at('rcx')]!, edx: registers[at('rdx')]! };
}

function rdmsr(machine: TestMachine, index: number): bigint | 'fault' {
  machine.processor.registers[at('rcx')] = index;
  if (machine.processor.rdmsr() !== STATUS.done) return 'fault';
  return whole(machine.processor.registers[at('rax')]!, machine.processor.registers[at('rdx')]!);
}

function wrmsr(machine: TestMachine, index: number, value: bigint): 'done' | 'fault' {
  machine.set({ rcx: index >>> 0, rax: value & 0xffff_ffffn, rdx: value >> 32n });
  return machine.processor.wrmsr() === STATUS.done ? 'done' : 'fault';
}

describe('CPUID', () => {
  it('names the vendor and reports the address widths', () => {
    const { eax, ebx, edx, ecx } = cpuid(0);
    const text = [ebx, edx, ecx].map((word) => String.fromCharCode(word & 0xff, (word >> 8) & 0xff, (word >> 16) & 0xff, word >>> 24)).join('');
    assert.deepEqual([eax >= 7, text], [true, 'GenuineIntel']);
    assert.equal(cpuid(0x8000_0008, 0, { maxphyaddr: 39 }).eax, 39 | (57 << 8));
    assert.equal(cpuid(0x8000_0008, 0, { features: { la57: 'off' } }).eax >>> 8, 48);
  });

  it('reports each feature where its row says, and not without it', () => {
    for (const [feature, leaf, register, bit] of [
      ['pse36', 1, 'edx', 17], ['pcid', 1, 'ecx', 17], ['invpcid', 7, 'ebx', 10], ['smep', 7, 'ebx', 7], ['smap', 7, 'ebx', 20],
      ['pku', 7, 'ecx', 3], ['pks', 7, 'ecx', 31], ['la57', 7, 'ecx', 16], ['page1Gb', 0x8000_0001, 'edx', 26],
    ] as const) {
      assert.equal((cpuid(leaf)[register] >>> bit) & 1, 1, feature);
      assert.equal((cpuid(leaf, 0, { features: { [feature]: 'off' } })[register] >>> bit) & 1, 0, `without ${feature}`);
    }
    assert.equal((cpuid(7, 0, { vendor: 'amd' }).ecx >>> 31) & 1, 0, 'supervisor keys are Intel\'s');
    assert.deepEqual([(cpuid(1).ecx >>> 5) & 1, (cpuid(1, 0, { vendor: 'amd' }).ecx >>> 5) & 1], [1, 0], 'VMX');
    assert.deepEqual(cpuid(7, 1), { eax: 0, ebx: 0, ecx: 0, edx: 0 });
  });

  it('answers a leaf beyond the last as the last basic one, on AMD with zeros', () => {
    assert.deepEqual(cpuid(0x4000_0000), cpuid(0xb));
    assert.deepEqual(cpuid(0x8000_0009), cpuid(0xb));
    assert.deepEqual(cpuid(0x4000_0000, 0, { vendor: 'amd' }), { eax: 0, ebx: 0, ecx: 0, edx: 0 });
  });
});

describe('HLT, IN and OUT natively', () => {
  it('halt until something wakes the processor', () => {
    const { processor } = new TestMachine();
    assert.equal(processor.hlt(), STATUS.done);
    assert.equal(processor.registers[2 * REGISTER.activity], ACTIVITY.hlt);
  });

  it('find ones where no device answers, and only as much of RAX as they read', () => {
    for (const [size, expected] of [[1, 0x1122_3344_5566_77ffn], [2, 0x1122_3344_5566_ffffn], [4, 0xffff_ffffn]] as const) {
      const machine = new TestMachine();
      machine.set({ rax: 0x1122_3344_5566_7788n, rdx: 0x80 });
      assert.equal(machine.processor.input(size), STATUS.done);
      assert.equal(machine.register('rax'), expected);
    }
  });

  it('reach a device at its ports, which an access that goes past them does not', () => {
    const machine = new TestMachine();
    const seen: number[][] = [];
    machine.processor.ports.attach(0x3f8, 0x3ff, { read: (port, size) => port + size, write: (...written) => seen.push(written) });
    machine.set({ rdx: 0x3f8, rax: 0x1_2345_6789n });
    for (const size of [1, 2, 4]) machine.processor.output(size);
    assert.deepEqual(seen, [[0x3f8, 1, 0x89], [0x3f8, 2, 0x6789], [0x3f8, 4, 0x2345_6789]]);
    machine.processor.input(4);
    assert.equal(machine.register('rax'), 0x3fcn);
    machine.set({ rdx: 0x3fe });
    machine.processor.input(4);
    assert.equal(machine.register('rax'), 0xffff_ffffn);
  });
});

describe('RDMSR and WRMSR', () => {
  it('read and write EFER as the register that it is, with its rules', () => {
    const machine = new TestMachine();
    assert.equal(rdmsr(machine, 0xc000_0080), 0xd00n);
    assert.equal(wrmsr(machine, 0xc000_0080, 0xd01n), 'done');
    assert.equal(machine.register('efer'), 0xd01n);
    assert.equal(wrmsr(machine, 0xc000_0080, 0xc01n), 'fault', 'LME while paging');
    assert.equal(machine.processor.vector, 13);
  });

  it('hold canonical addresses where addresses belong, and bases of FS and GS', () => {
    for (const index of [0x175, 0x176, 0xc000_0082, 0xc000_0083, 0xc000_0100, 0xc000_0101, 0xc000_0102]) {
      const machine = new TestMachine({ features: { la57: 'off' } });
      assert.equal(wrmsr(machine, index, 0xffff_8000_0000_1234n), 'done');
      assert.equal(rdmsr(machine, index), 0xffff_8000_0000_1234n, index.toString(16));
      assert.equal(wrmsr(machine, index, 0x8000_0000_0000n), 'fault', index.toString(16));
      assert.equal(rdmsr(machine, index), 0xffff_8000_0000_1234n);
    }
    const machine = new TestMachine();
    wrmsr(machine, 0xc000_0100, 0x1234_5000n);
    assert.equal(machine.processor.segments.baseLo(4), 0x1234_5000);
  });

  it('are #GP for an MSR that there is not, and for a write to one that is read-only', () => {
    const machine = new TestMachine();
    assert.equal(rdmsr(machine, 0xdead), 'fault');
    assert.equal(wrmsr(machine, 0x480, 0n), 'fault');
    assert.equal(rdmsr(new TestMachine({ vendor: 'amd' }), 0x480), 'fault', 'VMX is Intel\'s');
  });

  it('report VMX as the checks of VM entry then have it', () => {
    const machine = new TestMachine();
    const { features } = machine.processor;
    for (const [msr, vector] of [[0x48d, 'pin'], [0x48e, 'primary'], [0x48f, 'exit'], [0x490, 'entry'], [0x48b, 'secondary']] as const) {
      const value = rdmsr(machine, msr);
      assert.ok(value !== 'fault');
      const mustBeOne = Number(value & 0xffff_ffffn);
      const mayBeOne = Number(value >> 32n);
      assert.equal(adjustControls(vector, 0, features) >>> 0, mustBeOne, vector);
      assert.equal(adjustControls(vector, -1, features) >>> 0, mayBeOne, vector);
    }
    assert.deepEqual([0x486, 0x487, 0x488].map((msr) => rdmsr(machine, msr)), [0x8000_0021n, 0xffff_ffffn, 0x2000n]);
    const ept = rdmsr(machine, 0x48c);
    assert.ok(ept !== 'fault' && (ept & 0x21_4141n) === 0x21_4141n, 'execute-only, 4 levels, UC, WB, 2 MBytes, A/D');
    const without = rdmsr(new TestMachine({ features: { eptExecuteOnly: 'off', eptAccessedDirty: 'off' } }), 0x48c);
    assert.ok(without !== 'fault' && (without & 0x20_0001n) === 0n);
  });
});
