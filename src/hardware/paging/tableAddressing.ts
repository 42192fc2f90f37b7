/**
 * How the address of a table word, as the walk has it (from the root register or from an entry), reaches
 * host-physical memory: as it is, through a nested walk, or, for a walk made by a hypervisor, through
 * memslots and the host's page table.
 */
export interface TableAddressing {
  /** 1: addresses of tables are host-physical as they stand, and the walk need not ask. */
  readonly direct?: 1;
  /**
   * Finds the host-physical address of the table word at (lo, hi), for the walk to read. 0 (`WALK.mapped`) when found,
   * the place left in `hpaLo`, `hpaHi`; else a nonzero `WALK` outcome, which ends the walk. `level`: of the entry;
   * `effects`: an `EFFECTS`.
   */
  locate(lo: number, hi: number, level: number, effects: number): number;
  /**
   * Asked before an accessed or dirty flag is set in the entry of `level` that `locate` found last; 0 or a `WALK`
   * outcome. Left out: whoever may read the table may set its flags.
   */
  allowsUpdate?(lo: number, hi: number, level: number): number;
  /** Rights of the page that holds the table of each level, as `locate` found them, where `allowsUpdate` judges by them. */
  readonly pageRights?: Int32Array;
  hpaLo: number;
  hpaHi: number;
}

/** Tables whose entries hold host-physical addresses: without virtualization, of EPT itself, of a shadow. */
export class IdentityAddressing implements TableAddressing {
  readonly direct = 1;
  hpaLo = 0;
  hpaHi = 0;

  locate(lo: number, hi: number): number {
    this.hpaLo = lo;
    this.hpaHi = hi;
    return 0;
  }
}
