import { html, type TemplateResult } from 'lit';
import type { AddressPart } from '../protocol/requests';

/**
 * The address as its bits: one digit a bit, one box a field, all on one ruler, so that a box is
 * as wide as its field. The highest and lowest bit of each box stand above it. (Widths are set as
 * a property: the page's content security policy refuses style attributes.)
 */
export function addressRuler(address: string, parts: readonly AddressPart[]): TemplateResult {
  const bits = parts.reduce((sum, part) => sum + width(part), 0);
  return html`
    <section class="ruler" aria-label=${`Fields of ${address}`}>
      <ol .style=${`--bits: ${String(bits)}`}>
        ${parts.map(
          (part) => html`<li .style=${`--span: ${String(width(part))}`}>
            <span class="scale" aria-hidden="true"><span>${part.bits[0]}</span><span>${part.bits[1]}</span></span>
            <span class="bits" aria-hidden="true">${digits(part).map((digit) => html`<i>${digit}</i>`)}</span>
            <span class="name">${part.name}<span class="spoken">, bits ${part.bits[0]} to ${part.bits[1]}</span></span>
            <span class="value">${hex(part.value)}<span class="decimal"> = ${part.value}</span></span>
          </li>`,
        )}
      </ol>
    </section>
  `;
}

function width(part: AddressPart): number {
  return part.bits[0] - part.bits[1] + 1;
}

function digits(part: AddressPart): readonly string[] {
  return Array.from(part.value.toString(2).padStart(width(part), '0'));
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}
