import { strict as assert } from 'node:assert';
import { KIND, SPACE, field } from '../../src/hardware/events/eventTable';
import type { Motion, Stop } from '../../src/engine/debuggee';
import { RUN } from '../../src/engine/interpreter/runState';
import type { Timeline } from '../../src/engine/time/timeline';
import { hostAddress } from '../../src/inspect/memory';
import { compiled, fingerprint, launched, move, scenarioText, standing, statementOf, toFirstStatement } from './onMachine';

/** A scenario that stands at a line of its text. */
function at(scenario: string, mmu: string, line: string): Timeline {
  const timeline = launched(compiled(scenarioText(scenario)), mmu);
  timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(timeline.program, line) }]);
  assert.equal(move(timeline, 'continue').kind, 'breakpoint');
  timeline.setStatementBreakpoints([]);
  return timeline;
}

function times(timeline: Timeline, motion: Motion, count: number): Stop[] {
  return Array.from({ length: count }, () => move(timeline, motion));
}

/** Goes on by events to one of a kind. */
function toEvent(timeline: Timeline, kind: string, wanted: (fields: Readonly<Record<string, bigint>>) => boolean = () => true): void {
  for (let i = 0; i < 2000; i++) {
    assert.equal(move(timeline, 'event').kind, 'step');
    const event = timeline.eventsOfStep().at(-1);
    if (event?.kind === kind && wanted(event.fields)) return;
  }
  assert.fail(`no ${kind}`);
}

/** The moments of all VM exits, as a straight run finds them. */
function exits(scenario: string, mmu: string): readonly string[] {
  const { machine: { interpreter, bus } } = launched(compiled(scenarioText(scenario)), mmu);
  const found: string[] = [];
  while (interpreter.run.status === RUN.running) {
    let event = 0;
    bus.listen((record) => {
      event++;
      if (record[0] === KIND.vm_exit) found.push(`${interpreter.run.step}/${event}`);
    }, 'all');
    interpreter.step();
    bus.silence();
  }
  return found;
}

const here = (timeline: Timeline): string => `${timeline.moment().step}/${timeline.moment().event}`;

describe('out of a frame, backward', () => {
  it('goes from a line of a handler to the line that called it, and from there to the VM exit', () => {
    const timeline = at('page-table-write', 'shadow-wp', 'entry [slot] = old & ~RW');
    toEvent(timeline, 'listing_line', ({ depth }) => depth === 2n);
    const deep = standing(timeline).split(' < ').filter((frame) => frame.includes('.vmm'));
    assert.equal(deep.length, 3);
    assert.equal(move(timeline, 'out-back').kind, 'step');
    assert.deepEqual(standing(timeline).split(' < ').filter((frame) => frame.includes('.vmm')), deep.slice(1));
    move(timeline, 'out-back');
    assert.deepEqual(standing(timeline).split(' < ').filter((frame) => frame.includes('.vmm')), deep.slice(2));
    move(timeline, 'out-back');
    assert.equal(timeline.eventsOfStep().at(-1)?.kind, 'vm_exit');
    move(timeline, 'out-back');
    assert.deepEqual([timeline.moment().event, standing(timeline)], [0, 'cpu 0:18']);
  });

  it('goes from a nested walk to the reference that it translates for, from a walk to its access, from an access to its statement', () => {
    const timeline = at('first-touch', 'ept', 'user [0x600000] = 2');
    toEvent(timeline, 'table_read', ({ space, guestLevel }) => space === BigInt(SPACE.ept) && guestLevel === 2n);
    assert.deepEqual(standing(timeline).split(' < ').length, 4);
    const names = times(timeline, 'out-back', 3).map(({ kind }) => kind);
    assert.deepEqual(names, ['step', 'step', 'step']);
    assert.equal(timeline.moment().event, 0);
  });

  it('goes from the second walk of an access to where it runs again, not into the first', () => {
    const timeline = at('first-touch', 'shadow-wp', 'user [0x600000] = 1');
    toEvent(timeline, 'vm_entry');
    const again = timeline.moment();
    toEvent(timeline, 'table_read');
    move(timeline, 'out-back');
    assert.deepEqual(timeline.moment(), again);
  });

  it('goes from a procedure of the kernel to its call, from a handler to the access, and from the scenario itself to the start', () => {
    const timeline = at('first-touch', 'native', 'user [0x601000] = 3');
    const before = standing(timeline);
    move(timeline, 'in');
    assert.equal(timeline.frames(0).some(({ kind }) => kind === 'handler'), true);
    times(timeline, 'over', 3);
    move(timeline, 'out-back');
    assert.equal(standing(timeline), before);
    assert.deepEqual(move(timeline, 'out-back'), { kind: 'start-of-history' });
  });
});

