import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Interconnect } from '../../../src/hardware/apic/interconnect';
import { EventBus } from '../../../src/hardware/events/eventBus';
import { eventJson } from '../../../src/hardware/events/eventText';
import { PhysicalMemory } from '../../../src/hardware/memory/physicalMemory';
import { Processor, STATUS } from '../../../src/hardware/processor/processor';
import { refusedInstruction } from '../../../src/hardware/processor/refusedInstruction';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { Registry } from '../../../src/hardware/state/registry';
import { halves, whole } from '../testMachine';

const ICR = 0x830;
const EOI = 0x80b;
const TPR = 0x808;
const PPR = 0x80a;
const ESR = 0x828;
const SELF_IPI = 0x83f;
const [NONE, SELF, ALL, OTHERS] = [0n, 1n << 18n, 2n << 18n, 3n << 18n];
const NMI = 4n << 8n;

/** Some processors with the interconnect between them, attached in an order that does not matter. */
class Apics {
  readonly registry = new Registry();
  readonly bus = new EventBus();
  readonly processors: readonly Processor[];
  readonly told: Record<string, string | number>[] = [];

  constructor(count: number) {
    const memory = new PhysicalMemory(this.registry, 2 ** 32);
    this.processors = Array.from({ length: count }, (_, cpu) => new Processor(this.registry, memory, this.bus, cpu, {
      vendor: 'intel', maxphyaddr: 46, tlbEntries: 4, tlbWays: 4, rewalkOnPermissionFault: 'off',
    }));
    const interconnect = new Interconnect();
    [...this.processors].reverse().forEach((processor) => processor.connect(interconnect));
  }

  write(cpu: number, msr: number, value: bigint): number {
    const { registers } = this.processors[cpu]!;
    const [lo, hi] = halves(value);
    registers[2 * REGISTER.rcx] = msr;
    registers[2 * REGISTER.rax] = lo;
    registers[2 * REGISTER.rdx] = hi;
    return this.processors[cpu]!.wrmsr();
  }

  read(cpu: number, msr: number): bigint {
    const { registers } = this.processors[cpu]!;
    registers[2 * REGISTER.rcx] = msr;
    assert.equal(this.processors[cpu]!.rdmsr(), STATUS.done, `0x${msr.toString(16)}`);
    return whole(registers[2 * REGISTER.rax]!, registers[2 * REGISTER.rdx]!);
  }

  /** Does a processor's IRR hold the vector? */
  requests(vector: number): boolean[] {
    return this.processors.map((_, cpu) => (this.read(cpu, 0x820 + (vector >>> 5)) >> BigInt(vector & 31) & 1n) === 1n);
  }

  listen(): void {
    this.bus.listen((record) => {
      const json = eventJson(record);
      if (json['kind'] === 'ipi') this.told.push(json);
    }, 'all');
  }
}

describe('the interrupt command register', () => {
  for (const [name, value, reached] of [
    ['a physical destination', NONE | 2n << 32n | 0x40n, [2]],
    ['itself by its number', NONE | 1n << 32n | 0x40n, [1]],
    ['a destination that nobody has', NONE | 9n << 32n | 0x40n, []],
    ['everybody by FFFFFFFFH', NONE | 0xffff_ffffn << 32n | 0x40n, [0, 1, 2]],
    ['itself by shorthand', SELF | 2n << 32n | 0x40n, [1]],
    ['all including itself', ALL | 0x40n, [0, 1, 2]],
    ['all excluding itself', OTHERS | 0x40n, [0, 2]],
    ['a logical destination of one cluster', 1n << 11n | 0x5n << 32n | 0x40n, [0, 2]],
    ['a logical destination of another cluster', 1n << 11n | 0x1_0005n << 32n | 0x40n, []],
  ] as const) {
    it(`of CPU 1 reaches ${name}`, () => {
      const machine = new Apics(3);
      machine.listen();
      assert.equal(machine.write(1, ICR, value), STATUS.done);
      assert.deepEqual(machine.requests(0x40), [0, 1, 2].map((cpu) => (reached as readonly number[]).includes(cpu)));
      assert.deepEqual(machine.told.map((json) => json['index']), reached, 'in the order of CPU numbers');
      assert.equal(machine.read(1, ICR), value, 'and reads as it was written');
    });
  }

  it('sends NMIs, which take no place in IRR', () => {
    const machine = new Apics(2);
    assert.equal(machine.write(0, ICR, NMI | 1n << 32n | 0x40n), STATUS.done);
    assert.deepEqual([machine.processors[0]!.apic.hasNmi, machine.processors[1]!.apic.hasNmi, machine.requests(0x40)], [0, 1, [false, false]]);
  });

  for (const [name, value] of [
    ['a reserved bit', 1n << 13n | 0x40n], ['reserved bits 17:16', 1n << 16n | 0x40n], ['reserved bits 31:20', 1n << 31n | 0x40n],
    ['an SMI', 2n << 8n | 0x40n], ['an INIT', 5n << 8n], ['a start-up IPI', 6n << 8n | 0x10n], ['lowest priority', 1n << 8n | 0x40n],
    ['an NMI to itself by shorthand', NMI | SELF],
  ] as const) {
    it(`is #GP(0) for ${name}, with a sentence, and sends nothing`, () => {
      const machine = new Apics(2);
      machine.listen();
      assert.equal(machine.write(0, ICR, value | 1n << 32n), STATUS.exception);
      assert.deepEqual([machine.processors[0]!.vector, machine.processors[0]!.errorCode], [13, 0]);
      assert.match(refusedInstruction(machine.processors[0]!), /interrupt command \(0x830\) cannot take the value: (a reserved bit|the local APIC)/);
      assert.deepEqual([machine.told, machine.processors[1]!.apic.hasNmi, machine.requests(0x40)], [[], 0, [false, false]]);
    });
  }

  it('sends no vector below 16, and says so in the error status', () => {
    const machine = new Apics(2);
    assert.equal(machine.write(0, ICR, OTHERS | 15n), STATUS.done);
    assert.deepEqual([machine.requests(15), machine.read(0, ESR)], [[false, false], 0n], 'to be read once it has been written');
    machine.write(0, ESR, 0n);
    assert.deepEqual([machine.read(0, ESR), machine.read(0, ESR)], [0x20n, 0x20n]);
    machine.write(0, ESR, 0n);
    assert.equal(machine.read(0, ESR), 0n);
    machine.write(0, ICR, OTHERS | 16n);
    assert.deepEqual(machine.requests(16), [false, true]);
  });
});

