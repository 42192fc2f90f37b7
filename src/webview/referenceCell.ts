import { html, nothing, type TemplateResult } from 'lit';
import type { WalkReference } from '../protocol/requests';
import { flagLetters } from './flagLetters';

export interface CellPlace {
  readonly isLit: boolean;
  readonly isSelected: boolean;
  /** The one cell of its grid that Tab reaches; arrow keys reach the others. */
  readonly isTabStop: boolean;
  /** Its column in a two-dimensional grid, from 1; a row may leave columns out. */
  readonly column?: number | undefined;
  /** Which entry of its table is read, where the address says so. */
  readonly index?: number | undefined;
}

/** One memory reference of a walk as a grid cell: number, name, address, entry and its flags. */
export function referenceCell(
  reference: WalkReference,
  place: CellPlace,
  select: (number: number) => void,
): TemplateResult {
  const read = reference.read;
  const classes = [
    'cell',
    read === undefined ? 'ahead' : 'made',
    reference.nestedLevel === 0 ? 'own' : 'nested',
    place.isLit ? 'lit' : '',
    place.isSelected ? 'selected' : '',
  ];
  return html`<div
    role="gridcell"
    class=${classes.join(' ')}
    data-number=${reference.number}
    .style=${place.column === undefined ? '' : `grid-column: ${String(place.column)}`}
    aria-colindex=${place.column ?? nothing}
    tabindex=${place.isTabStop ? 0 : -1}
    aria-selected=${place.isSelected ? 'true' : 'false'}
    aria-current=${place.isLit ? 'step' : nothing}
    @click=${() => {
      select(reference.number);
    }}
  >
    <span class="head">
      <b class="number"><span class="spoken">reference </span>${reference.number}</b>
      <span class="title">${reference.name}${place.index === undefined ? '' : html` <span class="index">[${place.index}]</span>`}</span>
      ${place.isLit ? html`<span class="now">now</span>` : nothing}
    </span>
    ${read === undefined
      ? html`<span class="address">not read yet</span>`
      : html`<span class="address">${breakable(read.address)}</span>
          <span class="entry">${read.updated ?? read.value}</span>
          ${flagLetters(read)}`}
  </div>`;
}

/** An address that may go on in a second line behind its space, where the cell is too narrow for `hpa:0x10a808`. */
function breakable(address: string): TemplateResult {
  const at = address.indexOf(':') + 1;
  return html`${address.slice(0, at)}<wbr />${address.slice(at)}`;
}
