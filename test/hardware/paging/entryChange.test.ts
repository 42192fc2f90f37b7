import { strict as assert } from 'node:assert';
import { OPERATION } from '../../../src/hardware/paging/accessKinds';
import { EntryChange } from '../../../src/hardware/paging/entryChange';
import { PhysicalMemory } from '../../../src/hardware/memory/physicalMemory';
import { RMW } from '../../../src/hardware/memory/readModifyWrite';
import type { PendingOperation } from '../../../src/hardware/processor/rootMode';
import { Registry } from '../../../src/hardware/state/registry';
import { halves, whole } from '../testMachine';

const HPA_HI = 3;
const TABLE = 0x7000;
const OPERAND = 0x8877_6655_4433_2211n;
const MEMORY = [0xa7a6_a5a4_a3a2_a1a0n, 0xb7b6_b5b4_b3b2_b1b0n] as const;

/** Bytes, the lowest first. */
const bytesOf = (value: bigint, count: number): number[] => Array.from({ length: count }, (_, n) => Number(value >> BigInt(8 * n) & 0xffn));
const valueOf = (bytes: readonly number[]): bigint => bytes.reduceRight((value, byte) => value << 8n | BigInt(byte), 0n);

interface Write { readonly size: number; readonly at: number; readonly skipped: number; readonly entryBytes: 4 | 8; readonly rmw?: 'or' | 'exchange' }

/** What memory has after the write, byte by byte: of the entry that the byte at `at` lies in, before and after. */
function expected({ size, at, skipped, entryBytes, rmw }: Write): readonly [old: bigint, now: bigint] {
  const bytes = [...bytesOf(MEMORY[0], 8), ...bytesOf(MEMORY[1], 8)];
  const entry = at - at % entryBytes;
  const old = valueOf(bytes.slice(entry, entry + entryBytes));
  bytesOf(OPERAND, size).forEach((byte, index) => {
    const place = at + index - skipped;
    if (place < at || place >= entry + entryBytes) return;
    bytes[place] = rmw === 'or' ? bytes[place]! | byte : byte;
  });
  return [old, valueOf(bytes.slice(entry, entry + entryBytes))];
}

const memory = new PhysicalMemory(new Registry(), 2 ** 40);
MEMORY.forEach((value, index) => {
  const [lo, hi] = halves(value);
  memory.store32(TABLE + 8 * index, HPA_HI, lo);
  memory.store32(TABLE + 8 * index + 4, HPA_HI, hi);
});

function foreseen({ size, at, skipped, entryBytes, rmw }: Write): readonly [old: bigint, now: bigint] {
  const [operandLo, operandHi] = halves(OPERAND);
  const change = new EntryChange(memory);
  const pending = {
    operation: rmw === undefined ? OPERATION.store : OPERATION.readModifyWrite, size, operandLo, operandHi,
    rmw: rmw === undefined ? 0 : RMW[rmw], expectedLo: 0, expectedHi: 0,
  } as unknown as PendingOperation;
  change.foresee(pending, TABLE + at, HPA_HI, skipped, entryBytes);
  assert.equal(memory.load32(TABLE + (at & ~3), HPA_HI), halves(MEMORY[at >> 3]!)[(at >> 2) & 1], 'nothing is written yet');
  return [whole(change.oldLo, change.oldHi), whole(change.newLo, change.newHi)];
}

describe('what a write makes of an entry', () => {
  for (const entryBytes of [4, 8] as const) {
    for (const size of [1, 2, 4, 8]) {
      it(`of ${entryBytes} bytes is foreseen for ${size} bytes at every place in it, whole or begun in another page`, () => {
        for (let at = 0; at < 8; at++) {
          for (let skipped = 0; skipped < size; skipped++) {
            for (const rmw of [undefined, 'or', 'exchange'] as const) {
              const write: Write = { size, at, skipped, entryBytes, ...rmw === undefined ? {} : { rmw } };
              assert.deepEqual(foreseen(write), expected(write), JSON.stringify(write));
            }
          }
        }
      });
    }
  }
});
