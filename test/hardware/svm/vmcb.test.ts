import { strict as assert } from 'node:assert';
import { exitReasonOf, EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { exitReasonOfSvm, intercept, isIntercepted, SVM_EXIT, svmExitCodeOf, svmExitCodes } from '../../../src/hardware/svm/svmExitCodes';
import { VMCB, vmcbFields } from '../../../src/hardware/svm/vmcb';

/** Offsets and widths as APM Vol. 2, "Layout of VMCB", has them: written out here, so that the table is held to the manual. */
const layout: readonly (readonly [string, number, number])[] = [
  ['intercept_cr', 0x000, 32], ['intercept_dr', 0x004, 32], ['intercept_exceptions', 0x008, 32], ['intercept_misc1', 0x00c, 32],
  ['intercept_misc2', 0x010, 32], ['intercept_misc3', 0x014, 32], ['iopm_base_pa', 0x040, 64], ['msrpm_base_pa', 0x048, 64],
  ['asid', 0x058, 32], ['tlb_control', 0x05c, 8], ['v_intr', 0x060, 64], ['interrupt_shadow', 0x068, 64], ['exitcode', 0x070, 64],
  ['exitinfo1', 0x078, 64], ['exitinfo2', 0x080, 64], ['exitintinfo', 0x088, 64], ['nested_control', 0x090, 64],
  ['eventinj', 0x0a8, 64], ['n_cr3', 0x0b0, 64], ['vmcb_clean', 0x0c0, 32], ['nrip', 0x0c8, 64],
  ['guest_es_selector', 0x400, 16], ['guest_cs_attributes', 0x412, 16], ['guest_ss_limit', 0x424, 32], ['guest_ds_base', 0x438, 64],
  ['guest_gdtr_limit', 0x464, 32], ['guest_idtr_base', 0x488, 64], ['guest_cpl', 0x4cb, 8], ['guest_efer', 0x4d0, 64],
  ['guest_cr4', 0x548, 64], ['guest_cr3', 0x550, 64], ['guest_cr0', 0x558, 64], ['guest_rflags', 0x570, 64], ['guest_rip', 0x578, 64],
  ['guest_rsp', 0x5d8, 64], ['guest_rax', 0x5f8, 64], ['guest_cr2', 0x640, 64], ['guest_g_pat', 0x668, 64],
];

describe('the VMCB', () => {
  it('has its fields where the manual has them', () => {
    for (const [name, offset, width] of layout) {
      const row = vmcbFields.find((each) => each.name === name);
      assert.deepEqual([row?.offset, row?.width], [offset, width], name);
    }
  });

  it('has no two fields in one byte, and no name twice', () => {
    const taken = new Map<number, string>();
    for (const { name, offset, width } of vmcbFields) {
      for (let byte = offset; byte < offset + width / 8; byte++) {
        assert.equal(taken.get(byte), undefined, `${name} and ${taken.get(byte)}`);
        taken.set(byte, name);
      }
    }
    assert.equal(new Set(vmcbFields.map((row) => row.name)).size, vmcbFields.length);
  });

  it('has the intercepts of one EXITCODE each in the bit of that number', () => {
    for (const { code, name, by } of svmExitCodes) {
      if (by !== 'intercept') continue;
      const vmcb = new Int32Array(512);
      intercept(vmcb, code);
      const word = vmcbFields.find((row) => row.offset === 4 * (code >>> 5));
      assert.equal(vmcb[VMCB[word!.name]], 1 << (code & 31), name);
      for (const other of svmExitCodes) {
        if (other.by === 'intercept') assert.equal(isIntercepted(vmcb, other.code), other.code === code, `${name}, ${other.name}`);
      }
    }
  });
});

describe('an EXITCODE', () => {
  it('is the manual\'s number', () => {
    assert.deepEqual(
      [
        [SVM_EXIT.readCr0, 0x00], [SVM_EXIT.writeCr0, 0x10], [SVM_EXIT.exception0, 0x40], [SVM_EXIT.intr, 0x60], [SVM_EXIT.nmi, 0x61],
        [SVM_EXIT.vintr, 0x64], [SVM_EXIT.cr0SelectiveWrite, 0x65], [SVM_EXIT.cpuid, 0x72], [SVM_EXIT.swint, 0x75], [SVM_EXIT.hlt, 0x78],
        [SVM_EXIT.invlpg, 0x79], [SVM_EXIT.invlpga, 0x7a], [SVM_EXIT.ioio, 0x7b], [SVM_EXIT.msr, 0x7c], [SVM_EXIT.taskSwitch, 0x7d],
        [SVM_EXIT.shutdown, 0x7f], [SVM_EXIT.vmrun, 0x80], [SVM_EXIT.vmmcall, 0x81], [SVM_EXIT.invpcid, 0xa2], [SVM_EXIT.npf, 0x400],
        [SVM_EXIT.invalid, -1],
      ].filter(([is, shall]) => is !== shall),
      [],
    );
    assert.equal(svmExitCodeOf(0x4e)?.name, 'EXCP14');
    assert.equal(svmExitCodeOf(0x13)?.name, 'CR3_WRITE');
  });

  it('counts under the VMX reason of the same cause, RDMSR apart from WRMSR', () => {
    for (const { code, countsAs } of svmExitCodes) {
      assert.equal(exitReasonOf(exitReasonOfSvm(code, 0))?.key, countsAs);
    }
    assert.deepEqual([exitReasonOfSvm(SVM_EXIT.msr, 0), exitReasonOfSvm(SVM_EXIT.msr, 1)], [EXIT_REASON.rdmsr, EXIT_REASON.wrmsr]);
    assert.deepEqual(
      [SVM_EXIT.writeCr0 + 3, SVM_EXIT.cr0SelectiveWrite, SVM_EXIT.ioio, SVM_EXIT.shutdown, SVM_EXIT.vmmcall, SVM_EXIT.npf]
        .map((code) => exitReasonOf(exitReasonOfSvm(code, 0))?.key),
      ['cr_access', 'cr_access', 'io_instruction', 'triple_fault', 'vmcall', 'npf'],
    );
  });
});
