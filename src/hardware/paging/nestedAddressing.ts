import { ACCESS, ACCESS_WRITES } from './accessKinds';
import { EPT_RIGHTS } from './accessRights';
import { LEVEL_SLOTS } from './compiledFormat';
import type { TableAddressing } from './tableAddressing';
import type { TranslationSpace } from './translationSpace';
import { walk } from './walk';
import { EFFECTS, WALK } from './walkOutcome';

/**
 * Guest tables behind EPT or nested paging: each table address is guest-physical and is walked first, as the access
 * that the nested space says a table access is.
 */
export class NestedAddressing implements TableAddressing {
  hpaLo = 0;
  hpaHi = 0;
  /** EPT rights of the page that holds the guest entry of each level. */
  readonly pageRights = new Int32Array(LEVEL_SLOTS);

  constructor(private readonly nested: TranslationSpace) {}

  locate(lo: number, hi: number, level: number, effects: number): number {
    const nested = this.nested;
    nested.servedLevel = level;
    const outcome = walk(nested, lo, hi, nested.tableAccess, effects);
    if (outcome !== WALK.mapped) return outcome;
    this.hpaLo = nested.result.hpaLo;
    this.hpaHi = nested.result.hpaHi;
    this.pageRights[level] = nested.result.rights;
    return WALK.mapped;
  }

  /**
   * A flag update is a write to the table's page, by the translation that the read went through. Where that does not
   * give W, the write is walked for, without effects, to find what refuses it.
   */
  allowsUpdate(lo: number, hi: number, level: number): number {
    const { nested } = this;
    if ((nested.tableAccess & ACCESS_WRITES) !== 0 || (this.pageRights[level]! & EPT_RIGHTS.writable) !== 0) return WALK.mapped;
    const { references } = nested.result;
    nested.servedLevel = level;
    const outcome = walk(nested, lo, hi, ACCESS.write, EFFECTS.none);
    nested.result.references = references;
    return outcome;
  }
}
