import { strict as assert } from 'node:assert';
import type { ProcessorFeatureName } from '../../../src/hardware/processor/processorFeatures';
import { vmxCapabilities } from '../../../src/hardware/vmx/vmxCapabilities';
import { TestMachine, whole } from '../testMachine';

const bits = (...numbers: readonly number[]): bigint => numbers.reduce((all, bit) => all | 1n << BigInt(bit), 0n);
/** Bits of the default1 class, whose reserved settings are 1. SDM Vol. 3, "Reserved Controls and Default Settings". */
const DEFAULT1 = { pin: 0x16n, primary: 0x0401_e172n, exit: 0x0003_6dffn, entry: 0x11ffn } as const;
/** EPT: walk length 4, UC, WB, INVEPT of one context and of all. Then VPID: INVVPID, and each of its types. */
const EPT = bits(6, 8, 14, 20, 25, 26);
const VPID = bits(32, 40, 41, 42, 43);
const ALL_OFF = ['eptExecuteOnly', 'ept5Level', 'ept2Mb', 'ept1Gb', 'eptAccessedDirty', 'eptAdvancedExitInformation'] as const;
const off = (...names: readonly ProcessorFeatureName[]): Partial<Record<ProcessorFeatureName, 'off'>> => (
  Object.fromEntries(names.map((name) => [name, 'off']))
);

function read(index: number, features: Partial<Record<ProcessorFeatureName, 'on' | 'off'>> = {}): bigint {
  const { processor } = new TestMachine({ features });
  const row = vmxCapabilities.find(({ msr }) => msr === index)!;
  return whole(...row.value(processor.features));
}

/** The upper half of a capability MSR has the bits that may be 1, the lower those that must be. */
const low = (value: bigint): bigint => value & 0xffff_ffffn;
const high = (value: bigint): bigint => value >> 32n;

/** SDM Vol. 3, appendix "VMX Capability Reporting Facility". */
describe('the MSRs that report VMX', () => {
  it('IA32_VMX_BASIC: a revision, regions of 4 KBytes, write-back, TRUE MSRs', () => {
    assert.equal(read(0x480), 1n | 0x1000n << 32n | 6n << 50n | 1n << 55n);
  });

  it('IA32_VMX_MISC: LMA is stored, three activity states, 4 CR3-target values, software events with length 0', () => {
    assert.equal(read(0x485), bits(5, 6, 7, 8, 30) | 4n << 16n);
  });

  it('bits of CR0 and CR4 that are fixed to 1 or to 0', () => {
    assert.equal(read(0x486), bits(0, 5, 31), 'PE, NE, PG');
    assert.equal(read(0x487), 0xffff_ffffn);
    assert.equal(read(0x488), bits(13), 'VMXE');
    const withAll = read(0x489);
    for (const [feature, bit] of [['la57', 12], ['pcid', 17], ['smep', 20], ['smap', 21], ['pku', 22], ['pks', 24]] as const) {
      assert.equal(withAll ^ read(0x489, off(feature)), bits(bit), feature);
    }
    assert.equal(withAll & bits(4, 5, 7, 13), bits(4, 5, 7, 13), 'PSE, PAE, PGE, VMXE');
    assert.equal(withAll >> 32n, 0n);
  });

  it('IA32_VMX_VMCS_ENUM: the highest index of a field, which a CS for SYSENTER has here', () => {
    assert.equal(read(0x48a), 0x2an);
  });

  it('controls by the TRUE MSRs are those of the others but for what the default1 class frees', () => {
    for (const [vector, index, trueIndex, freed] of [
      ['pin', 0x481, 0x48d, 0n], ['primary', 0x482, 0x48e, bits(15, 16)], ['exit', 0x483, 0x48f, bits(2)], ['entry', 0x484, 0x490, bits(2)],
    ] as const) {
      assert.equal(low(read(index)), DEFAULT1[vector], vector);
      assert.equal(low(read(trueIndex)), DEFAULT1[vector] & ~freed, vector);
      assert.equal(high(read(index)), high(read(trueIndex)), vector);
      assert.equal(high(read(index)) & DEFAULT1[vector], DEFAULT1[vector], `${vector}: what must be 1 may be`);
    }
  });

  it('secondary controls and VM functions come with their features', () => {
    const withAll = read(0x48b);
    assert.equal(low(withAll), 0n);
    for (const [feature, bit] of [
      ['ept', 33], ['vpid', 37], ['unrestrictedGuest', 39], ['invpcid', 44], ['vmFunctions', 45], ['pageModificationLogging', 49],
      ['eptViolationVe', 50], ['eptModeBasedExecute', 54],
    ] as const) {
      assert.equal(withAll ^ read(0x48b, off(feature)), bits(bit), feature);
    }
    assert.equal(read(0x491), 1n);
    assert.equal(read(0x491, off('vmFunctions')), 0n);
  });

  it('IA32_VMX_EPT_VPID_CAP: what EPT has, what VPIDs have, and nothing of one that there is not', () => {
    const least = off(...ALL_OFF);
    assert.equal(read(0x48c, least), EPT | VPID);
    for (const [feature, bit] of [
      ['eptExecuteOnly', 0], ['ept5Level', 7], ['ept2Mb', 16], ['ept1Gb', 17], ['eptAccessedDirty', 21], ['eptAdvancedExitInformation', 22],
    ] as const) {
      assert.equal(read(0x48c, { ...least, [feature]: 'on' }), EPT | VPID | bits(bit), feature);
    }
    assert.equal(read(0x48c, { ...least, vpid: 'off' }), EPT);
    assert.equal(read(0x48c, off('ept')), VPID);
    assert.equal(read(0x48c, off('ept', 'vpid')), 0n);
  });
});
