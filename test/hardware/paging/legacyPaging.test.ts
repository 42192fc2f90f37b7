import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { CR0, CR4, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { refusalText } from '../../../src/hardware/paging/refusalText';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { A, D, halves, P, PS, RW, US } from '../testMachine';
import { ROOT, TABLES, TablesByHand } from './tablesByHand';

const PAGE = 0x8060_1000n;
const tables = TABLES['32-bit'];

function legacy(maxphyaddr = 46): TablesByHand {
  return new TablesByHand({ maxphyaddr }).enter('32-bit');
}

describe('32-bit paging', () => {
  it('maps 4-KByte pages by two 4-byte entries, and flags leave the neighbours in their words alone', () => {
    const machine = legacy();
    const pte = machine.map(tables, ROOT, PAGE, 0xffff_9000n | P | RW);
    const pde = machine.entryAt(tables, ROOT, PAGE, 0);
    machine.put(pte ^ 4n, 0x1234_5678n, 4n);
    machine.put(pde ^ 4n, 0x8765_4321n, 4n);
    assert.equal(machine.store(PAGE + 0xabcn, 7n), STATUS.done);
    assert.equal(machine.hpa, 0xffff_9abcn);
    assert.deepEqual([machine.word(pte, 4n) & (A | D), machine.word(pde, 4n) & (A | D)], [A | D, A]);
    assert.deepEqual([machine.word(pte ^ 4n, 4n), machine.word(pde ^ 4n, 4n)], [0x1234_5678n, 0x8765_4321n]);
    assert.equal(machine.processor.space.result.references, 2);
  });

  it('maps 4-MByte pages while CR4.PSE is 1, and ignores bit 7 of a PDE while it is 0', () => {
    const machine = legacy();
    const table = 0x40_0000n;
    machine.map(tables, ROOT, PAGE, table | P | PS, 0);
    machine.put(table + 4n, 0x9000n | P, 4n);
    const large = 0x8060_1000n & 0x3f_ffffn;
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.hpa, table | large);
    assert.equal(machine.processor.space.result.effectiveShift, 22);
    machine.set({ cr4: 0 });
    machine.put(table + ((PAGE >> 12n) & 0x3ffn) * 4n, 0x9000n | P, 4n);
    assert.equal(machine.walk(PAGE, ACCESS.read), WALK.mapped);
    assert.equal(machine.processor.inspection.result.hpaLo, 0x9000);
    // Bits that a large page reserves reference a table here.
    machine.map(tables, ROOT, PAGE, table | P | PS | (1n << 21n), 0);
    assert.equal(machine.walk(PAGE, ACCESS.read), WALK.pageFault);
    assert.equal(machine.processor.inspection.result.errorCode, 0, 'not present in the table there, and nothing reserved');
  });

  for (const [maxphyaddr, width] of [[32, 0], [36, 4], [39, 7], [40, 8], [46, 8], [52, 8]] as const) {
    it(`takes address bits 39:32 of a 4-MByte page from bits 20:13, as far as MAXPHYADDR ${maxphyaddr} allows (PSE-36)`, () => {
      const machine = legacy(maxphyaddr);
      for (let bit = 0; bit < 8; bit++) {
        machine.map(tables, ROOT, PAGE, 0x40_0000n | P | PS | (1n << BigInt(13 + bit)), 0);
        const isAddress = bit < width;
        assert.equal(machine.walk(PAGE, ACCESS.read), isAddress ? WALK.mapped : WALK.pageFault, `bit ${13 + bit}`);
        const { result } = machine.processor.inspection;
        if (isAddress) assert.equal(result.hpaHi, 1 << bit);
        else assert.equal(result.errorCode, 0b1001);
      }
      machine.map(tables, ROOT, PAGE, 0x40_0000n | P | PS | (1n << 21n), 0);
      assert.equal(machine.walk(PAGE, ACCESS.read), WALK.pageFault);
      assert.match(refusalText(machine.processor.inspection) ?? '', /bit 21 of a 4-MByte page/);
    });
  }

  it('has no XD: fetches are told from reads only by SMEP, whatever EFER.NXE says', () => {
    const machine = legacy();
    machine.map(tables, ROOT, PAGE, 0x9000n | P | US);
    machine.set({ efer: EFER.NXE });
    assert.equal(machine.fetch(PAGE), STATUS.done);
    machine.fetch(PAGE + 0x1000n);
    assert.deepEqual(machine.fault, [14, 0, PAGE + 0x1000n]);
    machine.set({ cr4: CR4.SMEP });
    machine.fetch(PAGE + 0x1000n);
    assert.equal(machine.fault[1], 0x10);
    assert.equal(machine.walk(PAGE, ACCESS.fetch), WALK.pageFault);
  });

  it('knows no protection keys, though CR4.PKE is 1', () => {
    const machine = legacy();
    machine.map(tables, ROOT, PAGE, 0x9000n | P | US | RW);
    machine.set({ cr4: CR4.PKE, pkru: 0xffff_ffff });
    assert.equal(machine.load(PAGE), STATUS.done);
  });

  it('takes linear addresses of 32 bits: one above is #GP(0), and an access past the last byte goes on at 0', () => {
    const machine = legacy();
    machine.map(tables, ROOT, 0xffff_f000n, 0x9000n | P | RW);
    machine.map(tables, ROOT, 0n, 0x5000n | P | RW);
    assert.equal(machine.load(0x1_0000_0000n), STATUS.exception);
    assert.equal(machine.fault[0], 13);
    assert.equal(machine.store(0xffff_fffen, 0x4433_2211n, 4), STATUS.done);
    assert.equal(machine.word(0x9ff8n) >> 48n, 0x2211n);
    assert.equal(machine.word(0x5000n), 0x4433n);
  });

  it('lets an access cross from a 4-KByte into a 4-MByte page, and faults for the second page with nothing written', () => {
    const machine = legacy();
    const edge = 0x8040_0000n;
    machine.map(tables, ROOT, edge - 0x1000n, 0x9000n | P | RW);
    assert.equal(machine.store(edge - 2n, 0x4433_2211n, 4), STATUS.exception);
    assert.deepEqual(machine.fault, [14, 2, edge]);
    assert.equal(machine.word(0x9ff8n), 0n);
    machine.map(tables, ROOT, edge, 0x80_0000n | P | RW | PS, 0);
    assert.equal(machine.store(edge - 2n, 0x4433_2211n, 4), STATUS.done);
    assert.deepEqual([machine.word(0x9ff8n) >> 48n, machine.word(0x80_0000n)], [0x2211n, 0x4433n]);
  });

  it('caches a 4-MByte page in one line beside 4-KByte pages, and INVLPG of any address in it drops it', () => {
    const machine = legacy();
    const holds = (gva: bigint): boolean => machine.processor.tlb.peek(...halves(gva)) >= 0;
    machine.map(tables, ROOT, 0x8040_0000n, 0x80_0000n | P | PS, 0);
    machine.map(tables, ROOT, PAGE, 0x9000n | P);
    machine.map(tables, ROOT, 0x8080_1000n, 0x9000n | P);
    machine.load(0x8040_0000n);
    machine.load(0x8080_1000n);
    assert.deepEqual([holds(0x807f_ffffn), holds(0x8080_0000n), holds(0x8080_1000n), holds(0x803f_ffffn)], [true, false, true, false]);
    machine.processor.invlpg(...halves(0x8070_0000n));
    assert.deepEqual([holds(0x8040_0000n), holds(0x8080_1000n)], [false, true]);
  });
});

