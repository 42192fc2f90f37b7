/**
 * What the four kinds of VS Code theme give a webview: the colours the panel uses, as VS Code 1.139 computes them
 * for its own themes Dark Modern, Light Modern, Dark High Contrast and Light High Contrast. A colour that a theme
 * leaves out is not defined there, which the page has to bear.
 */
export interface Theme {
  readonly name: string;
  /** Class that VS Code gives the body. */
  readonly bodyClass: string;
  readonly variables: Readonly<Record<string, string>>;
}

const fonts = {
  '--vscode-font-family': 'system-ui, "Ubuntu", "Droid Sans", sans-serif',
  '--vscode-font-size': '13px',
  '--vscode-editor-font-family': "'Droid Sans Mono', 'monospace', monospace",
};

export const themes: readonly Theme[] = [
  {
    name: 'dark',
    bodyClass: 'vscode-dark',
    variables: {
      ...fonts,
      '--vscode-charts-blue': '#59a4f9',
      '--vscode-debugIcon-breakpointCurrentStackframeForeground': '#ffcc00',
      '--vscode-descriptionForeground': '#9d9d9d',
      '--vscode-editor-background': '#1f1f1f',
      '--vscode-editor-foreground': '#cccccc',
      '--vscode-editor-stackFrameHighlightBackground': 'rgba(255, 255, 0, 0.2)',
      '--vscode-editorWidget-background': '#202020',
      '--vscode-editorWidget-border': 'rgba(204, 204, 204, 0.2)',
      '--vscode-focusBorder': '#0078d4',
      '--vscode-textCodeBlock-background': '#2b2b2b',
      '--vscode-textLink-foreground': '#4daafc',
    },
  },
  {
    name: 'light',
    bodyClass: 'vscode-light',
    variables: {
      ...fonts,
      '--vscode-charts-blue': '#0063d3',
      '--vscode-debugIcon-breakpointCurrentStackframeForeground': '#be8700',
      '--vscode-descriptionForeground': '#3b3b3b',
      '--vscode-editor-background': '#ffffff',
      '--vscode-editor-foreground': '#3b3b3b',
      '--vscode-editor-stackFrameHighlightBackground': 'rgba(255, 255, 102, 0.45)',
      '--vscode-editorWidget-background': '#f8f8f8',
      '--vscode-editorWidget-border': 'rgba(59, 59, 59, 0.2)',
      '--vscode-focusBorder': '#005fb8',
      '--vscode-textCodeBlock-background': '#f8f8f8',
      '--vscode-textLink-foreground': '#005fb8',
    },
  },
  {
    name: 'hc-black',
    bodyClass: 'vscode-high-contrast',
    variables: {
      ...fonts,
      '--vscode-charts-blue': '#59a4f9',
      '--vscode-contrastBorder': '#6fc3df',
      '--vscode-debugIcon-breakpointCurrentStackframeForeground': '#ffcc00',
      '--vscode-descriptionForeground': 'rgba(255, 255, 255, 0.7)',
      '--vscode-editor-background': '#000000',
      '--vscode-editor-foreground': '#ffffff',
      '--vscode-editor-stackFrameHighlightBackground': 'rgba(255, 255, 0, 0.2)',
      '--vscode-editorWidget-background': '#0c141f',
      '--vscode-editorWidget-border': '#6fc3df',
      '--vscode-focusBorder': '#f38518',
      '--vscode-textCodeBlock-background': '#000000',
      '--vscode-textLink-foreground': '#21a6ff',
    },
  },
  {
    name: 'hc-light',
    bodyClass: 'vscode-high-contrast-light',
    variables: {
      ...fonts,
      '--vscode-charts-blue': '#0063d3',
      '--vscode-contrastBorder': '#0f4a85',
      '--vscode-debugIcon-breakpointCurrentStackframeForeground': '#be8700',
      '--vscode-descriptionForeground': 'rgba(41, 41, 41, 0.7)',
      '--vscode-editor-background': '#ffffff',
      '--vscode-editor-foreground': '#292929',
      '--vscode-editor-stackFrameHighlightBackground': 'rgba(255, 255, 102, 0.45)',
      '--vscode-editorWidget-background': '#ffffff',
      '--vscode-editorWidget-border': '#0f4a85',
      '--vscode-focusBorder': '#006bbd',
      '--vscode-textCodeBlock-background': '#f2f2f2',
      '--vscode-textLink-foreground': '#0f4a85',
    },
  },
];
