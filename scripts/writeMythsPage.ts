import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { mythsPage } from './mythsPage';

writeFileSync(path.join(__dirname, '../docs/myths.md'), mythsPage());