describe('from VM exit to VM exit', () => {
  for (const [scenario, mmu] of [['page-table-write', 'shadow-wp'], ['context-switch', 'shadow-wp'], ['first-touch', 'ept'], ['shootdown-race', 'shadow-wp']] as const) {
    it(`passes each once, forward and back (${scenario} under ${mmu})`, () => {
      const timeline = launched(compiled(scenarioText(scenario)), mmu);
      toFirstStatement(timeline);
      const first = timeline.moment().step;
      const all = exits(scenario, mmu).filter((moment) => Number(moment.split('/')[0]) >= first);
      assert.ok(all.length >= 2);
      const met: string[] = [];
      for (let stop = move(timeline, 'any-exit'); stop.kind === 'step'; stop = move(timeline, 'any-exit')) met.push(here(timeline));
      assert.deepEqual(met, all);
      const back: string[] = [];
      for (let stop = move(timeline, 'any-exit-back'); stop.kind === 'step'; stop = move(timeline, 'any-exit-back')) back.push(here(timeline));
      assert.deepEqual(back.reverse(), all);
    });
  }

  it('of one CPU passes by those of the other', () => {
    const timeline = launched(compiled(scenarioText('shootdown-race')), 'shadow-wp');
    for (let stop = move(timeline, 'exit', 1); stop.kind === 'step'; stop = move(timeline, 'exit', 1)) {
      assert.equal(timeline.eventsOfStep().at(-1)?.cpu, 1);
    }
  });

  it('ends with the run in a stop and a sentence, and a breakpoint on the way stops it as it stops all', () => {
    const timeline = at('first-touch', 'native', 'user [0x600000] = 1');
    timeline.setStatementBreakpoints([{ id: 7, statement: statementOf(timeline.program, 'user [0x600000] = 2') }]);
    assert.deepEqual(move(timeline, 'exit'), { kind: 'breakpoint', ids: [7] });
    assert.deepEqual(move(timeline, 'exit'), { kind: 'end-of-history', text: 'There is no VM exit ahead: the run has come to its end.' });
    assert.deepEqual(move(timeline, 'exit-back'), { kind: 'breakpoint', ids: [7] });
    assert.equal(move(timeline, 'exit-back').kind, 'start-of-history');
  });
});

describe('to any moment', () => {
  it('of history and ahead of it comes to the state that a run finds there', () => {
    const timeline = launched(compiled(scenarioText('page-table-write')), 'shadow-wp');
    toFirstStatement(timeline);
    const seen = new Map<string, string>();
    for (let i = 0; i < 60; i++) {
      seen.set(here(timeline), fingerprint(timeline));
      move(timeline, 'event');
    }
    const fresh = launched(compiled(scenarioText('page-table-write')), 'shadow-wp');
    const moments = [...seen.keys()];
    for (const key of [...moments.filter((_, i) => i % 7 === 0), ...moments.filter((_, i) => i % 5 === 0).reverse()]) {
      const [step, event] = key.split('/').map(Number) as [number, number];
      assert.deepEqual(move(fresh, { kind: 'seek', moment: { step, event } }), { kind: 'step' });
      assert.equal(here(fresh), key);
      assert.equal(fingerprint(fresh), seen.get(key), key);
    }
  });

  it('that is none says what there is instead', () => {
    const timeline = launched(compiled(scenarioText('first-touch')), 'native');
    toFirstStatement(timeline);
    const first = timeline.moment();
    const seek = (step: number, event = 0): Stop => move(timeline, { kind: 'seek', moment: { step, event } });
    assert.deepEqual(seek(3), { kind: 'start-of-history', text: 'Step 3 lies before the first one that is shown.' });
    assert.deepEqual(timeline.moment(), first);
    assert.match(textOf(seek(first.step + 2, 9999)), /^(Step \d+ has \d+ events: this is the last one|Nothing happens in step \d+: it has no event 9999)\.$/);
    assert.match(textOf(seek(10_000_000)), /^The run comes to its end at step \d+: there is no step 10000000\.$/);
    const end = timeline.moment();
    assert.equal(move(timeline, 'to-start').kind, 'start-of-history');
    assert.deepEqual(timeline.moment(), first);
    assert.equal(timeline.isInThePast(), true);
    assert.deepEqual(move(timeline, 'to-end'), { kind: 'end-of-history', text: 'This is the latest moment that the run has come to: what lies ahead is new.' });
    assert.deepEqual(timeline.moment(), end);
    assert.equal(move(timeline, 'to-end').kind, 'end-of-history');
    assert.equal(move(timeline, 'continue').kind, 'ended');
  });
});

