import { OPERATION } from './accessKinds';
import { OperandAccess } from '../memory/operandAccess';
import type { PhysicalMemory } from '../memory/physicalMemory';
import type { PendingOperation } from '../processor/rootMode';

const BITS = 8;

/**
 * What the pending store or read-modify-write makes of the entry that its bytes at a place fall
 * into: for telling of a write to a table before it happens. Of an operand that goes on in the next
 * entry only the first one is told.
 */
export class EntryChange {
  oldLo = 0;
  oldHi = 0;
  newLo = 0;
  newHi = 0;
  private readonly operand: OperandAccess;

  constructor(memory: PhysicalMemory) {
    this.operand = new OperandAccess(memory);
  }

  /** `skipped` bytes of the operand lie before the byte at host-physical (lo, hi), in another page; `entryBytes`: of an entry. */
  foresee(pending: PendingOperation, lo: number, hi: number, skipped: number, entryBytes: number): void {
    const { operand } = this;
    const entry = lo & ~(entryBytes - 1);
    operand.read(entry, hi, entry, hi, entryBytes);
    this.oldLo = operand.lo;
    this.oldHi = operand.hi;
    this.newLo = operand.lo;
    this.newHi = operand.hi;
    const offset = lo - entry;
    const bytes = Math.min(pending.size - skipped, entryBytes - offset);
    operand.lo = 0;
    operand.hi = 0;
    for (let i = 0; i < bytes; i++) this.move(operand, this, skipped + i, offset + i, 'read');
    if (pending.operation === OPERATION.readModifyWrite) operand.modify(pending.rmw, pending.operandLo, pending.operandHi, pending.expectedLo, pending.expectedHi);
    else {
      operand.lo = pending.operandLo;
      operand.hi = pending.operandHi;
    }
    for (let i = 0; i < bytes; i++) this.move(operand, this, skipped + i, offset + i, 'write');
  }

  /** Moves byte `inEntry` of the entry to byte `inOperand` of the operand, or the other way round. */
  private move(operand: OperandAccess, entry: EntryChange, inOperand: number, inEntry: number, how: 'read' | 'write'): void {
    if (how === 'read') {
      const byte = byteOf(entry.oldLo, entry.oldHi, inEntry);
      if (inOperand < 4) operand.lo |= byte << (BITS * inOperand);
      else operand.hi |= byte << (BITS * (inOperand - 4));
      return;
    }
    const byte = byteOf(operand.lo, operand.hi, inOperand);
    const shift = BITS * (inEntry & 3);
    if (inEntry < 4) entry.newLo = (entry.newLo & ~(0xff << shift)) | (byte << shift);
    else entry.newHi = (entry.newHi & ~(0xff << shift)) | (byte << shift);
  }
}

function byteOf(lo: number, hi: number, index: number): number {
  return ((index < 4 ? lo : hi) >>> (BITS * (index & 3))) & 0xff;
}
