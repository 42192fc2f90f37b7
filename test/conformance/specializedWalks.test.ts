import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { readVectors } from '../../src/cli/conform';
import { ConformMachine } from '../../src/cli/conformMachine';
import { readVector } from '../../src/cli/conformVector';
import type { Processor } from '../../src/hardware/processor/processor';
import type { Registry } from '../../src/hardware/state/registry';
import { assertSameState, spaceFields, withoutSpecializedWalks } from '../hardware/paging/specialized/bothWalks';

/** Vectors of which a generated walk is in force: 4-level and 5-level without virtualization, 4-level behind 4 levels. */
const files = [
  { name: 'native-bochs', specialized: 1900 },
  { name: 'native-qemu', specialized: 3502 },
  { name: 'ept-bochs', specialized: 4049 },
  { name: 'npt-qemu', specialized: 2176 },
] as const;
const VECTORS_PER_MACHINE = 64;

interface Inside {
  readonly processor: Processor;
  readonly registry: Registry;
}

describe('generated walks', () => {
  for (const { name, specialized } of files) {
    it(`${name}: leave result, memory, caches and counters as the walk does that goes level by level`, () => {
      const lines = readVectors(join(__dirname, `${name}.jsonl.gz`)).split('\n').filter((line) => line !== '');
      let generated: ConformMachine | undefined;
      let plain: ConformMachine | undefined;
      let used = 0;
      lines.forEach((line, index) => {
        const read = readVector(line);
        assert.ok('vector' in read);
        const { vector } = read;
        const vendor = vector.kind === 'npt' ? 'amd' : 'intel';
        if (generated === undefined || plain === undefined || generated.maxphyaddr !== vector.cpu.maxphyaddr
          || generated.vendor !== vendor || index % VECTORS_PER_MACHINE === 0) {
          generated = new ConformMachine(vector.cpu.maxphyaddr, vendor);
          plain = new ConformMachine(vector.cpu.maxphyaddr, vendor);
          withoutSpecializedWalks(inside(plain).processor);
        }
        const one = inside(generated);
        const other = inside(plain);
        assert.deepEqual(generated.run(vector), plain.run(vector), vector.id);
        assert.deepEqual(spaceFields(one.processor.space), spaceFields(other.processor.space), vector.id);
        assertSameState(one.registry, other.registry, vector.id);
        if (one.processor.space.specialized !== 0) used++;
      });
      assert.equal(used, specialized);
    });
  }
});

function inside(machine: ConformMachine): Inside {
  return machine as unknown as Inside;
}
