import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { compiled } from './onMachine';

describe('a question about another process', () => {
  it('is answered by that process\'s tables, whichever runs', () => {
    const program = compiled(`process p { 0x600000 .. 0x601000 rw user }
process q { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 7
  switch(q)
  user [0x600000] = 9
  expect q.gpa_of(0x600000) == gpa_of(0x600000)
  expect p.gpa_of(0x600000) != gpa_of(0x600000)
  expect [p.gva:0x600000] == 7 and [0x600000] == 9
  expect p.walk(0x600000).size == 4K
}`);
    for (const mmu of ['native', 'shadow-wp', 'ept']) {
      const said: string[] = [];
      const report = run(program, mmu, { say: ({ text }) => void said.push(text) });
      assert.ok(!('error' in report));
      assert.deepEqual(said, [], mmu);
    }
  });
});
