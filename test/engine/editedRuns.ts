import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { REGISTER } from '../../src/hardware/processor/registers';
import type { Moment, Motion } from '../../src/engine/debuggee';
import type { Edit } from '../../src/engine/edits/edits';
import { guestTablePages, guestRoots } from '../../src/engine/questions/guestTablePages';
import type { Replay } from '../../src/engine/time/replay';
import { RUN } from '../../src/engine/interpreter/runState';
import type { Timeline } from '../../src/engine/time/timeline';
import type { Program } from '../../src/language/program';
import { audit } from '../hypervisor/audit';
import { fingerprint, launched, move, toFirstStatement } from './onMachine';

/** What somebody at the debugger does next: goes somewhere, or changes something. Numbers choose among what there is. */
export type Act =
  | { readonly kind: 'move'; readonly motion: Motion }
  /** To a moment so many steps on or back. */
  | { readonly kind: 'far'; readonly steps: number }
  /** To where a frame of the stack began. */
  | { readonly kind: 'frame'; readonly frame: number }
  /** By events, most of which lie inside a step. */
  | { readonly kind: 'events'; readonly count: number }
  | { readonly kind: 'entry'; readonly table: number; readonly index: number; readonly flips: number; readonly by: 'gpa' | 'hpa' | 'gva' }
  | { readonly kind: 'register'; readonly register: 'cr0' | 'cr3' | 'cr4' | 'rax'; readonly flips: number }
  | { readonly kind: 'global'; readonly value: number };

/** Those that run whatever the random guests do. */
export const editedTechniques = ['native', 'shadow-wp', 'shadow-unsync', 'shadow-rebuild', 'shadow-vtlb', 'ept', 'npt', 'interpret', 'nested'] as const;

const motions: readonly Motion[] = [
  'over', 'in', 'out', 'event', 'event-back', 'over-back', 'out-back', 'exit-back', 'to-end', 'exit', 'any-exit', 'any-exit-back', 'to-start', 'continue', 'reverse-continue',
];
/** Of the motions those that do not go through the whole run come most often. */
const motion = fc.oneof({ weight: 6, arbitrary: fc.constantFrom(...motions.slice(0, 9)) }, { weight: 1, arbitrary: fc.constantFrom(...motions) });
const number = fc.nat({ max: 0xffff });

export const acts: fc.Arbitrary<readonly Act[]> = fc.array(fc.oneof(
  { weight: 5, arbitrary: motion.map((each): Act => ({ kind: 'move', motion: each })) },
  { weight: 1, arbitrary: fc.integer({ min: -1000, max: 2000 }).map((steps): Act => ({ kind: 'far', steps })) },
  { weight: 1, arbitrary: number.map((frame): Act => ({ kind: 'frame', frame })) },
  { weight: 3, arbitrary: fc.nat({ max: 60 }).map((count): Act => ({ kind: 'events', count })) },
  { weight: 4, arbitrary: fc.record({ kind: fc.constant('entry' as const), table: number, index: number, flips: number, by: fc.constantFrom('gpa', 'hpa', 'gva') }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('register' as const), register: fc.constantFrom('cr0', 'cr3', 'cr4', 'rax'), flips: number }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('global' as const), value: number }) },
), { minLength: 4, maxLength: 24 });

/** Bits of an entry that may change without leading anywhere else: RW, US, A, D, G. */
const ENTRY_FLIPS = [1, 2, 5, 6, 8];
/** Bits of registers that a kernel may change while it runs: CR0.WP and AM; PGE and TSD of CR4. */
const REGISTER_FLIPS = { cr0: [16, 18], cr3: [], cr4: [2, 7], rax: [0, 1, 2, 3] } as const;

/**
 * Does what `acts` say to a run of `program` under `mmu`, and holds it to a run that only ever goes forward and has the edits that
 * are left: at each moment both are the same, byte for byte, and what the hypervisor keeps is sound. Gives how many edits were made.
 */
export function judgeEditedRun(program: Program, mmu: string, acts: readonly Act[]): number {
  const timeline = launched(program, mmu);
  toFirstStatement(timeline);
  const seen = new Map<string, { readonly moment: Moment; readonly state: string }>();
  let script: { readonly moment: Moment; readonly edit: Edit }[] = [];
  for (const act of acts) {
    if (act.kind === 'move') move(timeline, act.motion);
    else if (act.kind === 'events') for (let i = 0; i < act.count; i++) move(timeline, 'event');
    else if (act.kind === 'far') move(timeline, { kind: 'seek', moment: { step: timeline.moment().step + act.steps, event: 0 } });
    else if (act.kind === 'frame') toFrameStart(timeline, act.frame);
    else script = change(timeline, act, script, seen);
    const moment = timeline.moment();
    const state = fingerprint(timeline);
    assert.equal(seen.get(keyOf(moment))?.state ?? state, state, `${keyOf(moment)} is not what it was, after ${JSON.stringify(act)}`);
    seen.set(keyOf(moment), { moment, state });
    const { holds, run } = timeline.machine.interpreter;
    // A page that a held access has got from the host backs nothing yet.
    if (moment.event === 0 && run.status === RUN.running && !holds.isHolding) assert.deepEqual(audit(timeline.machine), [], `after ${JSON.stringify(act)}`);
  }
  assert.equal(timeline.edits, script.length);
  compareWithFresh(program, mmu, [...seen.values()], script);
  return script.length;
}

