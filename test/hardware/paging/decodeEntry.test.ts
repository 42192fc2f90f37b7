import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { compileFormat } from '../../../src/hardware/paging/compiledFormat';
import { decodeEntry } from '../../../src/hardware/paging/decodeEntry';
import { EPT4 } from '../../../src/hardware/paging/formats/ept4';
import { EPT5 } from '../../../src/hardware/paging/formats/ept5';
import { LEGACY32 } from '../../../src/hardware/paging/formats/legacy32';
import { LONG4 } from '../../../src/hardware/paging/formats/long4';
import { LONG5 } from '../../../src/hardware/paging/formats/long5';
import { NPT_LEGACY32, NPT_LONG4, NPT_LONG5, NPT_PAE } from '../../../src/hardware/paging/formats/nestedPaging';
import { PAE } from '../../../src/hardware/paging/formats/pae';
import { rowApplies } from '../../../src/hardware/paging/pagingFormat';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { ROOT, TABLES, TablesByHand } from './tablesByHand';
import { A, D, halves, P, PS, R, RW, TestMachine, US, W, WB, X, XD } from '../testMachine';

const features = { maxphyaddr: 46, noExecute: 'on', executeOnly: 'on' } as const;
const long4 = compileFormat(LONG4, features);
const ept4 = compileFormat(EPT4, features);
const text = (entry: ReturnType<typeof decodeEntry>): string => entry.fields.map((field) => `${field.name}=${field.text}`).join(' ');

