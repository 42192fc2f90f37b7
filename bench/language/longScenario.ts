/** Ten lines as scenarios have them, again and again: accesses, decisions, entries, calls, loops, expectations, comments. */
const LINES = [
  '  slot = pte_at(p, 0x600000)                 // where the entry lies',
  '  user [0x600000] = n + NUMBER',
  '  if n == NUMBER and slot != gva:0 {',
  '    entry [slot] = entry [slot] | A',
  '  } else {',
  '    n += pte(gpa:0x5000, rw, user) >> 12',
  '  }',
  '  user x = [0x600008]',
  '  map(p, 0x601000, frame(), rw)',
  '  expect no page_fault',
];
const BEFORE = ['machine { paging 4-level, ram 16M }', 'process p { 0x600000 .. 0x602000 rw user }', 'cpu 0 {', '  switch(p)', '  n = 1'];

/** A scenario of so many lines that compiles without a diagnostic. */
export function longScenario(lines: number): string {
  const body: string[] = [];
  for (let i = 0; body.length < lines - BEFORE.length - 1; i++) body.push(...LINES.map((line) => line.replace('NUMBER', String(i + 1))));
  return [...BEFORE, ...body, '}'].join('\n');
}
