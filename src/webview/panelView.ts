import { html, nothing, type TemplateResult } from 'lit';
import type { WalkPicture, WalkResponse } from '../protocol/requests';
import { addressRuler } from './addressRuler';
import { entryDetail } from './entryDetail';
import { selectedReference, type PanelState } from './panelState';
import { walkGrid } from './walkGrid';

export interface PanelActions {
  readonly reveal: (path: string, line: number) => void;
  /** Both select and take the keyboard's focus along. */
  readonly selectTab: (tab: number) => void;
  readonly selectReference: (number: number) => void;
}

/** The whole page for a state. The message line is a live region, so each stop is said aloud. */
export function panelView(state: PanelState, actions: PanelActions): TemplateResult {
  const walk = state.walk;
  return html`<main class=${walk?.access === undefined ? 'empty' : ''}>
    ${walk?.access === undefined ? html`<h1 class="spoken">Page walk</h1>` : accessLine(walk.access, actions)}
    <p class="message" role="status" aria-live="polite">${state.message}</p>
    ${walk?.access === undefined ? nothing : addressRuler(walk.access.address, walk.access.parts)}
    ${walk?.tlb === undefined ? nothing : html`<p class="tlb"><b>TLB hit</b> ${walk.tlb}</p>`}
    ${walk === undefined ? nothing : walks(state, walk, actions)}
  </main>`;
}

function accessLine(access: NonNullable<WalkResponse['access']>, actions: PanelActions): TemplateResult {
  const place = `${access.path.replace(/^.*[\\/]/, '')}:${String(access.line)}`;
  return html`<h1>
    <button
      class="access"
      title=${`Open ${place}`}
      @click=${() => {
        actions.reveal(access.path, access.line);
      }}
    >
      <span>${access.text}</span><span class="place">${place}</span>
    </button>
  </h1>`;
}

function walks(state: PanelState, walk: WalkResponse, actions: PanelActions): TemplateResult | typeof nothing {
  const picture = walk.walks[state.tab];
  if (picture === undefined) return nothing;
  const lit = walk.lit?.walk === state.tab ? walk.lit.number : 0;
  const hasTabs = walk.walks.length > 1;
  return html`
    ${hasTabs ? tabs(state, walk, actions) : nothing}
    <div
      class=${picture.nestedLevels > 0 ? 'picture beside' : 'picture'}
      id="picture"
      role=${hasTabs ? 'tabpanel' : nothing}
      aria-labelledby=${hasTabs ? `tab-${String(state.tab)}` : nothing}
    >
      <div class="figure">
        <h2>${picture.title}<span class="count">${progress(picture)}</span></h2>
        ${walkGrid(picture, { selected: state.selected, lit, parts: walk.access?.parts ?? [] }, actions.selectReference)}
        ${picture.outcome === undefined ? nothing : html`<p class="outcome"><b>Outcome</b> ${picture.outcome}</p>`}
      </div>
      ${entryDetail(selectedReference(state))}
    </div>
  `;
}

function progress({ references, outcome }: WalkPicture): string {
  const made = references.filter((reference) => reference.read !== undefined).length;
  if (outcome === undefined) return `${String(made)} of ${String(references.length)} references`;
  return made === 1 ? '1 reference' : `${String(made)} references`;
}

function tabs(state: PanelState, walk: WalkResponse, actions: PanelActions): TemplateResult {
  const last = walk.walks.length - 1;
  return html`<div
    role="tablist"
    aria-label="Walks of this access"
    @keydown=${(event: KeyboardEvent) => {
      const target = { ArrowLeft: state.tab - 1, ArrowRight: state.tab + 1, Home: 0, End: last }[event.key];
      if (target === undefined || target < 0 || target > last) return;
      event.preventDefault();
      actions.selectTab(target);
    }}
  >
    ${walk.walks.map(
      (picture, number) => html`<button
        role="tab"
        id=${`tab-${String(number)}`}
        aria-controls="picture"
        aria-selected=${number === state.tab ? 'true' : 'false'}
        tabindex=${number === state.tab ? 0 : -1}
        @click=${() => {
          actions.selectTab(number);
        }}
      >Walk ${number + 1}<span class="outcome-of">${picture.outcome ?? 'running'}</span></button>`,
    )}
  </div>`;
}
