import type { CompiledFormat } from '../compiledFormat';

/**
 * All of a compiled format that a specialized walk has as numbers in its text. A walk may stand for `walk` where the
 * shapes are equal: a table that was changed, or a feature that moves a right, has another shape and is walked by `walk`.
 */
export function walkShape(compiled: CompiledFormat): string {
  const { levels } = compiled;
  return [
    levels, compiled.wide, compiled.entryShift, compiled.indexMask, compiled.shifts.slice(0, levels + 1), compiled.beyondInputHi,
    compiled.registerLevel, compiled.presentMask, compiled.leafMask.slice(0, levels + 1), compiled.frameLo, compiled.frameHi,
    compiled.highFrameMask.slice(0, levels + 1), compiled.rightsLoShift, compiled.rightsLoMask, compiled.rightsFarShift,
    compiled.rightsFarMask, compiled.rightsHiFlip, compiled.rightsHiShift, compiled.rightsHiMask, compiled.allRights,
    compiled.impliedRights.slice(0, levels + 1), compiled.flagsTop, compiled.accessedMask, compiled.dirtyMask,
    compiled.globalMask, compiled.keyShift, compiled.keyMask,
    // Without illegal combinations in the format a walk does not look for them.
    compiled.format.illegalRules.length === 0 ? 'none' : 'illegal',
  ].map((value) => (typeof value === 'object' ? value.join('.') : String(value))).join(' ');
}
