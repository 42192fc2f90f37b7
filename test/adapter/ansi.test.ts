import { strict as assert } from 'node:assert';
import { stripVTControlCharacters } from 'node:util';
import { paintFor } from '../../src/cli/colours';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/colours.guest';
const text = `machine { paging 4-level, ram 4M }
process p { 0x600000 .. 0x601000 rw user }

cpu 0 {
  switch(p)
  user [0x600000] = 1
  print "as the scenario has it"
  expect faults.guest == 9
}
`;
const line = (part: string): number => text.split('\n').findIndex((each) => each.includes(part)) + 1;
const commands = ['help', 'help walk', 'walk 0x600000', 'walk 0x700000', 'who 0x600000', 'tables guest', 'tables shadow', 'decode 7 as PTE', 'history', 'settings'];

/** What the debug console of a whole session shows, one text a message, and what is answered to typed commands. */
async function session(more: object): Promise<{ readonly output: readonly string[]; readonly answers: readonly string[]; readonly watched: unknown }> {
  const client = new TestClient(simulator, { [program]: text });
  await client.initialize(more);
  await client.ask('launch', { program, mmu: 'ept' });
  await client.event('initialized');
  await client.ask('setBreakpoints', {
    source: { path: program }, breakpoints: [{ line: line('user [') , logMessage: 'CR3 is {cr3}' }, { line: line('print') }],
  });
  await client.ask('configurationDone');
  await client.stopped();
  const answers: string[] = [];
  for (const expression of commands) answers.push(String((await client.ask('evaluate', { expression, context: 'repl' }))['result']));
  const watched = (await client.ask('evaluate', { expression: 'cr3', context: 'watch' }))['result'];
  await client.ask('continue', { threadId: 1 });
  await client.event('terminated');
  client.dispose();
  return { output: client.events('output').map(({ body }) => String(body?.['output'])), answers, watched };
}

describe('colours on the debug console', () => {
  it('are for a client that has announced that it shows them, and change no word', async () => {
    const plain = await session({});
    const coloured = await session({ supportsANSIStyling: true });
    const all = ({ output, answers }: typeof plain): readonly string[] => [...output, ...answers];
    assert.deepEqual(all(plain).filter((each) => each.includes('\u001b')), [], 'nobody who has not asked gets an escape sequence');
    assert.deepEqual(all(coloured).map(stripVTControlCharacters), all(plain));
    assert.equal(coloured.watched, plain.watched);
    const same = commands.filter((_, i) => coloured.answers[i] === plain.answers[i]);
    assert.deepEqual(same, ['settings'], 'what has nothing to be told apart stays as it is');
  });

  it('are the command\'s: good, bad, headings and notes, and a scenario\'s prints are its own', async () => {
    const paint = paintFor({ colours: 'yes', progressColumns: undefined });
    const { output, answers } = await session({ supportsANSIStyling: true });
    assert.ok(output.some((each) => each.startsWith('\u001b[36mCR3 is ')), output.join(''));
    assert.ok(output.includes('as the scenario has it\n'));
    assert.ok(output.some((each) => each === `${paint('bad', 'colours.guest under ept: 0 expectations held, 1 failed.')}\n`), output.join(''));
    const [mapped, refused] = [answers[commands.indexOf('walk 0x600000')]!, answers[commands.indexOf('walk 0x700000')]!];
    assert.ok(mapped.startsWith('\u001b[1mguest tables of CR3 gpa:0x') && mapped.includes('\u001b[22m\n'), mapped);
    assert.ok(mapped.includes('\u001b[32mmaps gpa:0x') && mapped.includes('\u001b[39m\n'), mapped);
    assert.ok(refused.includes('\u001b[31mrefused: '), refused);
  });
});
