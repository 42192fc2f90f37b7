import { strict as assert } from 'node:assert';
import { CR0, CR4, EFER } from '../../../src/hardware/processor/controlRegisters';
import { controlStateRules, type ControlState } from '../../../src/hardware/processor/controlStateRules';
import { type MachineDescription, machineRefusal, machineRules, stateRules } from '../../../src/hardware/processor/machineRules';
import { eptPointerRules } from '../../../src/hardware/vmx/eptPointerRules';

const LONG_MODE: ControlState = {
  cr0: [CR0.PE | CR0.PG, 0], cr3: [0x1000, 0], cr4: [CR4.PAE, 0], efer: [EFER.LME | EFER.LMA, 0],
};
const GOOD: MachineDescription = {
  vendor: 'intel', maxphyaddr: 46, ramBytes: 2 ** 30, caches: [{ name: 'TLB', entries: 64, ways: 4 }], features: {},
  registers: LONG_MODE, eptp: [0x5e, 0],
};
const long = (changes: Partial<ControlState>): Partial<MachineDescription> => ({ registers: { ...LONG_MODE, ...changes } });
const host = (changes: Partial<ControlState>): Partial<MachineDescription> => (
  { vendor: 'amd', nestedHost: { ...LONG_MODE, ...changes } }
);

