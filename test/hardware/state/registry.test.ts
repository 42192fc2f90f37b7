import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { Registry, type Checkpoint } from '../../../src/hardware/state/registry';
import { PhysicalMemory } from '../../../src/hardware/memory/physicalMemory';
import { P, RW, TestMachine, US } from '../testMachine';

const PAGE = 0x60_0000n;

/** Every word of the machine, in a form that compares; memory only as far as it was in use then. */
function contents(registry: Registry): Map<string, (Int32Array | Float64Array)> {
  return new Map([...registry.contents()].map(([name, words]) => [name, words.slice()]));
}

function assertSame(registry: Registry, before: Map<string, Int32Array | Float64Array>): void {
  for (const [name, words] of registry.contents()) {
    const then = before.get(name);
    assert.ok(then !== undefined);
    assert.deepEqual(words.subarray(0, then.length), then, name);
    // What has grown since reads as it did before it grew.
    assert.ok(words.subarray(then.length).every((word) => word === 0), `${name} past its old end`);
  }
}

const operation = fc.record({
  what: fc.constantFrom('store', 'load', 'map', 'invlpg', 'cr3', 'fault'),
  page: fc.bigInt(0n, 30n), value: fc.bigInt(0n, (1n << 64n) - 1n),
});

function run(machine: TestMachine, { what, page, value }: { what: string; page: bigint; value: bigint }): void {
  const gva = PAGE + page * 0x1000n + (value & 0xff8n);
  switch (what) {
    case 'store': machine.store(gva, value); break;
    case 'load': machine.load(gva); break;
    case 'map': machine.map(gva & ~0xfffn, (value & 0xff_f000n) + 0x100_0000n, P | RW | US); break;
    case 'invlpg': machine.invlpg(gva); break;
    case 'cr3': machine.move('cr3', machine.register('cr3')); break;
    default: machine.load(0x7000_0000_0000n + gva);
  }
}

