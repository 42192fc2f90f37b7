const HEAD = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x604000 rw user }\n';

/** Roads of deprivileged, whose guest's kernel runs at CPL 3, that no other hypervisor's guests come along. */
export const deprivilegedRoads: readonly string[] = [
  // What traps: INT n of the user and of the kernel; a privileged instruction of the user's, which is its own #GP; and what the
  // guest's kernel has done for it.
  `${HEAD}on interrupt 0x80 { rax = rax + 1 }
  on general_protection(code) { refuse }
  cpu 0 {
    switch(p)
    user int(0x80)
    int(0x80)
    user cr3 = p.root
    expect refused
    user hlt()
    expect refused
    cr2 = 5; x = cr2; y = cr0; z = cr4
    expect x == 5
    cli(); sti(); sti()
    int(0x77)
    expect refused
    x = [gva:0x8000000000000000]
    expect refused
  }`,
  // RFLAGS.AC under SMAP, by STAC and CLAC, and by POPF, of which nobody hears; and a fetch that SMAP has nothing against.
  `${HEAD}on page_fault(gva address, code) { refuse }
  cpu 0 {
    switch(p)
    user [0x600000] = 1
    cr4.SMAP = 1
    x = [0x600000]
    expect refused
    stac(); x = [0x600000]
    expect x == 1
    clac(); x = [0x600000]
    expect refused
    rflags.AC = 1; x = [0x601000]
    clac()
    map(p, 0x700000, frame(), rwx)
    fetch(0x700000)
    expect no page_fault
  }`,
  // Paging off, and on; the way to real-address mode, on which its hypervisor does not go along.
  `machine { paging 4-level, ram 16M, kernel none }
  cpu 0 {
    entry [0x1000] = pml4e(gpa:0x2000, rwx, user); entry [0x2000] = pdpte(gpa:0, rwx, user, large)
    user x = [0x3000]
    cr3 = gpa:0x1000; cr0.PG = 1
    x = [0x3000]; user x = [0x3000]
  }`,
  'machine { paging 4-level, ram 16M, kernel none }\ncpu 0 { cr0.PE = 0 }',
  // An interrupt that finds the guest with its RFLAGS.IF 0, and waits.
  `${HEAD}global taken = 0
  on interrupt 0x40 { taken += 1; wrmsr(0x80b, 0) }
  on interrupt 0x41 { taken += 1; wrmsr(0x80b, 0) }
  cpu 0 {
    cli()
    ipi(0, 0x40); ipi(0, 0x41)
    x = [direct(gpa:0x2000)]
    sti()
    x = [direct(gpa:0x2000)]
    expect taken == 2
  }`,
];

/** Roads to the end of host memory: no frame is free when CPU 0 comes to line `line`, from 0. */
export const withoutFrames: readonly { readonly text: string; readonly line: number }[] = [
  { text: `${HEAD}process q { 0x600000 .. 0x604000 rw user }\ncpu 0 {\n  switch(p)\n  cr3 = q.root\n}`, line: 5 },
  // Read by software, since no SPTE can say that it may be fetched from and not read.
  { text: `${HEAD}cpu 0 {\n  switch(p); cr4.SMAP = 1\n  map(p, 0x700000, gpa:8M, rwx)\n  fetch(0x700000)\n}`, line: 5 },
];
