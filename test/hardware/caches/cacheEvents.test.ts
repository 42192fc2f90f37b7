import { strict as assert } from 'node:assert';
import { KIND } from '../../../src/hardware/events/eventTable';
import { P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
const OTHER = PAGE + 0x1000n;
const FRAME = 0x1000_0000n;
const told = [
  KIND.tlb_hit, KIND.tlb_miss, KIND.tlb_fill, KIND.tlb_l2_hit, KIND.structure_cache_hit, KIND.structure_cache_fill, KIND.nested_tlb_hit, KIND.nested_tlb_fill,
] as const;

function machine(settings: ConstructorParameters<typeof TestMachine>[0]): TestMachine {
  const made = new TestMachine(settings);
  for (const page of [PAGE, OTHER]) made.map(page, FRAME + page, P | RW | US);
  return made;
}

/** What the caches tell of one load: the event, what it is about, and where that leads. */
function of(made: TestMachine, gva: bigint): string[] {
  made.events.length = 0;
  made.load(gva);
  return made.events.filter(({ kind }) => (told as readonly number[]).includes(KIND[kind as keyof typeof KIND])).map(({ kind, json }) => (
    [kind, json['level'], json['space'] === 'linear' || json['space'] === undefined ? json['gva'] : json['gpa'], json['hpa'] ?? json['address']].filter((part) => part !== undefined).join(' ')
  ));
}

describe('the caches tell', () => {
  it('of a miss before the walk, of the fill after it, and of the hit', () => {
    const made = machine({});
    made.listen();
    assert.deepEqual(of(made, PAGE + 8n), ['tlb_miss 0x600008', 'tlb_fill 1 0x600008 0x10600008']);
    assert.deepEqual(of(made, PAGE + 8n), ['tlb_hit 0x600008 0x10600008']);
  });

  it('nothing of a walk that ends in a fault but the miss', () => {
    const made = machine({});
    made.listen();
    assert.deepEqual(of(made, 0x70_0000n), ['tlb_miss 0x700000']);
  });

  it('of a hit that the tables do not give any more: another frame, no page, a right that was taken or given', () => {
    const made = machine({ rewalkOnPermissionFault: 'off' });
    const stale = (act: () => void): string[] => {
      made.events.length = 0;
      act();
      return made.events.filter(({ kind }) => kind === 'stale_tlb_hit').map(({ json }) => [json['hpa'], json['what'], json['address']].join(' '));
    };
    const load = (): void => { made.load(PAGE + 8n); };
    const store = (): void => { made.store(PAGE + 8n, 1n); };
    made.listen();
    assert.deepEqual([stale(load), stale(load)], [[], []]);
    made.map(PAGE, FRAME + OTHER, P | RW | US);
    assert.deepEqual(stale(load), ['0x10600008 mapped 0x10601008']);
    made.map(PAGE, FRAME + PAGE, 0n);
    assert.deepEqual(stale(load), ['0x10600008 page fault 0x0']);
    made.map(PAGE, FRAME + PAGE, P | US);
    assert.deepEqual(stale(load), [], 'a read is as the tables say');
    made.processor.invlpg(Number(PAGE), 0);
    assert.deepEqual([stale(load), stale(load)], [[], []]);
    made.map(PAGE, FRAME + PAGE, P | RW | US);
    assert.deepEqual(stale(store).slice(0, 1), ['0x10600008 mapped 0x10600008'], 'a write is refused that they allow');
  });

  it('of an L2 TLB that answers, and of no miss then', () => {
    const made = machine({ tlbEntries: 1, tlbWays: 1, tlbL2: { entries: 8, ways: 4 } });
    made.listen();
    for (const page of [PAGE, OTHER]) made.load(page);
    assert.deepEqual(of(made, PAGE), ['tlb_l2_hit 0x600000 0x10600000', 'tlb_hit 0x600000 0x10600000']);
  });

  it('of each paging-structure cache, from the highest level down as they are filled, and of the lowest that answers', () => {
    const made = machine({ walkCaches: 'on' });
    made.listen();
    assert.deepEqual(of(made, PAGE), [
      'tlb_miss 0x600000', 'structure_cache_fill 4 0x0 0x101000', 'structure_cache_fill 3 0x0 0x102000', 'structure_cache_fill 2 0x0 0x103000',
      'tlb_fill 1 0x600000 0x10600000',
    ]);
    assert.deepEqual(of(made, OTHER), ['tlb_miss 0x601000', 'structure_cache_hit 2 0x0 0x103000', 'tlb_fill 1 0x601000 0x10601000']);
  });

  it('of a nested TLB by the guest-physical pages of tables and data', () => {
    const made = machine({ walkCaches: 'on' });
    made.enterWithEpt();
    for (const page of [PAGE, OTHER]) made.mapEpt(FRAME + page, 0x2_0000_0000n + page, R | W | X | WB);
    made.listen();
    assert.deepEqual(of(made, PAGE), [
      'tlb_miss 0x600000',
      // The PML4E, by an EPT page of 2 MBytes, which has the other tables too.
      'structure_cache_fill 4 0x100000 0x801000', 'structure_cache_fill 3 0x100000 0x802000', 'nested_tlb_fill 0x100000 0x100000',
      'nested_tlb_hit 0x101000 0x101000', 'nested_tlb_hit 0x102018 0x102018', 'nested_tlb_hit 0x103000 0x103000',
      // The page, by one of 4 KBytes in the same GByte.
      'structure_cache_hit 3 0x10600000 0x802000', 'structure_cache_fill 2 0x10600000 0x803000', 'nested_tlb_fill 0x10600000 0x200600000',
      'structure_cache_fill 4 0x0 0x101000', 'structure_cache_fill 3 0x0 0x102000', 'structure_cache_fill 2 0x0 0x103000',
      'tlb_fill 1 0x600000 0x200600000',
    ]);
    assert.deepEqual(of(made, OTHER), [
      'tlb_miss 0x601000', 'structure_cache_hit 2 0x0 0x103000',
      'structure_cache_hit 2 0x10601000 0x803000', 'nested_tlb_fill 0x10601000 0x200601000', 'tlb_fill 1 0x601000 0x200601000',
    ]);
  });
});
