import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { specializedWalksText } from './specializedWalks';

writeFileSync(path.join(__dirname, '..', 'src/hardware/paging/specialized/walks.ts'), specializedWalksText());
