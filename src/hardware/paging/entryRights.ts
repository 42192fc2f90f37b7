import type { CompiledFormat } from './compiledFormat';

/** Rights integer of one entry, in the order of its format's rights. What a walk combines, for those who make entries. */
export function rightsOfEntry(compiled: CompiledFormat, lo: number, hi: number): number {
  return (
    ((lo >>> compiled.rightsLoShift) & compiled.rightsLoMask) |
    ((lo >>> compiled.rightsFarShift) & compiled.rightsFarMask) |
    (((hi ^ compiled.rightsHiFlip) >>> compiled.rightsHiShift) & compiled.rightsHiMask)
  );
}
