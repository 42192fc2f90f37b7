import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { libraryPage } from './libraryPage';

writeFileSync(path.join(__dirname, '../docs/library.md'), libraryPage());