describe('an entry, decoded', () => {
  it('shows validity, rights, A/D, type and frame, in that order', () => {
    const pte = decodeEntry(long4, 1, ...halves(0x5000n | P | RW | US | A | D | XD | (3n << 59n)), 'gpa');
    assert.equal(text(pte), 'P=1 RW=1 US=1 XD=1 A=1 D=1 G=0 PWT=0 PCD=0 PAT=0 key=3 frame=gpa:0x5000');
    assert.deepEqual(pte.rights.map((right) => right.given), [true, true, false]);
    const pde = decodeEntry(long4, 2, ...halves(0x6000n | P), 'gpa');
    assert.equal(text(pde), 'P=1 RW=0 US=0 XD=0 A=0 PS=0 PWT=0 PCD=0 frame=gpa:0x6000');
    assert.deepEqual([pde.name, pde.leaf, pde.size, pde.frame], ['PDE', false, 0x20_0000n, 0x6000n]);
  });

  it('knows a large page by its size and frame', () => {
    const page = decodeEntry(long4, 3, ...halves(0xc000_0000n | P | PS | (1n << 12n)), 'gpa');
    assert.deepEqual([page.leaf, page.size, page.frame, page.fault], [true, 0x4000_0000n, 0xc000_0000n, undefined]);
    assert.match(text(page), /PAT=1/);
  });

  it('of EPT shows R W X, the memory type and the host-physical frame', () => {
    const leaf = decodeEntry(ept4, 1, ...halves(0x7000n | R | W | WB), 'hpa');
    assert.equal(text(leaf), 'R=1 W=1 X=0 A=0 D=0 memory type=WB IPAT=0 SVE=0 frame=hpa:0x7000');
    assert.equal(leaf.name, 'EPT PTE');
  });

  it('of a 4-MByte page leads above 4 GBytes (PSE-36), and means a table while CR4.PSE is 0', () => {
    const value = halves(0xc000_0000n | P | PS | (0xa5n << 13n));
    const page = decodeEntry(compileFormat(LEGACY32, { ...features, largePages: 'on' }), 2, ...value, 'gpa');
    assert.deepEqual([page.leaf, page.size, page.frame], [true, 0x40_0000n, 0xa5_c000_0000n]);
    assert.match(text(page), /frame=gpa:0xa5c0000000/);
    const table = decodeEntry(compileFormat(LEGACY32, { ...features, largePages: 'off' }), 2, ...value, 'gpa');
    const flagOf = (entry: typeof page): string | undefined => entry.fields.find(({ name }) => name === 'PS')?.meaning;
    assert.deepEqual([flagOf(page), flagOf(table)], ['maps a page', undefined], 'CR4.PSE = 0 has bit 7 ignored');
    assert.deepEqual([table.leaf, table.frame], [false, 0xc014_a000n]);
  });

  it('of PAE that is a PDPTE gives every right, and has none of their bits', () => {
    const pdpte = decodeEntry(compileFormat(PAE, features), 3, ...halves(0x5000n | P), 'gpa');
    assert.equal(text(pdpte), 'P=1 PWT=0 PCD=0 frame=gpa:0x5000');
    assert.deepEqual(pdpte.rights.map((right) => right.given), [true, true, true]);
    assert.equal(decodeEntry(compileFormat(PAE, features), 3, ...halves(0x5000n | P | RW), 'gpa').fault, 'reserved: bits 2:1 of a PDPTE');
  });

  it('of nested paging is named so, and leads to host-physical memory', () => {
    const pte = decodeEntry(compileFormat(NPT_LONG4, features), 1, ...halves(0x5000n | P), 'hpa');
    assert.equal(pte.name, 'nested PTE');
    assert.equal(pte.fields.at(-1)?.meaning, 'host-physical address');
  });

  it('that is not present shows no more than that', () => {
    assert.equal(text(decodeEntry(long4, 1, ...halves(0xffff_fff0n & ~P), 'gpa')), 'P=0');
    assert.equal(text(decodeEntry(ept4, 2, ...halves(0x5000n), 'hpa')), 'R=0 W=0 X=0');
  });

  it('of EPT that is not present shows the bit that suppresses #VE too, where it is set', () => {
    for (const level of [1, 2, 3, 4]) assert.equal(text(decodeEntry(ept4, level, ...halves(1n << 63n), 'hpa')), 'R=0 W=0 X=0 SVE=1');
    assert.match(text(decodeEntry(ept4, 1, ...halves(R | (1n << 63n)), 'hpa')), /SVE=1/);
    assert.doesNotMatch(text(decodeEntry(ept4, 2, ...halves(R | (1n << 63n)), 'hpa')), /SVE/, 'ignored where a table is referenced');
  });

  it('says what a walk would refuse in it', () => {
    assert.equal(decodeEntry(ept4, 1, ...halves(W), 'hpa').fault, 'illegal: writable but not readable');
    assert.equal(decodeEntry(long4, 4, ...halves(P | PS), 'gpa').fault, 'reserved: bit 7 (PS) of an entry that cannot map a page');
    assert.equal(decodeEntry(long4, 1, ...halves(P | (1n << 46n)), 'gpa').fault, 'reserved: an address bit above MAXPHYADDR');
  });

  it('is refused by the walk exactly when the decoder finds a fault, bit for bit', () => {
    const gva = 0x60_0000n;
    for (const level of [1, 2, 3, 4]) {
      for (const large of level === 2 || level === 3 ? [0n, PS] : [0n]) {
        for (let bit = 1n; bit < 64n; bit++) {
          const machine = new TestMachine();
          const value = P | large | (1n << bit);
          machine.put(machine.entryAt(gva, level), value);
          const isRefused = machine.walk(gva, ACCESS.read) === WALK.pageFault
            && (machine.processor.inspection.result.errorCode & 8) !== 0 && machine.processor.inspection.result.level === level;
          const decoded = decodeEntry(machine.processor.inspection.compiled, level, ...halves(value), 'gpa');
          assert.equal(isRefused, decoded.fault !== undefined, `bit ${bit} at level ${level}${large === 0n ? '' : ', large'}`);
        }
      }
    }
  });

  for (const mode of ['32-bit', 'pae', '5-level'] as const) {
    it(`of ${mode} tables is refused by the walk exactly when the decoder finds a fault, bit for bit`, () => {
      const tables = TABLES[mode];
      const top = tables.shifts.length;
      for (let depth = mode === 'pae' ? 1 : 0; depth < top; depth++) {
        for (const large of depth === top - 2 ? [0n, PS] : [0n]) {
          for (let bit = 1n; bit < tables.entryBytes * 8n; bit++) {
            const machine = new TablesByHand();
            machine.map(tables, ROOT, 0x60_0000n, P | large | (1n << bit), depth);
            machine.enter(mode);
            const isRefused = machine.walk(0x60_0000n, ACCESS.read) === WALK.pageFault
              && (machine.processor.inspection.result.errorCode & 8) !== 0 && machine.processor.inspection.result.level === top - depth;
            const decoded = decodeEntry(machine.processor.inspection.compiled, top - depth, ...halves(P | large | (1n << bit)), 'gpa');
            assert.equal(isRefused, decoded.fault !== undefined, `bit ${bit} at depth ${depth}${large === 0n ? '' : ', large'}`);
          }
        }
      }
    });
  }
});

describe('the formats', () => {
  for (const format of [LEGACY32, PAE, LONG4, LONG5, EPT4, EPT5, NPT_LEGACY32, NPT_PAE, NPT_LONG4, NPT_LONG5]) {
    it(`${format.name}: no two fields of an entry share a bit, and each level has a name and a frame`, () => {
      for (let level = 1; level <= format.levels; level++) {
        assert.ok(format.levelNames[level]);
        for (const use of level === 1 ? ['leaf'] as const : format.leafLevels.includes(level) ? ['leaf', 'table'] as const : ['table'] as const) {
          let taken = 0n;
          const rows = format.fields.filter((row) => rowApplies(row, level, use));
          for (const { name, bits: [high, low] } of rows) {
            const mask = ((1n << BigInt(high - low + 1)) - 1n) << BigInt(low);
            assert.equal(taken & mask, 0n, `${name} of a ${use} at level ${level}`);
            taken |= mask;
          }
          assert.ok(rows.some((row) => row.print === 'frame'), `frame of a ${use} at level ${level}`);
        }
      }
    });
  }

  it('count X only where the entry gives R, W or X', () => {
    assert.equal(decodeEntry(ept4, 1, ...halves(X), 'hpa').present, true);
    assert.equal(decodeEntry(ept4, 1, ...halves(1n << 10n), 'hpa').present, false);
  });
});
