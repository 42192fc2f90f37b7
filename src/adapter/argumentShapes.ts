import { argumentKinds, type ArgumentKind } from './answer';

/**
 * What a member of a request's arguments is wherever it stands, as the Debug Adapter Protocol defines it. A request says in its
 * row what it must have; these may be left out, and are held to their kind when they are given, so that no handler meets another.
 * `PARENT.NAME` is for names that mean several things.
 */
const kinds: Readonly<Record<string, ArgumentKind>> = {
  condition: 'text', hitCondition: 'text', logMessage: 'text', accessType: 'text', dataId: 'text', mode: 'text', name: 'text', filterId: 'text',
  line: 'number', column: 'number', endLine: 'number', endColumn: 'number', source: 'object', 'source.path': 'text', sourceReference: 'number',
  threadId: 'number', frameId: 'number', targetId: 'number', variablesReference: 'number', locationReference: 'number',
  startFrame: 'number', levels: 'number', start: 'number', count: 'number', filter: 'text', offset: 'number', bytes: 'number', asAddress: 'truth',
  granularity: 'text', singleThread: 'truth', context: 'text', expression: 'text', value: 'text', text: 'text', memoryReference: 'text', data: 'text', allowPartial: 'truth',
  instructionReference: 'text', instructionOffset: 'number', instructionCount: 'number', resolveSymbols: 'truth', requestId: 'number', progressId: 'text',
  linesStartAt1: 'truth', columnsStartAt1: 'truth', pathFormat: 'text', stopOnEntry: 'truth', stopAtBoot: 'truth', noDebug: 'truth',
};

/** Deeper than any request's arguments go. */
const MOST_DEPTH = 5;

/** An argument of the wrong kind: where it stands, `breakpoints[].condition`, and what it should be. */
export interface Misshapen {
  readonly name: string;
  readonly kind: ArgumentKind;
}

/** The first argument that is given and is not of its kind. */
export function misshapen(args: unknown, parent = '', depth = 0): Misshapen | undefined {
  if (typeof args !== 'object' || args === null || depth > MOST_DEPTH) return undefined;
  if (Array.isArray(args)) {
    for (const item of args) {
      const found = misshapen(item, `${parent}[]`, depth + 1);
      if (found !== undefined) return found;
    }
    return undefined;
  }
  const members = args as Readonly<Record<string, unknown>>;
  const keys = Object.keys(members);
  for (const key of keys) {
    const value = members[key];
    if (value === undefined) continue;
    const kind = kindOf(key) ?? (parent === '' ? undefined : kindOf(`${parent}.${key}`));
    if (kind !== undefined && !argumentKinds[kind].holds(value)) return { name: within(parent, key), kind };
  }
  for (const key of keys) {
    const value = members[key];
    const found = typeof value === 'object' ? misshapen(value, within(parent, key), depth + 1) : undefined;
    if (found !== undefined) return found;
  }
  return undefined;
}

function within(parent: string, key: string): string {
  return parent === '' ? key : `${parent}.${key}`;
}

function kindOf(name: string): ArgumentKind | undefined {
  return Object.hasOwn(kinds, name) ? kinds[name] : undefined;
}
