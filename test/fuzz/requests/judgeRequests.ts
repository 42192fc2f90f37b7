import * as fc from 'fast-check';
import { FuzzedSession } from './fuzzedSession';
import { requestCases, type RequestCase } from './requestCases';

/** How a fuzz ended: the requests that were answered, or what was wrong, shrunk. */
export interface FuzzResult {
  readonly requests: number;
  readonly failure?: string;
}

const BATCH = 8;

/**
 * Plays random cases until `wanted` requests have been made, and judges each.
 *
 * @param said Told of the requests made so far, after each batch.
 */
export async function fuzzRequests(wanted: number, seed: number, said: (requests: number) => void): Promise<FuzzResult> {
  let requests = 0;
  for (let batch = 0; requests < wanted; batch++) {
    const property = fc.asyncProperty(requestCases, async (played) => { requests += await judge(played); });
    const result = await fc.check(property, { numRuns: BATCH, seed: seed + batch * 7919, endOnFailure: false });
    if (result.failed) {
      const [played] = result.counterexample ?? [];
      const why = result.errorInstance instanceof Error ? result.errorInstance.message : String(result.errorInstance);
      return { requests, failure: `${why}\n\nShrunk (seed ${seed + batch * 7919}, ${result.numShrinks} steps):\n${JSON.stringify(played, undefined, 1)}` };
    }
    said(requests);
  }
  return { requests };
}

/**
 * Plays a case. In an orderly one each session must hear exactly what it hears when it is alone.
 *
 * @returns How many requests were made.
 * @throws Error that says what was wrong.
 */
async function judge(played: RequestCase): Promise<number> {
  const together = await play(played);
  let requests = together.reduce((sum, session) => sum + session.requests, 0);
  if (played.manner === 'hasty' || together.length === 1) return requests;
  for (const [index, session] of together.entries()) {
    const [alone] = await play({ ...played, sessions: [played.sessions[index]!] });
    requests += alone!.requests;
    const at = session.heard.findIndex((message, i) => message !== alone!.heard[i]);
    if (at < 0 && session.heard.length === alone!.heard.length) continue;
    const place = at < 0 ? session.heard.length : at;
    throw new Error(`session ${index} hears beside others\n  ${session.heard[place]}\nand alone\n  ${alone!.heard[place]}`);
  }
  return requests;
}

async function play({ sessions: plans, turns, manner }: RequestCase): Promise<readonly FuzzedSession[]> {
  const sessions = plans.map((plan) => new FuzzedSession(plan));
  await Promise.all(sessions.map((session) => session.begin()));
  const next = plans.map(() => 0);
  for (let turn = 0; next.some((at, i) => at < plans[i]!.actions.length); turn++) {
    const wanted = turns[turn % turns.length]! % plans.length;
    const index = next[wanted]! < plans[wanted]!.actions.length ? wanted : next.findIndex((at, i) => at < plans[i]!.actions.length);
    const session = sessions[index]!;
    await session.act(plans[index]!.actions[next[index]!++]!);
    if (manner === 'orderly') await session.still();
    else if (turns[(turn + 1) % turns.length] === 0) await new Promise((resolve) => setTimeout(resolve, 0));
  }
  await Promise.all(sessions.map((session) => session.end()));
  for (const [index, { order }] of sessions.entries()) {
    if (order.faults.length > 0) throw new Error(`session ${index}: ${order.faults.join('\n')}`);
  }
  return sessions;
}
