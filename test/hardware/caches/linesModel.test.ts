import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { type CachedLines, CLOCK_LIMIT, MAPPING } from '../../../src/hardware/caches/cachedLines';
import { LineFilter } from '../../../src/hardware/caches/lineFilter';
import { Tlb } from '../../../src/hardware/caches/tlb';
import { PagingStructureCache } from '../../../src/hardware/caches/walkCaches';
import { WalkResult } from '../../../src/hardware/paging/walkResult';
import { Registry } from '../../../src/hardware/state/registry';
import { halves, whole } from '../testMachine';

/* A cache of lines beside a list of them: the same lines, of the same sets, found for the same addresses, and gone by the same operations. */
interface Context {
  readonly vpid: number;
  readonly pcid: number;
  readonly mapping: number;
  readonly root: bigint;
}
const contexts: readonly Context[] = [
  { vpid: 0, pcid: 0, mapping: MAPPING.linear, root: 0n }, { vpid: 0, pcid: 5, mapping: MAPPING.linear, root: 0n },
  { vpid: 7, pcid: 0, mapping: MAPPING.linear, root: 0n }, { vpid: 7, pcid: 5, mapping: MAPPING.combined, root: 0x9_0000_5000n },
  { vpid: 7, pcid: 5, mapping: MAPPING.combined, root: 0x8_0000_5000n }, { vpid: 7, pcid: 0xfff, mapping: MAPPING.combined, root: 0x9_0000_6000n },
];

interface Line extends Context {
  readonly page: bigint;
  readonly shift: number;
  readonly wholeShift: number;
  readonly isGlobal: boolean;
  readonly isDirty: boolean;
  readonly hpa: bigint;
  readonly target: bigint;
  readonly rights: readonly number[];
  /** Of the model alone. */
  used: number;
}

const align = (address: bigint, shift: number): bigint => address >> BigInt(shift) << BigInt(shift);
const covers = (line: Line, address: bigint, shift = line.shift): boolean => align(line.page, shift) === align(address, shift);

class Model {
  lines: Line[] = [];
  private clock = 0;

  constructor(private readonly entries: number, private readonly ways: number) {}

  setOf(address: bigint, shift: number): number {
    return Number(BigInt.asUintN(32, address >> BigInt(shift))) % (this.entries / this.ways);
  }

  sees(line: Line, { vpid, pcid, mapping, root }: Context): boolean {
    return line.vpid === vpid && line.mapping === mapping && line.root === root && (line.isGlobal || line.pcid === pcid);
  }

  add(made: Omit<Line, 'used'>): void {
    const same = this.lines.filter((line) => this.setOf(line.page, line.shift) === this.setOf(made.page, made.shift));
    if (same.length === this.ways) {
      const oldest = same.reduce((a, b) => (a.used < b.used ? a : b));
      this.lines = this.lines.filter((line) => line !== oldest);
    }
    this.lines.push({ ...made, used: ++this.clock });
  }

  touch(line: Line): void {
    line.used = ++this.clock;
  }

  texts(): string[] {
    return this.lines.map((line) => {
      const set = this.setOf(line.page, line.shift);
      const younger = this.lines.filter((other) => this.setOf(other.page, other.shift) === set && other.used > line.used).length;
      return text(line, younger);
    }).sort();
  }
}

function text({ page, shift, wholeShift, isGlobal, isDirty, vpid, pcid, mapping, root, hpa, target, rights }: Omit<Line, 'used'>, age: number): string {
  return [`${page.toString(16)}/${shift} of ${wholeShift}`, isGlobal, isDirty, vpid, pcid, mapping, root.toString(16), hpa.toString(16), target.toString(16), rights, age].join(' ');
}

