const LONG = `machine { paging 4-level, ram 16M, delivery memory }
process p { 0x600000 .. 0x604000 rw user }
`;
const LEGACY = LONG.replace('4-level', '32-bit');
/** Of CPU 0, in the direct map: the loader's IDT in frame 60H, its GDT and TSS in frame 61H. */
const IDT = 'direct(gpa:0x60000)';
const TSS = 'direct(gpa:0x61800)';

/**
 * Guests whose events go through IDT, TSS and stacks in their memory, and what they do to these. Under every technique they see the same;
 * no handler of theirs reads CS or RFLAGS, of which a kernel at CPL 3 finds the hypervisor's.
 */
export const deliveryGuests: readonly string[] = [
  // Who answers is what the table says: the gate of 81H becomes that of 80H, a gate that is not present, one of another type, one for CPL 0.
  `${LONG}global who = 0
  on interrupt 0x80 { who = 0x80 }
  on interrupt 0x81 { who = 0x81 }
  on general_protection(code) { refuse }
  on page_fault(gva a, code) { refuse }
  cpu 0 {
    switch(p)
    user int(0x80)
    expect who == 0x80
    gate = ${IDT} + 16 * 0x80
    other = ${IDT} + 16 * 0x81
    qword [gate] = [other]
    user int(0x80)
    expect who == 0x81
    word [gate + 4] = 0x0e00
    user int(0x80)
    expect refused
    word [gate + 4] = 0xe500
    user int(0x80)
    expect refused
    word [gate + 4] = 0x8e00
    user int(0x80)
    expect refused
    int(0x80)
    expect who == 0x81
    // #NP has the handler of #GP.
    qword [${IDT} + 16 * 11] = [${IDT} + 16 * 13]
    qword [${IDT} + 16 * 11 + 8] = [${IDT} + 16 * 13 + 8]
    word [gate + 4] = 0x6e00
    user int(0x80)
    expect refused
    word [gate + 4] = 0xef00
    user int(0x80)
    user int(0x81)
    expect who == 0x81
    word [gate + 2] = 0x58
    user int(0x80)
    expect refused
  }`,
  // Stacks: by IST, of CPL 0 with the kernel's own, one that is not mapped, not canonical, none in a TSS of so few bytes.
  `${LONG}global at = 0
  on interrupt 0x80 { at = rsp }
  on general_protection(code) { refuse }
  on page_fault(gva a, code) { refuse }
  cpu 0 {
    switch(p)
    top = direct(gpa:0x74000)
    byte [${IDT} + 16 * 0x80 + 4] = 1
    qword [${TSS} + 36] = top
    user int(0x80)
    expect at == top - 40
    int(0x80)
    expect at == top - 40
    qword [${TSS} + 36] = 0x700000
    user int(0x80)
    expect refused
    qword [${TSS} + 36] = 0x8000000000000000
    user int(0x80)
    expect refused
    byte [${IDT} + 16 * 0x80 + 4] = 0
    int(0x80)
    rsp = top
    int(0x80)
  }`,
  // A frame that the handler has changed: flags of an I/O level, by which ports and RFLAGS.IF are the user mode's; and NT.
  `${LONG}global flags = 0
  on interrupt 0x80 { [gva:rsp + 16] |= flags }
  on interrupt 0x81 { int(0x80) }
  on general_protection(code) { refuse }
  cpu 0 {
    switch(p)
    user outb(0x80, 1)
    expect refused
    user cli()
    expect refused
    flags = 0x3000
    user { int(0x80); outb(0x80, 1); x = inb(0x80); cli(); sti() }
    expect no general_protection
    flags = 0x4000
    user int(0x81)
    expect general_protection
    expect refused
  }`,
  // The I/O permission bit map: bytes 60H and 61H of the TSS for ports 0 to 15; and none where the TSS is not to be read.
  `${LONG}on general_protection(code) { refuse }
  on page_fault(gva a, code) { refuse }
  cpu 0 {
    switch(p)
    user outb(0x1, 1)
    expect refused
    dword [${TSS} + 0x64] = 0x600000
    user outb(0x1, 1)
    expect no general_protection
    byte [${TSS} + 0x60] = 2
    user outb(0x1, 1)
    expect refused
    user outb(0x2, 1)
    expect no general_protection
    at = gpa_of(${TSS})
    entry [pte_at(p, ${TSS})] &= ~P
    invlpg(${TSS})
    user outb(0x2, 1)
    expect refused
  }`,
  // Segment registers: a descriptor of the guest's, one behind its table's limit, one that SS cannot have; null in DS and in SS.
  `${LONG}on general_protection(code) { refuse }
  on interrupt 0x80 { x = 1 }
  cpu 0 {
    switch(p)
    ds = 0x18; es = 0x23; ss = 0x18; fs = 0x2b
    expect ds == 0x18 and es == 0x23 and fs == 0x2b
    gs = 0x58
    expect refused
    ss = 0x23
    expect refused
    ss = 0
    ds = 0
    expect ds == 0
    user { es = 0x23; int(0x80) }
    user ds = 0x18
    expect refused
    expect es == 0x23 and ds == 0
    gdt = direct(gpa:0x61000)
    entry [pte_at(p, gdt)] &= ~P
    invlpg(gdt)
    es = 0x18
    expect page_fault at gdt + 0x18
    expect refused
  }
  on page_fault(gva a, code) { refuse }`,
  // Without a gate for it a fault is a double fault, and then the end; so is one without a stack.
  `${LONG}cpu 0 {
    switch(p)
    user x = [0x900000]
    expect stopped(triple_fault)
  }`,
  `${LONG}on page_fault(gva a, code) { refuse }
  cpu 0 {
    switch(p)
    rsp = 0x900000
    x = [0x900000]
    expect stopped(triple_fault)
  }`,
  // 32 bits: the stack by SS0 and ESP0, whose descriptor is that of CPL 3; a frame beyond a page's end.
  `${LEGACY}global at = 0
  on interrupt 0x80 { at = rsp }
  on general_protection(code) { refuse }
  cpu 0 {
    switch(p)
    user int(0x80)
    int(0x80)
    rsp = rsp - 0x806
    int(0x80)
    top = direct(gpa:0x74002)
    dword [${TSS} + 4] = top
    user int(0x80)
    expect at == top - 20
    ds = 0x18; es = 0x23; fs = 0
    expect ds == 0x18
    x = [0x600000]
  }`,
];

