import { twoProcessClaims } from './twoProcessClaims';

const HEAD = `machine { paging 4-level, ram 16M }
process p {
  0x600000 .. 0x602000 rw user
  0x602000 .. 0x603000 ro user
}
`;

/** What a technique that is not exact gets wrong. Each is a guest's few statements, with what they must come to. */
const statements: Readonly<Record<string, string>> = {
  'a table that changes while no entry leads to it needs no INVLPG': `
    switch(p)
    user [0x600000] = 1
    slot = pte_at(p, 0x600000)
    above = direct(entry [direct(entry [direct(p.root)].frame)].frame) + 3 * 8
    entry [slot] &= ~G
    old = entry [above]
    entry [above] = 0
    cr3 = p.root
    entry [slot] = pte(gpa:8M, ro, user, accessed)
    entry [above] = old
    user x = [0x600000]
    expect x == 0
    user [0x600000] = 2
    expect page_fault(user, write, present) at 0x600000
    expect refused`,
  'a page has its accessed flag from its own access, and not from its neighbour\'s': `
    switch(p)
    user [0x600000] = 1
    user [0x601000] = 1
    slot = pte_at(p, 0x600000)
    entry [slot] &= ~A
    entry [slot + 8] &= ~A
    cr3 = p.root
    user x = [0x600000]
    expect entry [slot] & A
    expect entry [slot + 8] & A == 0
    user x = [0x601000]
    expect entry [slot + 8] & A`,
  'a store from data into a page table changes both': `
    switch(p)
    map(p, 0x700000, gpa:8M, rw)
    map(p, 0x701000, gpa_of(pte_at(p, 0x600000)), rw)
    user [0x600000] = 7
    user [0x700ffc] = 0x00103067aabbccdd
    expect dword [gva:0xffff888000800ffc] == 0xaabbccdd
    expect walk(0x600000).frame == gpa:0x103000`,
  'a page at 16 TBytes and above is none of the low ones: it reads ones, and takes no store': `
    switch(p)
    user [0x600000] = 1
    slot = pte_at(p, 0x600000)
    old = entry [slot]
    for bit in 44 .. 46 {
      entry [slot] = old | (1 << bit)
      invlpg(0x600000)
      user far = [0x600000]
      expect far == 0xffffffffffffffff
      user [0x600000] = 2
    }
    entry [slot] = old
    invlpg(0x600000)
    user near = [0x600000]
    expect near == 1`,
  'a store from a page table into data changes both': `
    switch(p)
    map(p, 0x700000, gpa_of(pte_at(p, 0x600000)), rw)
    map(p, 0x701000, gpa:8M, rw)
    last = gva:(direct(gpa_of(pte_at(p, 0x600000))) + 0xffe)
    user [0x700ffe] = 0x1122334455667788
    expect qword [gva:0xffff888000800000] == 0x112233445566
    expect word [last] == 0x7788`,
  'a store that crosses into what is not mapped writes nothing': `
    switch(p)
    map(p, 0x700000, gpa_of(pte_at(p, 0x600000)), rw)
    last = gva:(direct(gpa_of(pte_at(p, 0x600000))) + 0xffe)
    user [0x700ffe] = 0x1122334455667788
    expect page_fault(user, write) at 0x701000
    expect refused
    expect word [last] == 0`,
  'a store across two page tables changes both': `
    switch(p)
    for a in 0x610000 .. 0x612000 step 4K { map(p, a + 0x1ee000, frame(), rw) }
    user [0x7fe000] = 1
    user [0x7ff000] = 2
    map(p, 0x800000, frame(), rw)
    user [0x800000] = 3
    map(p, 0x700000, gpa_of(pte_at(p, 0x600000)), rw)
    map(p, 0x701000, gpa_of(pte_at(p, 0x800000)), rw)
    user [0x700ffc] = 0
    user x = [0x7fe000]
    expect x == 1
    invlpg(0x800000)
    user x = [0x800000]
    expect page_fault(user) at 0x800000
    expect refused`,
  'a store from a device page into a page table changes the table': `
    switch(p)
    user [0x600000] = 1
    map(p, 0x700000, gpa:64M, rw)
    map(p, 0x701000, gpa_of(pte_at(p, 0x600000)), rw)
    user [0x700ffc] = 0
    invlpg(0x600000)
    user [0x600008] = 2
    expect page_fault(user, write) at 0x600008
    expect refused`,
  'an entry that is stored whole, accessed and dirty, may map a page table': `
    switch(p)
    user [0x600000] = 1
    table_page = gpa_of(pte_at(p, 0x600000))
    map(p, 0x700000, table_page, rw)
    user x = [0x700000]
    entry [pte_at(p, 0x700000)] = pte(table_page, rw, user, accessed, dirty)
    user entry [0x700000] &= ~RW
    invlpg(0x600000)
    user [0x600000] = 2
    expect page_fault(user, write, present) at 0x600000
    expect refused`,
  'entries take bytes, words, dwords, and stores that lie across two of them': `
    switch(p)
    slot = pte_at(p, 0x600000)
    user [0x600000] = 1
    user [0x601000] = 2
    byte [slot] = 0x65
    word [slot + 8] = 0x5065
    dword [slot + 4] = 0
    invlpg(0x600000)
    user [0x600000] = 3
    expect refused
    qword [slot + 4] = 0x0010606700000000
    invlpg(0x601000)
    user x = [0x601000]
    expect walk(0x601000).frame == gpa:0x106000 and walk(0x601000).writable`,
  'a large page lies over its own tables': `
    switch(p)
    slot = pte_at(p, 0x600000)
    entry [pte_for(p, 0x800000) & ~0xfff] = 0
    directory = direct(entry [direct(entry [direct(p.root)].frame)].frame)
    entry [directory + 4 * 8] = pde(gpa:0, rw, user, large)
    user [0x600000] = 1
    user byte [gva:(0x800000 + gpa_of(slot))] ^= RW
    invlpg(0x600000)
    user [0x600000] = 2
    expect page_fault(user, write, present) at 0x600000
    expect refused
    user entry [gva:(0x800020 + gpa_of(directory))] ^= RW
    invlpg(0x800000)
    user byte [0x800000] = 1
    expect page_fault(user, write, present) at 0x800000
    expect refused`,
  'two large pages on one frame: the clean one gets its own D': `
    switch(p)
    directory = direct(entry [direct(entry [direct(p.root)].frame)].frame)
    entry [directory + 4 * 8] = pde(gpa:8M, rw, user, large)
    entry [directory + 5 * 8] = pde(gpa:8M, rw, user, large)
    user [0x800000] = 1
    user [0x801000] = 1
    user x = [0xa00000]
    expect not entry [directory + 5 * 8].D
    user [0xa01000] = 2
    expect entry [directory + 5 * 8].D
    entry [directory + 4 * 8] &= ~D
    invlpg(0x800000)
    user x = [0x800000]
    user [0x801000] = 3
    expect entry [directory + 4 * 8].D`,
  'two read-only large pages on one frame, written with WP = 0': `
    switch(p)
    directory = direct(entry [direct(entry [direct(p.root)].frame)].frame)
    entry [directory + 4 * 8] = pde(gpa:8M, ro, user, large)
    entry [directory + 5 * 8] = pde(gpa:8M, ro, user, large)
    cr0.WP = 0
    [gva:0x800000] = 1
    [gva:0x801000] = 1
    x = [gva:0xa00000]
    expect entry [directory + 4 * 8].D and not entry [directory + 5 * 8].D
    [gva:0xa01000] = 2
    expect entry [directory + 5 * 8].D
    user [0xa01000] = 3
    expect page_fault(user, write, present) at 0xa01000
    expect refused`,
  'the protection key of a large page changes': `
    switch(p)
    directory = direct(entry [direct(entry [direct(p.root)].frame)].frame)
    entry [directory + 4 * 8] = pde(gpa:8M, rw, user, large)
    cr4.PKE = 1
    user x = [0x800000]
    user x = [0x801000]
    entry [directory + 4 * 8] ^= key(1)
    invlpg(0x800000)
    user x = [0x800000]
    pkru = 4
    user x = [0x801000]
    expect page_fault(user, present, key) at 0x801000
    expect refused`,
  'a directory entry loses RW, with many pages below it': `
    switch(p)
    for a in 0x610000 .. 0x630000 step 4K { map(p, a, frame(), rw) }
    for a in 0x610000 .. 0x630000 step 4K { user [a] = a }
    directory = direct(entry [direct(entry [direct(p.root)].frame)].frame)
    entry [directory + 3 * 8] &= ~RW
    cr3 = p.root
    for a in 0x610000 .. 0x630000 step 4K { user x = [a] }
    user [0x620000] = 1
    expect page_fault(user, write, present) at 0x620000
    expect refused
    entry [directory + 3 * 8] |= RW
    cr3 = p.root
    for a in 0x610000 .. 0x630000 step 4K { user [a] = 1 }`,
  'one table below two entries of different rights': `
    switch(p)
    directory = direct(entry [direct(entry [direct(p.root)].frame)].frame)
    entry [directory + 5 * 8] = entry [directory + 3 * 8] & ~RW
    user [0x600000] = 1
    user x = [0xa00000]
    expect x == 1
    user [0xa00000] = 2
    expect page_fault(user, write, present) at 0xa00000
    expect refused
    user [0x600000] = 3
    expect no page_fault`,
  'reserved bits in entries of each level': `
    switch(p)
    pdpt = direct(entry [direct(p.root)].frame)
    directory = direct(entry [pdpt].frame)
    user [0x600000] = 1
    entry [directory + 3 * 8] ^= bit(51)
    cr3 = p.root
    user x = [0x600000]
    expect page_fault(user, present, reserved) at 0x600000
    expect refused
    entry [directory + 3 * 8] ^= bit(51)
    cr3 = p.root
    entry [pdpt] ^= bit(50)
    cr3 = p.root
    user x = [0x600000]
    expect page_fault(user, present, reserved) at 0x600000
    expect refused
    entry [pdpt] ^= bit(50)
    cr3 = p.root
    entry [pte_at(p, 0x600000)] ^= bit(49)
    invlpg(0x600000)
    user x = [0x600000]
    expect page_fault(user, present, reserved) at 0x600000
    expect refused`,
  'accessed and dirty flags that the guest clears come back, each with its access': `
    switch(p)
    slot = pte_at(p, 0x600000)
    user [0x600000] = 1
    expect entry [slot].A and entry [slot].D
    entry [slot] &= ~(A | D)
    invlpg(0x600000)
    user x = [0x600000]
    expect entry [slot].A and not entry [slot].D
    user [0x600000] = 2
    expect entry [slot].D
    byte [slot] &= 0xbf
    invlpg(0x600000)
    user x = [0x600000]
    expect not entry [slot].D
    user [0x600000] = 3
    expect entry [slot].D`,
  'WP = 0 under SMAP: what AC had allowed is refused without it': `
    switch(p)
    cr4.SMAP = 1
    cr0.WP = 0
    stac()
    [gva:0x602000] = 5
    clac()
    x = [gva:0x602000]
    expect page_fault(present) at 0x602000
    expect refused
    user x = [0x602000]
    expect x == 5`,
  'WP = 0 under SMEP, with and without NXE: the supervisor must not fetch': `
    switch(p)
    entry [pte_at(p, 0x602000)] &= ~XD
    invlpg(0x602000)
    cr4.SMEP = 1
    cr0.WP = 0
    [gva:0x602000] = 1
    fetch(gva:0x602000)
    expect page_fault(present, fetch) at 0x602000
    expect refused
    user fetch(0x602000)
    expect no page_fault
    efer.NXE = 0
    cr3 = p.root
    [gva:0x602000] = 2
    expect no page_fault
    fetch(gva:0x602000)
    expect page_fault(present, fetch) at 0x602000
    expect refused
    user fetch(0x602000)
    expect no page_fault`,
  'WP = 0 under protection keys: a key still says which reads it forbids': `
    switch(p)
    entry [pte_at(p, 0x602000)] |= key(1)
    invlpg(0x602000)
    cr4.PKE = 1
    cr0.WP = 0
    [gva:0x602000] = 1
    pkru = 4
    x = [gva:0x602000]
    expect page_fault(present, key) at 0x602000
    expect refused
    pkru = 8
    [gva:0x602000] = 2
    expect no page_fault
    entry [pte_at(p, 0x600000)] |= key(1)
    invlpg(0x600000)
    [gva:0x600000] = 3
    expect no page_fault`,
  'more roots than there is room for, without an access between': `
    switch(p)
    for a in gva:0x40000000 .. gva:0x42000000 step 2M { map(p, a, frame(), rw) }
    for a in gva:0x40000000 .. gva:0x42000000 step 2M { user [a] = 1 }
    for n in 0 .. 64 {
      cr0.WP = n & 1
      cr4.SMEP = n >> 1 & 1
      cr4.SMAP = n >> 2 & 1
      cr3 = gpa:(8M + n * 4K)
    }
    cr3 = p.root
    cr4.SMAP = 0
    user [0x600000] = 1
    expect no page_fault`,
  'a root that nobody has touched yet is filled later': `
    switch(p)
    cr3 = gpa:9M
    cr3 = p.root
    entry [direct(gpa:9M)] = entry [direct(p.root)]
    entry [direct(gpa:9M) + 273 * 8] = entry [direct(p.root) + 273 * 8]
    user [0x600000] = 3
    cr3 = gpa:9M
    user x = [0x600000]
    expect x == 3`,
  'a device page beside RAM: the RAM takes its bytes': `
    switch(p)
    map(p, 0x700000, gpa:8M, rw)
    map(p, 0x701000, gpa:64M, rw)
    map(p, 0x702000, gpa:9M, rw)
    user [0x700ffc] = 0x1122334455667788
    expect dword [gva:0xffff888000800ffc] == 0x55667788
    user [0x701ffc] = 0x1122334455667788
    expect dword [gva:0xffff888000900000] == 0x11223344
    user x = [0x701ffc]
    expect x == 0x11223344ffffffff
    user [0x701000] &= 0xf0
    user byte [0x701000] += 1
    user dword [0x701000] |= 1`,
  'one INVLPG drops all of a large page, however finely the second tables cut it': `
    switch(p)
    directory = direct(entry [direct(entry [direct(p.root)].frame)].frame)
    entry [directory + 4 * 8] = pde(gpa:8M, rw, user, large)
    user [0x800000] = 1
    user [0x805000] = 1
    entry [directory + 4 * 8] &= ~RW
    invlpg(0x805000)
    user [0x800000] = 2
    expect page_fault(user, write, present) at 0x800000
    expect refused`,
  'CR3 reads back what was written to it': `
    switch(p)
    cr3 = p.root | 0x18
    user [0x600000] = 1
    [direct(gpa:8M)] = cr3
    expect [gva:0xffff888000800000] == p.root | 0x18`,
  'a value that CR0 does not take is #GP': 'switch(p)\n cr0.PG = 0',
  'a value that CR4 does not take is #GP': 'switch(p)\n cr4.PAE = 0',
  'bits that VMX fixes are the guest\'s to change': `
    switch(p)
    cr0.NE = 0
    expect cr0.NE == 0
    cr4.VMXE = 1
    expect cr4.VMXE == 1
    cr0.WP = 0
    cr4.VMXE = 0
    cr0.NE = 1
    expect cr4.VMXE == 0
    expect cr0.NE == 1
    expect cr0.WP == 0`,
  'a value of CR0 that changes a bit which VMX fixes, and that it does not take, is #GP': 'switch(p)\n cr0 = 1',
  'a value that CR3 does not take is #GP': 'switch(p)\n cr3 = gpa:0x8000000000000000',
  'a page table is reached through itself': `
    switch(p)
    entry [direct(p.root) + 300 * 8] = pml4e(p.root, rwx)
    itself = gva:0xffff960000003000
    user [0x600000] = 1
    entry [itself] &= ~RW
    invlpg(0x600000)
    user [0x600000] = 2
    expect page_fault(user, write, present) at 0x600000
    expect refused
    entry [gva:0xffff964b25800000 + 300 * 8] |= 0
    expect no page_fault`,
};
/** The claims as scenarios. Those that end in #GP have no expectation: the guest dies of it. */
export const claims: typeof twoProcessClaims = [...twoProcessClaims, ...Object.entries(statements)
  .map(([claim, lines]) => ({ claim, text: `${claim.startsWith('bits that VMX fixes') ? 'platform { vendor intel }\n' : ''}${HEAD}cpu 0 {\n${lines}\n}\n`, endsInGp: claim.endsWith('#GP') }))];
