import { inEveryMode } from './onEveryMachine';

describe('ranges, as the library keeps them', () => {
  inEveryMode('mmap promises, the first touch maps, munmap gives all of it back', `process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  promised = mmap(p, 0x900000, 16K, rw)
  expect promised
  expect walk(0x900000).fault
  before = frames_left()
  user [0x901000] = 1
  expect page_fault(user, write) at 0x901000
  user [0x903ff8] = 2
  user x = [0x904000]
  expect refused
  munmap(p, 0x900000, 16K)
  after = frames_left()
  expect before - after == 1                // the page table stays until the process ends
  expect walk(0x901000).fault
  user x = [0x901000]
  expect page_fault(user) at 0x901000
  expect refused
  promised = mmap(p, 0x902000, 4K, ro)      // the same place again, with other rights
  user x = [0x902000]
  expect x == 0
  user [0x902000] = 1
  expect page_fault(user, write, present)
  expect refused
}`);

  inEveryMode('mmap refuses a place that is taken, and leaves it as it was', `process p { 0x600000 .. 0x604000 rw user lazy }
cpu 0 {
  switch(p)
  promised = mmap(p, 0x603000, 8K, ro)
  expect not promised
  user [0x603000] = 1
  expect [0x603000] == 1
  unmap(p, 0x603000)
  promised = mmap(p, 0x603000, 8K, ro)      // the page that left its range makes place
  expect promised
}`);

  inEveryMode('unmap takes one page out of the middle: the others stay promised', `process p { 0x600000 .. 0x605000 rw user lazy }
cpu 0 {
  switch(p)
  user [0x602000] = 1
  unmap(p, 0x602000)
  user x = [0x602000]
  expect refused
  user [0x601000] = 2
  user [0x603000] = 3
  user [0x600000] = 4
  user [0x604000] = 5
  expect [0x600000] + [0x601000] + [0x603000] + [0x604000] == 14
}`);

  inEveryMode('protect changes one page, also one that nobody has touched yet', `process p { 0x600000 .. 0x603000 rw user lazy }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  protect(p, 0x600000, ro)
  expect not tlb.holds(0x600000)
  user [0x600000] = 2
  expect page_fault(user, write, present) at 0x600000
  expect refused
  protect(p, 0x601000, ro)
  user [0x601000] = 2
  expect page_fault(user, write) at 0x601000
  expect refused
  user x = [0x601000]
  expect x == 0
  user [0x602000] = 3
  expect page_fault(user, write) at 0x602000
  protect(p, 0x600000, rw)
  user [0x600000] = 4
  expect no page_fault
}`);

  inEveryMode('protect leaves a frame that others hold read-only, until it is copied', `process parent { 0x600000 .. 0x601000 rw user }
process child { }
cpu 0 {
  switch(parent)
  user [0x600000] = 1
  fork(parent, child)
  protect(parent, 0x600000, ro)
  user [0x600000] = 2
  expect refused
  protect(parent, 0x600000, rw)
  expect not walk(0x600000).writable
  user [0x600000] = 3
  expect page_fault(user, write, present)
  switch(child)
  user x = [0x600000]
  expect x == 1
}`);
});
