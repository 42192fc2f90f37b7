import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { exceptionFilters } from '../../src/adapter/breakpoints/exceptionFilters';
import { CPU_AT, eventKinds, KIND, type EventName } from '../../src/hardware/events/eventTable';
import { eventStory } from '../../src/inspect/eventStory';
import type { Timeline } from '../../src/engine/time/timeline';
import { launched, move, oneTouch } from './stoppedScenario';

/** Runs to the `nth` event of a kind and tells of it. */
function storyAt(timeline: Timeline, kind: EventName, nth = 1): string {
  const number = eventKinds.findIndex(({ name }) => name === kind);
  timeline.setEventBreakpoints([{ id: 1, kinds: [number], matches: () => true }]);
  for (let i = 0; i < nth; i++) {
    const stop = move(timeline, 'continue');
    assert.equal(stop.kind, 'event', `${kind} does not come`);
  }
  const event = timeline.eventsOfStep().at(-1)!;
  assert.equal(event.kind, kind);
  const { sentences, section } = eventStory(timeline, event, timeline.actor);
  return [...sentences, section].join(' ');
}

const protectedThenWritten = oneTouch.replace('done = 1', 'protect(p, gva:0x600000, ro)\n  done = 1');
/** A line that was filled for a write and is used for one, by a guest that forgets to invalidate it. */
const stale = oneTouch.replace('done = 1', 'entry [pte_at(p, 0x600000)] &= ~RW\n  user [0x600000] = 2\n  done = 1');
const unmapped = oneTouch.replace('done = 1', 'user [0x900000] = 2\n  done = 1');

/** Where one stops, and what is told there, in this order. */
const STORIES: readonly (readonly [kind: EventName, mmu: string, text: string, ...told: readonly (string | RegExp)[]])[] = [
  ['hidden_fault', 'shadow-wp', oneTouch, 'the guest never sees the fault.', /Guest tables: PTE 0 at gpa:0x\w+ is P RW US XD A D → gpa:0x\w+; maps gpa:0x\w+\./, 'page fault, error code 0x6 (write, user): the PML4E is not present.', 'KVM mmu.rst, "Reaction to events"'],
  ['hidden_fault', 'nested', oneTouch, 'those that the host made of them do not', 'the EPT PTE is not present, for the final guest-physical address.'],
  ['ept_violation', 'ept', oneTouch, 'Asked for: data write, for what the linear address translates to.', /EPT: EPT PTE \d+ at hpa:0x\w+ is not present\./, 'SDM Vol. 3, "EPT Violations"'],
  ['vm_exit', 'shadow-wp', oneTouch, 'Why: MOV to CR3 exits while the VM-execution control "CR3-load exiting" is 1.', 'SDM Vol. 3, "Instructions That Cause VM Exits Conditionally"'],
  ['vm_exit', 'ept', oneTouch, 'Why: EPT does not give the access that was asked for.', 'SDM Vol. 3, "EPT Violations"'],
  ['vm_exit', 'npt', oneTouch, 'Why: the nested page tables do not give', /nested PTE \d+ at hpa:0x\w+ is not present\./, 'APM Vol. 2, "Nested Page Faults"'],
  ['vm_exit', 'deprivileged', oneTouch, 'kernel runs at CPL 3', 'SDM Vol. 3, "Privileged Instructions"'],
  ['vm_exit', 'interpret', oneTouch, 'software makes every access of this guest'],
  ['exception_delivered', 'shadow-wp', unmapped, 'It is #PF 0x6 (write, user); CR2 is gva:0x900000.', 'It is the guest\'s own, so its handler gets it.', /Guest tables: PDE 4 at gpa:0x\w+ is not present\./, 'SDM Vol. 3, "Page-Fault Exceptions"'],
  ['true_fault', 'shadow-wp', unmapped, 'the page fault goes on to its handler.', /Guest tables: PDE 4 at/],
  ['page_fault', 'native', unmapped, 'CR2 is gva:0x900000.', 'The processor\'s walk of guest tables ended so: page fault, error code 0x6'],
  ['page_table_write', 'ept', protectedThenWritten, 'It changes RW from 1 to 0', 'they may still be used.', 'SDM Vol. 3, "Caching Translation Information"'],
  ['page_table_write_trapped', 'shadow-wp', protectedThenWritten, /write-protected: shadow page \d+ stands for it/, 'It changes RW from 1 to 0', 'KVM mmu.rst'],
  ['cr_write', 'ept', oneTouch, 'It is the root of process p.', 'no exit is needed.'],
  ['cr_write', 'shadow-wp', oneTouch, 'load a shadow root instead, so it exits.'],
  ['shadow_page_created', 'shadow-wp', oneTouch, 'it makes one, and write-protects the guest\'s.', /Its role: level 4, access WUX/],
  ['shadow_page_unsynced', 'shadow-unsync', protectedThenWritten, 'The guest may write this table without exits from now on'],
  ['ad_update', 'native', oneTouch, 'It changes A from 0 to 1: the processor notes that the translation was used.'],
  ['vtlb_table_created', 'shadow-vtlb', oneTouch, 'The virtual TLB stands for no table of the guest\'s'],
  ['stale_tlb_hit', 'native', stale, 'nobody has invalidated it', /Guest tables: PTE 0 at gpa:0x\w+ is P US XD A D → gpa:0x\w+; refused: the rights refuse a user write to a user page\./],
  ['tlb_hit', 'native', oneTouch.replace('done = 1', 'user [0x600000] = 2\n  done = 1'), 'answers without a walk', 'maps gpa:0x'],
];

