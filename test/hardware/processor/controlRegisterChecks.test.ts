import { strict as assert } from 'node:assert';
import type { controlRules} from '../../../src/hardware/processor/controlRegisterChecks';
import { brokenControlRule, type ControlContext, type VmxRestriction } from '../../../src/hardware/processor/controlRegisterChecks';
import { featuresWith, type ProcessorFeatureName } from '../../../src/hardware/processor/processorFeatures';

/** Bits as the manuals number them, not as the table under test has them. */
const bit = (n: number): number => 1 << n;
const PE = bit(0);
const NE = bit(5);
const NW = bit(29);
const CD = bit(30);
const PG = bit(31);
const PAE = bit(5);
const LA57 = bit(12);
const VMXE = bit(13);
const PCIDE = bit(17);
const LME = bit(8);
const LMA = bit(10);

function context(values: Partial<ControlContext> = {}): ControlContext {
  return {
    vendor: 'intel', maxphyaddr: 46, features: featuresWith(), vmx: 'none', cr0: PE | PG | NE, cr3: 0, cr4: PAE, efer: LME | LMA, cs: '64-bit', ...values,
  };
}

/** Every subset of some bits. */
function subsets(bits: readonly number[]): number[] {
  return Array.from({ length: 1 << bits.length }, (_, chosen) => bits.reduce((all, one, i) => ((chosen >>> i) & 1 ? all | one : all), 0));
}

const refuses = (register: keyof typeof controlRules, now: ControlContext, lo: number, hi = 0): boolean => (
  brokenControlRule(register, now, lo, hi) !== undefined
);
const has = (value: number, bits: number): boolean => (value & bits) === bits;

/** SDM Vol. 2, "MOV—Move to/from Control Registers", as it reads. */
function cr0IsRefused(now: ControlContext, value: number): boolean {
  const paging = has(value, PG);
  if (paging && !has(value, PE)) return true;
  if (has(value, NW) && !has(value, CD)) return true;
  if (paging && has(now.efer, LME) && !has(now.cr4, PAE)) return true;
  if (paging && !has(now.cr0, PG) && has(now.efer, LME) && now.cs === '64-bit') return true;
  if (!paging && has(now.cr4, PCIDE)) return true;
  if (!paging && has(now.efer, LMA) && now.cs === '64-bit') return true;
  if (now.vmx !== 'none' && !has(value, NE)) return true;
  return now.vmx === 'restricted' && !(paging && has(value, PE));
}

describe('a value for a control register', () => {
  it('CR0 takes by the rules of paging, caching and VMX, in every combination', () => {
    let cases = 0;
    for (const vmx of ['none', 'restricted', 'unrestricted'] as readonly VmxRestriction[]) {
      for (const cs of ['64-bit', 'other'] as const) {
        for (const cr0 of [PE | NE, PE | NE | PG]) {
          for (const cr4 of subsets([PAE, PCIDE])) {
            for (const efer of [0, LME, LME | LMA]) {
              for (const value of subsets([PE, NE, NW, CD, PG, bit(16), bit(7)])) {
                const now = context({ vmx, cs, cr0, cr4, efer });
                assert.equal(refuses('cr0', now, value), cr0IsRefused(now, value), JSON.stringify({ vmx, cs, cr0, cr4, efer, value }));
                assert.ok(refuses('cr0', now, value, 1), 'bits 63:32');
                cases++;
              }
            }
          }
        }
      }
    }
    assert.equal(cases, 3 * 2 * 2 * 4 * 3 * 128);
  });

  it('CR4 takes by what long mode allows to change', () => {
    for (const vmx of ['none', 'restricted', 'unrestricted'] as readonly VmxRestriction[]) {
      for (const efer of [0, LME, LME | LMA]) {
        for (const cr3 of [0, 0x1000, 0x1001]) {
          for (const cr4 of subsets([PAE, LA57, PCIDE, VMXE])) {
            for (const value of subsets([PAE, LA57, PCIDE, VMXE, bit(7)])) {
              const isLong = has(efer, LMA);
              const expected = isLong && (!has(value, PAE) || ((value ^ cr4) & LA57) !== 0)
                || has(value, PCIDE) && (!isLong || !has(cr4, PCIDE) && (cr3 & 0xfff) !== 0)
                || vmx !== 'none' && !has(value, VMXE);
              assert.equal(refuses('cr4', context({ vmx, efer, cr3, cr4 }), value), expected, JSON.stringify({ vmx, efer, cr3, cr4, value }));
            }
          }
        }
      }
    }
  });

  it('CR4 has no bits but those of SDM Vol. 3, "Control Registers", and those of a feature only with it', () => {
    const owners: Readonly<Record<number, ProcessorFeatureName>> = { 12: 'la57', 17: 'pcid', 20: 'smep', 21: 'smap', 22: 'pku', 24: 'pks' };
    const others = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 13, 14, 16, 18];
    for (let n = 0; n < 32; n++) {
      const now = context({ cr4: PAE | (n === 12 ? LA57 : 0) });
      const owner = owners[n];
      assert.equal(refuses('cr4', now, PAE | bit(n)), owner === undefined && !others.includes(n), `bit ${n}`);
      if (owner !== undefined) assert.ok(refuses('cr4', { ...now, features: featuresWith({ [owner]: 'off' }) }, PAE | bit(n)), `bit ${n} without ${owner}`);
      assert.ok(refuses('cr4', now, now.cr4, bit(n)), `bit ${n + 32}`);
      if ([13, 14, 24].includes(n)) assert.ok(refuses('cr4', { ...now, vendor: 'amd' }, PAE | bit(n)), `bit ${n} of an AMD processor`);
    }
  });

  it('CR3 takes below MAXPHYADDR, and bit 63 with PCIDs', () => {
    for (const maxphyaddr of [36, 40, 46, 52]) {
      for (let n = 32; n < 64; n++) {
        for (const cr4 of [PAE, PAE | PCIDE]) {
          const expected = n >= maxphyaddr && !(n === 63 && has(cr4, PCIDE));
          assert.equal(refuses('cr3', context({ maxphyaddr, cr4 }), 0, bit(n - 32)), expected, `bit ${n}, MAXPHYADDR ${maxphyaddr}`);
        }
      }
    }
    assert.ok(!refuses('cr3', context(), -1));
  });

  it('EFER takes SCE, LME while not paging, LMA and NXE, and SVME of AMD', () => {
    for (let n = 0; n < 64; n++) {
      const lo = n < 32 ? bit(n) : 0;
      const hi = n < 32 ? 0 : bit(n - 32);
      const now = context({ cr0: PE, efer: 0 });
      assert.equal(refuses('efer', now, lo, hi), ![0, 8, 10, 11].includes(n), `bit ${n}`);
      assert.equal(refuses('efer', { ...now, vendor: 'amd' }, lo, hi), ![0, 8, 10, 11, 12].includes(n), `bit ${n} of AMD`);
    }
    assert.ok(refuses('efer', context(), 0), 'LME while paging');
    assert.ok(!refuses('efer', context(), LME | bit(11)));
  });
});
