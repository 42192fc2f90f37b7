import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { KIND, SPACE, field } from '../../src/hardware/events/eventTable';
import type { LastWrite, Moment } from '../../src/engine/debuggee';
import type { Program } from '../../src/language/program';
import { RUN } from '../../src/engine/interpreter/runState';
import type { Timeline } from '../../src/engine/time/timeline';
import { hostAddress } from '../../src/inspect/memory';
import { compiled, fingerprint, launched, move, scenarioText, statementOf, toFirstStatement } from './onMachine';

function writer(timeline: Timeline, space: 'gva' | 'gpa' | 'hpa', address: bigint, bytes = 8): LastWrite {
  const found = hostAddress(timeline, 0, space, address);
  assert.ok('address' in found, 'nobody' in found ? found.nobody : '');
  const write = timeline.lastWriter(found.address, bytes);
  if ('nobody' in write) assert.fail(write.nobody);
  return write;
}

/** Source text of the statement that wrote. */
function lineOf(timeline: Timeline, { statement }: LastWrite): string {
  const { range } = timeline.program.statements[statement]!;
  return timeline.program.files[range.file]!.text.split('\n')[range.line]!.trim();
}

function runTo(timeline: Timeline, line: string): void {
  timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(timeline.program, line) }]);
  assert.equal(move(timeline, 'continue').kind, 'breakpoint');
  timeline.setStatementBreakpoints([]);
}

/** The last moment up to `here` at which a straight run finds an 8-byte word changed. */
function lastChange(program: Program, technique: string, address: number, here: Moment): Moment | undefined {
  const wordOf = ({ machine: { memory } }: Timeline): string => `${memory.load32(address, 0)} ${memory.load32(address + 4, 0)}`;
  let step = -1;
  const timeline = launched(program, technique);
  const { interpreter } = timeline.machine;
  let before = wordOf(timeline);
  while (interpreter.run.status === RUN.running && interpreter.run.step < here.step) {
    const at = interpreter.run.step;
    interpreter.step();
    const now = wordOf(timeline);
    if (now !== before) step = at;
    before = now;
  }
  const inside = here.event === 0 ? undefined : changeWithin(launched(program, technique), here.step, here.event, wordOf);
  return inside ?? (step < 0 ? undefined : changeWithin(launched(program, technique), step, Infinity, wordOf));
}

/** The last moment of a step, up to its event `last`, at which a word is found changed. */
function changeWithin(timeline: Timeline, step: number, last: number, wordOf: (timeline: Timeline) => string): Moment | undefined {
  const { interpreter, bus } = timeline.machine;
  while (interpreter.run.step < step) interpreter.step();
  let before = wordOf(timeline);
  let event = 0;
  let found: Moment | undefined;
  const look = (moment: Moment): void => {
    const now = wordOf(timeline);
    if (now !== before && event <= last) found = moment;
    before = now;
  };
  timeline.machine.forgetDerived();
  bus.listen(() => { look({ step, event: ++event }); }, 'all');
  interpreter.step();
  bus.silence();
  event++;
  look({ step: step + 1, event: 0 });
  return found;
}

