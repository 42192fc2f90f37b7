import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { CR0, CR4, EFER } from '../../../src/hardware/processor/controlRegisters';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { type ProcessorSettings, RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { A, D, P, PS, R, RW, US, W, WB, X, XD } from '../testMachine';
import { EPT_LEAF, NESTED_ROOT, PAGING, ROOT, TABLES, TablesByHand } from './tablesByHand';

const PAGE = 0x8060_1000n;
/** A table of PDPTEs need only be 32-byte aligned. */
const PDPT = ROOT + 0x20n;
const tables = TABLES.pae;
const pae = (settings: Partial<ProcessorSettings> = {}): TablesByHand => new TablesByHand(settings);

/** PAGE mapped, the mode not yet entered. */
function prepared(settings: Partial<ProcessorSettings> = {}): TablesByHand {
  const machine = pae(settings);
  machine.map(tables, PDPT, PAGE, 0x9000n | P | RW | US);
  return machine;
}

describe('PAE paging', () => {
  it('maps 4-KByte and 2-MByte pages by two references, the PDPTE being in a register', () => {
    const machine = prepared();
    machine.map(tables, PDPT, 0x8080_0000n, 0x9_0020_0000n | P | PS, 1);
    machine.enter('pae', PDPT);
    assert.equal(machine.load(PAGE + 0xabcn), STATUS.done);
    assert.equal(machine.hpa, 0x9abcn);
    assert.equal(machine.processor.space.result.references, 2);
    assert.equal(machine.load(0x8081_2345n), STATUS.done);
    assert.equal(machine.hpa, 0x9_0021_2345n);
    assert.equal(machine.processor.space.result.references, 1);
  });

  it('sets flags in PDE and PTE, and none in the PDPTE, in memory or register', () => {
    const machine = prepared().enter('pae', PDPT);
    const pdpte = machine.word(PDPT + 16n);
    machine.store(PAGE, 1n);
    assert.deepEqual([machine.word(PDPT + 16n), machine.pdpte(2)], [pdpte, pdpte]);
    const flags = [1, 2].map((depth) => machine.word(machine.entryAt(tables, PDPT, PAGE, depth)) & (A | D));
    assert.deepEqual(flags, [A, A | D]);
  });

  it('is a page fault with P = 0 where the PDPTE is not present', () => {
    const machine = prepared().enter('pae', PDPT);
    machine.store(0xc000_0000n, 1n);
    assert.deepEqual(machine.fault, [14, 2, 0xc000_0000n]);
    assert.equal(machine.processor.space.result.level, 3);
  });

  it('reserves bits 62:52 of PDE and PTE, XD without NXE, and 20:13 of a 2-MByte page', () => {
    for (const [depth, bits, efer] of [
      ...Array.from({ length: 11 }, (_, n) => [[1, 1n << BigInt(52 + n), EFER.NXE], [2, 1n << BigInt(52 + n), EFER.NXE]] as const).flat(),
      [1, XD, 0], [2, XD, 0], [1, 1n << 46n, 0], [2, 1n << 51n, 0],
      ...Array.from({ length: 8 }, (_, n) => [1, PS | (1n << BigInt(13 + n)), 0] as const),
    ] as const) {
      const machine = prepared().enter('pae', PDPT, { efer });
      const entry = machine.entryAt(tables, PDPT, PAGE, depth);
      machine.put(entry, machine.word(entry) & (depth === 1 && bits & PS ? 0xfffn : -1n) | bits);
      machine.load(PAGE);
      assert.deepEqual(machine.fault.slice(0, 2), [14, 0b1001], `0x${bits.toString(16)} at depth ${depth}`);
    }
  });

  it('honours XD with NXE, at either level', () => {
    for (const depth of [1, 2]) {
      const machine = prepared().enter('pae', PDPT);
      const entry = machine.entryAt(tables, PDPT, PAGE, depth);
      machine.put(entry, machine.word(entry) | XD);
      assert.equal(machine.fetch(PAGE), STATUS.exception);
      assert.equal(machine.fault[1], 0x11);
      assert.equal(machine.load(PAGE), STATUS.done);
    }
  });

  it('lets an access cross from one page directory into the next, and round the end of 4 GBytes', () => {
    const machine = prepared();
    for (const [gva, hpa] of [[0x7fff_f000n, 0x5000n], [0x8000_0000n, 0x6000n], [0xffff_f000n, 0x7000n], [0n, 0x8000n]] as const) {
      machine.map(tables, PDPT, gva, hpa | P | RW);
    }
    machine.enter('pae', PDPT);
    assert.equal(machine.store(0x7fff_fffdn, 0x4433_2211n, 4), STATUS.done);
    assert.deepEqual([machine.word(0x5ff8n) >> 40n, machine.word(0x6000n)], [0x33_2211n, 0x44n]);
    assert.equal(machine.store(0xffff_ffffn, 0x4433_2211n, 4), STATUS.done);
    assert.deepEqual([machine.word(0x7ff8n) >> 56n, machine.word(0x8000n)], [0x11n, 0x44_3322n]);
    machine.put(machine.entryAt(tables, PDPT, 0x8000_0000n, 2), 0n);
    machine.processor.invlpg(0x8000_0000 | 0, 0);
    machine.store(0x7fff_fffdn, 0n, 4);
    assert.deepEqual(machine.fault, [14, 2, 0x8000_0000n]);
    assert.equal(machine.word(0x5ff8n) >> 40n, 0x33_2211n, 'the first page is as it was');
  });
});

describe('the PDPTE registers', () => {
  it('are loaded by the MOV to CR0 that turns PAE paging on', () => {
    const machine = prepared().set({ cr0: CR0.PE, cr4: CR4.PAE, cr3: PDPT });
    assert.equal(machine.pdpte(2), 0n);
    assert.equal(machine.move('cr0', PAGING.pae.cr0), STATUS.done);
    assert.equal(machine.pdpte(2), machine.word(PDPT + 16n));
    assert.equal(machine.load(PAGE), STATUS.done);
  });

  it('stay as they are when memory changes, INVLPG or not, until a MOV to CR3 loads them', () => {
    const machine = prepared().enter('pae', PDPT);
    machine.put(PDPT + 16n, 0n);
    machine.processor.invlpg(Number(PAGE) | 0, 0);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.move('cr3', PDPT), STATUS.done);
    assert.equal(machine.load(PAGE), STATUS.exception);
  });

  for (const [register, bit, loads] of [
    ['cr4', CR4.PGE, true], ['cr4', CR4.PSE, true], ['cr4', CR4.SMEP, true], ['cr4', CR4.SMAP, false], ['cr4', CR4.DE, false],
    ['cr0', CR0.CD, true], ['cr0', CR0.WP, false], ['cr0', CR0.TS, false],
  ] as const) {
    it(`are ${loads ? '' : 'not '}loaded by a MOV that changes 0x${(bit >>> 0).toString(16)} of ${register}`, () => {
      const machine = prepared().enter('pae', PDPT);
      machine.put(PDPT, 0x5000n | P);
      assert.equal(machine.move(register, machine.register(register) ^ BigInt(bit >>> 0)), STATUS.done);
      assert.equal(machine.pdpte(0), loads ? 0x5000n | P : 0n);
    });
  }

  it('are not loaded in other modes', () => {
    const machine = prepared().enter('4-level', PDPT & ~0xfffn);
    assert.equal(machine.move('cr3', PDPT & ~0xfffn), STATUS.done);
    assert.equal(machine.pdpte(2), 0n);
  });

  it('refuse a present PDPTE with any reserved bit: #GP(0), and neither they nor CR3 change', () => {
    for (const maxphyaddr of [36, 46, 52]) {
      const machine = prepared({ maxphyaddr }).enter('pae', PDPT);
      const reserved = [1, 2, 5, 6, 7, 8, ...Array.from({ length: 64 - maxphyaddr }, (_, n) => maxphyaddr + n)];
      const other = ROOT + 0x40n;
      for (let bit = 1; bit < 64; bit++) {
        machine.put(other + 24n, P | (1n << BigInt(bit)));
        machine.put(other, 0x1000n | P);
        const isLegal = !reserved.includes(bit);
        assert.equal(machine.move('cr3', other), isLegal ? STATUS.done : STATUS.exception, `bit ${bit} of ${maxphyaddr}`);
        if (!isLegal) assert.deepEqual(machine.fault.slice(0, 2), [13, 0]);
        assert.deepEqual([machine.register('cr3'), machine.pdpte(0)], isLegal ? [other, 0x1000n | P] : [PDPT, 0n], `bit ${bit}`);
        machine.put(other + 24n, 1n << BigInt(bit));
        assert.equal(machine.move('cr3', other), STATUS.done, `bit ${bit} means nothing without P`);
        machine.move('cr3', PDPT);
      }
    }
  });

  it('refuse CR0.PG in the same way, and paging stays off', () => {
    const machine = prepared().set({ cr0: CR0.PE, cr4: CR4.PAE, cr3: PDPT });
    machine.put(PDPT, P | RW);
    assert.equal(machine.move('cr0', PAGING.pae.cr0), STATUS.exception);
    assert.deepEqual(machine.fault.slice(0, 2), [13, 0]);
    assert.equal(machine.register('cr0'), BigInt(CR0.PE));
  });

  it('go back with a checkpoint', () => {
    const machine = prepared().enter('pae', PDPT);
    const before = machine.registry.checkpoint();
    machine.move('cr3', ROOT + 0x40n);
    assert.equal(machine.pdpte(2), 0n);
    machine.registry.restore(before);
    machine.processor.reload();
    assert.equal(machine.load(PAGE), STATUS.done);
  });
});

