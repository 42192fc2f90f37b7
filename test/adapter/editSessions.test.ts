import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';
import { Transcript } from './transcript';

const program = '/lab/change-the-past.guest';
const text = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }

cpu 0 {
  switch(p)
  user [0x600000] = 1
  pte = pte_at(p, 0x600000)
  invlpg(0x600000)
  user [0x600000] = 2
  user x = [0x600000]
  print "the page holds", x
}
`;

describe('a session that edits the past, as a person sees it', () => {
  for (const mmu of ['native', 'ept', 'shadow-wp', 'shadow-unsync', 'nested']) {
    it(`takes W from a page-table entry before a store, and has the store fault (${mmu})`, async () => {
      const client = new TestClient(simulator, { [program]: text });
      const t = new Transcript(client, { [program]: text });
      await client.start({ program, mmu, lines: [11], filters: ['guest-page-fault'] });
      await client.stopped();
      await t.arrival();
      await t.evaluate('x');
      t.note('Back to before the store, where the entry still has W, and take it.');
      await t.move('stepBack');
      await t.move('stepBack');
      await t.evaluate('entry [pte].RW');
      await t.set('entry [pte].RW', '0');
      t.note('The future is another one.');
      await t.move('continue');
      await t.move('continue');
      t.note('Before the edit nothing has changed; past it, it is made again.');
      await t.move('stepBack');
      while ((await client.top()).line !== 8) await t.move('stepBack');
      await t.evaluate('entry [pte].RW');
      await t.move('next');
      await t.evaluate('entry [pte].RW');
      t.note('Another edit at the same moment comes behind it: the store goes through.');
      await t.set('entry [pte].RW', '1');
      await t.set('cr0', '0x80000000');
      await t.move('next');
      await t.move('continue');
      await t.evaluate('x');
      t.check(`change-the-past.${mmu}`);
      await client.ask('disconnect');
    });
  }
});
