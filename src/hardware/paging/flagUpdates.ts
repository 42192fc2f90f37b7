import { ACCESS_WRITES } from './accessKinds';
import { reportFlagUpdate } from '../events/walkEvents';
import type { TranslationSpace } from './translationSpace';
import { WALK } from './walkOutcome';

/**
 * Sets the accessed flag in every entry used and, for a write, the dirty flag in the leaf. SDM Vol. 3, "Accessed and
 * Dirty Flags". The word is read again: a table that maps itself may have been changed by an upper level's update.
 * With page-modification logging a full log lets no flag be set, and a dirty flag that goes from 0 to 1 is logged.
 */
export function setFlags(space: TranslationSpace, leafLevel: number, access: number): number {
  const { compiled, result, tables, memory, modificationLog } = space;
  for (let level = Math.min(compiled.flagsTop, result.top); level >= leafLevel && level > 0; level--) {
    const flags = level === leafLevel && (access & ACCESS_WRITES) !== 0
      ? compiled.accessedMask | compiled.dirtyMask : compiled.accessedMask;
    if ((result.entryLo[level]! & flags) === flags) continue;
    const hpaLo = result.entryHpaLo[level]!;
    const hpaHi = result.entryHpaHi[level]!;
    const old = memory.load32(hpaLo, hpaHi);
    const value = old | flags;
    if (value !== old) {
      if (tables.allowsUpdate !== undefined) {
        const refusal = tables.allowsUpdate(result.entryAddressLo[level]!, result.entryAddressHi[level]!, level);
        if (refusal !== WALK.mapped) {
          result.level = level;
          return refusal;
        }
      }
      if (modificationLog !== undefined && modificationLog.isFull()) {
        result.level = level;
        return WALK.modificationLogFull;
      }
      memory.store32(hpaLo, hpaHi, value);
      reportFlagUpdate(space, level, old, value);
      if (modificationLog !== undefined && (value & ~old & compiled.dirtyMask) !== 0) {
        modificationLog.append(result.addressLo, result.addressHi);
      }
    }
    result.entryLo[level] = value;
  }
  return WALK.mapped;
}
