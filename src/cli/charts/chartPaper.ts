import { DOMImplementation, XMLSerializer, type Document as XmlDocument, type Element as XmlElement } from '@xmldom/xmldom';

export const SVG = 'http://www.w3.org/2000/svg';

/** A document to draw on: no browser is needed, and what comes out is well-formed XML. */
export function newPaper(): XmlDocument {
  return new DOMImplementation().createDocument('http://www.w3.org/1999/xhtml', 'html', null);
}

/** An element of a drawing with its attributes and, in the end, its text. */
export function drawn(paper: XmlDocument, name: string, attributes: Readonly<Record<string, string | number>>, text = ''): XmlElement {
  const element = paper.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  if (text !== '') element.appendChild(paper.createTextNode(text));
  return element;
}

export function serialized(element: XmlElement): string {
  return new XMLSerializer().serializeToString(element);
}

/** Colours of series in order, told apart also by people who see few (Okabe and Ito's, lightened for the dark). */
const series = {
  light: ['#0072b2', '#d55e00', '#009e73', '#aa4a88', '#7a6a00', '#3d9ad1', '#8b3a00', '#55606a', '#b03030', '#5a4fcf'],
  dark: ['#56b4e9', '#ff9e4a', '#2fd6a5', '#e08cc4', '#f0e442', '#9ad4ff', '#d98a5a', '#aab4be', '#ff8080', '#b0a8ff'],
} as const;

export const SERIES = series.light.length;

/** The colour of series `index`: a variable, since the reader's theme decides. */
export function seriesColour(index: number): string {
  return `var(--series-${index % SERIES})`;
}

/** Style sheet of a picture: it follows the reader's light or dark theme by itself. */
export const pictureStyle = `
  :root, svg { ${theme('#ffffff', '#1f2328', '#d9dde1', series.light)} }
  @media (prefers-color-scheme: dark) { :root, svg { ${theme('#16191d', '#e6e9ec', '#3a4149', series.dark)} } }
  svg { color: var(--ink); font-family: system-ui, -apple-system, "Segoe UI", sans-serif; font-size: 12px; }
  .background { fill: var(--paper); }
  .title { font-size: 16px; font-weight: 600; fill: var(--ink); }
  .panel-title { font-size: 13px; font-weight: 600; fill: var(--ink); }
  .legend { fill: var(--ink); }
`;

function theme(paper: string, ink: string, line: string, colours: readonly string[]): string {
  const variables = colours.map((colour, index) => `--series-${index}: ${colour};`);
  return `--paper: ${paper}; --ink: ${ink}; --line: ${line}; ${variables.join(' ')}`;
}
