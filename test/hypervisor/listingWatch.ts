import { CPU_AT, KIND, KIND_AT, eventKinds, field } from '../../src/hardware/events/eventTable';
import type { Checkpoint } from '../../src/hardware/state/registry';
import type { Machine } from '../../src/engine/machine/machine';
import { Nested } from '../../src/hypervisor/nested/level1/nested';

/** A line of a listing that ran: `shadow-wp.vmm:12`. */
export interface WatchedRun {
  readonly reached: ReadonlySet<string>;
  /** How often each line ran, and how many events there were of each kind, by its name. */
  readonly hits: ReadonlyMap<string, number>;
  readonly kinds: ReadonlyMap<string, number>;
  /** What a line changed without having declared it, in words. */
  readonly undeclared: readonly string[];
}

/**
 * Names of state blocks as listing lines declare them: which CPU's it is does not matter, nor whether it is that of a hypervisor below.
 * Undefined of what no line speaks of: the processor that executes a hypervisor which is a guest.
 */
function declaredName(block: string): string | undefined {
  if (block.startsWith('l1.')) return undefined;
  const name = block.replace(/^l0\./, '').replace(/^(cpu|vm)\d+\./, '').replace(/^(v?cpu) \d+/, '$1');
  return name.startsWith('tlb') ? 'tlb' : name;
}

/** What counts exits: a line of a hypervisor that is a guest has some of its own, of which no line speaks. */
const COUNTED: readonly string[] = ['counters', 'cpu exits', 'cpu happenings'];

/** 1 for the kinds that tell of a listing. */
const isOfListing = eventKinds.map(({ name }) => (name.startsWith('listing_') ? 1 : 0));

/** Of a line that has been looked at so often, every so many-th time is enough. */
const ENOUGH = 60;
const THEN_EVERY = 25;

/**
 * Runs a machine to its end, notes the lines it reaches, and holds each to what it declares: between its event and the next
 * line's, call's or return's, only the blocks it names may change. `looked`: how often each line has come by, which runs may share.
 */
export function watchListings(
  machine: Machine, onStep: (machine: Machine) => void = () => undefined, looked = new Map<string, number>(),
): WatchedRun {
  const hits = new Map<string, number>();
  const kinds = new Array<number>(eventKinds.length).fill(0);
  const undeclared = new Set<string>();
  /** By CPU: one may be held inside a line while another's listings run. */
  const stacks = new Map<number, { name: string; writes: readonly string[] }[]>();
  let stack: { name: string; writes: readonly string[] }[] = [];
  const { registry } = machine;
  const passedOver = machine.technique instanceof Nested ? COUNTED : [];
  let before: Checkpoint | undefined;
  /** Whose line is looked at. */
  let whose = 0;
  const drop = (): void => {
    if (before !== undefined) registry.forget(before);
    before = undefined;
  };
  const settle = (): void => {
    const line = stack[stack.length - 1];
    if (before !== undefined) {
      for (const block of line === undefined ? [] : registry.changedSince(before)) {
        const name = declaredName(block);
        if (name !== undefined && !line!.writes.includes(name) && !passedOver.includes(name)) undeclared.add(`${line!.name} changes ${name}`);
      }
      registry.forget(before);
    }
    before = undefined;
  };
  const look = (name: string): void => {
    const times = (looked.get(name) ?? 0) + 1;
    looked.set(name, times);
    if (times <= ENOUGH || times % THEN_EVERY === 0) before = registry.checkpoint();
  };
  const { run } = machine.interpreter;
  machine.bus.listen((record) => {
    kinds[record[KIND_AT]!]!++;
    if (isOfListing[record[KIND_AT]!] === 1) {
      if (record[CPU_AT] !== whose) drop();
      whose = record[CPU_AT]!;
      stack = stacks.get(whose) ?? [];
      stacks.set(whose, stack);
    }
    switch (record[KIND_AT]) {
      case KIND.listing_call:
        settle();
        stack.push({ name: 'heading', writes: [] });
        look(`heading ${record[field.listing.at]!}`);
        break;
      case KIND.listing_line: {
        settle();
        const listing = machine.listing(record[field.listing.at]!)!;
        const at = record[field.line.at]!;
        const name = `${listing.name}:${at} ${listing.lines[at - 1]!.text.trim()}`;
        hits.set(name, (hits.get(name) ?? 0) + 1);
        stack[stack.length - 1] = { name, writes: listing.lines[at - 1]!.writes };
        look(name);
        break;
      }
      case KIND.listing_return:
        settle();
        stack.pop();
        look(`behind a return to ${stack[stack.length - 1]?.name ?? 'the guest'}`);
        break;
      // Here a vCPU may have been held, and others have changed what they like since the line's own event.
      case KIND.mmu_lock: drop(); break;
      default: break;
    }
  }, 'all');
  while (run.status === 0) {
    onStep(machine);
    machine.interpreter.step();
  }
  machine.bus.silence();
  const named = new Map(kinds.map((count, kind) => [eventKinds[kind]!.name as string, count] as const));
  return { reached: new Set(hits.keys()), hits, kinds: named, undeclared: [...undeclared] };
}

/** Every line of the machine's listings on which something runs, named as `watchListings` names them. */
export function allLines(machine: Machine): readonly string[] {
  return machine.technique.listings.flatMap(({ listing }) => listing.lines.flatMap((line, i) => (
    line.runs ? [`${listing.name}:${i + 1} ${line.text.trim()}`] : []
  )));
}

/** Sums of what runs have counted, by name. */
export function summedHits(runs: readonly ReadonlyMap<string, number>[]): ReadonlyMap<string, number> {
  const all = new Map<string, number>();
  for (const run of runs) for (const [name, count] of run) all.set(name, (all.get(name) ?? 0) + count);
  return all;
}

/** Hits of each line, `line x hits` behind its listing's name, and events of each kind, for people. */
export function hitsText(technique: string, lines: readonly string[], hits: ReadonlyMap<string, number>, kinds: ReadonlyMap<string, number>): string {
  const byListing = new Map<string, string[]>();
  for (const line of lines) {
    const [, listing = '', at = ''] = /^(.*?):(\d+) /.exec(line) ?? [];
    byListing.set(listing, [...byListing.get(listing) ?? [], `${at}x${hits.get(line) ?? 0}`]);
  }
  const events = [...kinds].filter(([, count]) => count > 0).map(([kind, count]) => `${kind} ${count}`);
  return [...[...byListing].map(([listing, each]) => `    ${technique}, ${listing}: ${each.join(' ')}`), `    ${technique}, events: ${events.join(', ')}`].join('\n');
}
