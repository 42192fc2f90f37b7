import { strict as assert } from 'node:assert';
import { CR0, CR4, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { Registry } from '../../../src/hardware/state/registry';
import { ROOT_REGISTER, type RootRegisterName, RootState } from '../../../src/hardware/vmx/rootState';
import { claimVmcs, EXIT, VMCS, type VmcsFieldName } from '../../../src/hardware/vmx/vmcs';
import { halves, whole } from '../testMachine';

/* SDM Vol. 3, "Loading Host State": what of the host-state area a VM exit loads, by its exit controls. */
const OLD = 0x1234_5678_0000_0000n;
const KNOWN = Object.values(CR0).reduce((all, bit) => all | bit, 0);
const KEPT = CR0.ET | CR0.CD | CR0.NW | ~KNOWN;

function loaded(exitControls: number, fields: Partial<Record<VmcsFieldName, bigint>>, before: Partial<Record<RootRegisterName, bigint>> = {}): (name: RootRegisterName) => bigint {
  const vmcs = claimVmcs(new Registry(), 0);
  for (const [name, value] of Object.entries({ exit_controls: BigInt(exitControls >>> 0), ...fields })) {
    const at = VMCS[name as VmcsFieldName];
    [vmcs[at], vmcs[at + 1]] = halves(value);
  }
  const root = new RootState(new Registry(), 0);
  for (const [name, value] of Object.entries(before)) {
    const at = ROOT_REGISTER[name as RootRegisterName];
    [root.words[at], root.words[at + 1]] = halves(value);
  }
  root.load(vmcs);
  return (name) => whole(root.words[ROOT_REGISTER[name]]!, root.words[ROOT_REGISTER[name] + 1]!);
}

describe('host state', () => {
  it('is loaded in all of its bits', () => {
    const fields = { host_cr3: OLD | 0x1000n, host_rsp: OLD | 0x2000n, host_rip: OLD | 0x3000n, host_ia32_pkrs: 0x4000n, host_ia32_efer: 0xd01n } as const;
    const root = loaded(EXIT.hostAddressSpaceSize | EXIT.loadEfer | EXIT.loadPkrs, fields);
    assert.deepEqual((['cr3', 'rsp', 'rip', 'pkrs', 'efer'] as const).map(root), Object.values(fields));
  });

  it('has the fixed RFLAGS, whatever they were', () => {
    assert.equal(loaded(0, {}, { rflags: OLD | 0x202n })('rflags'), BigInt(RFLAGS.fixed));
  });

  it('leaves ET, CD, NW and the reserved bits of CR0 as they are', () => {
    for (const [old, now] of [[0, -1], [-1, 0], [CR0.NW, CR0.CD]] as const) {
      const root = loaded(0, { host_cr0: BigInt(now >>> 0) }, { cr0: BigInt(old >>> 0) });
      assert.equal(root('cr0'), BigInt(((now & ~KEPT) | (old & KEPT)) >>> 0));
    }
  });

  it('sets CR4.PAE where the host is 64-bit, and clears CR4.PCIDE where it is not', () => {
    const bits = (value: number): bigint => BigInt(value >>> 0);
    assert.equal(loaded(EXIT.hostAddressSpaceSize, { host_cr4: bits(CR4.PCIDE) })('cr4'), bits(CR4.PCIDE | CR4.PAE));
    assert.equal(loaded(0, { host_cr4: bits(CR4.PCIDE | CR4.PGE) })('cr4'), bits(CR4.PGE));
  });

  it('without "load IA32_EFER" changes no more of EFER than LMA and LME, to what the host is', () => {
    const other = BigInt(EFER.NXE | EFER.SCE);
    const both = BigInt(EFER.LMA | EFER.LME);
    assert.equal(loaded(EXIT.hostAddressSpaceSize, { host_ia32_efer: 0n }, { efer: other })('efer'), other | both);
    assert.equal(loaded(0, { host_ia32_efer: both }, { efer: other | both })('efer'), other);
  });

  it('without "load PKRS" leaves PKRS alone', () => {
    assert.equal(loaded(0, { host_ia32_pkrs: 5n }, { pkrs: 7n })('pkrs'), 7n);
  });
});
