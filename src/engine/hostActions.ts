import { hostActionRows } from '../language/hostActions';

/** Why a host action did nothing, by number, as sentences; `{address}` is what it is about. */
export const hostRefusals = [''] as const;

/** `{address}` filled in. */
export function hostRefusalText(refusal: number, address: bigint): string {
  return (hostRefusals[refusal] ?? '').replace('{address}', `0x${address.toString(16)}`);
}

/** One host action on the machine: operands are pairs of halves from `at` on; a number of `hostRefusals`. */
type HostAction = (words: Int32Array, at: number, result: number) => number;

/** What the host does between two guest instructions, by the language's table of host actions. */
export class HostActions {
  /** What a refusal is about. */
  aboutLo = 0;
  aboutHi = 0;
  private readonly actions: Readonly<Partial<Record<string, HostAction>>> = {};

  /** Does action `row`; 0, or why not, a number of `hostRefusals`. */
  act(row: number, words: Int32Array, at: number, result: number): number {
    const name = hostActionRows[row]?.name ?? '';
    const action = this.actions[name];
    if (action === undefined) throw new Error(`invariant: host action ${name} was let through, and nothing does it`);
    return action(words, at, result);
  }
}