describe('the PDPTE registers of a guest', () => {
  const EPTP = NESTED_ROOT | 0x1en;
  const AD = 0x40n;

  function behindEpt(eptp: bigint, machine = prepared()): TablesByHand {
    machine.mapLowMemory(TABLES.ept4, EPT_LEAF);
    machine.enter('pae', PDPT);
    return machine.enterVmx(eptp, { guest_pdpte2: machine.pdpte(2) });
  }

  it('come from the VMCS while EPT is on, whatever lies at CR3, and go back there', () => {
    const machine = behindEpt(EPTP);
    machine.put(PDPT + 16n, 0n);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.processor.space.result.references, 14, '(2 + 1)(4 + 1) - 1');
    machine.put(machine.entryAt(TABLES.ept4, NESTED_ROOT, 0x9000n, 3), 0n);
    machine.setVmcs({ guest_pdpte2: 0n });
    machine.processor.invvpid();
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.equal(machine.vmcs('guest_pdpte2'), machine.pdpte(2));
  });

  it('come from memory while EPT is off', () => {
    const machine = prepared().enter('pae', PDPT);
    machine.put(PDPT, 0x5000n | P);
    machine.enterVmx(0n, { secondary_controls: 0, guest_pdpte2: 0n });
    assert.deepEqual([machine.pdpte(0), machine.pdpte(2)], [0x5000n | P, machine.word(PDPT + 16n)]);
  });

  for (const [name, eptp] of [['off', EPTP], ['on', EPTP | AD]] as const) {
    it(`are read by a MOV to CR3 through EPT as data, with accessed and dirty flags ${name}`, () => {
      const machine = behindEpt(eptp);
      const leaf = machine.entryAt(TABLES.ept4, NESTED_ROOT, PDPT, 3);
      machine.put(leaf, (ROOT & ~0xfffn) | R | WB);
      assert.equal(machine.move('cr3', PDPT), STATUS.done, 'read access is enough');
      assert.equal(machine.word(leaf) >> 8n & 3n, eptp & AD ? 1n : 0n, 'accessed, and not dirty');
    });

    it(`exit for an EPT violation without a linear address, and the MOV runs again, with the flags ${name}`, () => {
      const machine = behindEpt(eptp);
      const leaf = machine.entryAt(TABLES.ept4, NESTED_ROOT, PDPT, 3);
      const open = machine.word(leaf);
      machine.put(leaf, ROOT & ~0xfffn | X);
      const seen: bigint[] = [];
      machine.onExit = () => {
        seen.push(machine.vmcs('exit_reason'), machine.vmcs('exit_qualification'), machine.vmcs('guest_physical_address'));
        machine.put(leaf, open);
        return RESUME.retry;
      };
      assert.equal(machine.move('cr3', PDPT), STATUS.done);
      assert.deepEqual(seen, [BigInt(EXIT_REASON.ept_violation), 0b100_001n, PDPT]);
      assert.equal(machine.register('cr3'), PDPT);
    });
  }

  it('are read at last when EPT gave a right back, whatever its paging-structure caches had', () => {
    const machine = behindEpt(EPTP, prepared({ walkCaches: 'on' }));
    const above = machine.entryAt(TABLES.ept4, NESTED_ROOT, PDPT, 0);
    const open = machine.word(above);
    machine.put(above, open & ~R & ~W);
    machine.set({ cr0: CR0.PE, cr4: CR4.PAE });
    assert.equal(machine.fetch(0x9000n), STATUS.done, 'so that the right to execute is cached, and no other');
    machine.onExit = () => {
      machine.put(above, open);
      return RESUME.retry;
    };
    machine.set({ cr0: CR0.PE | CR0.PG, cr4: CR4.PAE });
    assert.equal(machine.move('cr3', PDPT), STATUS.done);
    assert.deepEqual([machine.processor.stopReason, machine.exits], ['', 1]);
  });

  it('exit for an EPT misconfiguration of their page, and nothing is loaded', () => {
    const machine = behindEpt(EPTP);
    machine.put(machine.entryAt(TABLES.ept4, NESTED_ROOT, PDPT, 3), W);
    assert.equal(machine.move('cr3', ROOT + 0x40n), STATUS.stopped);
    assert.deepEqual([machine.vmcs('exit_reason'), machine.vmcs('guest_physical_address')], [49n, ROOT + 0x40n]);
    assert.equal(machine.register('cr3'), PDPT);
  });

  it('that are illegal are the guest\'s own #GP(0), behind EPT too', () => {
    const machine = behindEpt(EPTP);
    machine.put(ROOT + 0x40n, P | US);
    assert.equal(machine.move('cr3', ROOT + 0x40n), STATUS.exception);
    assert.deepEqual([machine.fault[0], machine.exits], [13, 0]);
  });
});

