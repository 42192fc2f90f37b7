import { KIND, KIND_AT, field } from '../../src/hardware/events/eventTable';
import type { Checkpoint } from '../../src/hardware/state/registry';
import type { Machine } from '../../src/engine/machine';

/** A line of a listing that ran: `shadow-wp.vmm:12`. */
export interface WatchedRun {
  readonly reached: ReadonlySet<string>;
  /** What a line changed without having declared it, in words. */
  readonly undeclared: readonly string[];
}

/** Names of state blocks as listing lines declare them: which CPU's it is does not matter. */
function declaredName(block: string): string {
  const name = block.replace(/^(cpu|vm)\d+\./, '').replace(/^(v?cpu) \d+$/, '$1');
  return name.startsWith('tlb') ? 'tlb' : name;
}

/**
 * Runs a machine to its end, notes the lines it reaches, and holds each to what it declares: between
 * its event and the next line's, call's or return's, only the blocks it names may change.
 */
export function watchListings(machine: Machine, onStep: (machine: Machine) => void = () => undefined): WatchedRun {
  const reached = new Set<string>();
  const undeclared = new Set<string>();
  const stack: { name: string; writes: readonly string[] }[] = [];
  const { registry } = machine;
  let before: Checkpoint | undefined;
  const settle = (): void => {
    const line = stack[stack.length - 1];
    if (before !== undefined) {
      for (const block of line === undefined ? [] : registry.changedSince(before)) {
        const name = declaredName(block);
        if (!line!.writes.includes(name)) undeclared.add(`${line!.name} changes ${name}`);
      }
      registry.forget(before);
    }
    before = registry.checkpoint();
  };
  const { run } = machine.interpreter;
  machine.bus.listen((record) => {
    switch (record[KIND_AT]) {
      case KIND.listing_call:
        settle();
        stack.push({ name: 'heading', writes: [] });
        break;
      case KIND.listing_line: {
        settle();
        const listing = machine.listing(record[field.listing.at]!)!;
        const at = record[field.line.at]!;
        const name = `${listing.name}:${at} ${listing.lines[at - 1]!.text.trim()}`;
        reached.add(name);
        stack[stack.length - 1] = { name, writes: listing.lines[at - 1]!.writes };
        break;
      }
      case KIND.listing_return:
        settle();
        stack.pop();
        break;
      default: break;
    }
  }, [KIND.listing_call, KIND.listing_line, KIND.listing_return]);
  while (run.status === 0) {
    onStep(machine);
    machine.interpreter.step();
  }
  machine.bus.silence();
  return { reached, undeclared: [...undeclared] };
}

/** Every line of the machine's listings on which something runs, named as `watchListings` names them. */
export function allLines(machine: Machine): readonly string[] {
  return machine.technique.listings.flatMap(({ listing }) => listing.lines.flatMap((line, i) => (
    line.runs ? [`${listing.name}:${i + 1} ${line.text.trim()}`] : []
  )));
}
