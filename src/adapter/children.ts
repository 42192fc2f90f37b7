import type { DebugProtocol } from '@vscode/debugprotocol';
import type { HeldFrame } from './sessionState';

/** What a variables reference leads to. Rows that are given are never changed later: those of which nothing has changed are given again. */
export type Children = NamedChildren | IndexedChildren;

/** Rows with names of their own, a few. */
export interface NamedChildren {
  readonly kind: 'named';
  readonly all: () => readonly DebugProtocol.Variable[];
  /** The frame in which the expressions are meant that rows can be edited by. */
  readonly held?: HeldFrame;
}

/** Rows of one kind, of which a client asks for some at a time. */
export interface IndexedChildren {
  readonly kind: 'indexed';
  readonly count: number;
  slice(start: number, count: number): readonly DebugProtocol.Variable[];
  /** The row of that name, and no other is made. */
  find(name: string): DebugProtocol.Variable | undefined;
}

export function childrenOf(all: NamedChildren['all']): NamedChildren {
  return { kind: 'named', all };
}

/** Rows that show what expressions are in a frame. */
export function childrenIn(held: HeldFrame, all: NamedChildren['all']): NamedChildren {
  return { kind: 'named', all, held };
}

export function childNamed(children: Children, name: string): DebugProtocol.Variable | undefined {
  return children.kind === 'named' ? children.all().find((row) => row.name === name) : children.find(name);
}
