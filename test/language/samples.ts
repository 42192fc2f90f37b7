import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';

const folder = path.join(__dirname, '../../scenarios');

/** The project's scenarios, by file name, those of a folder below with it: `myths/int80-exits.guest`. */
export const scenarios: ReadonlyMap<string, string> = new Map(
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.guest')).map((name) => name.replaceAll(path.sep, '/')).sort()
    .map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]),
);

/** Every construct that the grammar knows, supported yet or not. */
export const everyConstruct = `/// Every construct of the language.
import "other.guest"
schedule every 1000
platform { ram 64M, tlb 64 entries 4 ways, vendor intel; maxphyaddr 46 }
vm l1 {
  machine { paging none, ram 64K, slot low 0 .. 16M ram, kernel "mine.guest", intercept int cr3_read .TF }
  process q { 0x1000 .. 0x2000 rx kernel shared zone pages 2M }
  vm l2 { cpu 0 { hlt() } }
}
global next = gpa:1M
table owner
process p {
  0x600000 .. 0x601000  rw user
  0x601000 .. 0x602000  rwx user lazy
}
override procedure protect(process p, gva address, rights) -> number {
  entry [pte_at(p, address)] = pte(entry [pte_at(p, address)].frame, rights, user)
  return 0x1f_ff + 0b101 * 4K
}
on page_fault(gva address, code) { if code & P { refuse } else if code { return } else { original(address, code) } }
on interrupt 0x80 { print "system call", rax }
cpu 0 {
  switch(p); x = gva:(e.frame + 8)
  user { [0x600000] = 1; byte [x] |= 3 }
  cr0.WP = 0; owner[x, 3] += -~1; x.process = l2.gpa:0x5000
  while not x == 3 and true or x <= 2 { break }
  for a in 0 .. 64K step 4K { continue }
  for k in owner { x = k }
  repeat 3 { measure { invlpg(x) } }
  [0x40:0x17] = xchg(a, v)[2]
  host { swap_out(x) }
  barrier ready; await window; release window
  hold window before tlb_fill 2
  expect under native or shadow-wp: exits are cr_access, exception_nmi
  expect page_fault(user, write) at 0x600000
  expect no page_fault
  expect refused
  expect walk(x).pte & RW == 0 and total.exits.cr_access < 3
  expect stopped(triple_fault)
}
host thread migration { barrier ready; dirty = get_dirty_log(low) }
`;
