import { strict as assert } from 'node:assert';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { cpuid, type CpuidLeaf, type IdentifiedProcessor } from '../../../src/hardware/processor/cpuid';
import { type ProcessorFeatureName, processorFeatures, featuresWith } from '../../../src/hardware/processor/processorFeatures';

const none = featuresWith(Object.fromEntries(Object.keys(processorFeatures).map((name) => [name as ProcessorFeatureName, 'off' as const])));
const plain: IdentifiedProcessor = { vendor: 'intel', maxphyaddr: 46, features: none, cpu: 5, cr4: 0 };
const amd: IdentifiedProcessor = { ...plain, vendor: 'amd' };
const all: IdentifiedProcessor = { ...plain, features: featuresWith() };
const leaf = (eax = 0, ebx = 0, ecx = 0, edx = 0): CpuidLeaf => ({ eax: eax | 0, ebx: ebx | 0, ecx: ecx | 0, edx: edx | 0 });
const bits = (...numbers: readonly number[]): number => numbers.reduce((made, bit) => made | 1 << bit, 0);
const word = (four: string): number => [3, 2, 1, 0].reduce((made, at) => made << 8 | four.charCodeAt(at), 0);
/** FPU, VME, DE, PSE, MSR, PAE, MCE, APIC, PGE. */
const ALWAYS = bits(0, 1, 2, 3, 5, 6, 7, 9, 13);
const [X2APIC, VMX, OSXSAVE] = [21, 5, 27];

/** SDM Vol. 2, "CPUID—CPU Identification"; APM Vol. 3, "CPUID". */
const cases: readonly (readonly [about: string, processor: IdentifiedProcessor, leaf: number, subleaf: number, gives: CpuidLeaf])[] = [
  ['the last basic leaf, and who made it', plain, 0, 0, leaf(0xb, word('Genu'), word('ntel'), word('ineI'))],
  ['AMD as the maker', amd, 0, 0, leaf(0xb, word('Auth'), word('cAMD'), word('enti'))],
  ['what no processor here lacks, VMX, and its number', plain, 1, 0, leaf(0, 5 << 24, bits(X2APIC, VMX), ALWAYS)],
  ['no VMX of AMD', amd, 1, 0, leaf(0, 5 << 24, bits(X2APIC), ALWAYS)],
  ['CR4.OSXSAVE', { ...plain, cr4: CR4.OSXSAVE }, 1, 0, leaf(0, 5 << 24, bits(X2APIC, VMX, OSXSAVE), ALWAYS)],
  ['features in leaf 1', all, 1, 0, leaf(0, 5 << 24, bits(X2APIC, VMX, 17), ALWAYS | bits(17))],
  ['nothing in leaf 2', all, 2, 0, leaf()],
  ['features in leaf 7', all, 7, 0, leaf(0, bits(7, 10, 20), bits(3, 16, 31))],
  ['no supervisor keys of AMD', { ...all, vendor: 'amd' }, 7, 0, leaf(0, bits(7, 10, 20), bits(3, 16))],
  ['CR4.PKE', { ...plain, cr4: CR4.PKE }, 7, 0, leaf(0, 0, bits(4))],
  ['nothing in further parts of leaf 7', { ...all, cr4: CR4.PKE }, 7, 1, leaf()],
  ['one thread', plain, 0xb, 0, leaf(0, 1, 1 << 8, 5)],
  ['no level above it', plain, 0xb, 1, leaf(0, 0, 1, 5)],
  ['the last basic leaf for the one behind it', plain, 0xc, 0, leaf(0, 1, 1 << 8, 5)],
  ['the last basic leaf for the last that is none', plain, 0x7fff_ffff, 1, leaf(0, 0, 1, 5)],
  ['zeros of AMD for those', amd, 0xc, 0, leaf()],
  ['the last extended leaf', plain, 0x8000_0000 | 0, 0, leaf(0x8000_0008)],
  ['SYSCALL, XD and long mode', plain, 0x8000_0001 | 0, 0, leaf(0, 0, 0, bits(11, 20, 29))],
  ['SVM of AMD', amd, 0x8000_0001 | 0, 0, leaf(0, 0, bits(2), bits(11, 20, 29))],
  ['1-GByte pages', all, 0x8000_0001 | 0, 0, leaf(0, 0, 0, bits(11, 20, 26, 29))],
  ['its brand', plain, 0x8000_0002 | 0, 0, leaf(word('Page'), word('walk'), word(' sim'), word('ulat'))],
  ['more of its brand', plain, 0x8000_0003 | 0, 0, leaf(word('ed p'), word('roce'), word('ssor'))],
  ['the end of its brand', plain, 0x8000_0004 | 0, 0, leaf()],
  ['nothing between', plain, 0x8000_0005 | 0, 0, leaf()],
  ['address widths', plain, 0x8000_0008 | 0, 0, leaf(46 | 48 << 8)],
  ['address widths with 5 levels', all, 0x8000_0008 | 0, 0, leaf(46 | 57 << 8)],
  ['the last basic leaf for what is above the last extended one', plain, 0x8000_0009 | 0, 0, leaf(0, 1, 1 << 8, 5)],
  ['zeros of AMD for that', amd, 0x8000_0009 | 0, 0, leaf()],
];

describe('the leaves of CPUID', () => {
  for (const [about, processor, number, subleaf, gives] of cases) {
    it(`${(number >>> 0).toString(16).toUpperCase()}H:${subleaf} gives ${about}`, () => {
      const { eax, ebx, ecx, edx } = cpuid(processor, number, subleaf);
      assert.deepEqual(leaf(eax, ebx, ecx, edx), gives);
    });
  }
});
