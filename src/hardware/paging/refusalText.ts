import { accessRightsRows, eptRightsRows } from './accessRights';
import type { TranslationSpace } from './translationSpace';
import { WALK, WHY } from './walkOutcome';

/** What a refusal is told from: a space with its last walk, or a walk put together again from its events. */
export type RefusedWalk = Pick<TranslationSpace, 'compiled' | 'result' | 'servedLevel'> & { readonly nested: RefusedWalk | undefined };

/**
 * Why the last walk of a space did not end mapped, in one clause: `the PDE is not present`. Of a refusal by the nested
 * tables it says which guest entry asked. Undefined when it ended mapped.
 */
export function refusalText(space: RefusedWalk): string | undefined {
  const { result } = space;
  const { format } = space.compiled;
  if (result.outcome === WALK.mapped) return undefined;
  if (result.outcome === WALK.nonCanonical) return 'the address is not canonical';
  const entry = `the ${format.levelNames[result.level] ?? `entry of level ${result.level}`}`;
  switch (result.why) {
    case WHY.notPresent: return `${entry} is not present`;
    case WHY.reserved: return `${entry} has a reserved bit set: ${format.reservedRules[result.rule]?.name ?? ''}`;
    case WHY.illegal: return `${entry} is illegal: ${format.illegalRules[result.rule]?.name ?? ''}`;
    case WHY.rights: return rightsText(space);
    case WHY.protectionKey: return `protection key ${keyOf(space)} refuses the access`;
    case WHY.addressWidth: return `the address has bits that ${format.name} tables do not translate`;
    case WHY.flagUpdate: return `the accessed or dirty flag of ${entry} cannot be set: EPT does not let its page be written`;
    case WHY.modificationLog: return `no flag of ${entry} can be set: the page-modification log is full`;
    case WHY.nested: return nestedText(space, entry);
    default: return `${entry} refuses the access`;
  }
}

function rightsText(space: RefusedWalk): string {
  const { result, compiled } = space;
  const eptRow = compiled.features.modeBasedExecute === 'on' ? eptRightsRows[result.rule] : undefined;
  if (compiled.isEpt !== 0 && eptRow !== undefined) return `the ${compiled.format.name} entries do not give the right to ${eptRow.name}`;
  const refused = accessRightsRows[result.rule];
  if (compiled.isEpt === 0) return `the rights refuse ${refused === undefined ? 'an access like this' : `a ${refused.name}`}`;
  return `the ${compiled.format.name} entries do not give the right to it`;
}

function keyOf(space: RefusedWalk): number {
  const { result, compiled } = space;
  return ((result.entryHi[result.level] ?? 0) >>> compiled.keyShift) & compiled.keyMask;
}

function nestedText(space: RefusedWalk, entry: string): string {
  if (space.result.outcome === WALK.tableUnreachable || space.nested === undefined) return `the table of ${entry} cannot be reached`;
  const clause = refusalText(space.nested) ?? 'it is refused';
  return space.nested.servedLevel === 0 ? `${clause}, for the final guest-physical address` : `${clause}, for the table of ${entry}`;
}