describe('the MSRs of a local APIC', () => {
  it('are the ones that the manual gives, each with its rights', () => {
    const machine = new Apics(18);
    assert.deepEqual([machine.read(0, 0x1b), machine.read(1, 0x1b)], [0xfee0_0d00n, 0xfee0_0c00n]);
    assert.deepEqual([machine.read(17, 0x802), machine.read(17, 0x80d), machine.read(0, 0x80f)], [17n, 0x1_0002n, 0x1ffn]);
    for (const msr of [0x802, 0x803, PPR, 0x80d, 0x810, 0x818, 0x820]) assert.equal(machine.write(0, msr, 0n), STATUS.exception, `0x${msr.toString(16)} is read only`);
    for (const msr of [EOI, SELF_IPI]) {
      machine.processors[0]!.registers[2 * REGISTER.rcx] = msr;
      assert.equal(machine.processors[0]!.rdmsr(), STATUS.exception);
      assert.match(refusedInstruction(machine.processors[0]!), /write only/);
    }
    for (const [msr, value] of [[TPR, 0x100n], [EOI, 1n], [ESR, 1n], [0x80f, 1n << 10n], [SELF_IPI, 0x100n], [TPR, 1n << 32n], [0x1b, 0xfee0_0900n], [0x832, 0n]] as const) {
      assert.equal(machine.write(0, msr, value), STATUS.exception, `0x${msr.toString(16)} = ${value}`);
    }
  });

  it('need CPL 0', () => {
    const machine = new Apics(1);
    machine.processors[0]!.setLevel(3);
    assert.equal(machine.write(0, SELF_IPI, 0x40n), STATUS.exception);
    assert.equal(machine.processors[0]!.apic.pending, -1);
  });

  it('take no fixed interrupt while the APIC is disabled by software, and NMIs all the same', () => {
    const machine = new Apics(2);
    machine.write(1, 0x80f, 0xffn);
    machine.write(0, ICR, OTHERS | 0x40n);
    machine.write(0, ICR, OTHERS | NMI);
    assert.deepEqual([machine.requests(0x40), machine.processors[1]!.apic.hasNmi], [[false, false], 1]);
  });
});

describe('priorities', () => {
  it('follow the manual\'s prose: the highest vector whose class is above the task\'s and that of what is served', () => {
    const step = fc.record({ what: fc.constantFrom('request', 'acknowledge', 'end', 'priority'), value: fc.integer({ min: 16, max: 255 }) });
    fc.assert(fc.property(fc.array(step, { maxLength: 60, size: 'max' }), (steps) => {
      const machine = new Apics(1);
      const { apic } = machine.processors[0]!;
      const requested = new Set<number>();
      const served: number[] = [];
      let tpr = 0;
      for (const { what, value } of steps) {
        if (what === 'request') {
          requested.add(value);
          machine.write(0, SELF_IPI, BigInt(value));
        } else if (what === 'priority') {
          tpr = value;
          machine.write(0, TPR, BigInt(value));
        } else if (what === 'end') {
          served.sort((a, b) => a - b).pop();
          machine.write(0, EOI, 0n);
        }
        const servedClass = Math.max(0, ...served.map((vector) => vector >> 4));
        const highest = Math.max(-1, ...requested);
        const pending = highest >> 4 > Math.max(tpr >> 4, servedClass) ? highest : -1;
        assert.equal(apic.pending, pending);
        assert.equal(Number(machine.read(0, PPR)) >> 4, Math.max(tpr >> 4, servedClass));
        if (what !== 'acknowledge' || pending < 0) continue;
        assert.equal(apic.acknowledge(), pending);
        requested.delete(pending);
        served.push(pending);
      }
    }), { seed: 20261121, numRuns: 200 });
  });
});
