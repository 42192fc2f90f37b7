import { strict as assert } from 'node:assert';
import type { Processor } from '../../../../src/hardware/processor/processor';
import type { Registry } from '../../../../src/hardware/state/registry';
import type { TranslationSpace } from '../../../../src/hardware/paging/translationSpace';
import { WALK, WHY } from '../../../../src/hardware/paging/walkOutcome';
import type { WalkResult } from '../../../../src/hardware/paging/walkResult';

/** Takes the generated walks away from a processor for good: `walk` goes level by level, whatever is reloaded. */
export function withoutSpecializedWalks(processor: Processor): void {
  Object.defineProperty(processor.space, 'specialized', { get: () => 0, set: () => undefined });
}

/** Of entries refused by their own dimension a quick walk leaves the entry, of others none. */
const ofOwnEntry: readonly number[] = [WHY.notPresent, WHY.reserved, WHY.illegal, WHY.rights, WHY.protectionKey];

/** Every field of a result by name, and the entry that refused. */
export function resultFields(result: WalkResult): Record<string, unknown> {
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(result)) if (typeof value === 'number') fields[name] = value;
  return ofOwnEntry.includes(result.why)
    ? { ...fields, entryLo: result.entryLo[result.level], entryHi: result.entryHi[result.level] } : fields;
}

/** The same with what the walk has read at every level: after walks that tell of their references or ask caches. */
export function allFields(result: WalkResult): Record<string, unknown> {
  const { top, level } = result;
  const entries = Object.entries(result).filter(([name, value]) => name !== 'levels' && value instanceof Int32Array)
    .map(([name, value]) => [name, [...(value as Int32Array).slice(Math.min(level, top), top + 1)]]);
  return { ...resultFields(result), ...Object.fromEntries(entries) as Record<string, readonly number[]> };
}

/** What a walk that is refused leaves as the one before it had it: in a nested space, one that only read a guest's table. */
const ofMappedOnes = ['dirty', 'effectiveShift', 'global', 'hpaHi', 'hpaLo', 'key', 'pageShift'];

function nestedFields(result: WalkResult): Record<string, unknown> {
  const fields = resultFields(result);
  return result.outcome === WALK.mapped ? fields
    : Object.fromEntries(Object.entries(fields).filter(([name]) => !ofMappedOnes.includes(name)));
}

/** What a walk leaves in its spaces. Where the guest's own tables refuse, what was walked for one of them is nobody's to ask. */
export function spaceFields(space: TranslationSpace): Record<string, unknown> {
  const { servedLo, servedHi, nested, result } = space;
  return {
    servedLo, servedHi, result: resultFields(result),
    ...nested === undefined || ofOwnEntry.includes(result.why) ? {} : {
      nested: nestedFields(nested.result), nestedFor: [nested.servedLo, nested.servedHi, nested.servedLevel, nested.servedRights],
    },
  };
}

/** All state of two machines that began alike and did the same: memory, registers, caches, counters. */
export function assertSameState(a: Registry, b: Registry, name: string): void {
  const others = b.contents();
  for (const [block, words] of a.contents()) {
    const other = others.get(block);
    assert.ok(other !== undefined && bytesOf(words).equals(bytesOf(other)), `${name}: ${block} differs`);
  }
}

function bytesOf(words: Int32Array | Float64Array): Buffer {
  return Buffer.from(words.buffer, words.byteOffset, words.byteLength);
}