type Seen = Map<string, { readonly moment: Moment; readonly state: string }>;

/** Makes an edit; gives the edits that are left. One that is refused changes nothing. */
function change(timeline: Timeline, act: Exclude<Act, { kind: 'move' | 'far' | 'events' | 'frame' }>, script: readonly { moment: Moment; edit: Edit }[], seen: Seen): { moment: Moment; edit: Edit }[] {
  const moment = timeline.moment();
  const edit = editOf(timeline, act);
  const before = fingerprint(timeline);
  const outcome = edit === undefined ? { refused: 'nothing to change' } : timeline.edit(edit);
  if ('refused' in outcome || edit === undefined) {
    assert.equal(fingerprint(timeline), before, 'an edit that is refused changes nothing');
    return [...script];
  }
  assert.deepEqual(timeline.moment(), moment);
  assert.equal(timeline.isInThePast(), false, 'what lay behind an edit is no more');
  for (const [key, each] of seen) if (!isBefore(each.moment, moment)) seen.delete(key);
  return [...script.filter((each) => !isBefore(moment, each.moment)), { moment, edit }];
}

function editOf(timeline: Timeline, act: Exclude<Act, { kind: 'move' | 'far' | 'events' | 'frame' }>): Edit | undefined {
  const { machine } = timeline;
  const { technique } = machine;
  switch (act.kind) {
    case 'global': return timeline.program.globals.length === 0 ? undefined : { kind: 'global', global: act.value % timeline.program.globals.length, value: BigInt(act.value) };
    case 'register': {
      const register = REGISTER[act.register];
      machine.questions.register(0, register);
      const old = (BigInt(machine.questions.valueHi >>> 0) << 32n) | BigInt(machine.questions.valueLo >>> 0);
      const flips: readonly number[] = REGISTER_FLIPS[act.register];
      return { kind: 'register', cpu: 0, register, value: flips.length === 0 ? old : old ^ (1n << BigInt(flips[act.flips % flips.length]!)) };
    }
    case 'entry': {
      const tables = [...guestTablePages(machine.memory, technique, 0, guestRoots(machine.vmOf(0), [0], machine.interpreter.processes)).keys()];
      const gfn = tables[act.table % tables.length];
      if (gfn === undefined) return undefined;
      const frame = technique.guestMemory.contentsOf(gfn);
      const used = Array.from({ length: 512 }, (_, i) => i).filter((i) => frame >= 0 && (machine.memory.load32((frame << 12) | (8 * i), frame >>> 20) & 1) !== 0);
      const index = used[act.index % Math.max(1, used.length)];
      if (index === undefined) return undefined;
      const old = machine.memory.load8((frame << 12) | (8 * index), frame >>> 20);
      const bytes = Uint8Array.of(old ^ (1 << ENTRY_FLIPS[act.flips % 4]!));
      if (act.by === 'hpa') return { kind: 'memory', cpu: 0, space: 'hpa', address: (BigInt(frame) << 12n) | BigInt(8 * index), bytes };
      const gpa = (BigInt(gfn) << 12n) | BigInt(8 * index);
      return act.by === 'gpa' ? { kind: 'memory', cpu: 0, space: 'gpa', address: gpa, bytes } : { kind: 'memory', cpu: 0, space: 'gva', address: 0xffff888000000000n + gpa, bytes };
    }
  }
}

function compareWithFresh(program: Program, mmu: string, seen: readonly { readonly moment: Moment; readonly state: string }[], script: readonly { readonly moment: Moment; readonly edit: Edit }[]): void {
  const fresh = launched(program, mmu);
  toFirstStatement(fresh);
  const moments = [...seen].sort((a, b) => (isBefore(a.moment, b.moment) ? -1 : 1));
  let made = 0;
  for (const { moment, state } of moments) {
    for (; made < script.length && !isBefore(moment, script[made]!.moment); made++) {
      const { edit } = script[made]!;
      goTo(fresh, script[made]!.moment);
      const outcome = fresh.edit(edit);
      assert.ok(!('refused' in outcome) && outcome.dropped === undefined, 'what could be made can be made again, and is no news');
    }
    goTo(fresh, moment);
    assert.equal(fingerprint(fresh), state, `${keyOf(moment)} differs from a run forward with the same edits`);
  }
}

/** Past motions and what they look for: a test's way to any moment. */
function goTo(timeline: Timeline, { step, event }: Moment): void {
  const replay = Reflect.get(timeline, 'replay') as Replay;
  const now = replay.moment();
  if (now.step === step && now.event === event) return;
  replay.goTo(step);
  if (event > 0) assert.ok(replay.enter((_, at) => at === event));
}

function toFrameStart(timeline: Timeline, number: number): void {
  const frames = timeline.frames(0);
  const frame = frames[number % frames.length]!;
  move(timeline, { kind: 'frame-start', frame: 'opened' in frame ? { opened: frame.opened } : { depth: frame.depth } });
}

function isBefore(a: Moment, b: Moment): boolean {
  return a.step < b.step || a.step === b.step && a.event < b.event;
}

function keyOf({ step, event }: Moment): string {
  return `${step}/${event}`;
}
