/** A term of docs/glossary.md. */
export interface GlossaryTerm {
  readonly term: string;
  /** Other words that lead to it. */
  readonly also: readonly string[];
  /** Its first paragraph, on one line. */
  readonly text: string;
  /** Titles of the manuals' sections, without parentheses; empty when the manuals have none. */
  readonly source: string;
}

/** Reads the page. A heading without a paragraph is a chapter, not a term. */
export function readGlossary(page: string): readonly GlossaryTerm[] {
  return page.split(/^## /m).slice(1).flatMap((part) => {
    const [heading = '', ...rest] = part.split('\n');
    const body = rest.join('\n').trim();
    if (body === '') return [];
    const also = /^\*Also:\* (.*)\n/.exec(body);
    const [paragraph = ''] = body.slice(also?.[0].length ?? 0).trim().split('\n\n');
    const [, text = paragraph, source = ''] = /^([\s\S]*?)\n\(((?:SDM|APM)[^\n]*)\)$/.exec(paragraph) ?? [];
    return [{ term: heading.trim(), also: also?.[1]?.split(', ') ?? [], text: text.replace(/\s+/g, ' ').trim(), source }];
  });
}

/** The module that the product has the terms by. */
export function glossaryText(terms: readonly GlossaryTerm[]): string {
  const rows = terms.map(({ term, also, text, source }) => (
    `  { term: ${quoted(term)}, also: [${also.map(quoted).join(', ')}], text: ${quoted(text)}, source: ${quoted(source)} },`
  ));
  return `${head}\nexport const glossary: readonly GlossaryTerm[] = [\n${rows.join('\n')}\n];\n${tail}`;
}

function quoted(text: string): string {
  return `'${text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")}'`;
}

const head = `// Generated from docs/glossary.md by \`npm run generate\`: change it there.

export interface GlossaryTerm {
  readonly term: string;
  /** Other words that lead to it. */
  readonly also: readonly string[];
  /** What it is, in one paragraph. */
  readonly text: string;
  /** Where the manuals tell of it, by section title; empty when they do not. */
  readonly source: string;
}
`;

const tail = `
const byWord = new Map(glossary.flatMap((row) => [row.term, ...row.also].map((word) => [word, row] as const)));

/** The term that a word leads to, spelled as here: \`P\` is the bit, \`ept\` the technique. */
export function glossaryTerm(word: string): GlossaryTerm | undefined {
  return byWord.get(word);
}
`;
