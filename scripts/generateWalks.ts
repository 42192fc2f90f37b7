import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { specializedWalksText, straightFillsText, wholeWalksText } from './specializedWalks';

const folder = path.join(__dirname, '..', 'src/hardware/paging/specialized');
writeFileSync(path.join(folder, 'walks.ts'), specializedWalksText());
writeFileSync(path.join(folder, 'wholeWalks.ts'), wholeWalksText());
writeFileSync(path.join(folder, 'straightFills.ts'), straightFillsText());