function lineOf(cache: CachedLines, line: number): Omit<Line, 'used'> {
  return {
    page: whole(cache.pageLo(line), cache.pageHi(line)), shift: cache.shift(line), wholeShift: cache.wholeShift(line),
    isGlobal: cache.isGlobal(line), isDirty: cache.isDirty(line), vpid: cache.vpidOf(line), pcid: cache.pcidOf(line),
    mapping: cache.mappingOf(line), root: whole(cache.rootLoOf(line), cache.rootHiOf(line)),
    hpa: whole(cache.hpaLo(line), cache.hpaHi(line)), target: whole(cache.targetLo(line), cache.targetHi(line)),
    rights: [cache.rights(line), cache.eptRights(line), cache.key(line)],
  };
}

function texts(cache: CachedLines): string[] {
  const valid = Array.from({ length: cache.lines }, (_, line) => line).filter((line) => cache.isValid(line));
  return valid.map((line) => text(lineOf(cache, line), cache.age(line))).sort();
}

/** Addresses that differ in few bits of either half, so that they meet in sets, and in pages of every size. */
const address = fc.tuple(fc.constantFrom(0n, 1n, 2n, 0x1_0000n), fc.constantFrom(0n, 0x4000_0000n, 0x8000_0000n), fc.constantFrom(0n, 0x20_0000n, 0x60_0000n), fc.constantFrom(0n, 0x1000n, 0x5000n))
  .map(([high, gib, large, page]) => (high << 32n) + gib + large + page);

type Operation =
  | { readonly what: 'context'; readonly of: number }
  | { readonly what: 'fill'; readonly at: bigint; readonly shift: number; readonly held: number; readonly seed: number }
  | { readonly what: 'look'; readonly at: bigint }
  | { readonly what: 'drop'; readonly of: number; readonly page: bigint | undefined; readonly by: 'vpid' | 'vpid and pcid' | 'all but VPID 0' | 'root'; readonly globals: 'also' | 'kept' };

const operations = (shifts: readonly number[], held: readonly number[]): fc.Arbitrary<Operation[]> => fc.array(fc.oneof<fc.Arbitrary<Operation>[]>(
  fc.record({ what: fc.constant('context' as const), of: fc.nat({ max: contexts.length - 1 }) }),
  fc.record({ what: fc.constant('context' as const), of: fc.nat({ max: contexts.length - 1 }) }),
  fc.record({ what: fc.constant('fill' as const), at: address, shift: fc.constantFrom(...shifts), held: fc.constantFrom(...held), seed: fc.nat({ max: 0xffff }) }),
  fc.record({ what: fc.constant('fill' as const), at: address, shift: fc.constantFrom(...shifts), held: fc.constantFrom(...held), seed: fc.nat({ max: 0xffff }) }),
  fc.record({ what: fc.constant('look' as const), at: address }),
  fc.record({
    what: fc.constant('drop' as const), of: fc.constant(0), page: address, by: fc.constant('vpid' as const), globals: fc.constant('also' as const),
  }),
  fc.record({
    what: fc.constant('drop' as const), of: fc.nat({ max: contexts.length - 1 }), page: fc.option(address, { nil: undefined }),
    by: fc.constantFrom('vpid', 'vpid and pcid', 'all but VPID 0', 'root'), globals: fc.constantFrom('also', 'kept'),
  }),
), { minLength: 1, maxLength: 50, size: 'max' });

const VPID_BITS = 0xffff;
const PCID_BITS = 0xfff_0000;

