import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { ACTOR, ACTOR_AT, KIND, KIND_AT, SPACE, field } from '../../src/hardware/events/eventTable';
import { OPERATION } from '../../src/hardware/paging/accessKinds';
import { RUN } from '../../src/engine/interpreter/runState';
import type { Machine } from '../../src/engine/machine/machine';
import { compiled, fingerprint, launched, move, scenarioText, toFirstStatement } from '../engine/onMachine';
import { audit, machineFor } from './audit';
import { guestPrograms } from './programs/guestOperation';
import { guestText } from './programs/guestText';

/** What the log said each time it was asked, and what the machine's events say was written since the time before: guest frames. */
interface Rounds {
  readonly logs: readonly ReadonlySet<number>[];
  readonly written: readonly ReadonlySet<number>[];
  /** Pages of which the processor has read an entry. */
  readonly tables: ReadonlySet<number>;
}

const page = (record: Int32Array, at: number): number => (record[at]! >>> 12) | (record[at + 1]! << 20);

/** Runs a guest whose RAM is logged from its first statement on, and asks for the log before each of these lines of its `cpu` block. */
function rounds(machine: Machine, askAt: ReadonlySet<number>): Rounds {
  const { interpreter, technique: { dirtyLogging }, program } = machine;
  const { run } = interpreter;
  while (run.status === RUN.running && !run.isCounting) interpreter.step();
  const logs: Set<number>[] = [];
  const written: Set<number>[] = [];
  const tables = new Set<number>();
  let since = new Set<number>();
  machine.bus.listen((record) => {
    const kind = record[KIND_AT];
    if (kind === KIND.table_read && record[field.space.at] === SPACE.guest && record[ACTOR_AT] === ACTOR.walker) tables.add(page(record, field.address.at));
    if (kind === KIND.ad_update && record[field.space.at] === SPACE.guest) since.add(page(record, field.hpa.at));
    if (kind !== KIND.access_done) return;
    const operation = record[field.what.at]!;
    if (operation === OPERATION.store || operation === OPERATION.readModifyWrite) since.add(page(record, field.hpa.at));
  }, [KIND.table_read, KIND.ad_update, KIND.access_done]);
  assert.ok(dirtyLogging.logDirty(0, 'on', 0));
  let last = -1;
  while (run.status === RUN.running) {
    const ahead = interpreter.isAtStatement(0) && interpreter.stacks[0]!.frames().length === 1
      ? program.statements[interpreter.statementAhead(0)]?.range : undefined;
    if (ahead !== undefined && ahead.file === 0 && ahead.line !== last && askAt.has(ahead.line)) {
      logs.push(new Set(dirtyLogging.getDirtyLog(0, 0)));
      written.push(since);
      since = new Set();
      assert.deepEqual(audit(machine), [], `before line ${ahead.line + 1}`);
    }
    last = ahead?.line ?? last;
    interpreter.step();
  }
  machine.bus.silence();
  logs.push(new Set(dirtyLogging.getDirtyLog(0, 0)));
  written.push(since);
  return { logs, written, tables };
}

const sorted = (frames: Iterable<number>): readonly string[] => [...frames].sort((a, b) => a - b).map((gfn) => `0x${gfn.toString(16)}`);

/** Frames of RAM alone: a store past its end writes nothing. */
const inRam = (frames: Iterable<number>): Set<number> => new Set([...frames].filter((gfn) => gfn >= 0 && gfn < 4096));

/** Lines of the text's `cpu` block at which a statement begins that is no expectation. */
function statementLines(text: string): readonly number[] {
  const lines = text.split('\n');
  const from = lines.findIndex((line) => line.startsWith('cpu 0'));
  return lines.flatMap((line, i) => (i > from && /^ {2}[^ ]/.test(line) && !line.startsWith('  expect') ? [i] : []));
}

/** Operands within a page: of one that crosses, and is refused in the second page, a fault notes the first. */
const withinPages = guestPrograms.map((guest) => ({
  ...guest,
  operations: guest.operations.filter((operation) => operation.kind !== 'access' || (operation.access.offset & 0xfff) + operation.access.size <= 4096),
}));

describe('the log of dirty pages', function () {
  this.timeout(240_000);

  it('has the pages that were really written since it was asked, under every technique; of EPT, the tables that were walked too', () => {
    fc.assert(fc.property(withinPages, fc.array(fc.nat(1000), { maxLength: 4 }), (guest, places) => {
      const text = guestText(guest);
      const lines = statementLines(text);
      const askAt = new Set(places.map((place) => lines[place % lines.length]!));
      const program = compiled(text);
      const native = rounds(machineFor(program, 'native'), askAt);
      native.logs.forEach((log, round) => assert.deepEqual(sorted(log), sorted(inRam(native.written[round]!)), `native, round ${round}`));
      for (const mmu of ['shadow-wp', 'shadow-wp:update=zap', 'ept', 'ept:dirty_log=pml']) {
        const other = rounds(machineFor(program, mmu), askAt);
        assert.equal(other.logs.length, native.logs.length, mmu);
        other.logs.forEach((log, round) => {
          const missed = [...native.logs[round]!].filter((gfn) => !log.has(gfn));
          const beyond = [...log].filter((gfn) => !native.logs[round]!.has(gfn) && !(mmu.startsWith('ept') && other.tables.has(gfn)));
          assert.deepEqual([sorted(missed), sorted(beyond)], [[], []], `missed, and beyond, under ${mmu}, round ${round}`);
        });
      }
    }), { numRuns: 20, seed: 20261121 });
  });

  for (const mmu of ['native', 'shadow-wp', 'ept:dirty_log=pml']) {
    it(`is at a moment what it was there, however time has run (${mmu})`, () => {
      const timeline = launched(compiled(scenarioText('dirty-log')), mmu);
      toFirstStatement(timeline);
      const seen: string[] = [fingerprint(timeline)];
      while (move(timeline, 'over').kind !== 'ended') seen.push(fingerprint(timeline));
      for (let at = seen.length - 1; at >= 0; at--) {
        move(timeline, 'over-back');
        assert.ok(fingerprint(timeline) === seen[at], `statement ${at}, going back`);
      }
      for (const state of seen.slice(1)) {
        move(timeline, 'over');
        assert.ok(fingerprint(timeline) === state, 'going forward again');
      }
    });
  }

  it('goes on where time is put back to while it is kept, though it had ended since (native)', () => {
    const machine = machineFor(compiled(scenarioText('dirty-log')), 'native');
    const { interpreter, registry } = machine;
    while (machine.bus.on[KIND.ad_update] === 0) interpreter.step();
    const logging = registry.checkpoint();
    for (const time of ['first', 'second']) {
      while (interpreter.run.status === RUN.running) interpreter.step();
      assert.equal(interpreter.run.failed, 0, `${time} time`);
      assert.equal(machine.bus.on[KIND.ad_update], 0, 'nobody looks on any more');
      registry.restore(logging);
      machine.reload();
    }
  });
});
