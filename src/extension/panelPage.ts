export interface PageParts {
  readonly script: string;
  readonly style: string;
  /** Where the page's own files come from, as a content-security-policy source. */
  readonly source: string;
  /** Fresh for each page: only the script that carries it runs. */
  readonly nonce: string;
}

/** The Page Walk panel's HTML. Its policy lets nothing in but the panel's own script, style and fonts. */
export function panelPage({ script, style, source, nonce }: PageParts): string {
  const policy = [
    `default-src 'none'`,
    `script-src 'nonce-${nonce}'`,
    `style-src ${source}`,
    `font-src ${source}`,
    `img-src ${source} data:`,
  ].join('; ');
  return `<!DOCTYPE html>
<html lang="en">
<head>
  <meta charset="UTF-8">
  <meta http-equiv="Content-Security-Policy" content="${policy}">
  <meta name="viewport" content="width=device-width, initial-scale=1">
  <link rel="stylesheet" href="${style}">
  <title>Page Walk</title>
</head>
<body>
  <script nonce="${nonce}" src="${script}"></script>
</body>
</html>`;
}
