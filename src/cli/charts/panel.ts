import type { Document as XmlDocument, Element as XmlElement } from '@xmldom/xmldom';
import * as Plot from '@observablehq/plot';
import { drawn, seriesColour } from './chartPaper';

export const PANEL_WIDTH = 760;
const TITLE_HEIGHT = 22;
const LEGEND_LINE = 18;
/** Widths of characters at the pictures' size, about: there is no browser that could measure. */
const NARROW = 4.3;
const MEAN = 6.8;
const WIDE = 9.6;
const SWATCH = 18;

/** One chart below its title and legend. */
export interface Panel {
  readonly title: string;
  /** Names of the series in the order of their colours; with one there is no legend. */
  readonly series: readonly string[];
  readonly options: Plot.PlotOptions;
}

export interface DrawnPanel {
  readonly element: XmlElement;
  readonly height: number;
}

/** Draws a panel as a group at height `top` of its picture. */
export function drawPanel(paper: XmlDocument, panel: Panel, top: number): DrawnPanel {
  const group = drawn(paper, 'g', { transform: `translate(0,${top})`, role: 'img', 'aria-label': panel.title });
  group.appendChild(drawn(paper, 'text', { x: 8, y: 14, class: 'panel-title' }, panel.title));
  const legend = panel.series.length > 1 ? drawLegend(paper, panel.series, TITLE_HEIGHT) : undefined;
  if (legend !== undefined) group.appendChild(legend.element);
  const at = TITLE_HEIGHT + (legend?.height ?? 0);
  const plot = Plot.plot({
    // Plot asks for no more of a document than xmldom's has.
    document: paper as unknown as Document,
    width: PANEL_WIDTH,
    ...panel.options,
    color: { domain: [...panel.series], range: panel.series.map((_, index) => seriesColour(index)), ...panel.options.color },
  }) as unknown as XmlElement;
  for (const style of Array.from(plot.getElementsByTagName('style'))) plot.removeChild(style);
  plot.setAttribute('y', String(at));
  // The picture's own style says font and size.
  for (const attribute of ['font-family', 'font-size', 'class']) plot.removeAttribute(attribute);
  group.appendChild(plot);
  return { element: group, height: at + Number(plot.getAttribute('height')) };
}

function textWidth(text: string): number {
  const widths = Array.from(text, (character) => (/[ijlt'.,:;|()f ]/.test(character) ? NARROW : /[mwMW]/.test(character) ? WIDE : MEAN));
  return widths.reduce((sum, width) => sum + width, 0);
}

/** A tick's label: `20k`, and nothing more than `0` at the origin. */
export function tickText(amount: number): string {
  const [unit, text] = amount >= 1e9 ? [1e9, 'G'] : amount >= 1e6 ? [1e6, 'M'] : amount >= 1e3 ? [1e3, 'k'] : [1, ''];
  return `${Number((amount / unit).toPrecision(3))}${text}`;
}

/** Swatches with names, as many on a line as there is room for. */
function drawLegend(paper: XmlDocument, names: readonly string[], top: number): DrawnPanel {
  const group = drawn(paper, 'g', { class: 'legend' });
  let x = 8;
  let line = 0;
  names.forEach((name, index) => {
    const width = SWATCH + textWidth(name) + 16;
    if (x > 8 && x + width > PANEL_WIDTH) {
      x = 8;
      line++;
    }
    const y = top + line * LEGEND_LINE;
    group.appendChild(drawn(paper, 'rect', { x, y: y + 1, width: 11, height: 11, fill: seriesColour(index) }));
    group.appendChild(drawn(paper, 'text', { x: x + SWATCH - 2, y: y + 11 }, name));
    x += width;
  });
  return { element: group, height: (line + 1) * LEGEND_LINE };
}