function dropBoth(cache: CachedLines, model: Model, { of, page, by, globals }: Extract<Operation, { what: 'drop' }>): void {
  const { vpid, pcid, mapping, root } = contexts[of]!;
  const filter = new LineFilter();
  filter.mapping = mapping;
  filter.tags = vpid | pcid << 16;
  filter.tagMask = by === 'vpid' ? VPID_BITS : by === 'vpid and pcid' ? VPID_BITS | PCID_BITS : 0;
  filter.keepsVpid0 = by === 'all but VPID 0' ? 1 : 0;
  filter.keepsGlobals = globals === 'kept' ? 1 : 0;
  filter.oneRoot = by === 'root' ? 1 : 0;
  [filter.rootLo, filter.rootHi] = halves(root);
  filter.onePage = page === undefined ? 0 : 1;
  [filter.lo, filter.hi] = halves(page ?? 0n);
  cache.dropSelected(filter);
  model.lines = model.lines.filter((line) => !(
    line.mapping === mapping && !(line.isGlobal && globals === 'kept')
    && (by === 'root' || by === 'all but VPID 0' || line.vpid === vpid)
    && (by !== 'vpid and pcid' || line.isGlobal || line.pcid === pcid)
    && (by !== 'all but VPID 0' || line.vpid !== 0) && (by !== 'root' || line.root === root)
    && (page === undefined || covers(line, page, line.wholeShift))));
}

/** What the clock of a cache begins with: mostly it starts anew within a few operations. */
const clocks = fc.constantFrom(0, CLOCK_LIMIT - 1, CLOCK_LIMIT - 4, CLOCK_LIMIT - 9);

/** Does all of it to both, and compares them after each. `fill` puts a line into the cache and says what it should be. */
function compare(
  cache: CachedLines, clock: number, model: Model, list: readonly Operation[], lookup: (at: bigint) => number,
  fill: (operation: Extract<Operation, { what: 'fill' }>) => Omit<Line, 'used' | keyof Context> | undefined,
): void {
  let context = contexts[0]!;
  const use = (of: number): void => {
    context = contexts[of]!;
    cache.useContext(context.vpid, context.pcid, context.mapping, ...halves(context.root));
  };
  use(0);
  cache.words[cache.clockAt] = clock;
  for (const operation of list) {
    const seen = (at: bigint): Line[] => model.lines.filter((line) => model.sees(line, context) && covers(line, at));
    if (operation.what === 'context') use(operation.of);
    else if (operation.what === 'drop') dropBoth(cache, model, operation);
    else {
      const known = seen(operation.at);
      const peeked = cache.peek(...halves(operation.at));
      if (known.length === 0) assert.equal(peeked, -1, `${operation.at.toString(16)} is not there`);
      else {
        const found = known.find((line) => text(line, 0) === text(lineOf(cache, peeked), 0));
        assert.ok(found !== undefined, `${operation.at.toString(16)} leads elsewhere`);
        if (operation.what === 'look') {
          assert.equal(lookup(operation.at), peeked);
          model.touch(found);
        }
      }
      if (operation.what === 'fill') {
        const made = fill(operation);
        if (made !== undefined) {
          model.lines = model.lines.filter((line) => !known.includes(line));
          model.add({ ...context, ...made });
        }
      }
    }
    assert.deepEqual(texts(cache), model.texts(), operation.what);
  }
}

const half = (seed: number, by: number): bigint => (BigInt(seed * by) & 0xf_ffff_ffffn) << 12n;

for (const [entries, ways] of [[8, 4], [12, 4], [6, 2], [3, 1], [8, 8]] as const) {
  it(`a TLB of ${entries} entries in ${ways} ways is a list of lines`, () => {
    fc.assert(fc.property(operations([12, 21, 22, 30], [12, 21, 30]), fc.constantFrom('on' as const, 'off' as const), clocks, (list, globals, clock) => {
      const tlb = new Tlb(new Registry(), 'tlb', { entries, ways });
      tlb.useGlobals(globals);
      compare(tlb, clock, new Model(entries, ways), list, (at) => tlb.lookup(...halves(at)), ({ at, shift, held, seed }) => {
        const found = new WalkResult();
        const effective = Math.min(shift, held);
        found.pageShift = shift;
        found.effectiveShift = effective;
        [found.global, found.dirty] = [seed & 1, seed >> 1 & 1];
        [found.rights, found.nestedRights, found.key] = [seed & 15, seed >> 4 & 15, seed >> 8 & 15];
        const [hpa, gpa] = [half(seed, 0x1_2345), half(seed, 0x5_4321)];
        [found.hpaLo, found.hpaHi] = halves(hpa);
        [found.gpaLo, found.gpaHi] = halves(gpa);
        tlb.fill(...halves(at), found);
        return {
          page: align(at, effective), shift: effective, wholeShift: shift, isGlobal: found.global === 1 && globals === 'on', isDirty: found.dirty === 1,
          hpa: align(hpa, effective), target: align(tlb.mappingOf(tlb.peek(...halves(at))) === MAPPING.linear ? hpa : gpa, effective),
          rights: [found.rights, found.nestedRights, found.key],
        };
      });
    }), { seed: 20261121, numRuns: 120 });
  });
}

