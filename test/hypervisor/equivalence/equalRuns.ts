import { configure } from '../../../src/engine/settings/configuration';
import { GuestLog } from '../../../src/engine/run/guestLog';
import { GuestSight, guestSightKinds, type GuestSightReader } from '../../../src/engine/run/guestSight';
import { Machine } from '../../../src/engine/machine/machine';
import { outcomeOf } from '../../../src/engine/run/outcome';
import { RUN } from '../../../src/engine/interpreter/runState';
import { runningTechniques } from '../../../src/engine/settings/techniques';
import type { Program } from '../../../src/language/program';
import { auditOwnership } from '../ownershipAudit';
import type { RecordedSight } from './recordedSight';

/** Values of techniques' settings that a program may be run with, by the setting's name. */
const settingValues: Readonly<Record<string, readonly string[]>> = {
  update: ['eager', 'zap'],
  shadow_pages: ['1000', '40'],
  prefetch: ['8', '0'],
  previous_roots: ['3', '0'],
  early_unshadow: ['off', 'on'],
  dirty_log: ['wp', 'pml'],
  unrestricted_guest: ['on', 'off'],
};

/** Every technique there is, each with settings that `draw` chooses; as after `--mmu`. */
export function drawnTechniques(draw: number): readonly string[] {
  return runningTechniques.map(({ name, settings }, i) => {
    const chosen = settings.flatMap((setting, j) => {
      const values = settingValues[setting];
      const value = values?.[(draw >>> ((i + 2 * j) % 16)) % values.length];
      const isOffered = setting !== 'dirty_log' || value !== 'pml' || name === 'ept' || name === 'nested';
      return value === undefined || !isOffered ? [] : [`${setting}=${value}`];
    });
    return chosen.length === 0 ? name : `${name}:${chosen.join(',')}`;
  });
}

/** What a guest saw: lines of each vCPU, then the tables at barriers and at the end, then how it ended. */
export interface Seen {
  readonly lines: readonly string[];
  /** False: it was broken off, or had died. */
  readonly isOver: boolean;
  /** Expectations that held, by number. */
  readonly held: ReadonlySet<number>;
  /** By line of the scenario, from 0: what its statement loaded last. */
  readonly loads: ReadonlyMap<number, string>;
  /** Of the guest's tables at the end, entries that are not 0. */
  readonly entries: readonly { readonly table: string; readonly index: number; readonly value: string }[];
}

/** Looks at a machine before a run and at each barrier; throws when something is wrong. */
export interface Watch {
  begin?(machine: Machine, mmu: string): void;
  atBarrier?(machine: Machine): void;
}

const MOST_STEPS = 200_000;

/** How a run ended: in words, and whether the program came to its end. */
interface End {
  readonly words: string;
  readonly isOver: boolean;
}

/** Runs a program for a reader of what the guest sees; undefined when the technique does not fit it. Resource control is looked at by each barrier and at the end. */
function readUnder(program: Program, mmu: string, readerFor: (machine: Machine) => GuestSightReader, watch: Watch, atEnd: () => void): End | undefined {
  const configuration = configure(program, mmu);
  if ('error' in configuration) return undefined;
  const machine = new Machine(program, configuration);
  const { interpreter } = machine;
  const sight = new GuestSight(machine, readerFor(machine));
  const look = (): void => {
    const wrong = auditOwnership(machine);
    if (wrong.length > 0) throw new Error(`resource control under ${mmu}: ${wrong[0]!}`);
    watch.atBarrier?.(machine);
  };
  interpreter.met = (meeting) => {
    sight.noteTables(meeting);
    look();
  };
  const { run } = interpreter;
  while (run.status === RUN.running && !run.isCounting) interpreter.step();
  machine.bus.listen((record) => { sight.note(record); }, guestSightKinds);
  watch.begin?.(machine, mmu);
  let steps = 0;
  while (run.status === RUN.running && steps++ < MOST_STEPS) interpreter.step();
  machine.bus.silence();
  atEnd();
  sight.noteTables();
  look();
  const { message } = outcomeOf(machine);
  return { words: steps > MOST_STEPS ? `no end after ${MOST_STEPS} instructions` : message ?? 'ends', isOver: steps <= MOST_STEPS && message === undefined };
}

/** Runs a program and has what its guest saw in `into`; gives how it ended, or undefined when the technique does not fit it. */
export function sightUnder(program: Program, mmu: string, into: RecordedSight, watch: Watch = {}): End | undefined {
  into.clear();
  return readUnder(program, mmu, () => into, watch, () => undefined);
}

/** The same as lines for whoever reads them. */
export function seenUnder(program: Program, mmu: string, watch: Watch = {}): Seen | undefined {
  const byCpu: string[][] = program.actors.map(() => []);
  const tables: string[] = [];
  const held = new Set<number>();
  const loads = new Map<number, string>();
  let before = 0;
  const end = readUnder(program, mmu, (machine) => {
    const { interpreter } = machine;
    interpreter.judged = (expectation, verdict) => { if (verdict === 'held') held.add(expectation); };
    return new GuestLog(machine, (line) => {
      if (line['spurious'] === true) return;
      const { seq: _, ...rest } = line;
      if (line['op'] === 'load' && typeof line['cpu'] === 'number') {
        const { range } = program.statements[interpreter.stacks[line['cpu']]!.statement]!;
        if (range.file === 0) loads.set(range.line, String(line['value']));
      }
      (typeof line['cpu'] === 'number' ? byCpu[line['cpu']]! : tables).push(JSON.stringify(rest));
    });
  }, watch, () => { before = tables.length; });
  if (end === undefined) return undefined;
  const entries = tables.slice(before).flatMap((line) => {
    const { gpa, words } = JSON.parse(line) as { gpa: string; words: [number, string][] };
    return words.map(([index, value]) => ({ table: gpa, index, value }));
  });
  const lines = [...byCpu.flatMap((own, cpu) => own.map((line) => `cpu ${cpu}: ${line}`)), ...tables, end.words];
  return { lines, held, loads, entries, isOver: end.isOver };
}

/** A program, and the technique that it was run under. */
export interface Under {
  readonly run: Program;
  readonly mmu: string;
}

/** How what the guest sees under one technique differs from another, in words. Both are run again: programs that differ are rare. */
export function differenceOf(one: Under, other: Under): string {
  const [left, right] = [seenUnder(one.run, one.mmu), seenUnder(other.run, other.mmu)];
  if (left === undefined || right === undefined) throw new Error(`invariant: ${one.mmu} and ${other.mmu} do not run what they have run`);
  const found = left.lines.findIndex((line, i) => line !== right.lines[i]);
  if (found < 0 && left.lines.length === right.lines.length) throw new Error(`invariant: what the guest saw under ${other.mmu} differs from ${one.mmu}, and its log does not`);
  const where = found < 0 ? left.lines.length : found;
  const around = ({ lines }: Seen): string => lines.slice(Math.max(0, where - 3), where + 2).map((line) => line.slice(0, 200)).join('\n    ');
  return `line ${where} of what the guest saw differs\n  ${one.mmu}:\n    ${around(left)}\n  ${other.mmu}:\n    ${around(right)}`;
}