/** An event whose frame is pushed to the end of the table at `table`, on the way to 401ff000H; `then`: what the guest finds there. */
const stackIn = (table: string, then: string): string => `${LONG}on interrupt 0x80 { x = 1 }
  on page_fault(gva a, code) { refuse }
  cpu 0 {
    switch(p)
    map(p, 0x401ff000, gpa:8M, rw)
    user [0x401ff000] = 1
    pml4e = entry [direct(p.root)]
    pdpte = entry [direct(pml4e.frame) + 8]
    map(p, 0x700000, ${table}, rw)
    kept = rsp
    rsp = 0x701000
    int(0x80)
    rsp = kept
    invlpg(0x401ff000)
    user x = [0x401ff000]
    ${then}
  }`;

/**
 * The same where stacks and descriptors lie in page tables: nothing there can be emulated, since the processor makes these accesses by
 * itself. Where tables are write-protected the hypervisor gives the page up as a table; it is shadowed anew when it is next walked.
 */
export const inPageTables: readonly string[] = [
  stackIn('gpa_of(pte_at(p, 0x401ff000))', 'expect page_fault\n    expect refused'),
  stackIn('pdpte.frame', 'expect x == 1'),
  // A GDT that the page of a table is taken for: the processor sets the accessed flag of a descriptor in it.
  `${LONG}on page_fault(gva a, code) { refuse }
  on general_protection(code) { refuse }
  cpu 0 {
    switch(p)
    map(p, 0x40000000, gpa:8M, rw)
    pml4e = entry [direct(p.root)]
    pdpte = entry [direct(pml4e.frame) + 8]
    entry [direct(pdpte.frame) + 8] = pte(gpa:0x61000, rw)
    user x = [0x40200000]
    expect refused
    gdt = direct(gpa:0x61000)
    y = [gdt + 0x18]
    [gdt + 0x18] = y & ~0x10000000000
    user x = [0x40200000]
    expect refused
    ds = 0x18
    expect [gdt + 0x18] == y | 0x10000000000
  }`,
];

