import { compiled } from '../../engine/onMachine';
import { expectationsHold, holds, inEveryMode, inMode, modes, type Mode } from './onEveryMachine';

/** Large pages by mode: an entry of the level above the page table maps them. */
const large: Readonly<Record<Mode, string>> = { '32-bit': '4M', 'pae': '2M', '4-level': '2M', '5-level': '2M' };

describe('shared ranges, as the library keeps them', () => {
  inEveryMode('are the same frames in all their processes, whoever comes first', `
process p { 0x600000 .. 0x602000 rw user shared zone, 0x700000 .. 0x702000 rw user shared later lazy }
process q { 0x800000 .. 0x802000 rw user shared zone, 0x900000 .. 0x902000 ro user shared later lazy }
cpu 0 {
  switch(p)
  user [0x601000] = 5
  user [0x701000] = 6
  f = gpa_of(0x701000)
  switch(q)
  user x = [0x801000]
  expect no page_fault
  expect x == 5
  user y = [0x901000]
  expect page_fault(user) at 0x901000
  expect y == 6 and gpa_of(0x901000) == f
  user [0x901000] = 1
  expect refused                            // each has its own rights
  out = page_out(q, 0x801000)
  expect not out                            // the others would not hear of it
}`);

  inEveryMode('stay shared over fork, and outlive a process', `
process parent { 0x600000 .. 0x601000 rw user shared zone }
process other  { 0x600000 .. 0x601000 rw user shared zone }
process child  { }
cpu 0 {
  switch(parent)
  fork(parent, child)
  user [0x600000] = 1
  expect no page_fault
  switch(child)
  user x = [0x600000]
  expect x == 1
  user [0x600000] = 2
  expect no page_fault
  exit(child)
  exit(parent)
  switch(other)
  f = frame()
  expect f != gpa_of(0x600000)
  user x = [0x600000]
  expect x == 2
}`);
});

describe('ranges of large pages, as the library keeps them', function () {
  this.timeout(120_000);

  // Half a million stores fill or copy such a page: the guest's log would be longer than the test.
  for (const mode of modes) {
    it(`take one entry a page, and any page of it is all of it (${mode})`, () => expectationsHold(mode, compiled(inMode(mode, `
process parent { 0x800000 .. 0xc00000 rw user pages ${large[mode]} }
process child  { }
cpu 0 {
  switch(parent)
  user [0x800000] = 1
  user [0x8ff000] = 2
  expect no page_fault
  expect walk(0x800000).size == ${large[mode]} and gpa_of(0x8ff000) == gpa_of(0x800000) + 0xff000
  done = fork(parent, child)
  expect done and not walk(0x8ff000).writable
  exit(child)
  user [0x8ff008] = 3                       // alone again: nothing is copied
  expect page_fault(user, write, present) at 0x8ff008
  protect(parent, 0x801000, ro)
  user [0x800000] = 4
  expect refused
  unmap(parent, 0x801000)
  user x = [0x8ff000]
  expect refused
}`, '64M'))));
  }
  it('come at first touch, and are copied whole', () => expectationsHold('5-level', compiled(inMode('5-level', `
process parent { 0x1000000 .. 0x1400000 rw user pages 2M lazy }
process child  { }
cpu 0 {
  switch(parent)
  user [0x10ff000] = 2
  expect page_fault(user, write) at 0x10ff000
  expect walk(0x1000000).size == 2M and walk(0x1200000).fault
  fork(parent, child)
  user [0x1000008] = 4
  expect page_fault(user, write, present) at 0x1000008
  expect [0x10ff000] == 2 and [0x1000008] == 4
  switch(child)
  user x = [0x10ff000]
  expect x == 2 and [0x1000008] == 0
}`, '64M'))));
});

describe('frames above the direct map', () => {
  for (const mode of modes.filter((each) => each === '32-bit' || each === 'pae')) {
    it(`are reached through the window: filled, copied and swapped as others are (${mode})`, () => holds(mode, `
process parent { 0x600000 .. 0x602000 rw user, 0x700000 .. 0x701000 rw user lazy }
process child { }
cpu 0 {
  switch(parent)
  expect gpa_of(0x600000) >= gpa:512M       // pages first, so that tables keep what the direct map holds
  slot = pte_at(parent, 0x600000)
  expect gpa_of(slot) < gpa:512M
  user [0x600000] = 1
  user [0x600ffc] = 2
  user [0x700000] = 3
  expect [0x700000] == 3 and [0x700004] == 0
  fork(parent, child)
  user [0x600000] = 4
  expect page_fault(user, write, present)
  expect [0x600000] == 4 and [0x600ffc] == 2
  before = frames_left()
  done = page_out(parent, 0x600000)
  now = frames_left()
  expect done and now == before + 1
  user x = [0x600ffc]
  expect x == 2 and [0x600000] == 4
  switch(child)
  user x = [0x600000]
  expect x == 1
}`, '768M'));
  }
});
