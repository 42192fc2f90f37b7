import { scenarioText } from '../../engine/onMachine';

const HEAD = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x604000 rw user }\n';

/** Paging modes without a fourth level of tables, and none at all. */
export const otherModes: readonly string[] = [
  scenarioText('demand-by-hand'),
  // PDPTEs: loaded by MOV to CR3, CR0 and CR4; absent, illegal, and outside every slot.
  `machine { paging pae, ram 16M, kernel none }
  on general_protection(code) { refuse }
  cpu 0 {
    qword [0x1000] = 0x2001; qword [0x1008] = 64M + 1
    entry [0x2000] = pde(gpa:0, rwx, large)
    cr4.PAE = 1; cr3 = gpa:0x1000; cr0.PG = 1
    x = [0x3000]
    cr4.PGE = 1
    qword [0x1020] = 0x2007
    cr3 = gpa:0x1020
    expect refused
    cr3 = gpa:64M
    expect refused
    x = [0x40000000]
  }`,
  // A root of 32-bit paging outside every slot; the way back to real-address mode.
  'machine { paging 32-bit, ram 16M, kernel none }\ncpu 0 { cr3 = gpa:64M; cr0.PG = 1 }',
  'machine { paging 32-bit, ram 16M, kernel none }\ncpu 0 { cr0.PE = 0 }',
];

/** What leaves step with its shadow, and what brings it back. */
export const outOfStep: readonly string[] = [
  // A right taken away, a page taken away and another put there, each found at INVLPG, at a load of CR3, and by INVPCID.
  `${HEAD}cpu 0 {
    switch(p)
    for a in 0x600000 .. 0x604000 step 4K { user [a] = 1 }
    slot = pte_at(p, 0x600000)
    for round in 0 .. 4 {
      entry [slot] &= ~RW; entry [slot + 8] = 0; entry [slot + 16] = pte(gpa:8M, rw, user, accessed, dirty)
      if round == 0 { for a in 0x600000 .. 0x604000 step 4K { invlpg(a) } }
      if round == 1 { cr3 = p.root }
      if round == 2 { invpcid(0, 0, 0x600000); invpcid(2, 0, 0) }
      if round == 3 { cr4.PGE = 1 }
      x = [direct(gpa:8M)]
      map(p, 0x600000, frame(), rw); map(p, 0x601000, frame(), rw)
      for a in 0x600000 .. 0x604000 step 4K { user [a] = 1 }
    }
  }`,
  // The same table without a shadow for a while, below an entry that comes back; then used as a directory as well.
  `${HEAD}process q { 0x600000 .. 0x601000 rw user }
  cpu 0 {
    switch(p)
    user [0x600000] = 0x800067
    slot = pte_at(p, 0x600000)
    directory = direct(entry [direct(entry [direct(p.root)].frame)].frame)
    pointers = direct(entry [direct(p.root)].frame)
    slot_above = directory + 3 * 8
    repeat 2 {
      entry [slot] &= ~G
      old = entry [slot_above]; entry [slot_above] = 0; entry [slot_above] = old
      user x = [0x601000]
      entry [slot] &= ~G
      old = entry [pointers]; entry [pointers] = 0; entry [pointers] = old
      user x = [0x601000]
    }
    entry [slot] &= ~G
    entry [pointers + 8] = pdpte(entry [directory + 3 * 8].frame, rwx, user)
    user x = [0x40000000]
    switch(q); switch(p); switch(q)
  }`,
  // A directory that is built anew: the third store ends its shadow; so does one that is none of an entry.
  `${HEAD}cpu 0 {
    switch(p)
    user [0x600000] = 1
    directory = direct(entry [direct(entry [direct(p.root)].frame)].frame)
    for i in 100 .. 104 { entry [directory + i * 8] = 0 }
    user [0x600000] = 1
    word [directory + 900] = 0
    user [0x600000] = 1
  }`,
  // PCIDs: back to a root that is remembered, with its translations kept.
  `${HEAD}process q { 0x600000 .. 0x601000 rw user }
  cpu 0 {
    switch(p); user [0x600000] = 1
    switch(q); user [0x600000] = 1
    cr4.PCIDE = 1
    cr3 = p.root | 1; cr3 = q.root | 2; cr3 = p.root | 1 | 1 << 63
    user [0x600000] = 2
  }`,
  // A directory is written while dirty pages are logged.
  `machine { paging 4-level
    slot low 0 .. 16M ram }
  process p { 0x600000 .. 0x604000 rw user }
  cpu 0 {
    switch(p)
    user [0x600000] = 1
    directory = direct(entry [direct(entry [direct(p.root)].frame)].frame)
    host log_dirty(low, true)
    entry [directory + 100 * 8] = 0
  }`,
  // 32-bit tables out of step.
  `machine { paging 32-bit, ram 16M }
  process p { 0x600000 .. 0x604000 rw user }
  cpu 0 {
    switch(p)
    user [0x600000] = 1
    entry [pte_at(p, 0x600000)] &= ~RW
    cr3 = p.root
    user x = [0x600000]
  }`,
];

/** Roads of shadow-rebuild to the end of host memory: no frame is free when CPU 0 comes to line `line`, from 0. */
export const composedWithoutFrames: readonly { readonly text: string; readonly line: number }[] = [
  // A load of CR3 gives up the shadow of what was loaded before, unless another vCPU runs on it.
  ...['4-level', 'pae'].map((paging) => ({
    text: `machine { paging ${paging}, ram 16M }
  process p { 0x600000 .. 0x601000 rw user }
  process q { 0x600000 .. 0x601000 rw user }
  cpu 0 {
    cr3 = p.root; user [0x600000] = 1
    barrier both
    cr3 = q.root
  }
  cpu 1 {
    cr3 = p.root
    barrier both
  }`, line: 6,
  })),
  // More tables are to be made than the old shadow has left frames for.
  {
    text: `machine { paging 4-level, ram 16M }
  process p { 0x600000 .. 0x601000 rw user }
  process q { 0x600000 .. 0x601000 rw user }
  cpu 0 {
    switch(q)
    for a in gva:0x40000000 .. gva:0x41000000 step 2M { map(q, a, frame(), rw); user [a] = 1 }
    switch(p)
    x = 1
    cr3 = q.root
  }`, line: 8,
  },
  // Two page tables of the same contents are one page of the host's, and a store wants its own.
  {
    text: `machine { paging 4-level, ram 16M }
  process p { 0x600000 .. 0x601000 rw user }
  cpu 0 {
    switch(p)
    page = frame()
    map(p, 0x40000000, page, rw); map(p, 0x40200000, page, rw)
    user [0x40000000] = 1; user [0x40200000] = 1
    slot = pte_at(p, 0x40000000); other = pte_at(p, 0x40200000)
    host merge(slot, other)
    entry [slot] ^= 1 << 9
  }`, line: 9,
  },
];
