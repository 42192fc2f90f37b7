/** A scenario in which the host acts. */
export interface HostProgram {
  readonly text: string;
  /** From this line on (from 0), when it is reached the first time, the host has only so many frames left. */
  readonly starve?: { readonly line: number; readonly frames: number };
}

const guest = (platform: string, body: string, ram = '16M'): string => `platform { ${platform} }
machine { paging 4-level, ram ${ram} }
process p { 0x600000 .. 0x608000 rw user }
cpu 0 {
  switch(p)
  for a in 0x600000 .. 0x608000 step 4K { user [a] = 7 }
${body}
}
`;
const FIRST_LINE = 6;

/** Each road through `host.vmm`, and through what hypervisors do when they hear of it. */
export const hostPrograms: readonly HostProgram[] = [
  // Out, in again by the host, out, in again by a touch; merged, copied at a write, the other one the page's own again.
  { text: guest('swap 64K', `  host swap_out(0x600000)
  host swap_in(0x600000)
  host swap_out(0x600000)
  user x = [0x600000]
  expect x == 7
  host merge(0x600000, 0x601000)
  user x = [0x600000]
  user [0x600000] = 8
  user x = [0x601000]
  expect x == 7
  user [0x601000] = 9
  host merge_all()
  user x = [0x602000]
  host swap_out(0x602000)
  user x = [0x603000]
  expect x == 7
  host migrate_frame(0x600000)
  host invalidate(0x600000, 8K)
  user x = [0x600000]
  expect x == 8
  host merge_all()
  user [0x604000] = 1
  s = pte_at(p, 0x600000)
  host swap_out(s)
  user x = [0x607000]
  user [0x600000] = 1
  map(p, 0x700000, frame(), rw)
  user [0x700000] = 2
  host balloon(0x600000, 4K)`) },
  // The swap device is full; so is memory, when a page is to come back.
  { text: guest('swap 4K', '  host swap_out(0x600000)\n  host swap_out(0x601000)') },
  { text: guest('swap 4K', '  host swap_out(0x600000)\n  x = 1\n  user x = [0x600000]'), starve: { line: FIRST_LINE + 2, frames: 0 } },
  // Reclaim, while there is what can be swapped out, and when there is nothing.
  { text: guest('swap 1M', `  for a in gpa:8M .. gpa:8320K step 4K { [direct(a)] = 1 }
  for a in 0x600000 .. 0x608000 step 4K { user x = [a] }`), starve: { line: FIRST_LINE, frames: 8 } },
  { text: guest('swap 1M, backing 2M, ram 64M', '  x = 1\n  [direct(gpa:8M)] = 1'), starve: { line: FIRST_LINE + 1, frames: 2 } },
  // No frame for a copy, a migration.
  { text: guest('swap 1M', '  host merge(0x600000, 0x601000)\n  x = 1\n  user [0x600000] = 1'), starve: { line: FIRST_LINE + 1, frames: 0 } },
  { text: guest('ram 64M', '  host merge(0x600000, 0x601000)\n  x = 1\n  user [0x600000] = 1'), starve: { line: FIRST_LINE + 2, frames: 0 } },
  { text: guest('ram 64M', '  host merge(0x600000, 0x601000)\n  x = 1\n  [0x600000] = 1'), starve: { line: FIRST_LINE + 2, frames: 0 } },
  { text: guest('ram 64M', '  x = 1\n  host migrate_frame(0x600000)'), starve: { line: FIRST_LINE + 1, frames: 0 } },
  // Large pages: split, collapsed with a page in the swap device among them, and nothing left for either.
  { text: guest('backing 2M, ram 64M, swap 1M', `  host split(0x600000)
  user x = [0x600000]
  host swap_out(0x601000)
  host collapse(0x600000)
  user x = [0x601000]
  expect x == 7
  user [0x601000] = 8
  host swap_out(0x601000)
  user x = [0x601000]
  expect x == 8`) },
  { text: guest('backing 2M, ram 64M', '  x = 1\n  host split(0x600000)'), starve: { line: FIRST_LINE + 1, frames: 0 } },
  // A host no larger than its guest, whose lowest MByte is not to be had: the last 2 MBytes are backed page by page.
  { text: guest('backing 2M, ram 16M', `  for a in gpa:0 .. gpa:16M step 2M { x = [direct(a)] }
  host split(0x600000)
  host collapse(0x600000)`) },
  { text: guest('backing 2M, ram 4G', '  map(p, 0x40000000, gpa:1536M, rw)\n  x = 1\n  user [0x40000000] = 1', '2G'), starve: { line: FIRST_LINE + 2, frames: 512 } },
  { text: guest('backing 2M, ram 4G', '  x = 1\n  host collapse(gpa:1536M)', '2G'), starve: { line: FIRST_LINE + 1, frames: 512 } },
  // Another CPU fills the entry while this one is on its way to ask for it.
  { text: `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  barrier ready
  await window
  [direct(gpa:8M)] = 1
  release window
}
cpu 1 {
  switch(p)
  barrier ready
  hold window before vm_exit
  x = [direct(gpa:8M)]
  expect x == 1
}
` },
];
