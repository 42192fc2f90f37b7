/** How a walk ends. A refusal by the addressing of the tables is one of these too. */
export const WALK = {
  mapped: 0, pageFault: 1, eptViolation: 2, eptMisconfiguration: 3, tableUnreachable: 4, nonCanonical: 5, nestedPageFault: 6,
  /** An EPT accessed or dirty flag is to be set, and the page-modification log is full. */
  modificationLogFull: 7,
  /** Nothing was walked: the guest's accesses are intercepted, and root mode makes them. */
  intercepted: 8,
} as const;
export const walkOutcomeNames = [
  'mapped', 'page fault', 'EPT violation', 'EPT misconfiguration', 'table unreachable', 'not canonical', 'nested page fault',
  'page-modification log full', 'access intercepted',
] as const;

/** Why a walk did not end mapped. `WalkResult.rule` is the row of the table that said so. */
export const WHY = {
  none: 0,
  notPresent: 1,
  /** A reserved bit is set: row of `PagingFormat.reservedRules`. */
  reserved: 2,
  /** An illegal combination of bits: row of `PagingFormat.illegalRules`. */
  illegal: 3,
  /** Access rights: row of `accessRightsRows` for paging. */
  rights: 4,
  protectionKey: 5,
  /** The address has bits above those the format translates. */
  addressWidth: 6,
  /** An accessed or dirty flag cannot be written to the table's page. */
  flagUpdate: 7,
  /** The addressing of the tables, or the nested translation, refused. */
  nested: 8,
  /** No flag can be set in an EPT entry while the page-modification log is full. */
  modificationLog: 9,
} as const;

/** What a walk may change. */
export const EFFECTS = {
  /** Inspection: no accessed or dirty flag, no event, no counter. */
  none: 0,
  /** As the processor does it. */
  hardware: 1,
} as const;

/** `servedLevel` of a nested walk that is made for no linear address: MOV to CR3 loads the PDPTE registers. */
export const NO_LINEAR = -1;
