import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { languagePage } from './languagePage';

// Part of `npm run generate`: the tables of docs/language.md, out of the program's own.
const file = path.join(__dirname, '../docs/language.md');
writeFileSync(file, languagePage(readFileSync(file, 'utf8')));