describe('access rights of 32-bit paging', () => {
  const facts = ['wp', 'smep', 'smap', 'ac', 'pdePresent', 'pdeWritable', 'pdeUser', 'ptePresent', 'pteWritable', 'pteUser'] as const;
  type Case = Readonly<Record<(typeof facts)[number], boolean>>;

  /** SDM Vol. 3, "Determination of Access Rights" and "Page-Fault Exceptions", from their prose. */
  function oracle(c: Case, user: boolean, what: 'read' | 'write' | 'fetch'): number | undefined {
    const base = (what === 'write' ? 2 : 0) | (user ? 4 : 0) | (what === 'fetch' && c.smep ? 16 : 0);
    if (!c.pdePresent || !c.ptePresent) return base;
    const userAddress = c.pdeUser && c.pteUser;
    const writable = c.pdeWritable && c.pteWritable;
    const isAllowed = user ? userAddress && (what !== 'write' || writable)
      : what === 'write' ? (writable || !c.wp) && (!userAddress || !c.smap || c.ac)
        : what === 'read' ? !userAddress || !c.smap || c.ac : !userAddress || !c.smep;
    return isAllowed ? undefined : base | 1;
  }

  it('are those of the manual in every combination', () => {
    const machine = legacy();
    const pte = machine.entryAt(tables, ROOT, PAGE, 1);
    const pde = machine.entryAt(tables, ROOT, PAGE, 0);
    let refused = 0;
    for (let number = 0; number < 1 << facts.length; number++) {
      const c = Object.fromEntries(facts.map((fact, bit) => [fact, ((number >> bit) & 1) === 1])) as Case;
      machine.set({
        cr0: CR0.PE | CR0.PG | (c.wp ? CR0.WP : 0), cr4: (c.smep ? CR4.SMEP : 0) | (c.smap ? CR4.SMAP : 0),
        rflags: RFLAGS.fixed | (c.ac ? RFLAGS.AC : 0),
      });
      machine.put(pde, (pte & ~0xfffn) | (c.pdePresent ? P : 0n) | (c.pdeWritable ? RW : 0n) | (c.pdeUser ? US : 0n), 4n);
      machine.put(pte, 0x9000n | (c.ptePresent ? P : 0n) | (c.pteWritable ? RW : 0n) | (c.pteUser ? US : 0n), 4n);
      for (const what of ['read', 'write', 'fetch'] as const) {
        for (const user of [false, true]) {
          const expected = oracle(c, user, what);
          const isMapped = machine.walk(PAGE, ACCESS[what] | (user ? ACCESS.user : 0)) === WALK.mapped;
          const actual = isMapped ? undefined : machine.processor.inspection.result.errorCode;
          assert.equal(actual, expected, `${user ? 'user' : 'supervisor'} ${what} with ${facts.filter((fact) => c[fact]).join(' ')}`);
          if (expected !== undefined) refused++;
        }
      }
    }
    assert.ok(refused > 4000 && refused < 6144);
  });
});