/** One machine for each rule, which breaks that rule; the words are those the rule goes by. */
const impossible: readonly (readonly [Partial<MachineDescription>, RegExp])[] = [
  [{ maxphyaddr: 35 }, /MAXPHYADDR of 35 is impossible: MAXPHYADDR is 36 to 52/],
  [{ maxphyaddr: 53 }, /MAXPHYADDR of 53 is impossible: MAXPHYADDR is 36 to 52/],
  [{ maxphyaddr: 36, ramBytes: 2 ** 36 + 4096 }, /MAXPHYADDR of 36 is impossible: memory lies below 2 to the MAXPHYADDR/],
  [{ caches: [{ name: 'TLB', entries: 0, ways: 4 }] }, /at least one entry and at least one way/],
  [{ caches: [{ name: 'TLB', entries: 4, ways: 0 }] }, /at least one entry and at least one way/],
  [{ caches: [{ name: 'TLB', entries: 10, ways: 3 }] }, /a TLB of 10 entries and 3 ways is impossible: entries are ways times sets/],
  [{ caches: [{ name: 'TLB', entries: 64, ways: 4 }, { name: 'L2 TLB', entries: 12, ways: 4 }] }, /L2 TLB of 12 entries.*power of two/],
  [{ vendor: 'amd', features: { pks: 'on' } }, /pks on a processor of amd is impossible: a processor has features of its own vendor/],
  [{ features: { eptAccessedDirty: 'off' } }, /pageModificationLogging without eptAccessedDirty is impossible/],
  [{ features: { ept: 'off' } }, /without ept is impossible: a feature comes with the one that it is a part of/],
  [long({ cr0: [CR0.PE | CR0.PG | 0x40, 0] }), /CR0 has no bit that is not defined/],
  [long({ cr0: [CR0.PE | CR0.PG, 1] }), /CR0 has no bit that is not defined/],
  [long({ cr4: [CR4.PAE | 1 << 31, 0] }), /CR4 has no bit that is not defined/],
  [{ ...long({ cr4: [CR4.PAE | CR4.LA57, 0] }), features: { la57: 'off' } }, /CR4 has no bit that is not defined, or that the processor lacks/],
  [{ ...long({ cr4: [CR4.PAE | CR4.SMEP, 0] }), features: { smep: 'off' } }, /CR4 has no bit that is not defined, or that the processor lacks/],
  [{ ...long({ cr4: [CR4.PAE | CR4.PKS, 0] }), vendor: 'amd' }, /CR4 has no bit that is not defined, or that the processor lacks/],
  [long({ efer: [EFER.LME | EFER.LMA | 2, 0] }), /EFER has no bit that is not defined/],
  [long({ efer: [EFER.LME | EFER.LMA, 1] }), /EFER has no bit that is not defined/],
  [long({ cr4: [CR4.PAE, 1] }), /CR4 has no bit that is not defined/],
  [{ features: { pku: 'off' }, ...long({ cr4: [CR4.PAE | CR4.PKE, 0] }) }, /CR4 has no bit that is not defined, or that the processor lacks/],
  [long({ efer: [EFER.LME | EFER.LMA | EFER.SVME, 0] }), /EFER\.SVME is AMD's/],
  [{ registers: { ...LONG_MODE, cr0: [CR0.PG, 0], efer: [0, 0] } }, /CR0\.PG is 1 only while CR0\.PE is 1/],
  [long({ cr0: [CR0.PE | CR0.PG | CR0.NW, 0] }), /CR0\.NW is 1 only while CR0\.CD is 1/],
  [long({ cr4: [0, 0] }), /no paging without CR4\.PAE/],
  [long({ efer: [EFER.LME, 0] }), /EFER\.LMA is 1 exactly while/],
  [{ registers: { ...LONG_MODE, efer: [EFER.LMA, 0] } }, /EFER\.LMA is 1 exactly while/],
  [{ registers: { ...LONG_MODE, cr4: [CR4.PAE | CR4.PCIDE, 0], efer: [0, 0] } }, /CR4\.PCIDE is 1 only in long mode/],
  [long({ cr3: [0x1000, 1 << 14] }), /CR3 has no bit at or above MAXPHYADDR/],
  [host({ cr0: [CR0.PE, 0], efer: [EFER.LME, 0] }), /nested paging needs a host with paging/],
  [host({ cr3: [0, 1 << 14] }), /of the host behind nested paging, CR3 has no bit at or above MAXPHYADDR/],
  [{ eptp: [0x5a, 0] }, /the memory type of an EPTP is 0 \(UC\) or 6 \(WB\)/],
  [{ eptp: [0x16, 0] }, /the page-walk length of an EPTP is 4, or 5/],
  [{ eptp: [0x26, 0], features: { ept5Level: 'off' } }, /the page-walk length of an EPTP is 4, or 5/],
  [{ eptp: [0x5e, 0], features: { eptAccessedDirty: 'off', pageModificationLogging: 'off' } }, /only where the processor has them for EPT/],
  [{ eptp: [0x9e, 0] }, /bits 11:7 of an EPTP are reserved/],
  [{ eptp: [0x1e, 1 << 14] }, /bits of an EPTP at and above MAXPHYADDR are reserved/],
];

describe('an impossible machine', () => {
  for (const [changes, words] of impossible) {
    it(`is refused by the rule's name: ${words.source.slice(0, 90)}`, () => {
      assert.match(machineRefusal({ ...GOOD, ...changes }) ?? 'accepted', words);
    });
  }

  for (const [changes, sentence] of [
    [{ maxphyaddr: 36, ramBytes: 2 ** 37 }, /^RAM of 128 GBytes with a MAXPHYADDR of 36 is impossible/],
    [{ maxphyaddr: 36, ramBytes: 2 ** 40 }, /^RAM of 1 TBytes with /],
    [{ maxphyaddr: 36, ramBytes: 2 ** 36 + 2 ** 20 }, /^RAM of 65537 MBytes with /],
    [{ maxphyaddr: 36, ramBytes: 2 ** 36 + 3 }, /^RAM of 68719476739 bytes with /],
    [{ maxphyaddr: 52, ramBytes: 2 ** 63 }, /^RAM of 8192 PBytes with /],
    [long({ cr4: [CR4.PAE, 1] }), /^CR0 0x80000001, CR3 0x1000, CR4 0x100000020 and EFER 0x500 is impossible/],
    [long({ cr3: [0xabc, 1 << 14] }), /CR3 0x400000000abc, /],
    [{ maxphyaddr: 36, ...long({ cr3: [0x1000, 1 << 4] }) }, /CR3 0x1000001000, .*CR3 has no bit at or above MAXPHYADDR/],
    [host({ cr0: [CR0.PE, 0], efer: [EFER.LME, 0] }), /^a host with CR0 0x1, CR3 0x1000, CR4 0x20 and EFER 0x100 is impossible/],
    [{ eptp: [0x5a, 3] }, /^an EPTP of 0x30000005a is impossible/],
  ] as const satisfies readonly (readonly [Partial<MachineDescription>, RegExp])[]) {
    it(`is named with its values: ${sentence.source}`, () => {
      assert.match(machineRefusal({ ...GOOD, ...changes }) ?? 'accepted', sentence);
    });
  }

  it('is refused with the manual\'s section', () => {
    for (const [changes] of impossible) assert.match(machineRefusal({ ...GOOD, ...changes }) ?? '', /\((SDM|APM) Vol\. \d.*\)$/);
  });

  /** What breaks the control registers of a host breaks them behind nested paging, where SVME is a host's own. */
  it('is refused for the host behind nested paging as for the machine itself', () => {
    for (const [{ registers, features }, words] of impossible) {
      if (registers === undefined || words.source.includes('SVME')) continue;
      const isPaged = (registers.cr0[0] & CR0.PG) !== 0;
      const sentence = machineRefusal({ vendor: 'amd', maxphyaddr: 46, features: features ?? {}, nestedHost: registers }) ?? 'accepted';
      assert.match(sentence, words);
      if (isPaged) assert.match(sentence, /of the host behind nested paging, /);
    }
  });

  it('breaks each rule somewhere above', () => {
    const told = impossible.flatMap(([changes]) => {
      const machine = { ...GOOD, ...changes };
      const host = { vendor: 'amd', maxphyaddr: 46, ...(machine.registers === undefined ? {} : { nestedHost: machine.registers }) } as const;
      return [machineRefusal(machine) ?? '', machineRefusal(host) ?? ''];
    });
    for (const { name } of [...machineRules, ...stateRules]) assert.ok(told.some((sentence) => sentence.includes(`impossible: ${name} (`)), name);
  });

  it('breaks each rule of registers and of EPTP somewhere above', () => {
    const sentences = impossible.map(([changes]) => machineRefusal({ ...GOOD, ...changes }) ?? '');
    for (const { name } of [...controlStateRules, ...eptPointerRules]) assert.ok(sentences.some((sentence) => sentence.includes(name)), name);
  });
});

describe('a machine', () => {
  const possible: readonly (readonly [string, Partial<MachineDescription>])[] = [
    ['of 36 bits with all the memory they reach', { maxphyaddr: 36, ramBytes: 2 ** 36 }],
    ['of 52 bits', { maxphyaddr: 52 }],
    ['with a fully associative TLB', { caches: [{ name: 'TLB', entries: 3, ways: 3 }] }],
    ['with a direct-mapped TLB', { caches: [{ name: 'TLB', entries: 8, ways: 1 }] }],
    // SDM Vol. 3, "Control Registers": software sets CR4.LA57 before it enters long mode.
    ['with LA57 set before long mode', { registers: { cr0: [CR0.PE, 0], cr3: [0, 0], cr4: [CR4.PAE | CR4.LA57, 0], efer: [0, 0] } }],
    ['without paging, LME set already', { registers: { cr0: [CR0.PE, 0], cr3: [0, 0], cr4: [CR4.PAE, 0], efer: [EFER.LME, 0] } }],
    ['with 5-level EPT, uncached tables and no accessed flags', { eptp: [0x20, 0] }],
    ['of real-address mode', { registers: { cr0: [0, 0], cr3: [0, 0], cr4: [0, 0], efer: [0, 0] } }],
    ['with caches off, written through or not', { registers: { ...LONG_MODE, cr0: [CR0.PE | CR0.PG | CR0.CD | CR0.NW, 0] } }],
    ['with caches off', { registers: { ...LONG_MODE, cr0: [CR0.PE | CR0.PG | CR0.CD, 0] } }],
    ['of AMD with SVM enabled', { vendor: 'amd', registers: { ...LONG_MODE, efer: [EFER.LME | EFER.LMA | EFER.SVME, 0] } }],
    ['with CR3 up to its MAXPHYADDR', { maxphyaddr: 40, registers: { ...LONG_MODE, cr3: [-4096, 0xff] } }],
    ['with PCIDs in long mode', { registers: { ...LONG_MODE, cr4: [CR4.PAE | CR4.PCIDE, 0] } }],
    ['with features of its own vendor, and of both', { features: { pks: 'on', smep: 'on' } }],
    ['of AMD with a paged host behind nested paging', { vendor: 'amd', nestedHost: LONG_MODE }],
    ['without modification log, nor accessed flags for EPT', { features: { eptAccessedDirty: 'off', pageModificationLogging: 'off' }, eptp: [0x1e, 0] }],
  ];
  it('of which nothing is said but whose it is, or whose EPT is off where there is none, is possible', () => {
    assert.equal(machineRefusal({ vendor: 'intel', maxphyaddr: 46 }), undefined);
    assert.equal(machineRefusal({ vendor: 'amd', maxphyaddr: 46, features: { ept: 'off' } }), undefined);
  });

  for (const [name, changes] of possible) {
    it(`${name} is possible`, () => assert.equal(machineRefusal({ ...GOOD, ...changes }), undefined));
  }
});
