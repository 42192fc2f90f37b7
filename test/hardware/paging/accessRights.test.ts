import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { CR0, CR4, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { LONG_MODE, P, RW, TestMachine, US, XD } from '../testMachine';

const PAGE = 0x60_0000n;
/** Facts of one case, each a name that is printed when it fails (after kvm-unit-tests' access.c). */
const facts = [
  'wp', 'nxe', 'smep', 'smap', 'ac', 'pke', 'keyNoAccess', 'keyNoWrite',
  'leafWritable', 'leafUser', 'leafXd', 'tableWritable', 'tableUser', 'tableXd',
] as const;
type Fact = (typeof facts)[number];
type Case = Readonly<Record<Fact, boolean>>;
const accesses = {
  'user read': ACCESS.read | ACCESS.user, 'user write': ACCESS.write | ACCESS.user, 'user fetch': ACCESS.fetch | ACCESS.user,
  'supervisor read': ACCESS.read, 'supervisor write': ACCESS.write, 'supervisor fetch': ACCESS.fetch,
  'implicit read': ACCESS.read | ACCESS.implicit, 'implicit write': ACCESS.write | ACCESS.implicit,
} as const;
type AccessName = keyof typeof accesses;

/**
 * The error code that SDM Vol. 3 asks for in "Determination of Access Rights", "Protection Keys" and "Page-Fault
 * Exceptions", written from their prose alone; undefined when the access is allowed.
 */
function oracle(c: Case, name: AccessName): number | undefined {
  const [who, what] = name.split(' ') as ['user' | 'supervisor' | 'implicit', 'read' | 'write' | 'fetch'];
  const present = 1;
  const base = (what === 'write' ? 2 : 0) | (who === 'user' ? 4 : 0) | (what === 'fetch' && (c.nxe || c.smep) ? 16 : 0);
  // XD is a reserved bit while NXE is 0, and reserved bits come before rights.
  if (!c.nxe && (c.leafXd || c.tableXd)) return base | present | 8;
  const userAddress = c.leafUser && c.tableUser;
  const writable = c.leafWritable && c.tableWritable;
  const neverExecute = c.leafXd || c.tableXd;
  let allowed = true;
  if (who === 'user') {
    if (!userAddress) allowed = false;
    if (what === 'write' && !writable) allowed = false;
    if (what === 'fetch' && neverExecute) allowed = false;
  } else {
    if (what === 'write' && c.wp && !writable) allowed = false;
    if (what === 'fetch' && neverExecute) allowed = false;
    if (what === 'fetch' && userAddress && c.smep) allowed = false;
    if (what !== 'fetch' && userAddress && c.smap && (!c.ac || who === 'implicit')) allowed = false;
  }
  let byKey = false;
  if (c.pke && userAddress && what !== 'fetch') {
    if (c.keyNoAccess) byKey = true;
    if (c.keyNoWrite && what === 'write' && (who === 'user' || c.wp)) byKey = true;
  }
  if (allowed && !byKey) return undefined;
  return base | present | (byKey ? 32 : 0);
}

describe('access rights', () => {
  it('are those of the manual in every combination of entries, controls and accesses', () => {
    const machine = new TestMachine();
    const leaf = machine.entryAt(PAGE, 1);
    const table = machine.entryAt(PAGE, 2);
    const pointer = machine.word(table) & ~(P | RW | US);
    let judged = 0;
    let refused = 0;
    for (let number = 0; number < 1 << facts.length; number++) {
      const c = Object.fromEntries(facts.map((fact, bit) => [fact, ((number >> bit) & 1) === 1])) as Case;
      if (!c.pke && (c.keyNoAccess || c.keyNoWrite)) continue;
      machine.set({
        cr0: (CR0.PE | CR0.PG | (c.wp ? CR0.WP : 0)) >>> 0,
        cr4: CR4.PAE | (c.smep ? CR4.SMEP : 0) | (c.smap ? CR4.SMAP : 0) | (c.pke ? CR4.PKE : 0),
        efer: EFER.LME | EFER.LMA | (c.nxe ? EFER.NXE : 0),
        rflags: RFLAGS.fixed | (c.ac ? RFLAGS.AC : 0),
        pkru: (c.keyNoAccess ? 1 << 10 : 0) | (c.keyNoWrite ? 1 << 11 : 0),
      });
      machine.put(table, pointer | P | (c.tableWritable ? RW : 0n) | (c.tableUser ? US : 0n) | (c.tableXd ? XD : 0n));
      machine.put(leaf, 0x5000n | P | (c.leafWritable ? RW : 0n) | (c.leafUser ? US : 0n) | (c.leafXd ? XD : 0n) | (5n << 59n));
      for (const [name, access] of Object.entries(accesses) as [AccessName, number][]) {
        const expected = oracle(c, name);
        const outcome = machine.walk(PAGE, access);
        const actual = outcome === WALK.mapped ? undefined : machine.processor.inspection.result.errorCode;
        if (actual !== expected) {
          const set = facts.filter((fact) => c[fact]).join(' ');
          assert.fail(`${name} with ${set}: error code ${actual}, the manual says ${expected}`);
        }
        judged++;
        if (expected !== undefined) refused++;
      }
    }
    assert.ok(judged > 80_000 && refused > 20_000 && refused < judged, `${judged} judged, ${refused} refused`);
  });

  it('of a right withheld at any level hold for the whole translation', () => {
    for (const level of [1, 2, 3, 4]) {
      const machine = new TestMachine().set(LONG_MODE);
      machine.map(PAGE, 0x5000n, P | RW | US);
      const entry = machine.entryAt(PAGE, level);
      machine.put(entry, machine.word(entry) & ~RW);
      assert.equal(machine.walk(PAGE, ACCESS.write | ACCESS.user), WALK.pageFault, `R/W = 0 at level ${level}`);
      machine.put(entry, machine.word(entry) & ~US | RW);
      assert.equal(machine.walk(PAGE, ACCESS.read | ACCESS.user), WALK.pageFault, `U/S = 0 at level ${level}`);
    }
  });
});
