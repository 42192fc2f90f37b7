import { strict as assert } from 'node:assert';
import type { Processor } from '../../../../src/hardware/processor/processor';
import type { Registry } from '../../../../src/hardware/state/registry';
import type { TranslationSpace } from '../../../../src/hardware/paging/translationSpace';
import { WALK } from '../../../../src/hardware/paging/walkOutcome';
import type { WalkResult } from '../../../../src/hardware/paging/walkResult';

/** Takes the generated walks away from a processor for good: `walk` goes level by level, whatever is reloaded. */
export function withoutSpecializedWalks(processor: Processor): void {
  Object.defineProperty(processor.space, 'specialized', { get: () => 0, set: () => undefined });
}

/** Every field of a result by name; of the entries those that the walk has read. */
export function resultFields(result: WalkResult): Record<string, unknown> {
  const { top, level } = result;
  const from = Math.min(level, top);
  const entries: Record<string, readonly number[]> = {};
  const fields: Record<string, unknown> = {};
  for (const [name, value] of Object.entries(result)) {
    if (typeof value === 'number') fields[name] = value;
    else if (name !== 'levels' && value instanceof Int32Array) entries[name] = [...value.slice(from, top + 1)];
  }
  return { ...fields, ...entries };
}

/** What a walk that is refused leaves as the one before it had it: in a nested space, one that only read a guest's table. */
const ofMappedOnes = ['dirty', 'effectiveShift', 'global', 'hpaHi', 'hpaLo', 'key', 'pageShift'];

function nestedFields(result: WalkResult): Record<string, unknown> {
  const fields = resultFields(result);
  return result.outcome === WALK.mapped ? fields
    : Object.fromEntries(Object.entries(fields).filter(([name]) => !ofMappedOnes.includes(name)));
}

/** What a walk leaves in its spaces. */
export function spaceFields(space: TranslationSpace): Record<string, unknown> {
  const { servedLo, servedHi, nested } = space;
  return {
    servedLo, servedHi, result: resultFields(space.result),
    ...nested === undefined ? {} : {
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
