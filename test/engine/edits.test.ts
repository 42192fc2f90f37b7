import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { KIND, KIND_AT, SPACE, field } from '../../src/hardware/events/eventTable';
import { REGISTER } from '../../src/hardware/processor/registers';
import type { Edit } from '../../src/engine/edits/edits';
import type { Timeline } from '../../src/engine/time/timeline';
import { guestPrograms } from '../hypervisor/programs/guestOperation';
import { guestText } from '../hypervisor/programs/guestText';
import { acts, editedTechniques, judgeEditedRun } from './editedRuns';
import { compiled, condition, fingerprint, launched, move, scenarioText, statementOf, toFirstStatement } from './onMachine';

const page = 'machine { paging 4-level, ram 16M }\nprocess p {\n  0x600000 .. 0x602000 rw user\n}\n';

/** A run of the text, stopped before the statement whose line holds `at`. */
function stoppedAt(text: string, mmu: string, at: string): Timeline {
  const program = compiled(text);
  const timeline = launched(program, mmu);
  toFirstStatement(timeline);
  timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(program, at) }]);
  assert.equal(move(timeline, 'continue').kind, 'breakpoint');
  timeline.setStatementBreakpoints([]);
  return timeline;
}

function evaluated(timeline: Timeline, text: string, expression: string): bigint | string {
  const result = timeline.evaluate(condition(text, expression), 0, 0);
  return 'error' in result ? result.error : result.value;
}

/** The byte at an address of CPU 0. */
function write(timeline: Timeline, space: 'gva' | 'gpa' | 'hpa', address: bigint, ...bytes: number[]): ReturnType<Timeline['edit']> {
  return timeline.edit({ kind: 'memory', cpu: 0, space, address, bytes: Uint8Array.from(bytes) });
}

