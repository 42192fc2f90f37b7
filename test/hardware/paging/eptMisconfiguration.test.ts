import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { decodeEntry } from '../../../src/hardware/paging/decodeEntry';
import { WALK } from '../../../src/hardware/paging/walkOutcome';
import { SECONDARY } from '../../../src/hardware/vmx/vmcs';
import { EPT_ROOT, P, R, RW, TestMachine, US, W, X } from '../testMachine';

const PAGE = 0x60_0000n;
/** In a 512-GByte region of its own: no other entry of EPT is used on the way. */
const GPA = 0x80_4000_0000n;
/** A table above the four levels of the others. */
const PML5 = 0xc0_0000n;
/** What a case varies: features of the processor, the control, and bits of one entry. */
const facts = ['executeOnly', 'pages1G', 'modeBased', 'R', 'W', 'X', 'PS', 'XU', 'type0', 'type1', 'type2', 'IPAT'] as const;
type Case = Readonly<Record<(typeof facts)[number], boolean>>;

/** SDM Vol. 3, "EPT Misconfigurations", from its prose: is a present entry of `level` misconfigured, or is it not present? */
function oracle(c: Case, level: number): 'not present' | 'misconfigured' | 'legal' {
  const executable = c.X || c.modeBased && c.XU;
  if (!c.R && !c.W && !executable) return 'not present';
  if (c.W && !c.R) return 'misconfigured';
  if (!c.R && executable && !c.executeOnly) return 'misconfigured';
  const type = (c.type0 ? 1 : 0) + (c.type1 ? 2 : 0) + (c.type2 ? 4 : 0);
  const anyOfBits6to3 = type !== 0 || c.IPAT;
  if (level === 4) return c.PS || anyOfBits6to3 ? 'misconfigured' : 'legal';
  const maps = level === 1 || c.PS;
  if (!maps) return anyOfBits6to3 ? 'misconfigured' : 'legal';
  if (level === 3 && !c.pages1G) return 'misconfigured';
  return type === 2 || type === 3 || type === 7 ? 'misconfigured' : 'legal';
}

describe('EPT misconfigurations', () => {
  for (const [length, level] of [4, 5].flatMap((levels) => [1, 2, 3, 4].map((at) => [levels, at] as const))) {
    it(`are found in an entry of level ${level} of ${length} in every combination of its low bits, as the manual and the decoder say`, () => {
      let misconfigured = 0;
      for (let features = 0; features < 8; features++) {
        const state = (bit: number): 'on' | 'off' => ((features >> bit) & 1) === 1 ? 'on' : 'off';
        const machine = new TestMachine({ features: { eptExecuteOnly: state(0), ept1Gb: state(1) } });
        machine.map(PAGE, GPA, P | RW | US);
        machine.enterWithEpt();
        const at = machine.eptEntryAt(GPA, level);
        const space = machine.processor.inspection.nested!;
        if (length === 5) {
          machine.put(PML5, EPT_ROOT | R | W | X);
          machine.vmcs({ eptp: PML5 | (4n << 3n) | 6n });
        }
        machine.vmcs({ secondary_controls: SECONDARY.enableEpt | (state(2) === 'on' ? SECONDARY.modeBasedExecute : 0) });
        machine.processor.reload();
        for (let bits = 0; bits < 512; bits++) {
          const number = features | (bits << 3);
          const c = Object.fromEntries(facts.map((fact, bit) => [fact, ((number >> bit) & 1) === 1])) as Case;
          const entry = (c.R ? 1n : 0n) | (c.W ? 2n : 0n) | (c.X ? 4n : 0n) | (c.PS ? 0x80n : 0n) | (c.XU ? 0x400n : 0n)
            | (c.type0 ? 8n : 0n) | (c.type1 ? 0x10n : 0n) | (c.type2 ? 0x20n : 0n) | (c.IPAT ? 0x40n : 0n);
          machine.put(at, entry);
          const outcome = machine.walk(PAGE, ACCESS.fetch);
          const isHere = space.result.level === level && space.servedLevel === 0;
          const actual = outcome === WALK.eptMisconfiguration && isHere ? 'misconfigured'
            : outcome === WALK.eptViolation && isHere && space.result.why === 1 ? 'not present' : 'legal';
          const expected = oracle(c, level);
          const names = facts.filter((fact) => c[fact]).join(' ');
          assert.equal(actual, expected, names);
          const decoded = decodeEntry(space.compiled, level, Number(entry), 0, 'hpa');
          assert.deepEqual([decoded.present, decoded.fault !== undefined], [expected !== 'not present', expected === 'misconfigured'], names);
          if (expected === 'misconfigured') misconfigured++;
        }
      }
      assert.ok(misconfigured > 1000, `${misconfigured} misconfigured`);
    });
  }

  it('leave a guest whose processor has no 2-MByte EPT pages those of 4 KBytes and 1 GByte', () => {
    const machine = new TestMachine({ features: { ept2Mb: 'off' } });
    machine.map(PAGE, GPA, P | RW | US);
    machine.enterWithEpt();
    assert.equal(machine.walk(PAGE, ACCESS.read), WALK.eptMisconfiguration, 'of the tables, which this guest has in 2-MByte pages');
  });
});
