import { strict as assert } from 'node:assert';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { protocolPage } from '../../scripts/protocolPage';
import { answeredCommands } from '../../src/adapter/requestTable';
import { EVENT } from '../../src/protocol/editEvents';
import { LSP_REQUEST } from '../../src/protocol/languageRequests';

const file = path.join(__dirname, '../../docs/protocol.md');

describe('docs/protocol.md', () => {
  it('is what requests, filters, commands and messages are (UPDATE_GENERATED=1 writes it)', () => {
    if (process.env['UPDATE_GENERATED'] === '1') writeFileSync(file, protocolPage());
    assert.equal(readFileSync(file, 'utf8'), protocolPage());
  });

  it('has every request that is answered, every event and request of our own, and the types of their messages', () => {
    const page = readFileSync(file, 'utf8');
    const names = [...answeredCommands, ...Object.values(EVENT), ...Object.values(LSP_REQUEST)];
    for (const name of names) assert.ok(page.includes(`| \`${name}\` |`), `${name} is missing`);
    const own = page.slice(page.indexOf('## Requests of Pagewalk\'s own'));
    const types = [...own.matchAll(/\| `(\w+(?:Arguments|Response|Event|Answer))`/g)].map(([, type = '']) => type);
    for (const type of ['WalkResponse', 'EditedEvent', 'CompareAnswer', ...types]) assert.match(own, new RegExp(`^(?:interface|type) ${type} `, 'm'));
  });

  it('declares every type of src/protocol but the panel\'s, and those that it has as tables', () => {
    const page = readFileSync(file, 'utf8');
    const folder = path.join(__dirname, '../../src/protocol');
    const others = ['panel.ts', 'pagewalkRequests.ts'];
    const asTables = ['PagewalkEvents', 'LanguageRequests'];
    for (const name of readdirSync(folder).filter((each) => !others.includes(each))) {
      for (const [, type = ''] of readFileSync(path.join(folder, name), 'utf8').matchAll(/^export (?:interface|type) (\w+)/gm)) {
        if (!asTables.includes(type)) assert.match(page, new RegExp(`^(?:interface|type) ${type} `, 'm'), `${type} of ${name} is not declared`);
      }
    }
  });
});