/**
 * Stacks that are no plain memory. Other hypervisors than those that make each access by software have a delivery broken off
 * by an access that they must emulate, and no instruction to emulate.
 */
export const oddStacks: readonly string[] = [
  // A stack in the page table that maps it, whose last entry the frame overwrites.
  `${LONG}on interrupt 0x80 { x = 1 }
  on page_fault(gva a, code) { refuse }
  cpu 0 {
    switch(p)
    map(p, 0x7ff000, gpa:8M, rw)
    user [0x7ff000] = 1
    map(p, 0x700000, gpa_of(pte_at(p, 0x7ff000)), rw)
    kept = rsp
    rsp = 0x701000
    int(0x80)
    rsp = kept
    invlpg(0x7ff000)
    user x = [0x7ff000]
    expect page_fault
    expect refused
  }`,
  // IRET that pops from where no memory is.
  `${LONG}global stack = 0
  on interrupt 0x80 { rsp = stack }
  on general_protection(code) { refuse }
  on page_fault(gva a, code) { refuse }
  cpu 0 {
    switch(p)
    map(p, 0x700000, gpa:64M, rw)
    stack = 0x700800
    user int(0x80)
    expect general_protection
    expect refused
  }`,
];

const [ownTable, mmioStack] = oddStacks as readonly [string, string];

/** Accesses that the processor makes by itself, under hypervisors that would have to emulate them and know loads and stores alone. */
export const beyondEmulation: readonly { readonly text: string; readonly mmus: readonly string[]; readonly reason: RegExp }[] = [
  { text: ownTable, mmus: ['shadow-wp', 'shadow-rebuild'], reason: /writes a page table by which the processor reaches that very place.*; keep stacks and descriptor tables out/ },
  { text: ownTable.replaceAll('gpa_of(pte_at(p, 0x7ff000))', 'p.root'), mmus: ['shadow-wp', 'shadow-unsync'], reason: /a page table .* whose page a vCPU has as root/ },
  { text: mmioStack, mmus: ['shadow-wp', 'shadow-vtlb', 'ept', 'npt', 'nested'], reason: /no load or store \(IRET.* touched MMIO.*; keep stacks.* in RAM/ },
];

/** A frame is pushed to a page that the host has swapped out; from this line on (from 0) it has no frame left, and takes another page back. */
export const swappedStack = {
  text: `platform { swap 1M }
${LONG}on interrupt 0x80 { x = 1 }
cpu 0 {
  switch(p)
  for a in 0x600000 .. 0x604000 step 4K { user [a] = 1 }
  user int(0x80)
  host log_dirty(ram, true)
  host swap_out(gpa:0x72000)
  y = 1
  user int(0x80)
  expect no page_fault
}`,
  line: 10,
} as const;

/** Of those that end because the hypervisor goes no further along: where no other does, or the processor. */
export const deliveryEnds: readonly string[] = [
  // A task gate; IRET in a nested task; IRET to virtual-8086 mode.
  `${LEGACY}on interrupt 0x80 { x = 1 }
  cpu 0 {
    byte [${IDT} + 8 * 0x80 + 5] = 0xe5
    int(0x80)
  }`,
  `${LEGACY}on interrupt 0x80 { dword [gva:rsp + 8] |= 0x4000 }
  on interrupt 0x81 { int(0x80) }
  cpu 0 { int(0x81) }`,
  `${LEGACY}on interrupt 0x80 { dword [gva:rsp + 8] |= 0x20000 }
  cpu 0 { int(0x80) }`,
];

/** All of them. */
export const throughOwnTables: readonly string[] = [...deliveryGuests, ...inPageTables, ...oddStacks, ...deliveryEnds];
