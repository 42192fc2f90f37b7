import type { Document as XmlDocument, Element as XmlElement } from '@xmldom/xmldom';
import type { ComparedPoint } from '../../engine/run/compare';
import { compareRows } from '../../engine/run/compareRows';
import { countersJson } from '../../engine/run/countersJson';
import { drawn, newPaper, pictureStyle, serialized } from './chartPaper';
import { drawPanel, PANEL_WIDTH } from './panel';
import { sweepPanels, type SweptAxis } from './sweepPanels';
import { techniquePanels } from './techniquePanels';

/** A comparison as it is drawn. */
export interface ChartedComparison {
  readonly title: string;
  readonly points: readonly ComparedPoint[];
  readonly unfit: readonly { readonly mmu: string; readonly why: string }[];
  readonly sweep?: SweptAxis;
}

const TOP = 40;
const GAP = 22;

/** A picture of its own: SVG that follows the reader's light or dark theme. */
export function chartPicture(comparison: ChartedComparison): string {
  return `<?xml version="1.0" encoding="UTF-8"?>\n${serialized(picture(newPaper(), comparison))}\n`;
}

/** A page of its own: the charts and the tables, with nothing to load. */
export function chartPage(comparison: ChartedComparison): string {
  const { title, points, unfit, sweep } = comparison;
  const tables = points.map(({ value, results }) => {
    const caption = sweep === undefined ? '' : `<caption>${escaped(`${sweep.global} = ${value ?? ''}`)}</caption>`;
    const counters = results.map((result) => countersJson(result.counters));
    const rows = compareRows(results).map(({ title: row, isPart, value: text }) => (
      `<tr${isPart ? ' class="part"' : ''}><th scope="row">${escaped(row)}</th>${results.map((result, i) => `<td>${escaped(text(result, counters[i]!))}</td>`).join('')}</tr>`
    ));
    return `<div class="wide"><table>${caption}<thead><tr><th></th>${results.map(({ mmu }) => `<th scope="col">${escaped(mmu)}</th>`).join('')}</tr></thead>\n<tbody>\n${rows.join('\n')}\n</tbody></table></div>`;
  });
  const refusals = unfit.map(({ mmu, why }) => `<li><b>${escaped(mmu)}</b>: ${escaped(why)}</li>`);
  return `<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)}: techniques side by side</title>
<style>${pageStyle}</style>
</head>
<body>
<h1>Techniques side by side</h1>
${serialized(picture(newPaper(), comparison))}
${tables.join('\n')}
${refusals.length === 0 ? '' : `<h2>Does not run under</h2>\n<ul>\n${refusals.join('\n')}\n</ul>`}
</body>
</html>
`;
}

function picture(paper: XmlDocument, { title, points, sweep }: ChartedComparison): XmlElement {
  const panels = sweep === undefined ? techniquePanels(points.flatMap(({ results }) => results)) : sweepPanels(points, sweep);
  const root = drawn(paper, 'svg', { xmlns: 'http://www.w3.org/2000/svg', width: PANEL_WIDTH, role: 'img', 'aria-label': `${title}: techniques side by side` });
  root.appendChild(drawn(paper, 'style', {}, pictureStyle));
  const background = drawn(paper, 'rect', { class: 'background', width: '100%', height: '100%' });
  root.appendChild(background);
  root.appendChild(drawn(paper, 'text', { x: 8, y: 24, class: 'title' }, title));
  let top = TOP;
  for (const panel of panels) {
    const { element, height } = drawPanel(paper, panel, top);
    root.appendChild(element);
    top += height + GAP;
  }
  root.setAttribute('height', String(top));
  root.setAttribute('viewBox', `0 0 ${PANEL_WIDTH} ${top}`);
  return root;
}

const pageStyle = `${pictureStyle}
  body { margin: 2rem auto; max-width: 60rem; padding: 0 1rem; background: var(--paper); color: var(--ink); font: 15px/1.45 system-ui, sans-serif; }
  svg { max-width: 100%; height: auto; }
  .wide { overflow-x: auto; }
  table { border-collapse: collapse; margin: 1.5rem 0; font-variant-numeric: tabular-nums; }
  th, td { padding: 0.2rem 0.8rem; border-bottom: 1px solid var(--line); white-space: nowrap; }
  th { text-align: left; font-weight: 600; } thead th, td { text-align: right; } .part th { padding-left: 2rem; font-weight: 400; }
  caption { text-align: left; font-weight: 600; padding: 0.3rem 0; }
`;

function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');
}