describe('to the last write', () => {
  it('comes to the store, from there to the one before, and says when there is none in history', () => {
    const timeline = at('page-table-write', 'ept', 'entry [slot] |= RW');
    const entry = entryOf(timeline);
    const write = (): Stop => move(timeline, { kind: 'write-back', address: entry, bytes: 8 });
    const lines: string[] = [];
    let stop = write();
    for (; stop.kind === 'step'; stop = write()) lines.push(textOf(stop).replace(/0x\w+/g, '0x…'));
    assert.deepEqual(lines, [
      'Store at gva:0x… completes at hpa:0x… (test.guest:18).', 'PTE at hpa:0x…: accessed or dirty flag set, 0x… becomes 0x… (test.guest:11).',
    ]);
    assert.match(textOf(stop), /^hpa:0x\w+ was last written while the guest booted \(kernel\.guest:\d+\): boot is shown with "stopAtBoot"\.$/);
    assert.deepEqual(write(), stop, 'and there it stays');
  });

  it('of a shadow entry comes to the line of the listing', () => {
    const timeline = at('page-table-write', 'shadow-wp', 'expect entry [slot] == old & ~RW');
    const straight = launched(timeline.program, 'shadow-wp').machine;
    let last = 0;
    straight.bus.listen((record) => {
      if (record[field.space.at] === SPACE.shadow && record[field.level.at] === 1) last = record[field.hpa.at]!;
    }, [KIND.entry_written]);
    while (straight.interpreter.run.step < timeline.moment().step) straight.interpreter.step();
    const stop = move(timeline, { kind: 'write-back', address: BigInt(last), bytes: 8 });
    assert.match(textOf(stop), /^PTE of the shadow tables at hpa:0x\w+: 0x\w+ becomes 0x\w+ \(shadow-wp\.vmm:\d+, \w+\)\.$/);
    assert.equal(timeline.eventsOfStep().at(-1)?.kind, 'entry_written');
    assert.match(standing(timeline), /^shadow-wp\.vmm:\d+ /);
  });

  it('of nothing stays where it is', () => {
    const timeline = at('first-touch', 'ept', 'user [0x600000] = 2');
    const before = timeline.moment();
    assert.deepEqual(move(timeline, { kind: 'write-back', address: 0x3f00000n, bytes: 8 }), {
      kind: 'stayed', text: 'Nobody has written hpa:0x3f00000 before this moment, since the machine was built.',
    });
    assert.deepEqual(timeline.moment(), before);
  });
});

describe('back to the cursor', () => {
  it('comes to a statement, and to a line of a listing inside a step', () => {
    const timeline = at('page-table-write', 'shadow-wp', 'expect [0x600000] == 1');
    const place = { kind: 'statement' as const, statement: statementOf(timeline.program, 'slot = pte_at') };
    assert.deepEqual(move(timeline, { kind: 'cursor-back', place }), { kind: 'step' });
    assert.equal(standing(timeline), 'cpu 0:13');
    const later = at('page-table-write', 'shadow-wp', 'expect [0x600000] == 1');
    const listing = later.machine.listings[0]!;
    const line = listing.lines.findIndex(({ text }) => text.includes('guest = walk(guest CR3, gva)')) + 1;
    assert.deepEqual(move(later, { kind: 'cursor-back', place: { kind: 'listing', listing: listing.name, line } }), { kind: 'step' });
    assert.ok(standing(later).startsWith(`${listing.name}:${line} `));
    assert.ok(later.moment().event > 0);
  });
});

function textOf(stop: Stop): string {
  return 'text' in stop ? stop.text ?? '' : stop.kind;
}

/** Host-physical address of the guest's PTE of 0x600000. */
function entryOf(timeline: Timeline): bigint {
  const { machine } = timeline;
  const { result } = machine.technique.guestTables(0);
  assert.ok(machine.questions.translate(0, 0x600000, 0));
  const place = hostAddress(timeline, 0, 'gpa', BigInt(result.entryAddressLo[1]! >>> 0));
  assert.ok('address' in place);
  return place.address;
}

describe('what the coming statement can be stepped into', () => {
  it('is known without a byte having changed, and each is where the motion into it ends', () => {
    for (const [scenario, mmu, line] of [['first-touch', 'ept', 'user [0x600000] = 1'], ['page-table-write', 'shadow-wp', 'entry [slot] = old & ~RW'], ['first-touch', 'native', 'user [0x601000] = 3']] as const) {
      const timeline = at(scenario, mmu, line);
      const start = timeline.moment();
      const before = fingerprint(timeline);
      const targets = timeline.stepTargets(0);
      assert.equal(fingerprint(timeline), before);
      assert.ok(targets.length > 0);
      for (const { label, moment } of targets) {
        assert.deepEqual(move(timeline, { kind: 'into', moment }), { kind: 'step' }, label);
        assert.deepEqual(timeline.moment(), moment);
        const name = label.replace(/ \(.*\)$/, '').replace(/^(handler|procedure) /, '');
        assert.ok(standing(timeline).split(' < ')[0]!.includes(name), `${label}: ${standing(timeline)}`);
        move(timeline, { kind: 'seek', moment: start });
      }
    }
  });

  it('from a line of a listing is what that line calls, and nothing of the next', () => {
    const timeline = at('first-touch', 'ept', 'user [0x600000] = 1');
    const [exit] = timeline.stepTargets(0).filter(({ label }) => label.startsWith('handle_exit'));
    move(timeline, { kind: 'into', moment: exit!.moment });
    for (let lines = 0; lines < 20 && timeline.stepTargets(0).length === 0; lines++) move(timeline, 'over');
    const [call] = timeline.stepTargets(0);
    const depth = timeline.frames(0).length;
    move(timeline, 'in');
    assert.equal(timeline.frames(0).length, depth + 1);
    assert.ok(standing(timeline).includes(call!.label.replace(/^walk: /, '')));
  });
});