describe('the registers that select a paging mode', () => {
  const refused = [13, 0] as const;
  for (const [name, registers, register, value] of [
    ['PG without PE', { cr0: 0 }, 'cr0', CR0.PG], ['PG with LME and without PAE', { cr0: CR0.PE, efer: EFER.LME }, 'cr0', CR0.PE | CR0.PG],
    ['PCIDs outside long mode', PAGING.pae, 'cr4', CR4.PAE | CR4.PCIDE], ['LME while PAE paging is on', PAGING.pae, 'efer', EFER.LME],
    ['NW without CD', PAGING['32-bit'], 'cr0', CR0.PE | CR0.PG | CR0.NW], ['PAE off in 5-level paging', PAGING['5-level'], 'cr4', CR4.LA57],
    ['LA57 off in 5-level paging', PAGING['5-level'], 'cr4', CR4.PAE], ['LME off in 4-level paging', PAGING['4-level'], 'efer', EFER.NXE],
  ] as const) {
    it(`refuse ${name} with #GP(0)`, () => {
      const machine = pae().set({ cr4: 0, efer: 0, cr3: ROOT, ...registers });
      const before = machine.register(register);
      assert.equal(machine.move(register, value), STATUS.exception);
      assert.deepEqual([...machine.fault.slice(0, 2), machine.register(register)], [...refused, before]);
    });
  }

  it('switch from 32-bit to PAE paging and back under way, and each walk is that of its mode', () => {
    const machine = prepared().enter('32-bit', PDPT);
    assert.equal(machine.processor.space.format.name, '32-bit');
    assert.equal(machine.move('cr4', CR4.PAE), STATUS.done);
    assert.equal(machine.processor.space.format.name, 'PAE');
    assert.equal(machine.walk(PAGE, ACCESS.read), WALK.mapped);
    assert.equal(machine.move('cr4', 0), STATUS.done);
    assert.equal(machine.processor.space.format.name, '32-bit');
    assert.equal(machine.move('cr0', CR0.PE), STATUS.done);
    assert.equal(machine.processor.space.format.name, 'none');
  });

  it('take LA57 and no effect of it outside long mode', () => {
    const machine = prepared().enter('pae', PDPT, { cr4: CR4.PAE | CR4.LA57 });
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.load(1n << 32n), STATUS.exception);
    assert.equal(machine.fault[0], 13);
  });
});
