import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { compiled } from './onMachine';

const scenario = (platform: string, body: string): string => `platform { ${platform} }
machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x604000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  user [0x601000] = 2
${body}
}
`;

function outcome(text: string, mmu: string): string | undefined {
  const failures: string[] = [];
  const report = run(compiled(text), mmu, { say: ({ text: said }) => failures.push(said) });
  if ('error' in report) return report.error;
  assert.deepEqual(failures, []);
  return report.outcome.message;
}

/** What the host will not do, and what it says instead. */
const refusals: readonly { readonly platform?: string; readonly action: string; readonly sentence: RegExp }[] = [
  { action: 'swap_out(0x600000)', sentence: /no swap device to write gpa:0x\w+ to; write `swap 32M`/ },
  { platform: 'swap 1M', action: 'swap_out(0x602000)', sentence: /has not backed the page at gpa:0x\w+ yet/ },
  { platform: 'swap 1M', action: 'swap_out(0x900000)', sentence: /does not map gva:0x900000/ },
  { platform: 'swap 1M', action: 'swap_out(gpa:64M)', sentence: /no memslot holds gpa:0x4000000/ },
  { platform: 'swap 1M', action: 'swap_out(hva:0x1000)', sentence: /no memslot lies at hva:0x1000/ },
  { platform: 'swap 1M', action: 'swap_out(hpa:0)', sentence: /hpa:0x0 backs no page of a guest/ },
  { action: 'merge(0x600000, 0x601000)', sentence: /contents of the page at gpa:0x\w+ are not those of the other/ },
  { action: 'merge(0x600000, 0x600008)', sentence: /both addresses lie in one page/ },
  { action: 'migrate_frame(0x602000)', sentence: /has not backed/ },
  { action: 'balloon(0x600000, 100)', sentence: /0x64 bytes are no whole number of pages/ },
  { action: 'invalidate(gpa:0xfff000, 8K)', sentence: /ends beyond its memslot/ },
];

describe('host actions', () => {
  for (const { platform = 'ram 64M', action, sentence } of refusals) {
    it(`${action}: refused with the reason`, () => {
      for (const mmu of ['ept', 'shadow-wp']) assert.match(outcome(scenario(platform, `  host ${action}`), mmu) ?? '', sentence, mmu);
    });
  }

  it('take an address of any space', () => {
    const body = `  host swap_out(gva:0x600000)
  user x = [0x600000]
  g = gpa_of(0x600000)
  host swap_out(g)
  user x = [0x600000]
  host swap_out(hva_of(g))
  user x = [0x600000]
  host swap_out(hpa_of(g))
  expect hpa_of(g) == hpa:0xffffffffffffffff
  user x = [0x600000]
  expect x == 1`;
    for (const mmu of ['ept', 'shadow-wp']) assert.equal(outcome(scenario('swap 1M', body), mmu), undefined, mmu);
  });

  it('below native do nothing, and leave a note', () => {
    const kinds: string[] = [];
    const report = run(compiled(scenario('swap 1M', '  host swap_out(0x600000)')), 'native', { trace: (line) => kinds.push(String(line['kind'])) });
    assert.ok(!('error' in report));
    assert.equal(kinds.filter((kind) => kind === 'host_action_void').length, 1);
    assert.ok(!kinds.includes('host_action') && !kinds.includes('swap_written'));
  });

  it('answer where an address lies and what its frame is used for', () => {
    const body = `  g = gpa_of(0x600000)
  expect hpa_of(g) == hpa_of(0x600000)
  expect state_of(hpa_of(g)) == frame_state.guest_memory
  expect hva_of(g) == hva_of(0x600000) and hpa_of(hva_of(g)) == hpa_of(g)
  s = gpa_of(pte_at(p, 0x600000))
  x = [direct(s)]
  expect state_of(hpa_of(s)) == frame_state.guest_table`;
    for (const mmu of ['ept', 'shadow-wp']) assert.equal(outcome(scenario('swap 1M', body), mmu), undefined, mmu);
  });
});
