import type { ToPanel } from '../protocol/panel';
import type { WalkPicture, WalkReference, WalkResponse } from '../protocol/requests';

/** What the page shows. The walk comes from the extension; tab and selection are the page's own. */
export interface PanelState {
  /** Absent: nothing is stopped, and `message` says so. */
  readonly walk?: WalkResponse;
  readonly message: string;
  /** Index into `walk.walks`. */
  readonly tab: number;
  /** Number of the selected reference in that walk; 0: none. */
  readonly selected: number;
}

/** The page's own part, kept by VS Code while the page is hidden. */
export interface KeptState {
  readonly tab: number;
  readonly selected: number;
}

export const initialState: PanelState = { message: 'Waiting for the debugger.', tab: 0, selected: 0 };

/** State after a message. The selection follows the lit reference; else it stays while the access is the same. */
export function receive(state: PanelState, message: ToPanel): PanelState {
  if (message.type === 'empty') return { message: message.message, tab: 0, selected: 0 };
  const walk = message.walk;
  if (walk.lit !== undefined) return show(walk, walk.lit.walk, walk.lit.number);
  const isSameAccess = state.walk === undefined || nameOfAccess(state.walk) === nameOfAccess(walk);
  if (isSameAccess && reference(walk, state.tab, state.selected) !== undefined) {
    return show(walk, state.tab, state.selected);
  }
  const last = Math.max(0, walk.walks.length - 1);
  return show(walk, last, lastMade(walk.walks[last]));
}

/** State with another walk in front, its last reference made selected. */
export function selectTab(state: PanelState, tab: number): PanelState {
  const lit = state.walk?.lit;
  const selected = lit?.walk === tab ? lit.number : lastMade(state.walk?.walks[tab]);
  return { ...state, tab, selected };
}

export function selectReference(state: PanelState, selected: number): PanelState {
  return { ...state, selected };
}

/** The selected reference, or undefined when there is none. */
export function selectedReference(state: PanelState): WalkReference | undefined {
  return state.walk === undefined ? undefined : reference(state.walk, state.tab, state.selected);
}

function show(walk: WalkResponse, tab: number, selected: number): PanelState {
  return { walk, message: walk.message, tab, selected };
}

function reference(walk: WalkResponse, tab: number, number: number): WalkReference | undefined {
  return walk.walks[tab]?.references.find((candidate) => candidate.number === number);
}

function lastMade(walk: WalkPicture | undefined): number {
  const made = walk?.references.filter((candidate) => candidate.read !== undefined) ?? [];
  return made.at(-1)?.number ?? walk?.references[0]?.number ?? 0;
}

function nameOfAccess(walk: WalkResponse): string {
  const access = walk.access;
  return access === undefined ? '' : `${access.path}:${String(access.line)} ${access.text}`;
}
