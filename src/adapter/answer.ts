import type { Failure } from './failures';
import type { SessionState } from './sessionState';

/** What a handler gives: the response's body (undefined when it has none) or why there is none. */
export type Answer<Body> = Body | Failure;

/** Where a session is. Requests name the phases in which they can be answered. */
export type Phase = 'not initialized' | 'not launched' | 'launching' | 'being configured' | 'running' | 'stopped' | 'over' | 'disconnected';

/** Kinds an argument may be required to have before a handler sees it. */
export const argumentKinds = {
  number: { wanted: 'a number', holds: (value: unknown) => typeof value === 'number' && Number.isFinite(value) },
  text: { wanted: 'text', holds: (value: unknown) => typeof value === 'string' },
  object: {
    wanted: 'an object',
    holds: (value: unknown) => typeof value === 'object' && value !== null && !Array.isArray(value),
  },
  truth: { wanted: 'true or false', holds: (value: unknown) => typeof value === 'boolean' },
  list: { wanted: 'a list', holds: (value: unknown) => Array.isArray(value) },
} as const;
export type ArgumentKind = keyof typeof argumentKinds;

/**
 * True when an argument is as needed. `name` may reach into a list that is given: `breakpoints[].line`
 * for a member of each item, `filters[]` for the items themselves.
 */
export function hasArgument(args: unknown, name: string, kind: ArgumentKind): boolean {
  if (!name.includes('[]')) return argumentKinds[kind].holds(memberOf(args, name));
  const [list = '', member = ''] = name.split('[]');
  const items = memberOf(args, list);
  if (!Array.isArray(items)) return items === undefined;
  return items.every((item: unknown) => argumentKinds[kind].holds(member === '' ? item : memberOf(item, member.slice(1))));
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Record<string, unknown>)[name] : undefined;
}

/** One request: when it is answered, what it must carry, who answers it. */
export interface RequestRow {
  readonly phases: readonly Phase[];
  readonly needs: Readonly<Record<string, ArgumentKind>>;
  /** The first argument that is not as it is needed. */
  readonly lacks: (args: unknown) => { readonly name: string; readonly kind: ArgumentKind } | undefined;
  /** At once where it waits for nothing, which is nearly everywhere. */
  readonly handle: (state: SessionState, args: unknown) => Answer<object | undefined> | Promise<Answer<object | undefined>>;
}

/** The one place where a request's JSON becomes its arguments' type: `needs` has been checked by then. */
export function row(
  phases: readonly Phase[],
  needs: Readonly<Record<string, ArgumentKind>>,
  handle: (state: SessionState, args: never) => Answer<object | undefined> | Promise<Answer<object | undefined>>,
): RequestRow {
  const needed = Object.entries(needs).map(([name, kind]) => ({ name, kind }));
  const lacks = (args: unknown): (typeof needed)[number] | undefined => needed.find(({ name, kind }) => !hasArgument(args, name, kind));
  return { phases, needs, lacks, handle: (state, args) => handle(state, (args ?? {}) as never) };
}
