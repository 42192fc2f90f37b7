import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { refusalText } from '../../../src/hardware/paging/refusalText';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { CR0, CR4, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { P, RW, TestMachine, US } from '../testMachine';
import { ROOT, TABLES, TablesByHand } from './tablesByHand';

const PAGE = 0x60_0000n;
const KEY = 5;
const KEY_BITS = BigInt(KEY) << 59n;
const ACCESS_DISABLE = 1 << (2 * KEY);
const WRITE_DISABLE = 2 << (2 * KEY);

/** Facts of one case, each a name that is printed when it fails. */
const facts = ['pke', 'pks', 'wp', 'smap', 'ac', 'userPage', 'writablePage', 'pkruAd', 'pkruWd', 'pkrsAd', 'pkrsWd'] as const;
type Case = Readonly<Record<(typeof facts)[number], boolean>>;
const accesses = {
  'user read': ACCESS.read | ACCESS.user, 'user write': ACCESS.write | ACCESS.user, 'user fetch': ACCESS.fetch | ACCESS.user,
  'supervisor read': ACCESS.read, 'supervisor write': ACCESS.write, 'supervisor fetch': ACCESS.fetch,
  'implicit read': ACCESS.read | ACCESS.implicit, 'implicit write': ACCESS.write | ACCESS.implicit,
} as const;
type AccessName = keyof typeof accesses;

/**
 * The error code that SDM Vol. 3 asks for in "Protection Keys", "Determination of Access Rights" and "Page-Fault
 * Exceptions"; undefined: allowed. A key is judged by the register of the address's mode, PKRU for user-mode addresses and
 * IA32_PKRS for supervisor-mode ones, and only for data.
 */
function oracle(c: Case, name: AccessName): number | undefined {
  const [who, what] = name.split(' ') as ['user' | 'supervisor' | 'implicit', 'read' | 'write' | 'fetch'];
  const byUser = who === 'user';
  let refused = byUser && !c.userPage || what === 'write' && !c.writablePage && (byUser || c.wp);
  if (!byUser && what !== 'fetch' && c.userPage && c.smap && (!c.ac || who === 'implicit')) refused = true;
  let byKey = false;
  if (what !== 'fetch' && (c.userPage ? c.pke : c.pks)) {
    const [accessDisable, writeDisable] = c.userPage ? [c.pkruAd, c.pkruWd] : [c.pkrsAd, c.pkrsWd];
    // PKRU: "supervisor-mode write accesses" need CR0.WP = 1. IA32_PKRS: "write accesses are not permitted if CR0.WP = 1", whoever writes.
    byKey = accessDisable || writeDisable && what === 'write' && (byUser && c.userPage || c.wp);
  }
  if (!refused && !byKey) return undefined;
  return 1 | (what === 'write' ? 2 : 0) | (byUser ? 4 : 0) | (what === 'fetch' ? 16 : 0) | (byKey ? 32 : 0);
}

function setKeys(machine: TestMachine | TablesByHand, pkru: number, pkrs: number): void {
  machine.processor.registers[2 * REGISTER.pkru] = pkru;
  machine.processor.registers[2 * REGISTER.pkrs] = pkrs;
  machine.processor.reload();
}

describe('protection keys', () => {
  it('refuse as the manual says in every combination of controls, page, registers and access', () => {
    const machine = new TestMachine();
    let refused = 0;
    for (let number = 0; number < 1 << facts.length; number++) {
      const c = Object.fromEntries(facts.map((fact, bit) => [fact, ((number >> bit) & 1) === 1])) as Case;
      machine.map(PAGE, 0x5000n, P | (c.userPage ? US : 0n) | (c.writablePage ? RW : 0n) | KEY_BITS);
      machine.set({
        cr0: (CR0.PE | CR0.PG | (c.wp ? CR0.WP : 0)) >>> 0,
        cr4: CR4.PAE | (c.pke ? CR4.PKE : 0) | (c.pks ? CR4.PKS : 0) | (c.smap ? CR4.SMAP : 0),
        rflags: RFLAGS.fixed | (c.ac ? RFLAGS.AC : 0),
      });
      setKeys(
        machine, (c.pkruAd ? ACCESS_DISABLE : 0) | (c.pkruWd ? WRITE_DISABLE : 0), (c.pkrsAd ? ACCESS_DISABLE : 0) | (c.pkrsWd ? WRITE_DISABLE : 0),
      );
      for (const [name, access] of Object.entries(accesses) as [AccessName, number][]) {
        const outcome = machine.walk(PAGE, access);
        const actual = outcome === WALK.mapped ? undefined : machine.processor.inspection.result.errorCode;
        const expected = oracle(c, name);
        assert.equal(actual, expected, `${name} with ${facts.filter((fact) => c[fact]).join(' ')}`);
        if (expected !== undefined) refused++;
      }
    }
    assert.ok(refused > 4000, `${refused} of 16384 refused`);
  });

  /** SDM Vol. 3, "Page-Fault Exceptions": PK tells of the key and the access to data, whatever else refuses the access. */
  it('say so in the error code of a user-mode access that U/S refuses as well; write disable of IA32_PKRS counts with CR0.WP alone', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x5000n, P | RW | KEY_BITS);
    const code = (wp: number, pkrs: number, access: number): string => {
      machine.set({ cr0: (CR0.PE | CR0.PG | wp) >>> 0, cr4: CR4.PAE | CR4.PKS });
      setKeys(machine, 0, pkrs);
      assert.equal(machine.walk(PAGE, access | ACCESS.user), WALK.pageFault);
      return machine.processor.inspection.result.errorCode.toString(2);
    };
    assert.equal(code(0, ACCESS_DISABLE, ACCESS.read), '100101');
    assert.equal(code(0, ACCESS_DISABLE, ACCESS.write), '100111');
    assert.equal(code(0, WRITE_DISABLE, ACCESS.read), '101');
    assert.equal(code(0, WRITE_DISABLE, ACCESS.write), '111');
    assert.equal(code(CR0.WP, WRITE_DISABLE, ACCESS.write), '100111');
    assert.equal(code(CR0.WP, ACCESS_DISABLE | WRITE_DISABLE, ACCESS.fetch), '10101', 'no key refuses a fetch');
  });

  it('have 16 supervisor keys, each with two bits of its own', () => {
    const machine = new TestMachine();
    machine.set({ cr4: CR4.PAE | CR4.PKS });
    for (let key = 0; key < 16; key++) {
      machine.map(PAGE, 0x5000n, P | RW | (BigInt(key) << 59n));
      for (let bit = 0; bit < 32; bit++) {
        setKeys(machine, -1, 1 << bit);
        const isRefused = machine.walk(PAGE, ACCESS.write) === WALK.pageFault;
        assert.equal(isRefused, bit >> 1 === key, `key ${key}, bit ${bit}`);
      }
    }
  });

  it('go by the mode that all entries together give the address: U/S = 0 above makes it the supervisor\'s', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x5000n, P | RW | US | KEY_BITS);
    machine.set({ cr4: CR4.PAE | CR4.PKE | CR4.PKS });
    setKeys(machine, ACCESS_DISABLE, 0);
    assert.equal(machine.walk(PAGE, ACCESS.read), WALK.pageFault);
    const table = machine.entryAt(PAGE, 3);
    machine.put(table, machine.word(table) & ~US);
    assert.equal(machine.walk(PAGE, ACCESS.read), WALK.mapped);
    setKeys(machine, 0, ACCESS_DISABLE);
    assert.equal(machine.walk(PAGE, ACCESS.read), WALK.pageFault);
    assert.equal(refusalText(machine.processor.inspection), `protection key ${KEY} refuses the access`);
  });

  it('do not hold in PAE and 32-bit paging, which have no key in an entry', () => {
    for (const mode of ['pae', '32-bit'] as const) {
      const machine = new TablesByHand();
      machine.map(TABLES[mode], ROOT, PAGE, 0x9000n | P | RW);
      machine.enter(mode);
      machine.set({ cr4: Number(machine.register('cr4')) | CR4.PKS });
      setKeys(machine, -1, -1);
      assert.equal(machine.walk(PAGE, ACCESS.write), WALK.mapped);
    }
  });

  it('are taken from a large page\'s entry, and in 5-level paging', () => {
    const machine = new TestMachine();
    machine.set({ cr4: CR4.PAE | CR4.PKS });
    setKeys(machine, 0, WRITE_DISABLE);
    for (const level of [2, 3]) {
      machine.map(0x80_0000_0000n * BigInt(level), 0x4000_0000n, P | RW | KEY_BITS, level);
      assert.equal(machine.walk(0x80_0000_0000n * BigInt(level), ACCESS.write), WALK.pageFault);
      assert.equal(machine.walk(0x80_0000_0000n * BigInt(level), ACCESS.read), WALK.mapped);
    }
    const five = new TablesByHand();
    five.map(TABLES['5-level'], ROOT, PAGE, 0x9000n | P | RW | KEY_BITS);
    five.enter('5-level');
    five.set({ cr4: Number(five.register('cr4')) | CR4.PKS });
    setKeys(five, 0, ACCESS_DISABLE);
    assert.equal(five.walk(PAGE, ACCESS.read), WALK.pageFault);
  });

  it('refuse by the TLB\'s line as by a walk, and a change of IA32_PKRS holds at once', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x5000n, P | RW | KEY_BITS);
    machine.set({ cr4: CR4.PAE | CR4.PKS });
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.equal(machine.processor.writeRegister(REGISTER.pkrs, WRITE_DISABLE, 0), STATUS.done);
    machine.listen();
    assert.equal(machine.store(PAGE, 2n), STATUS.exception);
    assert.ok(machine.kinds().includes('tlb_hit'));
    assert.deepEqual([machine.processor.vector, machine.processor.errorCode], [14, 0b100011]);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.processor.writeRegister(REGISTER.pkrs, 0, 1), STATUS.exception, 'bits 63:32 are reserved');
    assert.equal(machine.processor.vector, 13);
  });

  it('are off where the processor has none: CR4.PKS is then a reserved bit', () => {
    const machine = new TestMachine({ features: { pks: 'off' } });
    assert.equal(machine.move('cr4', CR4.PAE | CR4.PKS), STATUS.exception);
    assert.equal(machine.processor.vector, 13);
    assert.equal(new TestMachine().move('cr4', CR4.PAE | CR4.PKS), STATUS.done);
  });
});