describe('the state registry', () => {
  it('goes back to any checkpoint byte for byte, in any order of work, checkpoints and returns', () => {
    const step = fc.oneof(
      { weight: 8, arbitrary: fc.record({ kind: fc.constant('run' as const), operation }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('checkpoint' as const) }) },
      { weight: 2, arbitrary: fc.record({ kind: fc.constant('restore' as const), which: fc.nat() }) },
      { weight: 1, arbitrary: fc.record({ kind: fc.constant('forget' as const), which: fc.nat() }) },
    );
    fc.assert(fc.property(fc.array(step, { minLength: 10, maxLength: 80 }), (steps) => {
      const machine = new TestMachine();
      const made: { checkpoint: Checkpoint; before: Map<string, Int32Array | Float64Array> }[] = [];
      for (const step of steps) {
        if (step.kind === 'run') run(machine, step.operation);
        else if (step.kind === 'checkpoint') made.push({ checkpoint: machine.registry.checkpoint(), before: contents(machine.registry) });
        else if (step.kind === 'forget' && made.length > 0) {
          const [gone] = made.splice(step.which % made.length, 1);
          if (gone !== undefined) machine.registry.forget(gone.checkpoint);
        } else if (step.kind === 'restore' && made.length > 0) {
          const index = step.which % made.length;
          machine.registry.restore(made[index]!.checkpoint);
          machine.processor.reload();
          assertSame(machine.registry, made[index]!.before);
          made.length = index + 1;
        }
      }
    }), { numRuns: 40 });
  });

  it('writes over the copies of a checkpoint that is no more, and over no others', () => {
    const registry = new Registry();
    const block = registry.block('block', 4);
    const takenAt = (value: number): Checkpoint => {
      block.fill(value);
      return registry.checkpoint();
    };
    const first = takenAt(1);
    const given = takenAt(2);
    const last = takenAt(3);
    registry.forget(given);
    const again = takenAt(4);
    assert.equal(again.blocks[0], given.blocks[0], 'the copy of the one that was given up');
    registry.restore(last);
    const anew = takenAt(5);
    assert.equal(anew.blocks[0], again.blocks[0], 'the copy of the one that became void');
    const fresh = takenAt(6);
    for (const [checkpoint, value] of [[fresh, 6], [anew, 5], [last, 3], [first, 1]] as const) {
      registry.restore(checkpoint);
      assert.deepEqual([...block], [value, value, value, value]);
    }
  });

  it('ends equal on two machines that do the same: nothing decides but the state', () => {
    fc.assert(fc.property(fc.array(operation, { minLength: 1, maxLength: 40, size: 'max' }), (operations) => {
      const [one, other] = [new TestMachine(), new TestMachine()];
      const start = one.registry.checkpoint();
      for (const step of operations) run(one, step);
      one.registry.restore(start);
      one.processor.reload();
      one.forgetTables();
      for (const machine of [one, other]) for (const step of operations) run(machine, step);
      const end = contents(other.registry);
      for (const [name, words] of contents(one.registry)) if (name !== 'memory') assert.deepEqual(words, end.get(name), name);
    }), { numRuns: 40 });
  });

  it('copies of words that are mostly unused what has come into use, and gives all of them back', () => {
    const word = fc.record({ kind: fc.constant('write' as const), at: fc.nat(63), value: fc.integer() });
    const moment = fc.record({ kind: fc.constantFrom('checkpoint' as const, 'restore' as const, 'rewrite' as const, 'forget' as const), which: fc.nat() });
    fc.assert(fc.property(fc.array(fc.oneof({ weight: 2, arbitrary: word }, { weight: 3, arbitrary: moment }), { maxLength: 60 }), (steps) => {
      const registry = new Registry();
      const block = registry.reached('stack', 64);
      const made: { checkpoint: Checkpoint; before: Int32Array }[] = [];
      let reached = 0;
      for (const step of steps) {
        const index = step.kind === 'write' ? 0 : step.which % Math.max(1, made.length);
        const meant = made[index];
        if (step.kind === 'write') {
          reached = Math.max(reached, step.at + 1);
          block.reach(step.at + 1);
          block.words[step.at] = step.value;
        } else if (step.kind === 'checkpoint') {
          made.push({ checkpoint: registry.checkpoint(), before: block.words.slice() });
          assert.equal(made[made.length - 1]!.checkpoint.reached[0]!.length, reached);
        } else if (meant === undefined) {
          continue;
        } else if (step.kind === 'forget') {
          registry.forget(meant.checkpoint);
          made.splice(index, 1);
        } else {
          if (step.kind === 'restore') made.length = index + 1;
          registry[step.kind](meant.checkpoint);
          assert.deepEqual(block.words, meant.before);
          if (step.kind === 'restore') assert.deepEqual(registry.changedSince(meant.checkpoint), []);
        }
      }
    }));
  });

  it('refuses to claim one name twice', () => {
    const registry = new Registry();
    registry.block('x', 1);
    assert.throws(() => registry.numbers('x', 1), /invariant: state block "x" is claimed twice/);
  });
});

describe('host-physical memory', () => {
  it('of 64 GiB costs nothing until touched, and reads as zero', () => {
    const registry = new Registry();
    const memory = new PhysicalMemory(registry, 64 * 2 ** 30);
    assert.equal(memory.load32(-4096, 15), 0);
    const words = (): number => [...registry.contents().values()].reduce((sum, block) => sum + block.length, 0);
    const before = words();
    memory.store32(-4096, 15, 7);
    assert.equal(memory.load32(-4096, 15), 7);
    assert.equal(words(), before, 'one frame fits the first arena');
    assert.ok(before < 1 << 18);
  });

  it('outside what is installed reads as ones and takes nothing', () => {
    const memory = new PhysicalMemory(new Registry(), 2 ** 30);
    assert.ok(memory.isInstalled(0x3fff_ffff, 0));
    memory.store32(0x4000_0000, 0, 5);
    assert.deepEqual([memory.isInstalled(0x4000_0000, 0), memory.load32(0x4000_0000, 0)], [false, -1]);
  });

  it('keeps bytes of a word apart', () => {
    const memory = new PhysicalMemory(new Registry(), 2 ** 30);
    for (let byte = 0; byte < 8; byte++) memory.store8(0x1000 + byte, 0, 0xf0 | byte);
    assert.deepEqual([memory.load32(0x1000, 0) >>> 0, memory.load32(0x1004, 0) >>> 0], [0xf3f2f1f0, 0xf7f6f5f4]);
  });
});