describe('the story of an event', () => {
  for (const [kind, mmu, text, ...told] of STORIES) {
    it(`${kind} under ${mmu}`, () => {
      const story = storyAt(launched(text, mmu), kind);
      let from = 0;
      for (const part of told) {
        const at = typeof part === 'string' ? story.indexOf(part, from) : story.slice(from).search(part) + from;
        assert.ok(at >= from, `"${String(part)}" is not in, or not behind what stands before it:\n${story}`);
        from = at;
      }
    });
  }

  it('says whose TLB it is that another CPU has invalidated', () => {
    const timeline = launched(readFileSync(join(__dirname, '../../scenarios/shootdown-race.guest'), 'utf8'), 'shadow-wp');
    const isRemote = (record: Int32Array): boolean => record[CPU_AT] !== timeline.machine.processors[timeline.actor]?.cpu;
    timeline.setEventBreakpoints([{ id: 1, kinds: [KIND.tlb_flush], matches: isRemote }]);
    assert.equal(move(timeline, 'continue').kind, 'event');
    const event = timeline.eventsOfStep().at(-1)!;
    const [acting, other] = [timeline.actor, 1 - timeline.actor];
    assert.equal(eventStory(timeline, event, acting).sentences[0], `It is the TLB of cpu ${other}, which cpu ${acting} has invalidated.`);
  });

  it('is told of every event that an exception filter stops at, but of a failed expectation, which says all', () => {
    const timeline = launched(oneTouch, 'shadow-wp');
    const names = new Set(exceptionFilters.flatMap(({ kinds }) => kinds.map((kind) => eventKinds[kind]!.name)));
    const untold = [...names].filter((kind) => eventStory(timeline, { kind, actor: 'guest', cpu: 0, fields: { vector: 14n }, text: '' }, 0).section === '');
    assert.deepEqual(untold.filter((kind) => kind !== 'vm_exit'), ['expectation_failed']);
  });

  it('is whole sentences, at the first events of a run under every technique', () => {
    const scenario = readFileSync(join(__dirname, '../../scenarios/fork.guest'), 'utf8');
    const kinds = eventKinds.flatMap(({ name }, number) => (['table_read', 'listing_line', 'listing_call', 'listing_return', 'walk', 'walk_done', 'statement', 'access', 'access_done', 'tlb_miss', 'tlb_fill', 'entry_written'].includes(name) ? [] : [number]));
    for (const mmu of ['native', 'shadow-wp', 'shadow-unsync', 'ept', 'npt', 'interpret', 'deprivileged', 'nested']) {
      const timeline = launched(scenario, mmu);
      timeline.setEventBreakpoints([{ id: 1, kinds, matches: () => true }]);
      const seen = new Set<string>();
      for (let i = 0; i < 30 && move(timeline, 'continue').kind === 'event'; i++) {
        const event = timeline.eventsOfStep().at(-1)!;
        const { sentences, section } = eventStory(timeline, event, timeline.actor);
        for (const sentence of sentences) assert.match(sentence, /^[A-Z].*\.$/, `${mmu}, ${event.kind}`);
        const story = sentences.join(' ');
        assert.doesNotMatch(story, /undefined|NaN|\[object|\.\.| {2}/, `${mmu}, ${event.kind}`);
        if (section !== '') assert.match(section, /^(SDM Vol\. [123]|APM Vol\. 2|KVM mmu\.rst), "[A-Z].*"$/);
        seen.add(event.kind);
      }
      assert.ok(seen.size >= 4, `${mmu}: ${[...seen].join(', ')}`);
    }
  });
});
