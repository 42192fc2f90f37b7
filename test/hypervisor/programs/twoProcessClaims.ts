const HEAD = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
process q { 0x600000 .. 0x601000 rw user }
`;

/** What a technique that is not exact gets wrong about two processes, and about global pages. */
const statements: Readonly<Record<string, string>> = {
  'INVLPG takes a global page from all PCIDs, also where each process has a table of its own for it': `
    cr4.PGE = 1
    switch(p)
    cr4.PCIDE = 1
    mine = pte_at(p, 0x600000)
    its = pte_at(q, 0x600000)
    entry [mine] = pte(gpa:8M, rw, user, accessed, dirty, global)
    entry [its] = pte(gpa:8M, rw, user, accessed, dirty, global)
    cr3 = p.root | 1
    user x = [0x600000]
    cr3 = q.root | 2
    user x = [0x600000]
    user [0x600000] = 7
    [direct(gpa:9M)] = 9
    entry [mine] = pte(gpa:9M, rw, user, accessed, dirty, global)
    entry [its] = pte(gpa:9M, rw, user, accessed, dirty, global)
    invlpg(0x600000)
    user x = [0x600000]
    expect x == 9
    cr3 = p.root | 1 | 1 << 63
    user x = [0x600000]
    expect x == 9`,
  'INVPCID of all contexts takes global pages too': `
    cr4.PGE = 1
    switch(p)
    slot = pte_at(p, 0x600000)
    entry [slot] = pte(gpa:8M, rw, user, accessed, dirty, global)
    cr3 = p.root
    user x = [0x600000]
    [direct(gpa:9M)] = 9
    entry [slot] = pte(gpa:9M, rw, user, accessed, dirty, global)
    invpcid(2, 0, 0)
    user x = [0x600000]
    expect x == 9`,
};

export const twoProcessClaims: readonly { readonly claim: string; readonly text: string; readonly endsInGp: boolean }[] = Object.entries(statements)
  .map(([claim, lines]) => ({ claim, text: `${HEAD}cpu 0 {\n${lines}\n}\n`, endsInGp: false }));
