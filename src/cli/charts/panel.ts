import type { Document as XmlDocument, Element as XmlElement } from '@xmldom/xmldom';
import * as Plot from '@observablehq/plot';
import { drawn, seriesColour } from './chartPaper';

export const PANEL_WIDTH = 760;
const TITLE_HEIGHT = 22;
const LEGEND_LINE = 18;
/** Mean width of a character at the pictures' size: there is no browser that could measure. */
const CHARACTER = 7;
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

/** Swatches with names, as many on a line as there is room for. */
function drawLegend(paper: XmlDocument, names: readonly string[], top: number): DrawnPanel {
  const group = drawn(paper, 'g', { class: 'legend' });
  let x = 8;
  let line = 0;
  names.forEach((name, index) => {
    const width = SWATCH + name.length * CHARACTER + 12;
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