describe('edits and time', () => {
  it('any walk through time with edits finds what a run forward with the same edits finds', function () {
    this.timeout(120_000);
    const program = compiled(scenarioText('page-table-write'));
    fc.assert(fc.property(fc.constantFrom(...editedTechniques, 'deprivileged'), acts, (mmu, walk) => void judgeEditedRun(program, mmu, walk)), { numRuns: 5, seed: 2026 });
    const random = fc.property(guestPrograms, fc.constantFrom(...editedTechniques), acts, (guest, mmu, walk) => void judgeEditedRun(compiled(guestText(guest)), mmu, walk));
    fc.assert(random, { numRuns: 6, seed: 2026 });
  });

  const looping = `${page}cpu 0 {\n  switch(p)\n  user x = [0x600000]\n  for i in 0 .. 20 {\n    print "turn", i\n  }\n  y = 1\n}\n`;

  it('an edit in the past drops the future, says how much of it, and what the new one says is said', () => {
    const timeline = stoppedAt(looping, 'shadow-wp', 'y = 1');
    assert.equal(timeline.takeOutput().length, 20);
    const end = timeline.moment().step;
    timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(timeline.program, 'print'), hit: { operator: '==', count: 18 } }]);
    assert.equal(move(timeline, 'reverse-continue').kind, 'breakpoint');
    const { step } = timeline.moment();
    assert.deepEqual(write(timeline, 'gva', 0x600000n, 7), { dropped: { steps: end - step, edits: 0 } });
    assert.equal(timeline.isInThePast(), false);
    assert.equal(move(timeline, 'continue').kind, 'ended');
    const last = timeline.moment().step;
    assert.deepEqual(timeline.takeOutput().map(({ text }) => text), ['turn 0x11', 'turn 0x12', 'turn 0x13']);
    move(timeline, 'reverse-continue');
    assert.equal(timeline.moment().step, step, 'the hit before the edit is counted as it was');
    assert.equal(evaluated(timeline, looping, '[0x600000]'), 7n, 'the edit is there again');
    move(timeline, 'over-back');
    assert.equal(evaluated(timeline, looping, '[0x600000]'), 0n, 'and is not before it was made');
    assert.deepEqual(write(timeline, 'gva', 0x600000n, 9), { dropped: { steps: last - timeline.moment().step, edits: 1 } });
    assert.equal(timeline.edits, 1);
  });

  it('at the moment of a checkpoint, the first one too, an edit is there whenever time comes back', () => {
    const program = compiled(looping);
    const timeline = launched(program, 'ept');
    timeline.showBoot();
    assert.deepEqual(write(timeline, 'gpa', 0x7000n, 3), {});
    const edited = fingerprint(timeline);
    assert.deepEqual(write(timeline, 'gpa', 0x7000n, 4), {});
    assert.notEqual(fingerprint(timeline), edited);
    const twice = fingerprint(timeline);
    move(timeline, { kind: 'seek', moment: { step: 9000, event: 0 } });
    const later = fingerprint(timeline);
    for (let i = 0; i < 2; i++) {
      move(timeline, 'to-start');
      assert.deepEqual([timeline.moment(), fingerprint(timeline)], [{ step: 0, event: 0 }, twice]);
      move(timeline, { kind: 'seek', moment: { step: 9000, event: 0 } });
      assert.equal(fingerprint(timeline), later);
    }
  });

  it('a register takes what a MOV could write to it, flushes what that flushes, and counts as nothing', () => {
    for (const mmu of [...editedTechniques, 'deprivileged']) {
      const text = `${page}cpu 0 {\n  switch(p)\n  user x = [0x600000]\n  y = 1\n  expect no exits\n  expect tlb.holds(0x600000) == false\n}\n`;
      const timeline = stoppedAt(text, mmu, 'y = 1');
      const before = fingerprint(timeline);
      const set = (register: keyof typeof REGISTER, value: bigint): ReturnType<Timeline['edit']> => timeline.edit({ kind: 'register', cpu: 0, register: REGISTER[register], value });
      assert.deepEqual(set('cr3', 1n << 60n | 0x1000n), { refused: 'cr3 cannot take the value: a bit at or above MAXPHYADDR (bit 60); give cr3 a value that a MOV to it could write.' });
      assert.match(Object.values(set('cr4', 0x8080_00a0n))[0] as string, /^cr4 cannot take the value: a bit that is not defined \(bits? .*31.*\)/);
      assert.equal(fingerprint(timeline), before, mmu);
      timeline.machine.questions.register(0, REGISTER.cr3);
      const counted = [...timeline.machine.processors[0]!.counters];
      assert.deepEqual(set('cr3', BigInt(timeline.machine.questions.valueLo)), {});
      assert.deepEqual(set('rax', 0xffff_ffff_ffff_fffen), {});
      assert.equal(evaluated(timeline, text, 'rax'), 0xffff_ffff_ffff_fffen);
      assert.deepEqual([...timeline.machine.processors[0]!.counters], counted, mmu);
      assert.equal(move(timeline, 'continue').kind, 'ended');
      assert.deepEqual(timeline.result(), { ok: true, passed: 2, failed: 0 }, mmu);
    }
  });

  it('PDPTE registers keep what they hold until CR3 is written, and that loads them', () => {
    const text = 'machine { paging pae, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user }\ncpu 0 {\n  switch(p)\n  user x = [0x600000]\n  y = 1\n}\n';
    for (const mmu of ['native', 'ept', 'npt', 'shadow-wp', 'nested']) {
      const timeline = stoppedAt(text, mmu, 'y = 1');
      const cr3 = evaluated(timeline, text, 'cr3') as bigint;
      const setCr3 = (): ReturnType<Timeline['edit']> => timeline.edit({ kind: 'register', cpu: 0, register: REGISTER.cr3, value: cr3 });
      assert.deepEqual(write(timeline, 'gpa', cr3, 0), {}, 'P of the PDPTE for the first GByte');
      // With nested paging they are read from memory: APM Vol. 2, "Nested Paging".
      const isRead = mmu === 'npt';
      assert.equal(evaluated(timeline, text, 'walk(0x600000).fault'), isRead ? 1n : 0n, mmu);
      assert.deepEqual(setCr3(), {}, mmu);
      assert.equal(evaluated(timeline, text, 'walk(0x600000).fault'), 1n, mmu);
      assert.deepEqual(write(timeline, 'gpa', cr3, 0x07), {}, 'a PDPTE has neither RW nor US');
      if (!isRead) assert.match((setCr3() as { refused?: string }).refused ?? '', /^cr3 cannot take the value: a PDPTE that it names is none/, mmu);
    }
  });

  const store = `${page}cpu 0 {\n  switch(p)\n  user x = [0x601000]\n  invlpg(0x601000)\n  user [0x601000] = 5\n  x = 2\n}\n`;

  /** Events of kind table_read that the walk has behind it before the PTE and behind it, and an edit there that takes P from the PTE. */
  function withoutPage(mmu: string, readPte: 'before' | 'behind'): Timeline {
    const timeline = stoppedAt(store, mmu, 'user [0x601000] = 5');
    move(timeline, 'over');
    const read = timeline.lastAccess()!.records.find((record) => record[KIND_AT] === KIND.table_read && record[field.space.at] === SPACE.guest && record[field.level.at] === 1)!;
    move(timeline, 'over-back');
    const pte = (BigInt(read[field.address.at + 1]!) << 32n) | BigInt(read[field.address.at]! >>> 0);
    const wanted = { seen: false };
    for (let i = 0; i < 100 && !wanted.seen; i++) {
      move(timeline, 'event');
      const events = timeline.eventsOfStep();
      const last = events[events.length - 1];
      wanted.seen = last?.kind === 'table_read' && last.fields['level'] === (readPte === 'before' ? 2n : 1n) && last.fields['space'] === 0n;
    }
    assert.ok(wanted.seen);
    const told = readPte === 'behind' ? { wasRead: true } : {};
    assert.deepEqual(write(timeline, 'gpa', pte, 0), { dropped: { steps: 1, edits: 0 }, ...told }, 'the statement had been looked at');
    return timeline;
  }

  it('inside a walk, what has been read stays read, and what has not is read as it is now', () => {
    for (const mmu of ['native', 'ept', 'nested']) {
      const early = withoutPage(mmu, 'before');
      const moment = early.moment();
      const state = fingerprint(early);
      move(early, 'event');
      move(early, 'event-back');
      assert.deepEqual([early.moment(), fingerprint(early)], [moment, state]);
      assert.equal(move(early, 'continue').kind, 'died', 'the kernel has no page for it');
      const late = withoutPage(mmu, 'behind');
      // Under nested the same store exits behind the guest's entry, and is walked anew.
      assert.equal(move(late, 'continue').kind, mmu === 'nested' ? 'died' : 'ended');
      if (mmu !== 'nested') assert.equal(evaluated(late, store, 'walk(0x601000).fault'), 1n, 'the access went through, and the next one will not');
    }
  });

  it('inside an instruction its registers and its place stay as they are, and a table that is shadowed', () => {
    const timeline = stoppedAt(store, 'shadow-wp', 'user [0x601000] = 5');
    const root = evaluated(timeline, store, 'p.root') as bigint;
    while (timeline.eventsOfStep().every(({ kind }) => kind !== 'table_read')) move(timeline, 'event');
    const before = fingerprint(timeline);
    const edits: readonly Edit[] = [
      { kind: 'register', cpu: 0, register: REGISTER.rax, value: 1n }, { kind: 'jump', actor: 0, statement: statementOf(timeline.program, 'x = 2') },
      { kind: 'memory', cpu: 0, space: 'gpa', address: root, bytes: Uint8Array.of(0) },
    ];
    const refusals = edits.map((edit) => (timeline.edit(edit) as { refused: string }).refused);
    assert.match(refusals[0]!, /^An instruction is under way, and cpu 0 keeps its registers until it is over: step out/);
    assert.match(refusals[1]!, /cpu 0 keeps its place in the program until it is over/);
    assert.match(refusals[2]!, /^gpa:0x\w+ lies in a table that the hypervisor shadows, and it cannot follow the write in the middle of an instruction/);
    assert.equal(fingerprint(timeline), before);
    assert.equal(timeline.edits, 0);
  });

  it('an entry of a shadow table that is changed in host memory leads the guest elsewhere', () => {
    const text = `${page}cpu 0 {\n  switch(p)\n  user [0x600000] = 5\n  user [0x601000] = 6\n  invlpg(0x600000)\n  user x = [0x600000]\n  y = 1\n}\n`;
    const timeline = stoppedAt(text, 'shadow-wp', 'user x = [0x600000]');
    const { machine } = timeline;
    const frames = [0x600000n, 0x601000n].map((address) => evaluated(timeline, text, `hpa_of(0x${address.toString(16)})`) as bigint);
    move(timeline, 'over');
    const walk = timeline.lastAccess()!.records.filter((record) => record[KIND_AT] === KIND.table_read);
    const leaf = walk[walk.length - 1]!;
    move(timeline, 'over-back');
    const address = (BigInt(leaf[field.hpa.at + 1]!) << 32n) | BigInt(leaf[field.hpa.at]! >>> 0);
    const old = machine.memory.load32(leaf[field.hpa.at]!, leaf[field.hpa.at + 1]!) >>> 0;
    const flipped = old ^ Number(frames[0]! ^ frames[1]!);
    write(timeline, 'hpa', address, ...[0, 8, 16, 24].map((shift) => (flipped >>> shift) & 0xff));
    move(timeline, 'over');
    assert.equal(evaluated(timeline, text, 'x'), 6n);
  });

  it('a page that is written in the log of dirty pages is one that the log has', () => {
    const text = `machine { paging 4-level, slot low 0 .. 16M ram, slot data 16M .. 17M ram }\ncpu 0 {\n  host log_dirty(data, true)\n`
      + '  x = 1\n  host dirty = get_dirty_log(data)\n  expect dirty[gpa:16M] == 1\n}\n';
    for (const mmu of ['native', 'shadow-wp', 'ept', 'ept:dirty_log=pml', 'nested']) {
      const timeline = stoppedAt(text, mmu, 'x = 1');
      assert.deepEqual(write(timeline, 'gpa', 1n << 24n, 1), {}, mmu);
      assert.equal(move(timeline, 'continue').kind, 'ended');
      assert.deepEqual(timeline.result(), { ok: true, passed: 1, failed: 0 }, mmu);
    }
  });
});