for (const shifts of [[21, 22], [30], [39], [48]] as const) {
  for (const [entries, ways] of [[4, 4], [6, 2]] as const) {
    it(`a cache of entries that cover 2 to the ${shifts.join(' or ')} bytes, of ${entries} entries in ${ways} ways, is a list of lines`, () => {
      fc.assert(fc.property(operations(shifts, [12]), clocks, (list, clock) => {
        const cache = new PagingStructureCache(new Registry(), 'cache', { entries, ways }, shifts);
        compare(cache, clock, new Model(entries, ways), list, (at) => cache.lookup(...halves(at)), ({ at, shift, seed }) => {
          // A walk adds what the cache does not have.
          if (cache.peek(...halves(at)) >= 0) return undefined;
          const [hpa, table] = [half(seed, 0x1_2345), half(seed, 0x5_4321)];
          const line = cache.fill(...halves(at), shift, seed & 15, seed >> 4 & 15, ...halves(table), ...halves(hpa));
          const isLinear = cache.mappingOf(line) === MAPPING.linear;
          return {
            page: align(at, shift), shift, wholeShift: shift, isGlobal: false, isDirty: false, hpa, target: isLinear ? hpa : table,
            rights: [seed & 15, seed >> 4 & 15, 0],
          };
        });
      }), { seed: 20261121, numRuns: 60 });
    });
  }
}

it('a global line is seen from each context that differs from its own in the PCID alone', () => {
  for (const [one, maker] of contexts.entries()) {
    for (const [other, user] of contexts.entries()) {
      const tlb = new Tlb(new Registry(), 'tlb', { entries: 8, ways: 4 });
      tlb.useGlobals('on');
      tlb.useContext(maker.vpid, maker.pcid, maker.mapping, ...halves(maker.root));
      const found = new WalkResult();
      found.global = 1;
      tlb.fill(0x1000, 0, found);
      tlb.useContext(user.vpid, user.pcid, user.mapping, ...halves(user.root));
      const isSame = maker.vpid === user.vpid && maker.mapping === user.mapping && maker.root === user.root;
      assert.equal(tlb.peek(0x1000, 0) >= 0, isSame, `context ${one} in context ${other}`);
    }
  }
});

it('lines of another EPT root stay, though the roots differ above 4 GBytes alone', () => {
  const tlb = new Tlb(new Registry(), 'tlb', { entries: 8, ways: 4 });
  const model = new Model(8, 4);
  for (const of of [3, 4]) {
    const { vpid, pcid, mapping, root } = contexts[of]!;
    tlb.useContext(vpid, pcid, mapping, ...halves(root));
    tlb.fill(0x1000, 0, new WalkResult());
  }
  dropBoth(tlb, model, { what: 'drop', of: 3, page: undefined, by: 'root', globals: 'also' });
  assert.deepEqual([tlb.peek(0x1000, 0) >= 0, texts(tlb).length], [true, 1]);
});

it('a cache that cannot be is refused: no ways, no entries, or a rest', () => {
  for (const [entries, ways] of [[4, 0], [0, 4], [10, 4], [0, 0]] as const) {
    assert.throws(() => new Tlb(new Registry(), 'dtlb', { entries, ways }), /^Error: invariant: dtlb of \d+ entries cannot have \d+ ways$/);
  }
});
