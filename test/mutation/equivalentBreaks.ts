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
  {
    matches: /never: never -> always false$/,
    why: 'that is what it answers',
  },
  {
    matches: /EPT[45]\.illegalRules, memory type .: entries leaf -> any$/,
    why: 'bits 5:3 of an entry that references a table are reserved: a misconfiguration either way',
  },
  {
    matches: /(EPT5|NPT_LONG5), format: (input|inputBits|without inputBits)/,
    why: 'five levels translate 57 bits, and no physical address has more than 52',
  },
  {
    matches: /eptRightsRows, a paging-structure access .*: address either -> supervisor$/,
    why: 'the mode of the linear address is told of the final access alone',
  },
  {
    matches: /eptRightsRows, an instruction fetch: address either -> supervisor$/,
    why: 'without mode-based execute control the mode of the linear address is not told',
  },
  {
    matches: /eptRightsRows, an instruction fetch from a .*: (modeBasedExecute on|address user) -> either$/,
    why: 'the row above it, which is about the rest, is found first',
  },
  {
    matches: /EPT_QUALIFICATION, (read|write|fetch|readable|writable|executable|userExecutable): /,
    why: 'the tables of the qualification have taken these when they were made; they are broken there',
  },
  {
    matches: /^NPT_.*, format: (globalBit|keyBit|without globalBit|without keyBit)/,
    why: 'of a nested translation nobody asks whether it is global, or its key',
  },
  {
    matches: /^NPT_PAE, format: (registerLevel|without registerLevel|inputBits 32 -> 31$)/,
    why: 'nested PDPTEs are read from memory, and no tables translate fewer than 32 bits',
  },
  {
    matches: /invalidationRows\.vmTransition, .*vpid 0 -> current$/,
    why: 'the row is for transitions without VPIDs, where the current one is 0',
  },
  {
    matches: /invalidationRows\.(eptViolation|eptViolationOfPdptes|inveptContext|inveptAll), .*: guestPhysical\.vpid any -> 0$/,
    why: "EPT's mappings are tagged by its root alone: the VPID of their lines is 0",
  },
  {
    matches: /invalidationRows\..*: guestPhysical\.globals (also -> kept|kept -> also)$/,
    why: 'no guest-physical mapping is global',
  },
  {
    matches: /invalidationRows\.eptViolationOfPdptes, .*: guestPhysical\.pcid any -> current$/,
    why: 'with PAE paging there are no PCIDs: the current one is 0, as in all guest-physical mappings',
  },
  {
    matches: /invalidationRows\.(nestedPageFault|asid|asidKeepingGlobals), .*: guestPhysical\.eptRoot any -> current$/,
    why: 'of mappings through nested tables the ASID stands for the root, which is 0 in all of them',
  },
  {
    matches: /invalidationRows\.(invlpga|everyAsid|asid|asidKeepingGlobals), .*: linear\.eptRoot any -> current$/,
    why: 'these are operations of SVM, which has no EPT: the current root is 0, as in all linear mappings',
  },
  {
    matches: /invalidationRows\.(asid|asidKeepingGlobals), .*vpid given -> current$/,
    why: 'the ASID that VMRUN names is in force by the time of the invalidation',
  },
  {
    matches: /controlChecks, a bit of the secondary .* that must be 1 is 0: broken -> always false$/,
    why: 'no secondary control must be 1',
  },
];
