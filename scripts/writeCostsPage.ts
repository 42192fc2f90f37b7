import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { costsPage } from './costsPage';

writeFileSync(path.join(__dirname, '../docs/costs.md'), costsPage());
