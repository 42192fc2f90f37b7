import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import type { Timeline } from '../../src/engine/time/timeline';
import { invalidationRows } from '../../src/hardware/caches/invalidationRows';
import { ACCESS } from '../../src/hardware/paging/accessKinds';
import type { TranslationSpace } from '../../src/hardware/paging/translationSpace';
import { queries } from '../../src/language/program';
import { compiled, condition, fingerprint, launched, move, scenarioText, statementOf, toFirstStatement } from './onMachine';

const TWO_PAGES = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x602000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 0x111
  user [0x601000] = 0x222
  here = 1
  user x = [0x600000]
  done = x
}
`;

/** Stands at the line `here = 1`: both pages have been touched. */
function atHere(mmu: string): Timeline {
  const timeline = launched(compiled(TWO_PAGES), mmu);
  timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(timeline.program, 'here = 1') }]);
  move(timeline, 'continue');
  timeline.setStatementBreakpoints([]);
  return timeline;
}

/** The space of the tables that the hypervisor keeps (or, under native, the guest's own), walked for `gva`. */
function walked(timeline: Timeline, gva: number): TranslationSpace {
  const [processor] = timeline.machine.processors;
  processor!.walkWithoutEffects(gva, 0, ACCESS.read);
  return processor!.inspection.nested ?? processor!.inspection;
}

function flushTlb(timeline: Timeline): void {
  timeline.machine.processors[0]!.caches.invalidate(invalidationRows.everyAsid);
}

function xAtEnd(timeline: Timeline): bigint | undefined {
  assert.equal(move(timeline, 'continue').kind, 'ended');
  return timeline.variables(0, 0).find(({ name }) => name === 'x')?.value;
}

describe('the only way from an address to bytes is the walk over words in memory', () => {
  for (const mmu of ['native', 'shadow-wp', 'ept']) {
    it(`${mmu}: with another frame in its leaf, the guest reads another page`, () => {
      const timeline = atHere(mmu);
      const { memory } = timeline.machine;
      const first = walked(timeline, 0x600000).result;
      const [hpaLo, hpaHi, frame] = [first.entryHpaLo[1]!, first.entryHpaHi[1]!, first.entryLo[1]! & ~0xfff];
      const other = walked(timeline, 0x601000).result.entryLo[1]! & ~0xfff;
      for (let bit = 12; bit < 32; bit++) {
        if (((frame ^ other) & (1 << bit)) !== 0) memory.store32(hpaLo, hpaHi, memory.load32(hpaLo, hpaHi) ^ (1 << bit));
      }
      flushTlb(timeline);
      assert.equal(xAtEnd(timeline), 0x222n);
    });

    it(`${mmu}: one flipped bit of the frame is enough, and the TLB's line hides it`, () => {
      const flipped = (flush: 'with a flush' | 'without'): bigint | undefined => {
        const timeline = atHere(mmu);
        const { result } = walked(timeline, 0x600000);
        const { memory } = timeline.machine;
        const [lo, hi] = [result.entryHpaLo[1]!, result.entryHpaHi[1]!];
        // A frame of host RAM that holds something else.
        const other = (result.entryLo[1]! & ~0xfff) ^ 0x400000;
        memory.store32(other, result.entryHi[1]! & 0xfffff, 0x333);
        memory.store32(lo, hi, memory.load32(lo, hi) ^ 0x400000);
        if (flush === 'with a flush') flushTlb(timeline);
        return xAtEnd(timeline);
      };
      assert.equal(flipped('with a flush'), 0x333n);
      assert.equal(flipped('without'), 0x111n);
    });
  }

  it('under shadow-wp the guest\'s own entry, changed behind the hypervisor\'s back, changes nothing', () => {
    const timeline = atHere('shadow-wp');
    const { memory, technique } = timeline.machine;
    assert.equal(timeline.machine.questions.translate(0, 0x600000, 0), true);
    const { result } = technique.guestTables(0);
    memory.store32(result.entryHpaLo[1]!, result.entryHpaHi[1]!, result.entryLo[1]! ^ 0x1000);
    flushTlb(timeline);
    assert.equal(xAtEnd(timeline), 0x111n);
  });
});

describe('looking changes nothing', () => {
  const expressions = [
    '[0x600000]', 'byte [0x601fff]', '[0x600ffc]', '[0x700000]', 'gpa_of(0x600000)', 'hva_of(0x600000)', 'hpa_of(0x600000)', 'hpa_of(0x700000)',
    'walk(0x600000).references', 'walk(0x600000).pte', 'walk(0x700000).fault', 'tlb.holds(0x600000)', 'cr3', 'cr0.WP', 'rflags.AC',
    'exits.total', 'total.tlb.hits', 'table_pages.guest', 'table_pages.shadow', 'walk_references', 'p.root', '1 / (x - x)', 'not true', '[0x600000] + x',
  ];

  for (const mmu of ['native', 'shadow-wp', 'shadow-wp:update=zap', 'ept']) {
    it(`${mmu}: no expression leaves a trace, at any moment of a run`, () => {
      const text = TWO_PAGES.replace('  here = 1\n', '  x = 1\n  unmap(p, 0x601000)\n  user [0x601000] = 1\n  expect refused\n').replace('user x = [0x600000]', 'x = 2');
      const fragments = expressions.map((expression) => condition(text, expression, statementOf(compiled(text), 'done = x')));
      const timeline = launched(compiled(text), mmu);
      toFirstStatement(timeline);
      for (let moment = 0; moment < 150 && !('message' in timeline.result()); moment++) {
        const before = fingerprint(timeline);
        for (const fragment of fragments) timeline.evaluate(fragment, 0, 0);
        timeline.frames(0);
        timeline.lastAccess();
        timeline.eventsOfStep();
        assert.equal(fingerprint(timeline), before);
        if (move(timeline, moment % 3 === 0 ? 'event' : 'over').kind === 'ended') break;
      }
    });
  }

  it('asks each question of any address, canonical or not, without a trace', () => {
    const timeline = launched(compiled(scenarioText('first-touch')), 'shadow-wp');
    toFirstStatement(timeline);
    for (let i = 0; i < 6; i++) move(timeline, 'over');
    const { questions } = timeline.machine;
    const words = new Int32Array(2);
    const before = fingerprint(timeline);
    fc.assert(fc.property(fc.bigInt(0n, (1n << 64n) - 1n), fc.nat(queries.length - 1), fc.constantFrom(1, 2, 4, 8), (address, query, size) => {
      const lo = Number(BigInt.asIntN(32, address));
      const hi = Number(BigInt.asIntN(32, address >> 32n));
      questions.ask(0, query, words, 0, lo, hi);
      questions.peek(0, lo, hi, size);
    }), { numRuns: 500, seed: 3 });
    assert.equal(fingerprint(timeline), before);
  });
});
