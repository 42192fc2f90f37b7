import { html, nothing, type TemplateResult } from 'lit';
import type { AddressPart, WalkPicture, WalkReference } from '../protocol/requests';
import { referenceCell } from './referenceCell';
import { isGridKey, nextCell } from './rovingFocus';

export interface GridPlace {
  readonly selected: number;
  /** Number of the reference being executed, or 0. */
  readonly lit: number;
  readonly parts: readonly AddressPart[];
}

/**
 * The references of a walk in the order they are made. One-dimensional: a row of levels.
 * Two-dimensional: a row for each guest level and one for the final guest-physical address, in
 * columns the nested walk that translates it and then the guest's own entry; 24 references when
 * both tables have four levels (SDM Vol. 3, "EPT Translation Mechanism").
 */
export function walkGrid(walk: WalkPicture, place: GridPlace, select: (number: number) => void): TemplateResult {
  const rows = rowsOf(walk);
  const numbers = rows.map((row) => numbersOf(walk, row));
  const tabStop = numbers.flat().includes(place.selected) ? place.selected : (walk.references[0]?.number ?? 0);
  const isNested = walk.nestedLevels > 0;
  const cell = (reference: WalkReference): TemplateResult =>
    referenceCell(
      reference,
      {
        isLit: reference.number === place.lit,
        isSelected: reference.number === place.selected,
        isTabStop: reference.number === tabStop,
        column: isNested ? columnOf(walk, reference.nestedLevel) : undefined,
        index: indexRead(walk, reference, place.parts),
      },
      select,
    );
  return html`<div
    role="grid"
    class=${isNested ? 'walk two-dimensional' : 'walk one-dimensional'}
    .style=${`--columns: ${String(isNested ? walk.nestedLevels + 1 : walk.guestLevels + 1)}`}
    aria-colcount=${isNested ? columnOf(walk, 0) : nothing}
    aria-label=${`Walk of ${walk.title}, ${String(walk.references.length)} references`}
    @keydown=${(event: KeyboardEvent) => {
      followKey(event, numbers, select);
    }}
  >
    ${isNested ? columnHeaders(walk) : nothing}
    ${rows.map(
      (row) => html`<div role="row" class="row">
        ${isNested ? rowHeader(row, walk.finalGpa) : nothing}${row.map(cell)}${lands(walk, row)}
      </div>`,
    )}
  </div>`;
}

function rowsOf(walk: WalkPicture): readonly (readonly WalkReference[])[] {
  if (walk.nestedLevels === 0) return [walk.references];
  const rows: (readonly WalkReference[])[] = [];
  for (let level = walk.guestLevels; level >= 0; level--) {
    rows.push(walk.references.filter((reference) => reference.guestLevel === level));
  }
  return rows.filter((row) => row.length > 0);
}

/** The row's reference numbers by column, 0 where a larger page has made a level needless or the walk ended. */
function numbersOf(walk: WalkPicture, row: readonly WalkReference[]): readonly number[] {
  if (walk.nestedLevels === 0) return row.map((reference) => reference.number);
  return nestedLevelsOf(walk).map((level) => row.find((reference) => reference.nestedLevel === level)?.number ?? 0);
}

/** Nested levels in the order of the columns: highest first, the guest's own entry (0) last. */
function nestedLevelsOf(walk: WalkPicture): readonly number[] {
  return Array.from({ length: walk.nestedLevels + 1 }, (_, column) => walk.nestedLevels - column);
}

/** Column of a nested level, from 1, behind that of the row headers. */
function columnOf(walk: WalkPicture, nestedLevel: number): number {
  return walk.nestedLevels - nestedLevel + 2;
}

/** Index fields of the address name entries of the outer tables, highest level first. */
function indexRead(walk: WalkPicture, reference: WalkReference, parts: readonly AddressPart[]): number | undefined {
  if (reference.nestedLevel !== 0 || reference.guestLevel === 0) return undefined;
  return parts[walk.guestLevels - reference.guestLevel]?.value;
}

function columnHeaders(walk: WalkPicture): TemplateResult {
  const name = (level: number): string =>
    level === 0 ? 'guest entry' : (walk.references.find((reference) => reference.nestedLevel === level)?.name ?? 'not read');
  return html`<div role="row" class="row headers">
    <span role="columnheader" class="corner">translating</span>
    ${nestedLevelsOf(walk).map((level) => html`<span role="columnheader">${name(level)}</span>`)}
  </div>`;
}

/** What a row is for, by guest level: a walk that ends in the row has not read the guest's entry, which bears the name. */
const ROWS = ['final GPA', 'PTE', 'PDE', 'PDPTE', 'PML4E', 'PML5E'] as const;

function rowHeader(row: readonly WalkReference[], finalGpa: string | undefined): TemplateResult {
  const level = row[0]?.guestLevel ?? 0;
  const own = row.find((reference) => reference.nestedLevel === 0);
  const address = level === 0 ? finalGpa : own?.read?.address;
  return html`<span role="rowheader" class="row-header">
    <b>${own?.name ?? ROWS[level]}</b>
    ${address === undefined ? nothing : html`<span class="address">${address}</span>`}
  </span>`;
}

/** Where a walk of one dimension ends, or the last row of one of two. */
function lands(walk: WalkPicture, row: readonly WalkReference[]): TemplateResult | typeof nothing {
  const isNested = walk.nestedLevels > 0;
  if (isNested && row[0]?.guestLevel !== 0) return nothing;
  return html`<div
    role="gridcell"
    class="cell lands ${walk.mapsTo === undefined ? 'ahead' : 'made'}"
    .style=${isNested ? `grid-column: ${String(columnOf(walk, 0))}` : ''}
    aria-colindex=${isNested ? columnOf(walk, 0) : nothing}
  >
    <span class="head"><span class="title">page frame</span></span>
    <span class="address">${walk.mapsTo ?? (walk.outcome === undefined ? 'not yet' : 'none')}</span>
  </div>`;
}

function followKey(event: KeyboardEvent, numbers: readonly (readonly number[])[], select: (number: number) => void): void {
  if (!isGridKey(event.key) || !(event.target instanceof HTMLElement)) return;
  const from = Number(event.target.dataset['number'] ?? 0);
  event.preventDefault();
  select(nextCell(numbers, from, event.key));
}
