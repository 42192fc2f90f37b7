import { KIND } from '../../hardware/events/eventTable';
import { hostActionRows } from '../../language/hostActions';
import { HostCall } from './hostCall';
import { memoryActions } from './hostMemoryActions';
import { slotActions } from './hostSlotActions';
import type { Machine } from '../machine/machine';

/** How the machine does one of the language's host actions. */
export interface HostActionPerformer {
  /** As in the language's table. */
  readonly name: string;
  /**
   * Techniques that have it, by the kind: `transparent` to every guest, so that `native` need not do it and only says so;
   * `everywhere`, also below `native`; `hosted`, only with a host below the guest.
   */
  readonly runs: 'transparent' | 'everywhere' | 'hosted';
  /** Does it: 0, or why not, a `HOST_REFUSAL` by `call.refuse`. */
  readonly act: (call: HostCall) => number;
}

/** One row an action. What has no row here does not run yet: `features` says so. */
export const hostActionPerformers: readonly HostActionPerformer[] = [
  ...memoryActions,
  ...slotActions,
];

const byName: ReadonlyMap<string, HostActionPerformer> = new Map(hostActionPerformers.map((row) => [row.name, row]));

/** The row of an action of that name, or undefined when nothing does it yet. */
export function hostActionPerformer(name: string): HostActionPerformer | undefined {
  return byName.get(name);
}

/** What the host does between two guest instructions, by the language's table of host actions. */
export class HostActions {
  /** What a refusal is about. */
  aboutLo = 0;
  aboutHi = 0;

  constructor(private readonly machine: Machine) {}

  /**
   * Does action `row` for `actor`. Operands are pairs of halves from `at` on, the result goes to `result`. Gives 0, or why not, a
   * `HOST_REFUSAL`.
   */
  act(row: number, actor: number, words: Int32Array, at: number, result: number): number {
    const action = hostActionRows[row];
    const performer = action === undefined ? undefined : byName.get(action.name);
    if (action === undefined || performer === undefined) throw new Error(`invariant: host action ${action?.name ?? row} was let through, and nothing does it`);
    const call = new HostCall(this.machine, actor, action, row, words, at, result);
    const isAboutPage = action.operands[0]?.kind === 'address';
    const place = isAboutPage ? call.place(0) : undefined;
    if (!isAboutPage || place !== undefined) {
      const isVoid = performer.runs === 'transparent' && (place?.technique ?? call.technique).vm === undefined;
      call.report(isVoid ? KIND.host_action_void : KIND.host_action, place);
      if (!isVoid) performer.act(call);
    }
    this.aboutLo = call.aboutLo;
    this.aboutHi = call.aboutHi;
    return call.refusal;
  }
}
