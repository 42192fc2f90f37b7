import { strict as assert } from 'node:assert';
import { CR0, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import type { Processor } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { DESCRIPTOR_TABLE, SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { completeVmcs, loadGuestState, saveGuestState } from '../../../src/hardware/vmx/guestState';
import { ENTRY, EXIT, PRIMARY, SECONDARY, VMCS, type VmcsFieldName } from '../../../src/hardware/vmx/vmcs';
import { ownedBits, readShadow, registerReadExit, registerWriteExit } from '../../../src/hardware/vmx/vmxTransitions';
import { halves, TestMachine, whole } from '../testMachine';

/* SDM Vol. 3, "Saving Guest State", "Loading Guest State": registers and fields, each with other bits in both halves. */
const WHOLE = { cr3: 'guest_cr3', cr4: 'guest_cr4', rflags: 'guest_rflags', rsp: 'guest_rsp', rip: 'guest_rip', activity: 'guest_activity_state', interruptibility: 'guest_interruptibility' } as const;
const PDPTES = { pdpte0: 'guest_pdpte0', pdpte1: 'guest_pdpte1', pdpte2: 'guest_pdpte2', pdpte3: 'guest_pdpte3' } as const;
const SEGMENTS = ['cs', 'ss', 'ds', 'es', 'fs', 'gs', 'tr', 'ldtr'] as const;

type RegisterKey = keyof typeof REGISTER;

/** A processor whose registers and VMCS are all different words; these fields are as given. */
function processorWith(fields: Partial<Record<VmcsFieldName, number>>, registers: Partial<Record<RegisterKey, number>> = {}): Processor {
  const { processor } = new TestMachine();
  processor.registers.forEach((_, index) => { processor.registers[index] = 0x1101_0000 + 0x101 * index; });
  processor.vmcs.forEach((_, index) => { processor.vmcs[index] = 0x5202_0000 + 0x101 * index; });
  processor.segments.words.forEach((_, index) => { processor.segments.words[index] = 0x2303_0000 + 0x101 * index; });
  for (const [name, value] of Object.entries({ primary_controls: PRIMARY.secondaryControls, secondary_controls: 0, exit_controls: 0, entry_controls: 0, ...fields })) {
    processor.vmcs[VMCS[name as VmcsFieldName]] = value;
  }
  for (const [name, value] of Object.entries(registers)) processor.registers[2 * REGISTER[name as RegisterKey]] = value;
  return processor;
}

const register = ({ registers }: Processor, name: RegisterKey): bigint => whole(registers[2 * REGISTER[name]]!, registers[2 * REGISTER[name] + 1]!);
const field = ({ vmcs }: Processor, name: VmcsFieldName): bigint => whole(vmcs[VMCS[name]]!, vmcs[VMCS[name] + 1]!);
const low = (value: bigint): number => Number(BigInt.asIntN(32, value));

/** What of registers and VMCS is the same, pair by pair. */
function assertSame(processor: Processor, pairs: Readonly<Record<string, string>>, expected: 'same' | 'different'): void {
  for (const [name, of] of Object.entries(pairs)) {
    const [one, other] = [register(processor, name as RegisterKey), field(processor, of as VmcsFieldName)];
    if (expected === 'same') assert.equal(one, other, name);
    else assert.notEqual(one, other, name);
  }
}

describe('guest state', () => {
  it('is saved in all of its bits, PDPTEs with EPT alone', () => {
    for (const ept of [0, SECONDARY.enableEpt]) {
      const processor = processorWith({ secondary_controls: ept });
      saveGuestState(processor);
      assertSame(processor, WHOLE, 'same');
      assertSame(processor, PDPTES, ept === 0 ? 'different' : 'same');
      assert.equal(low(field(processor, 'guest_cr0')), low(register(processor, 'cr0')));
      assert.equal(low(field(processor, 'guest_ia32_pkrs')), low(register(processor, 'pkrs')));
    }
  });

  it('is loaded in all of its bits, PDPTEs with EPT alone', () => {
    for (const ept of [0, SECONDARY.enableEpt]) {
      const processor = processorWith({ secondary_controls: ept });
      loadGuestState(processor);
      assertSame(processor, WHOLE, 'same');
      assertSame(processor, PDPTES, ept === 0 ? 'different' : 'same');
    }
  });

  it('has segments and tables by selector, rights, limit and all of the base', () => {
    for (const act of [saveGuestState, loadGuestState]) {
      const processor = processorWith({});
      act(processor);
      const { segments } = processor;
      for (const name of SEGMENTS) {
        const of = SEGMENT[name];
        const isPrivileged = act === saveGuestState && (name === 'ss' || name === 'cs');
        if (!isPrivileged) {
          assert.equal(field(processor, `guest_${name}_selector`) & 0xffff_ffffn, BigInt(segments.selector(of) >>> 0), name);
          assert.equal(field(processor, `guest_${name}_access_rights`) & 0xffff_ffffn, BigInt(segments.rights(of) >>> 0), name);
        }
        assert.equal(field(processor, `guest_${name}_limit`) & 0xffff_ffffn, BigInt(segments.limit(of) >>> 0), name);
        assert.equal(field(processor, `guest_${name}_base`), whole(segments.baseLo(of), segments.baseHi(of)), name);
      }
      for (const name of ['gdtr', 'idtr'] as const) {
        const of = DESCRIPTOR_TABLE[name];
        assert.equal(field(processor, `guest_${name}_base`), whole(segments.tableBaseLo(of), segments.tableBaseHi(of)), name);
        assert.equal(field(processor, `guest_${name}_limit`) & 0xffff_ffffn, BigInt(segments.tableLimit(of) >>> 0), name);
      }
      if (act === saveGuestState) for (const name of SEGMENTS) for (const part of ['selector', 'access_rights', 'limit'] as const) assert.equal(field(processor, `guest_${name}_${part}`) >> 32n, 0n);
    }
  });

  it('has a CPL that is the DPL of SS; CS has it too, but where it conforms or is no code', () => {
    const [code, conforming, data] = [0x9b, 0x9f, 0x93];
    for (const [rights, follows] of [[code, true], [conforming, false], [data, false], [data | 4, false]] as const) {
      const processor = processorWith({}, { cpl: 1, cr0: CR0.PE, rflags: RFLAGS.fixed });
      processor.segments.set(SEGMENT.cs, { selector: 0x10, rights, limit: 0, baseLo: 0, baseHi: 0 });
      processor.segments.set(SEGMENT.ss, { selector: 0x18, rights: 0x93, limit: 0, baseLo: 0, baseHi: 0 });
      saveGuestState(processor);
      assert.deepEqual(
        (['guest_cs_selector', 'guest_cs_access_rights', 'guest_ss_selector', 'guest_ss_access_rights'] as const).map((name) => Number(field(processor, name))),
        [0x10 | (follows ? 1 : 0), rights | (follows ? 0x20 : 0), 0x19, 0xb3],
      );
      processor.setLevel(3);
      loadGuestState(processor);
      assert.equal(processor.level, 1);
    }
  });

  it('has selectors whole where they are addresses: in real-address and in virtual-8086 mode', () => {
    for (const [cr0, rflags] of [[0, RFLAGS.fixed], [CR0.PE, RFLAGS.fixed | RFLAGS.VM]] as const) {
      const processor = processorWith({}, { cpl: 3, cr0, rflags });
      processor.segments.set(SEGMENT.cs, { selector: 0x101, rights: 0x9b, limit: 0xffff, baseLo: 0x1010, baseHi: 0 });
      processor.segments.set(SEGMENT.ss, { selector: 0x102, rights: 0x93, limit: 0xffff, baseLo: 0x1020, baseHi: 0 });
      saveGuestState(processor);
      assert.deepEqual([field(processor, 'guest_cs_selector'), field(processor, 'guest_ss_selector')], [0x101n, 0x102n]);
    }
  });

  it('has IA32_EFER saved and loaded by controls; else LMA follows the IA-32e mode guest, and LME while paging', () => {
    const both = EFER.LMA | EFER.LME;
    const saved = processorWith({ exit_controls: 0 }, { efer: both });
    const before = field(saved, 'guest_ia32_efer');
    saveGuestState(saved);
    assert.equal(field(saved, 'guest_ia32_efer'), before);
    const withControl = processorWith({ exit_controls: EXIT.saveEfer, entry_controls: ENTRY.ia32eModeGuest }, { efer: EFER.NXE });
    saveGuestState(withControl);
    assert.equal(low(field(withControl, 'guest_ia32_efer')), EFER.NXE);
    assert.equal(low(field(withControl, 'entry_controls')) & ENTRY.ia32eModeGuest, 0);
    for (const [controls, cr0, old, now] of [
      [ENTRY.loadEfer, CR0.PG, both, EFER.SCE], [0, CR0.PG, both | EFER.NXE, EFER.NXE], [0, 0, both, EFER.LME],
      [ENTRY.ia32eModeGuest, CR0.PG, EFER.NXE, EFER.NXE | both], [ENTRY.ia32eModeGuest, 0, 0, EFER.LMA],
    ] as const) {
      const processor = processorWith({ entry_controls: controls, guest_cr0: cr0, guest_ia32_efer: EFER.SCE }, { efer: old });
      loadGuestState(processor);
      assert.equal(low(register(processor, 'efer')), now);
    }
  });

  it('has PKRS loaded by its control', () => {
    for (const [controls, expected] of [[0, 7], [ENTRY.loadPkrs, 5]] as const) {
      const processor = processorWith({ entry_controls: controls, guest_ia32_pkrs: 5 }, { pkrs: 7 });
      loadGuestState(processor);
      assert.equal(low(register(processor, 'pkrs')), expected);
    }
  });

  it('keeps ET, CD and NW of CR0', () => {
    for (const [old, loaded] of [[CR0.CD, CR0.NW | CR0.WP], [CR0.ET | CR0.NW | CR0.TS, 0]] as const) {
      const processor = processorWith({ guest_cr0: loaded }, { cr0: old });
      loadGuestState(processor);
      const kept = CR0.ET | CR0.CD | CR0.NW;
      assert.equal(low(register(processor, 'cr0')), (loaded & ~kept) | (old & kept));
    }
  });

  it('that a loader leaves out is taken from the processor: IA-32e mode by EFER.LMA, PKRS, RSP and what follows', () => {
    for (const efer of [0, EFER.LMA | EFER.LME]) {
      const processor = processorWith({ guest_ia32_efer: efer, guest_ss_access_rights: 0x60 }, { pkrs: 9 });
      completeVmcs(processor);
      const { rsp, rip, activity, interruptibility } = WHOLE;
      assertSame(processor, { rsp, rip, activity, interruptibility }, 'same');
      assertSame(processor, { cr3: WHOLE.cr3, cr4: WHOLE.cr4 }, 'different');
      assert.equal(low(field(processor, 'guest_ia32_pkrs')), 9);
      assert.equal((low(field(processor, 'entry_controls')) & ENTRY.ia32eModeGuest) !== 0, efer !== 0);
      assert.equal(low(field(processor, 'guest_ss_access_rights')) >>> 5 & 3, 3);
    }
  });
});

describe('control registers with bits that the host owns', () => {
  const values = { cr0: 1n << 40n | 0x21n, cr4: 1n << 41n | 0x2020n };
  const REASON = 28;

  /** Owned and shadowed: bits 0, 5 and 40 of CR0; 5, 13 and 41 of CR4. */
  const vmcs = (): Int32Array => {
    const { vmcs: words } = processorWith({ primary_controls: 0 });
    for (const name of ['cr0', 'cr4'] as const) {
      for (const part of ['guest_host_mask', 'read_shadow'] as const) {
        const at = VMCS[`${name}_${part}`];
        [words[at], words[at + 1]] = halves(values[name]);
      }
    }
    return words;
  };

  it('exit when a MOV changes one of them from what the shadow has, of either half', () => {
    for (const [name, qualification] of [['cr0', 0], ['cr4', 4]] as const) {
      for (let bit = 0n; bit < 64n; bit++) {
        const exit = registerWriteExit(vmcs(), REGISTER[name], ...halves(values[name] ^ 1n << bit));
        const isOwned = (values[name] >> bit & 1n) === 1n;
        assert.deepEqual(exit, isOwned ? { reason: REASON, qualification } : undefined, `${name}, bit ${bit}`);
      }
    }
  });

  it('do not exit when they are read, and other registers have none', () => {
    for (const name of ['cr0', 'cr4', 'cr2', 'pkru'] as const) assert.equal(registerReadExit(vmcs(), REGISTER[name]), undefined);
    const exiting = vmcs();
    exiting[VMCS.primary_controls] = PRIMARY.cr3StoreExiting;
    assert.equal(registerReadExit(exiting, REGISTER.cr0), undefined);
    assert.deepEqual(registerReadExit(exiting, REGISTER.cr3), { reason: REASON, qualification: 0x13 });
    assert.deepEqual((['cr0', 'cr4', 'cr2'] as const).map((name) => ownedBits(vmcs(), REGISTER[name])), [0x21, 0x2020, 0]);
    assert.deepEqual((['cr0', 'cr4'] as const).map((name) => readShadow(vmcs(), REGISTER[name])), [0x21, 0x2020]);
  });

  it('take CR3-target values by both halves', () => {
    const words = vmcs();
    words[VMCS.primary_controls] = PRIMARY.cr3LoadExiting;
    words[VMCS.cr3_target_count] = 1;
    [words[VMCS.cr3_target0], words[VMCS.cr3_target0 + 1]] = [0x1000, 7];
    assert.equal(registerWriteExit(words, REGISTER.cr3, 0x1000, 7), undefined);
    assert.deepEqual(registerWriteExit(words, REGISTER.cr3, 0x1000, 8), { reason: REASON, qualification: 3 });
  });
});
