import { strict as assert } from 'node:assert';
import { STATUS } from '../../../src/hardware/processor/processor';
import { refusedInstruction } from '../../../src/hardware/processor/refusedInstruction';
import { REGISTER } from '../../../src/hardware/processor/registers';
import type { ProcessorSettings } from '../../../src/hardware/processor/rootMode';
import { SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { halves, TestMachine, whole } from '../testMachine';

const PROTECTION = 13;
const ALL = 0xffff_ffff_ffff_ffffn;
/** The highest address of the lower half, and the lowest of the upper one, by bits of a linear address. */
const lowerHalf = (bits: bigint): bigint => (1n << bits - 1n) - 1n;
const upperHalf = (bits: bigint): bigint => ALL - lowerHalf(bits);

function read(machine: TestMachine, index: number): bigint | string {
  const { processor } = machine;
  processor.registers[2 * REGISTER.rcx] = index;
  if (processor.rdmsr() === STATUS.done) return whole(processor.registers[2 * REGISTER.rax]!, processor.registers[2 * REGISTER.rdx]!);
  assert.equal(processor.vector, PROTECTION);
  return refusedInstruction(processor);
}

function write(machine: TestMachine, index: number, value: bigint): string {
  const { processor } = machine;
  processor.registers[2 * REGISTER.rcx] = index;
  [processor.registers[2 * REGISTER.rax], processor.registers[2 * REGISTER.rdx]] = halves(value);
  if (processor.wrmsr() === STATUS.done) return 'done';
  assert.equal(processor.vector, PROTECTION);
  return refusedInstruction(processor);
}

const held = [
  [0x174, 'IA32_SYSENTER_CS', 'any value'], [0x175, 'IA32_SYSENTER_ESP', 'canonical'], [0x176, 'IA32_SYSENTER_EIP', 'canonical'],
  [0xc000_0081, 'IA32_STAR', 'any value'], [0xc000_0082, 'IA32_LSTAR', 'canonical'], [0xc000_0083, 'IA32_CSTAR', 'canonical'],
  [0xc000_0084, 'IA32_FMASK', '32 bits'], [0xc000_0102, 'IA32_KERNEL_GS_BASE', 'canonical'],
  [0xc000_0100, 'IA32_FS_BASE', 'canonical'], [0xc000_0101, 'IA32_GS_BASE', 'canonical'],
] as const;
const values = { 'any value': [0n, ALL, 1n << 63n, 0x1234_5678_9abc_def0n], '32 bits': [0n, 0xffff_ffffn], 'canonical': [0n] } as const;
const refused = { 'any value': [], '32 bits': [1n << 32n, 1n << 63n], 'canonical': [0x0100_0000_0000_0000n, 1n << 63n] } as const;

describe('model-specific registers', () => {
  for (const [index, name, holds] of held) {
    for (const la57 of ['on', 'off'] as const) {
      it(`${name} holds ${holds}${holds === 'canonical' ? `, of ${la57 === 'on' ? 57 : 48} bits` : ''}`, () => {
        const machine = new TestMachine({ features: { la57 } });
        const bits = la57 === 'on' ? 57n : 48n;
        const edges = holds === 'canonical' ? [lowerHalf(bits), upperHalf(bits)] : [];
        for (const value of [...values[holds], ...edges]) {
          assert.equal(write(machine, index, value), 'done', value.toString(16));
          assert.equal(read(machine, index), value);
        }
        const kept = read(machine, index);
        const beyond = holds === 'canonical' ? [lowerHalf(bits) + 1n, upperHalf(bits) - 1n] : [];
        for (const value of [...refused[holds], ...beyond]) {
          assert.equal(write(machine, index, value), `${name} (0x${index.toString(16)}) cannot take the value`, value.toString(16));
          assert.equal(read(machine, index), kept, 'and keeps what it has');
        }
        const others = held.filter(([other]) => other !== index);
        assert.ok(others.every(([other]) => read(machine, other) === 0n), 'no other has changed');
      });
    }
  }

  it('of segment bases are what the segments have, and change nothing else of them', () => {
    const machine = new TestMachine();
    const { segments } = machine.processor;
    segments.set(SEGMENT.fs, { selector: 0x23, rights: 0xc0f3, limit: 0xfffff, baseLo: 0x1000, baseHi: 0 });
    assert.equal(read(machine, 0xc000_0100), 0x1000n);
    assert.equal(write(machine, 0xc000_0100, 0x12_3456_7000n), 'done');
    assert.deepEqual(
      [segments.selector(SEGMENT.fs), segments.rights(SEGMENT.fs), segments.limit(SEGMENT.fs), segments.baseLo(SEGMENT.fs), segments.baseHi(SEGMENT.fs)],
      [0x23, 0xc0f3, 0xfffff, 0x3456_7000, 0x12]);
    assert.equal(segments.baseLo(SEGMENT.gs), 0);
  });

  const intel = {} as const;
  const amd = { vendor: 'amd' } as const;
  const withoutKeys = { features: { pks: 'off' } } as const;
  for (const [about, settings, index, gives] of [
    ['IA32_FEATURE_CONTROL: locked, and VMX outside SMX', intel, 0x3a, 5n],
    ['IA32_FEATURE_CONTROL of AMD', amd, 0x3a, 'there is no MSR 0x3a'],
    ['IA32_VMX_BASIC', intel, 0x480, 1n | 0x1000n << 32n | 6n << 50n | 1n << 55n],
    ['IA32_VMX_BASIC of AMD', amd, 0x480, 'there is no MSR 0x480'],
    ['IA32_PKRS', intel, 0x6e1, 0n],
    ['IA32_PKRS without supervisor keys', withoutKeys, 0x6e1, 'there is no MSR 0x6e1'],
    ['IA32_PKRS of AMD', amd, 0x6e1, 'there is no MSR 0x6e1'],
    ['IA32_EFER', intel, 0xc000_0080, 0xd00n],
    ['one that is none', intel, 0xc000_0103, 'there is no MSR 0xc0000103'],
    ['the end of an interrupt, which is written only', intel, 0x80b, 'local APIC EOI (0x80b) is write only'],
  ] as const satisfies readonly (readonly [string, Partial<ProcessorSettings>, number, bigint | string])[]) {
    it(`RDMSR of ${about}`, () => {
      assert.equal(read(new TestMachine(settings), index), gives);
    });
  }

  const BASE = 0xfee0_0d00n;
  for (const [about, index, value, outcome] of [
    ['a register that is read only', 0x3a, 5n, 'IA32_FEATURE_CONTROL (0x3a) is read only'],
    ['one that is none', 0xc000_0103, 0n, 'there is no MSR 0xc0000103'],
    ['EFER with a reserved bit', 0xc000_0080, 0xd02n, /^IA32_EFER \(0xc0000080\) cannot take the value: /],
    ['PKRS', 0x6e1, 0x1_2345n, 'done'],
    ['EFER with what it has', 0xc000_0080, 0xd00n, 'done'],
    ['the base of the local APIC, as it stands', 0x1b, BASE, 'done'],
    ['another base', 0x1b, BASE | 0x1000n, 'local APIC base (0x1b) cannot take the value: the local APIC stays in x2APIC mode'],
    ['the base without the mark of CPU 0', 0x1b, BASE & ~0x100n, 'local APIC base (0x1b) cannot take the value: the local APIC stays in x2APIC mode'],
    ['a base above 4 GBytes', 0x1b, BASE | 1n << 32n, 'local APIC base (0x1b) cannot take the value: the local APIC stays in x2APIC mode'],
    ['a task priority', 0x808, 0xffn, 'done'],
    ['a task priority above FFH', 0x808, 0x100n, 'local APIC task priority (0x808) cannot take the value: a reserved bit is set'],
    ['a task priority with a high half', 0x808, 1n << 32n, 'local APIC task priority (0x808) cannot take the value: a reserved bit is set'],
    ['an interrupt command with a reserved bit', 0x830, 1n << 13n, 'local APIC interrupt command (0x830) cannot take the value: a reserved bit of the ICR is set'],
    ['an INIT', 0x830, 0x500n, /the local APIC of this machine sends fixed IPIs/],
    ['an end of interrupt other than 0', 0x80b, 1n, 'local APIC EOI (0x80b) cannot take the value: a reserved bit is set'],
    ['the number of the APIC', 0x802, 0n, 'local APIC ID (0x802) is read only'],
  ] as const) {
    it(`WRMSR of ${about}`, () => {
      const outcomeOfIt = write(new TestMachine(), index, value);
      if (typeof outcome === 'string') assert.equal(outcomeOfIt, outcome);
      else assert.match(outcomeOfIt, outcome);
    });
  }

  it('mark the processor that boots in the base of its local APIC, and no other', () => {
    assert.equal(read(new TestMachine({ apicId: 0 }), 0x1b), BASE);
    const other = new TestMachine({ apicId: 3 });
    assert.deepEqual([read(other, 0x1b), read(other, 0x802)], [BASE & ~0x100n, 3n]);
    assert.deepEqual([write(other, 0x1b, BASE & ~0x100n), write(other, 0x1b, BASE) === 'done'], ['done', false]);
  });

  it('are for CPL 0 alone, whichever they are', () => {
    const machine = new TestMachine();
    machine.processor.setLevel(3);
    for (const index of [0x174, 0x1234]) {
      assert.equal(read(machine, index), 'the instruction is privileged, and the CPL is 3');
      assert.equal(write(machine, index, 0n), 'the instruction is privileged, and the CPL is 3');
    }
  });
});
