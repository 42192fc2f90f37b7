import { strict as assert } from 'node:assert';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { DESCRIPTOR_TABLE, SEGMENT, SEGMENT_RIGHTS } from '../../../src/hardware/segments/segmentRegisters';
import { TestMachine } from '../testMachine';

const GDT = 0x1_0000;
const LDT = 0x2_0000;
const INDEX = 5;
const LOCAL = 4;
const UNUSABLE = 1 << 16;
const [SS, DS] = [SEGMENT.ss, SEGMENT.ds];
const OLD = { selector: 0x77, rights: 0x93, limit: 0x123, baseLo: 0x456, baseHi: 0 };
const GP = 13;

/** Protected mode without paging, with room for a descriptor in either table. */
class Loads extends TestMachine {
  constructor() {
    super();
    this.set({ cr0: CR0.PE | CR0.ET, cr4: 0, efer: 0 });
    const { segments } = this.processor;
    segments.setTable(DESCRIPTOR_TABLE.gdtr, GDT, 0, 8 * INDEX + 7);
    segments.set(SEGMENT.ldtr, { selector: 0x40, rights: 0x82, limit: 8 * INDEX + 7, baseLo: LDT, baseHi: 0 });
  }

  /** Loads a descriptor with these words: what comes of it, and what the register has then. */
  loaded(segment: number, selector: number, lo: number, hi: number): string {
    const { segments } = this.processor;
    const at = (selector & LOCAL ? LDT : GDT) + (selector & ~7);
    this.memory.store32(at, 0, lo);
    this.memory.store32(at + 4, 0, hi);
    segments.set(segment, OLD);
    const status = this.processor.loadSegment(segment, selector);
    const now = [segments.selector(segment), segments.rights(segment), segments.limit(segment), segments.baseLo(segment), segments.baseHi(segment)];
    if (status !== STATUS.done) {
      assert.deepEqual(now, Object.values(OLD), 'a load that faults loads nothing');
      assert.equal(this.memory.load32(at + 4, 0), hi, 'nor marks the descriptor');
      return `${this.processor.vector}(${this.processor.errorCode})`;
    }
    return [...now, this.memory.load32(at + 4, 0)].map((word) => (word >>> 0).toString(16)).join(' ');
  }
}

/** SDM Vol. 2, "MOV—Move", as prose: what a load of this descriptor comes to. */
function expected(segment: number, selector: number, cpl: number, byte: number): string {
  const [type, isPresent, dpl, rpl] = [byte & 15, byte >= 0x80, byte >> 5 & 3, selector & 3];
  const isSegment = (byte & 0x10) !== 0;
  const isData = isSegment && type < 8;
  const isCode = isSegment && type >= 8;
  const code = selector & ~3;
  if (segment === SS) {
    if (rpl !== cpl || !isData || (type & 2) === 0 || dpl !== cpl) return `${GP}(${code})`;
    if (!isPresent) return `12(${code})`;
  } else {
    if (!isData && !(isCode && (type & 2) !== 0)) return `${GP}(${code})`;
    if (!(isCode && (type & 4) !== 0) && (rpl > dpl || cpl > dpl)) return `${GP}(${code})`;
    if (!isPresent) return `11(${code})`;
  }
  const marked = byte | 1;
  return [selector, marked, 0xffff, 0, 0, marked << 8].map((word) => word.toString(16)).join(' ');
}

describe('a load of a segment register', () => {
  for (const [segment, name] of [[SS, 'SS'], [DS, 'DS']] as const) {
    for (const table of ['GDT', 'LDT'] as const) {
      it(`of ${name} from the ${table}: each type, DPL, RPL and CPL`, () => {
        const machine = new Loads();
        for (let cpl = 0; cpl < 4; cpl++) {
          machine.set({ cpl });
          for (let rpl = 0; rpl < 4; rpl++) {
            for (let byte = 0; byte < 256; byte++) {
              const selector = 8 * INDEX | (table === 'LDT' ? LOCAL : 0) | rpl;
              assert.equal(machine.loaded(segment, selector, 0xffff, byte << 8), expected(segment, selector, cpl, byte), `CPL ${cpl}, RPL ${rpl}, ${byte.toString(16)}`);
            }
          }
        }
      });
    }
  }

  it('takes base and limit from where the descriptor has them, and counts the limit in pages with G', () => {
    const machine = new Loads();
    assert.equal(machine.loaded(DS, 8 * INDEX, 0x5678_cdef, 0x9a4b_9334 | 0), '28 4093 bcdef 9a345678 0 9a4b9334');
    assert.equal(machine.loaded(DS, 8 * INDEX, 0x5678_cdef, 0x9acb_9334 | 0), '28 c093 bcdeffff 9a345678 0 9acb9334');
  });

  it('needs the whole descriptor within its table, and a table', () => {
    const machine = new Loads();
    const { segments } = machine.processor;
    const good = (selector: number): string => machine.loaded(DS, selector, 0xffff, 0x9300);
    for (const [limit, isIn] of [[8 * INDEX + 7, true], [8 * INDEX + 6, false], [8 * INDEX, false], [7, false]] as const) {
      segments.setTable(DESCRIPTOR_TABLE.gdtr, GDT, 0, limit);
      assert.equal(good(8 * INDEX).startsWith('28 '), isIn, `GDT limit ${limit}`);
      segments.set(SEGMENT.ldtr, { selector: 0x40, rights: 0x82, limit, baseLo: LDT, baseHi: 0 });
      assert.equal(good(8 * INDEX | LOCAL).startsWith('2c '), isIn, `LDT limit ${limit}`);
    }
    segments.set(SEGMENT.ldtr, { selector: 0, rights: UNUSABLE, limit: 8 * INDEX + 7, baseLo: LDT, baseHi: 0 });
    assert.equal(good(8 * INDEX | LOCAL), `${GP}(${8 * INDEX | LOCAL})`, 'no LDT');
  });

  it('takes a null selector for DS, and for SS in 64-bit mode below CPL 3 with the RPL of the CPL', () => {
    for (const [mode, cs, efer] of [['protected', 0xa09b, 0], ['64-bit', 0xa09b, 0x500], ['compatibility', 0xc09b, 0x500]] as const) {
      for (let cpl = 0; cpl < 4; cpl++) {
        for (let rpl = 0; rpl < 4; rpl++) {
          const machine = new TestMachine();
          if (mode === 'protected') machine.set({ cr0: CR0.PE | CR0.ET, cr4: 0, efer });
          const { segments } = machine.processor;
          segments.set(SEGMENT.cs, { selector: 8 | cpl, rights: cs | cpl << 5, limit: -1, baseLo: 0, baseHi: 0 });
          machine.set({ cpl });
          for (const segment of [SS, DS]) {
            segments.set(segment, OLD);
            const status = machine.processor.loadSegment(segment, rpl);
            const isTaken = segment === DS || mode === '64-bit' && cpl < 3 && rpl === cpl;
            const where = `${segment === SS ? 'SS' : 'DS'} in ${mode} mode at CPL ${cpl}, RPL ${rpl}`;
            assert.equal(status, isTaken ? STATUS.done : STATUS.exception, where);
            if (!isTaken) assert.deepEqual([machine.processor.vector, machine.processor.errorCode], [GP, 0], where);
            else {
              const rights = segments.rights(segment);
              assert.deepEqual([segments.selector(segment), rights & UNUSABLE, rights >> SEGMENT_RIGHTS.dplShift & 3], [rpl, UNUSABLE, segment === SS ? cpl : 0], where);
            }
          }
        }
      }
    }
  });
});
