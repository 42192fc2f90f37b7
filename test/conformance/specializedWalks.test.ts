import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { readVectors } from '../../src/cli/conform';
import { ConformMachine } from '../../src/cli/conformMachine';
import { readVector, type Vector } from '../../src/cli/conformVector';
import type { EventBus } from '../../src/hardware/events/eventBus';
import { KIND } from '../../src/hardware/events/eventTable';
import { ACCESS } from '../../src/hardware/paging/accessKinds';
import { walk } from '../../src/hardware/paging/walk';
import { EFFECTS } from '../../src/hardware/paging/walkOutcome';
import type { Processor } from '../../src/hardware/processor/processor';
import type { Registry } from '../../src/hardware/state/registry';
import { allFields, assertSameState, spaceFields, withoutSpecializedWalks } from '../hardware/paging/specialized/bothWalks';

/** Vectors of which a generated walk is in force: 4-level and 5-level without virtualization, 4-level behind 4 levels. */
const files = [
  { name: 'native-bochs', specialized: 1900 },
  { name: 'native-qemu', specialized: 3502 },
  { name: 'ept-bochs', specialized: 4049 },
  { name: 'npt-qemu', specialized: 2176 },
] as const;
const VECTORS_PER_MACHINE = 64;
/** Every machine for every purpose, as `PAGEWALK_EXHAUSTIVE=1` does, takes a minute of CPU time. */
const isWhole = process.env['PAGEWALK_EXHAUSTIVE'] === '1';

/** What a generated walk is made for: each of these has texts of its own. */
const quiet = { title: 'while nobody listens', walkCaches: 'off', told: false } as const;
const toldOrCached = [
  { title: 'told of each reference', walkCaches: 'off', told: true },
  { title: 'with caches of paging structures', walkCaches: 'on', told: false },
  { title: 'with caches, told of all that they do', walkCaches: 'on', told: true },
] as const;
type Purpose = typeof quiet | (typeof toldOrCached)[number];
/** What one test runs its machines for: all of them for one purpose, or in turn for each of several. */
const legs: readonly { readonly title: string; readonly inTurn: readonly Purpose[] }[] = [
  { title: quiet.title, inTurn: [quiet] },
  ...isWhole ? toldOrCached.map((purpose) => ({ title: purpose.title, inTurn: [purpose] }))
    : [{ title: 'told of references, with caches, and both in turn', inTurn: toldOrCached }],
];

/** All that walks tell but where they begin and end, which generated walks leave to the walk itself. */
const TOLD = [
  KIND.table_read, KIND.ad_update, KIND.bus_error, KIND.structure_cache_hit, KIND.structure_cache_fill, KIND.nested_tlb_hit, KIND.nested_tlb_fill,
];
/** The vector's access is made, and then its address is walked for these, so that what earlier walks left is used. */
const THEN = [ACCESS.read, ACCESS.write, ACCESS.fetch, ACCESS.read | ACCESS.user, ACCESS.read];
const PAGE = 0x1000;

interface Inside {
  readonly processor: Processor & { readonly bus: EventBus };
  readonly registry: Registry;
}

/** One number for all words of an event. */
function digestOf(record: Int32Array): number {
  let digest = 0;
  for (const word of record) digest = Math.imul(digest ^ word, 0x0100_0193) + 1 | 0;
  return digest;
}

/** A machine beside what it told, an event a number. */
class Side {
  readonly told: number[] = [];
  readonly inside: Inside;

  constructor(readonly machine: ConformMachine, purpose: Purpose, kind: 'generated' | 'level by level') {
    this.inside = machine as unknown as Inside;
    const { processor } = this.inside;
    if (kind === 'level by level') withoutSpecializedWalks(processor);
    if (purpose.told) processor.space.bus.listen((record) => { this.told.push(digestOf(record)); }, TOLD);
  }

  /** What the vector's access and the walks after it come to, and all that the walks left. */
  run(vector: Vector, purpose: Purpose): unknown {
    this.told.length = 0;
    const { space } = this.inside.processor;
    const observed = this.machine.run(vector);
    const left: unknown[] = [spaceFields(space)];
    const lo = Number(BigInt.asIntN(32, vector.access.linear));
    const hi = Number(BigInt.asIntN(32, vector.access.linear >> 32n));
    for (const access of THEN) {
      for (const at of [lo, lo ^ PAGE]) {
        left.push(walk(space, at, hi, access, EFFECTS.hardware), spaceFields(space));
        if (purpose.told || purpose.walkCaches === 'on') left.push(allFields(space.result));
      }
    }
    return { observed, left, told: this.told.join(' ') };
  }
}

describe('generated walks', function () {
  this.timeout(120_000);
  for (const { name, specialized } of files) {
    for (const { title, inTurn } of legs) {
      it(`${name}, ${title}: leave result, memory, caches, counters and events as the walk does that goes level by level`, () => {
        const lines = readVectors(join(__dirname, `${name}.jsonl.gz`)).split('\n').filter((line) => line !== '');
        let generated: Side | undefined;
        let plain: Side | undefined;
        let purpose = inTurn[0]!;
        let machines = 0;
        let used = 0;
        lines.forEach((line, index) => {
          const read = readVector(line);
          assert.ok('vector' in read);
          const { vector } = read;
          const { maxphyaddr } = vector.cpu;
          const vendor = vector.kind === 'npt' ? 'amd' : 'intel';
          if (generated === undefined || plain === undefined || generated.machine.maxphyaddr !== maxphyaddr
            || generated.machine.vendor !== vendor || index % VECTORS_PER_MACHINE === 0) {
            purpose = inTurn[machines++ % inTurn.length]!;
            generated = new Side(new ConformMachine(maxphyaddr, vendor, purpose.walkCaches), purpose, 'generated');
            plain = new Side(new ConformMachine(maxphyaddr, vendor, purpose.walkCaches), purpose, 'level by level');
          }
          const one = generated.run(vector, purpose);
          const other = plain.run(vector, purpose);
          // Texts are compared many times faster; where they differ, what differs is to be shown.
          if (JSON.stringify(one) !== JSON.stringify(other)) assert.deepEqual(one, other, vector.id);
          assertSameState(generated.inside.registry, plain.inside.registry, vector.id);
          if (generated.inside.processor.space.specialized !== 0) used++;
        });
        assert.equal(used, specialized);
      });
    }
  }
});
