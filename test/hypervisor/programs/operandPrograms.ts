/** A store into two pages that the hypervisor does; when it is reached, no host frame is free, and reclaim comes to `gfn` next. */
export interface OperandProgram {
  readonly claim: string;
  readonly text: string;
  /** Of the store, from 0. */
  readonly line: number;
  readonly gfn: number;
}

const program = (maps: string): string => `platform { swap 1M }
machine { paging 4-level, slot low 0 .. 16M ram, slot bios 16M .. 17M rom }
process p { 0x600000 .. 0x620000 rw user }
cpu 0 {
  switch(p)
  for a in 0x600000 .. 0x620000 step 4K { user byte [a] = 1 }
  directory = gpa:(entry [direct(entry [direct(p.root)].frame)].frame)
  ${maps}
  user [0x700ffc] = 0x1122334455667788
  user x = dword [0x700ffc]
  expect x == 0x55667788
}
`;
const STORE_LINE = 8;

export const operandPrograms: readonly OperandProgram[] = [
  {
    claim: 'from RAM on into ROM', line: STORE_LINE, gfn: 0x800,
    text: program('map(p, 0x700000, gpa:8M, rw); map(p, 0x701000, gpa:16M, rw); user [0x700000] = 1'),
  },
  {
    claim: 'from a page table on into RAM', line: STORE_LINE, gfn: 0x800,
    text: program('map(p, 0x700000, directory, rw); map(p, 0x701000, gpa:9M, rw); user x = [0x700000]'),
  },
];
