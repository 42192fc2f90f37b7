import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { glossaryText, readGlossary } from './glossaryPage';

// Embeds docs/glossary.md, for hovers, as src/language/glossary.ts. Part of `npm run generate`.
const root = join(__dirname, '..');
const page = readFileSync(join(root, 'docs', 'glossary.md'), 'utf8');
writeFileSync(join(root, 'src', 'language', 'glossary.ts'), glossaryText(readGlossary(page)));
