import { inEveryMode, type Mode } from './onEveryMachine';

/** Frames with which fork can hand on one page, with the tables on its way, and not two. */
const enoughForOnePage: Readonly<Record<Mode, number>> = { '32-bit': 3, 'pae': 4, '4-level': 7, '5-level': 9 };

/** Tables that a process has from boot on: a PAE root brings its four page directories. */
const rootTables = (mode: Mode): number => (mode === 'pae' ? 5 : 1);

const family = `
process parent { 0x600000 .. 0x602000 rw user, 0x700000 .. 0x701000 ro user, 0x800000 .. 0x802000 rw user lazy }
process child { }`;

describe('fork, as the library has it', () => {
  inEveryMode('gives the child what the parent has, and each its own from the first write on', `${family}
cpu 0 {
  switch(parent)
  user [0x600000] = 1
  user [0x601000] = 2
  done = fork(parent, child)
  expect done
  expect not walk(0x600000).writable and walk(0x600000).frame == gpa_of(0x600000)
  both = gpa_of(0x600000)

  user [0x600000] = 3                       // the parent writes first, and gets the copy
  expect page_fault(user, write, present) at 0x600000
  expect walk(0x600000).writable and gpa_of(0x600000) != both

  switch(child)
  expect gpa_of(0x600000) == both
  user x = [0x600000]
  expect x == 1
  expect no page_fault
  user [0x600000] = 4                       // nobody else holds the frame any more: no copy
  expect page_fault(user, write, present) at 0x600000
  expect gpa_of(0x600000) == both
  user y = [0x601000]
  expect y == 2
  user [0x601008] = 5
  expect [0x601000] == 2 and [0x601008] == 5 // the rest of the page was copied too

  switch(parent)
  expect [0x600000] == 3 and [0x601000] == 2 and [0x601008] == 0
}`);

  inEveryMode('keeps rights: what was read-only stays so in both', `${family}
cpu 0 {
  switch(parent)
  fork(parent, child)
  user [0x700000] = 1
  expect page_fault(user, write, present) at 0x700000
  expect refused
  switch(child)
  user x = [0x700000]
  expect no page_fault
  user [0x700000] = 1
  expect refused
}`);

  inEveryMode('hands promises on: each gets its own page at first touch', `${family}
cpu 0 {
  switch(parent)
  fork(parent, child)
  user [0x800000] = 7
  expect page_fault(user, write) at 0x800000
  switch(child)
  expect walk(0x800000).fault
  user x = [0x800000]
  expect page_fault(user) at 0x800000
  expect x == 0
}`);

  inEveryMode('flushes with INVLPG: no stale right to write is left in the TLB', `${family}
cpu 0 {
  switch(parent)
  user [0x600000] = 1
  fork(parent, child)
  expect not tlb.holds(0x600000)
}`);

  inEveryMode('of a fork leaves three that hold one frame, and the last one writes without a copy', `${family}
process grandchild { }
cpu 0 {
  switch(parent)
  user [0x600000] = 1
  fork(parent, child)
  switch(child)
  fork(child, grandchild)
  frame_of_all = gpa_of(0x600000)
  user [0x600000] = 2
  switch(grandchild)
  user [0x600000] = 3
  expect gpa_of(0x600000) != frame_of_all
  switch(parent)
  user x = [0x600000]
  expect x == 1
  user [0x600000] = 4
  expect gpa_of(0x600000) == frame_of_all
  switch(child)
  expect [0x600000] == 2
  switch(grandchild)
  expect [0x600000] == 3
}`);

  inEveryMode('fails when RAM is used up, and leaves no half of a child', (mode) => `${family}
cpu 0 {
  switch(parent)
  while frames_left() > ${enoughForOnePage[mode]} { f = frame() }
  before = frames_left()
  done = fork(parent, child)
  expect not done
  after = frames_left()
  expect after == before + ${rootTables(mode)} and not child.root   // the child's root went too
  user [0x600000] = 1
  expect page_fault(user, write, present)   // nobody holds the page any more: no copy is needed
  expect walk(0x600000).writable
}`, '4M');
});

describe('exit, as the library has it', () => {
  inEveryMode('gives back every frame and table that the process had', (mode) => `${family}
cpu 0 {
  switch(parent)
  before = frames_left()
  fork(parent, child)
  switch(child)
  user [0x600000] = 1
  user [0x800000] = 2
  switch(parent)
  held = frames_left()
  expect held < before
  exit(child)
  after = frames_left()
  expect after == before + ${rootTables(mode)}               // its root, which boot had made, is among them
  user [0x600000] = 3                       // and the parent may write again without a copy
  expect page_fault(user, write, present)
  left = frames_left()
  expect left == after
}`);

  inEveryMode("of the process that runs goes on with the loader's tables", `${family}
cpu 0 {
  switch(parent)
  user [0x600000] = 1
  exit(parent)
  expect cr3 == gpa:0x1000
  user x = [0x600000]
  expect page_fault(user) at 0x600000
  expect refused
  fork(child, parent)                       // the number of an ended process is free for a child
  switch(parent)
  user x = [0x600000]
  expect refused
}`);
});
