import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { programOf } from './scenarioCheck';

/** The scenario's expectations hold under every technique that runs. */
function holds(text: string): void {
  for (const technique of ['native', 'shadow-wp', 'ept']) {
    const said: string[] = [];
    const report = run(programOf(text), technique, { say: (line) => said.push(line.text) });
    assert.ok(!('error' in report));
    assert.deepEqual([report.outcome.ok, report.outcome.message, said], [true, undefined, []], technique);
    assert.ok(report.outcome.passed > 0);
  }
}

describe('the kernel library at work', () => {
  it('maps a lazy page at first touch, zeroed, with its rights', () => {
    holds(`process p { 0x600000 .. 0x602000 rw user lazy, 0x700000 .. 0x701000 ro user lazy }
cpu 0 {
  f = frame()
  g = direct(f)
  [g] = 7
  free(f)                      // the next frame that is given holds a 7
  switch(p)
  user x = [0x600000]
  expect page_fault(user) at 0x600000
  expect x == 0
  user [0x601000] = 1
  expect page_fault(user, write) at 0x601000
  user x = [0x700000]
  expect not walk(0x700000).writable and walk(0x700000).user and not walk(0x700000).executable
  user [0x700000] = 1
  expect page_fault(user, write, present)
  expect refused
}`);
  });
  it('refuses what no area promises or its rights do not give', () => {
    holds(`process p { 0x600000 .. 0x601000 ro user lazy, 0x700000 .. 0x701000 rw kernel lazy, 0x800000 .. 0x801000 rw user lazy }
cpu 0 {
  user x = [0x900000]          // before any switch: the loader's tables are no process's
  expect refused
  switch(p)
  user [0x600000] = 1
  expect page_fault(user, write) at 0x600000
  expect refused
  user [0x700000] = 1
  expect refused
  [0x700000] = 1
  expect page_fault(write) at 0x700000
  expect [0x700000] == 1 and not walk(0x700000).user
  user fetch(0x800000)
  expect refused
  user x = [0x900000]
  expect refused
}`);
  });
  it('unmaps a page for good, and maps it again when told', () => {
    holds(`process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 5
  f = gpa_of(0x600000)
  unmap(p, 0x600000)
  expect walk(0x600000).fault
  user x = [0x600000]
  expect page_fault(user) at 0x600000
  expect refused
  map(p, 0x600000, f, ro)
  user x = [0x600000]
  expect x == 5
  expect pte_works == 1
}
global pte_works = 1`);
  });
  it('finds entries, and makes the tables that are missing', () => {
    holds(`process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  x = pte_at(p, 0x40000000)
  expect x == gva:0
  f = frame()
  map(p, 0x40000000, f, rw)
  x = pte_at(p, 0x40000000)
  expect entry [x].frame == f
  q = process_of(cr3)
  expect q == p
  map_kernel(p, 0xffffc90000000000, f, rw)
  user [0x40000000] = 9
  y = [0xffffc90000000000]
  expect y == 9
  expect not walk(0xffffc90000000000).user
}`);
  });
  it('refuses a lazy page when RAM is used up', () => {
    holds(`machine { ram 4M }
process p { 0x600000 .. 0x700000 rw user, 0x40000000 .. 0x40400000 rw user lazy }
cpu 0 {
  switch(p)
  given = 0
  while next_frame < ram_size { f = frame() }
  user [0x40000000] = 1
  expect refused
  expect walk(0x40000000).fault
}`);
  });
});
