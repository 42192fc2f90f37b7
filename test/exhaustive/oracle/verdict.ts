export type Outcome = 'mapped' | 'page fault' | 'EPT violation' | 'EPT misconfiguration' | 'nested page fault';

/** What the manuals say comes of one access. Fields that an outcome has not are left as they were and not compared. */
export class Verdict {
  outcome: Outcome = 'mapped';
  /** Level of the linear tables' entry at which it was decided: that refused, whose table was refused, or that maps the page. */
  level = 0;
  /** Refused by nested tables: level of their entry that refused. */
  nestedLevel = 0;
  /** Entries read, of linear and nested tables. */
  references = 0;
  errorCode = 0;
  /** EPT violation: exit qualification. Nested page fault: EXITINFO1, its high half apart. */
  qualification = 0;
  qualificationHigh = 0;
  /** EPT violation: it may become a virtualization exception. */
  convertible = false;
  /** Refused by nested tables: the guest-physical address. Mapped: what the linear tables translate to. */
  gpa = 0;
  /** Mapped only. */
  hpa = 0;
  sizeBits = 0;
  effectiveSizeBits = 0;
  global = false;
  key = 0;
  /** No dirty flag is left to set for a write. */
  dirty = false;
}

/** Flags that an access sets in an entry: those that it must, and those that it may (SDM: when the access is refused). */
export interface Flagged {
  must: number;
  may: number;
}
