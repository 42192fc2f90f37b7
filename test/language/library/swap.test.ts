import { inEveryMode } from './onEveryMachine';

describe('swapping, as the library does it', () => {
  inEveryMode('takes the frame away and brings the contents back at the next touch', `process p { 0x600000 .. 0x602000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 0x1234
  user [0x600ff8] = 7
  before = frames_left()
  out = page_out(p, 0x600000)
  expect out
  left = frames_left()
  expect left == before + 1
  expect walk(0x600000).fault and not tlb.holds(0x600000)
  out = page_out(p, 0x600000)
  expect not out                            // it is not there any more
  f = frame()
  zero(f)                                   // somebody else gets the frame
  user x = [0x600ff8]
  expect page_fault(user) at 0x600ff8
  expect x == 7 and [0x600000] == 0x1234 and walk(0x600000).writable
  user [0x600000] = 1
  expect no page_fault
}`);

  inEveryMode('uses a place in the swap again', `process p { 0x600000 .. 0x603000 rw user }
cpu 0 {
  switch(p)
  for a in 0x600000 .. 0x603000 step 4K { user [a] = a - gva:0 }
  page_out(p, 0x600000)
  page_out(p, 0x601000)
  user x = [0x600000]
  page_out(p, 0x602000)
  expect next_swap == 3
  user y = [0x601000]
  user z = [0x602000]
  expect x == 0x600000 and y == 0x601000 and z == 0x602000
  expect swapped_pages == 0
}`);

  inEveryMode('keeps rights that change while the page is out', `process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 5
  page_out(p, 0x600000)
  protect(p, 0x600000, ro)
  user [0x600000] = 6
  expect page_fault(user, write) at 0x600000
  expect refused
  user x = [0x600000]
  expect x == 5 and not walk(0x600000).writable
}`);

  inEveryMode('of one process leaves the frame to the other that holds it', `process parent { 0x600000 .. 0x601000 rw user }
process child { }
cpu 0 {
  switch(parent)
  user [0x600000] = 1
  fork(parent, child)
  page_out(parent, 0x600000)
  user [0x600000] = 2
  expect page_fault(user, write) at 0x600000
  switch(child)
  user x = [0x600000]
  expect x == 1
  user [0x600000] = 3
  switch(parent)
  expect [0x600000] == 2
}`);

  inEveryMode('is undone by fork, unmap and exit, which leave nothing in the swap', `process parent { 0x600000 .. 0x603000 rw user }
process child { }
cpu 0 {
  switch(parent)
  user [0x600000] = 1
  page_out(parent, 0x600000)
  fork(parent, child)
  expect swapped_pages == 0 and [0x600000] == 1
  page_out(parent, 0x601000)
  unmap(parent, 0x601000)
  expect swapped_pages == 0
  page_out(parent, 0x602000)
  exit(parent)
  expect swapped_pages == 0
  switch(child)
  user x = [0x600000]
  expect x == 1
}`);
});
