import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { protocolPage } from './protocolPage';

writeFileSync(path.join(__dirname, '../docs/protocol.md'), protocolPage());