describe('who wrote this', () => {
  it('names the statement, the line of a listing, or the processor, and the moment', () => {
    const timeline = launched(compiled(scenarioText('page-table-write')), 'shadow-wp');
    runTo(timeline, 'expect entry [slot] == old & ~RW');
    const before = fingerprint(timeline);
    const entry = writer(timeline, 'gpa', tableEntry(timeline));
    assert.equal(lineOf(timeline, entry), 'entry [slot] = old & ~RW                  // the page becomes read-only');
    assert.deepEqual([entry.by, entry.listed?.listing], ['guest', undefined], 'the hypervisor has done it for the guest');
    const shadow = writer(timeline, 'hpa', shadowEntry(timeline));
    assert.deepEqual([shadow.by, shadow.listed?.listing], ['hypervisor', 'shadow-wp.vmm']);
    assert.equal(lineOf(timeline, shadow), lineOf(timeline, entry));
    assert.match(shadow.text, /^PTE of the shadow tables at hpa:0x\w+: 0x\w+ becomes 0x/);
    assert.equal(fingerprint(timeline), before);
    const page = writer(timeline, 'gva', 0x600000n);
    assert.deepEqual([page.by, page.listed, page.isShown, page.thread], ['guest', undefined, true, 0]);
    assert.match(lineOf(timeline, page), /^user \[0x600000\] = 1 /);
    assert.match(page.text, /^store at gva:0x600000 completes at hpa:/);
  });

  it('tells a flag that the processor set from the store before it', () => {
    const text = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user }\ncpu 0 {\n  switch(p)\n  user x = [0x600000]\n  user [0x600000] = 1\n  y = 1\n}\n';
    const timeline = launched(compiled(text), 'native');
    runTo(timeline, 'user x =');
    const slot = timeline.machine.program.processes.length === 1 ? tableEntry(timeline) : 0n;
    assert.deepEqual([writer(timeline, 'gpa', slot).isShown, writer(timeline, 'gpa', slot).by], [false, 'guest'], 'boot has mapped it');
    runTo(timeline, 'user [0x600000]');
    const accessed = writer(timeline, 'gpa', slot);
    assert.deepEqual([accessed.by, accessed.isShown], ['processor', true]);
    assert.match(lineOf(timeline, accessed), /^user x/);
    runTo(timeline, 'y = 1');
    assert.match(lineOf(timeline, writer(timeline, 'gpa', slot)), /^user \[0x600000\]/);
  });

  it('tells an edit, between steps and inside one, from what comes before and behind it', () => {
    const timeline = launched(compiled(scenarioText('first-touch')), 'ept');
    runTo(timeline, 'user [0x600000] = 2');
    const bytes = (value: number): { kind: 'memory'; cpu: number; space: 'gva'; address: bigint; bytes: Uint8Array } => (
      { kind: 'memory', cpu: 0, space: 'gva', address: 0x600008n, bytes: Uint8Array.of(value, 0, 0, 0, 0, 0, 0, 0) }
    );
    assert.deepEqual(timeline.edit(bytes(7)), {});
    const between = writer(timeline, 'gva', 0x600008n);
    assert.deepEqual([between.by, between.text, between.moment], ['user', 'an edit of yours changes it', timeline.moment()]);
    move(timeline, 'in');
    assert.deepEqual(writer(timeline, 'gva', 0x600008n), between);
    assert.deepEqual(timeline.edit(bytes(9)), {});
    assert.deepEqual(writer(timeline, 'gva', 0x600008n).moment, timeline.moment());
    move(timeline, 'over');
    assert.equal(writer(timeline, 'gva', 0x600000n).by, 'guest');
    assert.equal(writer(timeline, 'gva', 0x600008n).by, 'user');
  });

  it('says so when nobody has, and when there is nothing to ask', () => {
    const timeline = launched(compiled(scenarioText('first-touch')), 'ept');
    toFirstStatement(timeline);
    assert.deepEqual(timeline.lastWriter(0x3f00000n, 8), { nobody: 'Nobody has written hpa:0x3f00000 since the machine was built.' });
    assert.deepEqual(timeline.lastWriter(1n << 45n, 8), { nobody: 'No memory is installed at hpa:0x200000000000.' });
    assert.deepEqual(timeline.lastWriter(0xffcn, 8), { nobody: '8 bytes at hpa:0xffc are not within one page: ask for 1 to 4.' });
    assert.deepEqual(timeline.lastWriter(1n << 60n, 8), { nobody: 'hpa:0x1000000000000000 is no physical address: it has 52 bits at most.' });
  });

  it('is right at any moment of any scenario, and leaves every byte as it was', function () {
    this.timeout(60_000);
    fc.assert(fc.property(
      fc.constantFrom('page-table-write', 'first-touch', 'ksm', 'shootdown-race', 'stale-fill'),
      fc.constantFrom('shadow-wp', 'ept', 'npt', 'shadow-unsync'),
      fc.array(fc.constantFrom('over', 'in', 'event', 'event', 'event'), { minLength: 4, maxLength: 40 }),
      fc.array(fc.nat(), { minLength: 3, maxLength: 3 }),
      (scenario, technique, walk, picks) => {
        const program = compiled(scenarioText(scenario));
        const timeline = launched(program, technique);
        for (const motion of walk) if (move(timeline, motion).kind === 'ended') return;
        const here = timeline.moment();
        const written = wordsWritten(launched(program, technique), here);
        for (const pick of picks) {
          const address = written[pick % written.length]!;
          const before = fingerprint(timeline);
          const write = timeline.lastWriter(BigInt(address), 8);
          assert.equal(fingerprint(timeline), before, 'the present is as it was');
          const last = lastChange(program, technique, address, here);
          if (last === undefined) continue;
          assert.ok('moment' in write, `hpa:0x${address.toString(16)} was written at ${JSON.stringify(last)}`);
          // A write of what was there already is one too; what an event announces is found changed at the next.
          const { moment } = write;
          const isLater = moment.step > last.step || (moment.step === last.step && moment.event >= last.event - 1);
          const isJustBefore = last.event === 0 && moment.step === last.step - 1;
          const isRight = isLater || isJustBefore || (moment.step === last.step - 1 && last.event === 1);
          assert.ok(isRight, `hpa:0x${address.toString(16)} changed at ${JSON.stringify(last)}, told as ${JSON.stringify(moment)}: ${write.text}`);
        }
      },
    ), { numRuns: 6, seed: 2026 });
  });
});

/** Address of the PTE of 0x600000, by the guest's own tables. */
function tableEntry(timeline: Timeline): bigint {
  const { guestTables } = timeline.machine.technique;
  const tables = guestTables.call(timeline.machine.technique, 0);
  assert.ok(timeline.machine.questions.translate(0, 0x600000, 0));
  return BigInt(tables.result.entryAddressLo[1]! >>> 0);
}

/** Address of the shadow PTE that a run to its end writes last. */
function shadowEntry(timeline: Timeline): bigint {
  const { interpreter, bus } = launched(timeline.program, timeline.technique).machine;
  let last = 0;
  bus.listen((record) => {
    if (record[field.space.at] === SPACE.shadow && record[field.level.at] === 1) last = record[field.hpa.at]!;
  }, [KIND.entry_written]);
  while (interpreter.run.status === RUN.running) interpreter.step();
  return BigInt(last);
}

/** 8-byte words that a straight run has changed by `here`, by physical address. */
function wordsWritten(straight: Timeline, here: Moment): readonly number[] {
  const { memory, interpreter } = straight.machine;
  const before = memory.words.slice();
  while (interpreter.run.status === RUN.running && interpreter.run.step < here.step) interpreter.step();
  const found: number[] = [];
  for (let address = 0; address < 0x1400000; address += 8) {
    const at = memory.wordAt(address, 0);
    if (at !== 0 && (memory.words[at] !== (before[at] ?? 0) || memory.words[at + 1] !== (before[at + 1] ?? 0))) found.push(address);
  }
  return found;
}
