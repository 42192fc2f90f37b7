import { html, nothing, type TemplateResult } from 'lit';
import type { WalkReference } from '../protocol/requests';

/** The selected entry, decoded field by field: bits, name, value, meaning. */
export function entryDetail(reference: WalkReference | undefined): TemplateResult | typeof nothing {
  if (reference === undefined) return nothing;
  const read = reference.read;
  return html`<section class="detail" aria-labelledby="detail-title">
    <h2 id="detail-title">Reference ${reference.number}: ${reference.name}</h2>
    ${read === undefined
      ? html`<p>This entry has not been read yet.</p>`
      : html`
          <dl>
            <dt>address</dt>
            <dd>${read.address}</dd>
            ${read.address === read.hpa ? nothing : html`<dt>in host memory</dt><dd>${read.hpa}</dd>`}
            <dt>value</dt>
            <dd>${read.value}</dd>
            ${read.updated === undefined ? nothing : html`<dt>after the walk</dt><dd>${read.updated}</dd>`}
          </dl>
          <table>
            <thead>
              <tr>
                <th scope="col">bits</th>
                <th scope="col">field</th>
                <th scope="col">value</th>
                <th scope="col">meaning</th>
              </tr>
            </thead>
            <tbody>
              ${read.fields.map(
                (field) => html`<tr class=${field.value === '0' ? 'clear' : 'set'}>
                  <td>${bits(field.bits)}</td>
                  <th scope="row">${field.name}</th>
                  <td>${field.value}</td>
                  <td class="meaning">${field.meaning}</td>
                </tr>`,
              )}
            </tbody>
          </table>
        `}
  </section>`;
}

function bits([high, low]: readonly [number, number]): string {
  return high === low ? String(high) : `${String(high)}:${String(low)}`;
}
