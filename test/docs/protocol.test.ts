import { strict as assert } from 'node:assert';
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { protocolPage } from '../../scripts/protocolPage';
import { answeredCommands } from '../../src/adapter/requestTable';

const file = path.join(__dirname, '../../docs/protocol.md');

describe('docs/protocol.md', () => {
  it('is what requests, filters, commands and messages are (UPDATE_GENERATED=1 writes it)', () => {
    if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, protocolPage());
    assert.equal(readFileSync(file, 'utf8'), protocolPage());
  });

  it('has every request that is answered, and the types of its messages', () => {
    const page = readFileSync(file, 'utf8');
    for (const command of answeredCommands) assert.ok(page.includes(`| \`${command}\` |`), `${command} is missing`);
    const own = page.slice(page.indexOf('## Requests of Pagewalk\'s own'));
    for (const [, type] of own.matchAll(/\| `(\w+(?:Arguments|Response))`/g)) assert.ok(own.includes(`interface ${type ?? ''} {`), `${type} is not declared`);
  });
});
