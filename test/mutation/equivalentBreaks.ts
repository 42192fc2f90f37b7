/** Broken rows that mean what the whole row means, and why. */
export const equivalentBreaks: readonly { readonly matches: RegExp; readonly why: string }[] = [
  {
    matches: /address bit above MAXPHYADDR: bits 51:12 -> 51:13$/,
    why: 'the rule begins at MAXPHYADDR, which is 36 at least: the low end of its bits is never reached',
  },
  {
    matches: /bit 7 .*: entries leaf -> any$/,
    why: 'an entry is a leaf by its bit 7: in one that references a table the bit is clear',
  },
  {
    matches: /(an entry that cannot map a page|PML4E or PML5E): entries any -> table$/,
    why: 'at levels 4 and 5 every entry references a table',
  },
  {
    matches: /PDPTE: entries any -> table$/,
    why: 'every PDPTE of PAE paging references a table',
  },
  {
    matches: /LEGACY32, format: rights 2\.bit 63 -> /,
    why: 'an entry of 4 bytes has no high half: each bit of it reads as 0, which gives the right',
  },
  {
    matches: /fields, (PAT|frame): entries leaf -> any$/,
    why: 'the row about level 1, where every entry maps a page; those about other levels are caught',
  },
  {
    matches: /^(LEGACY32|PAE|LONG[45]), format: (inputBits|without inputBits)/,
    why: 'a linear address is held to its width before any walk; of the nested formats the column is caught',
  },
  {
    matches: /bits 6[23]:52.*: when always -> above MAXPHYADDR$/,
    why: 'MAXPHYADDR is 52 at most, so all of these bits are above it',
  },
  {
    matches: /fields, .*: levels without [45]$/,
    why: 'a row about entries that map pages: at levels 4 and 5 there are none; rows about every entry are caught',
  },
];
