import { strict as assert } from 'node:assert';
import { SVM_EXIT } from '../../src/hardware/svm/svmExitCodes';
import { NPF_INFO_HI } from '../../src/hardware/svm/exitInformation';
import { setField } from '../../src/hardware/svm/svmTransitions';
import { VMCB, vmcbFields } from '../../src/hardware/svm/vmcb';
import { vmcsFields } from '../../src/hardware/vmx/vmcs';
import { machineScopes } from '../../src/inspect/machineScopes';
import { svmExitRows } from '../../src/inspect/svmExitRows';
import { vmcbRows } from '../../src/inspect/vmcbRows';
import { launched, oneTouch, runTo, toEvent } from './stoppedScenario';
import { list, rowAt, rowsText, scopeRows } from './rowsText';

describe('what a VM exit has left in the control block', () => {
  it('at an EPT violation: the reason, the qualification decoded, and both addresses', () => {
    const timeline = launched(oneTouch, 'ept');
    runTo(timeline, '[0x600000] = 1');
    // A user store at which the guest's tables are backed already: the final address is the first page that EPT has not.
    toEvent(timeline, 'ept_violation');
    assert.equal(rowsText(scopeRows(timeline, 'VM Exit')), `exit reason = 48 EPT violation
exit qualification = 0x182 data write, guest-linear address valid, translation result
  data read = 0  bit 0
  data write = 1  bit 1
  instruction fetch = 0  bit 2
  readable = 0  bit 3
  writable = 0  bit 4
  executable = 0  bit 5
  executable by user-mode addresses = 0  bit 6
  guest-linear address valid = 1  bit 7
  translation result = 1  bit 8
  user-mode linear address = 0  bit 9
  read/write page = 0  bit 10
  execute-disable page = 0  bit 11
  NMI unblocking due to IRET = 0  bit 12
guest-physical address = gpa:0x101000
guest-linear address = gva:0x600000
`);
  });

  it('at a hidden fault of shadow paging: #PF with its error code, and the address in the qualification', () => {
    const timeline = launched(oneTouch, 'shadow-wp');
    runTo(timeline, '[0x600000] = 1');
    toEvent(timeline, 'vm_exit');
    assert.equal(rowsText(scopeRows(timeline, 'VM Exit')), `exit reason = 0 Exception or non-maskable interrupt
exit qualification = gva:0x600000 the faulting linear address
VM-exit interruption information = #PF, hardware exception
VM-exit interruption error code = 0x6 (write, user)
`);
  });

  it('is a scope of its own from the exit to the entry, and the last exit after that', () => {
    const timeline = launched(oneTouch, 'ept');
    runTo(timeline, '[0x600000] = 1');
    const scopes = (): readonly string[] => machineScopes(timeline, 0).map(({ name }) => name);
    assert.ok(!scopes().includes('VM Exit'));
    toEvent(timeline, 'listing_line');
    assert.equal(scopes()[0], 'VM Exit');
    toEvent(timeline, 'vm_entry');
    assert.ok(!scopes().includes('VM Exit'));
    assert.equal(rowAt(scopeRows(timeline, 'Hypervisor'), 'last VM exit').value, '48 EPT violation');
  });

  it('of an access under interpret: what it is, and its address', () => {
    const timeline = launched(oneTouch, 'interpret');
    runTo(timeline, '[0x600000] = 1');
    toEvent(timeline, 'vm_exit');
    assert.equal(rowsText(scopeRows(timeline, 'VM Exit')), `EXITCODE = 0xbf ACCESS
EXITINFO1 = 0x5 user write
EXITINFO2 = gva:0x600000 the linear address
`);
  });

  it('of a nested page fault: EXITINFO1 says which walk, EXITINFO2 has the address', () => {
    const vmcb = new Int32Array(2 * vmcbFields.length);
    setField(vmcb, 'exitcode', SVM_EXIT.npf, 0);
    setField(vmcb, 'exitinfo1', 0x6, NPF_INFO_HI.guestTable);
    setField(vmcb, 'exitinfo2', 0x5000, 1);
    assert.equal(rowsText({ kind: 'named', all: () => svmExitRows(vmcb) }), `EXITCODE = 0x400 NPF
EXITINFO1 = 0x200000006 nested walk of an entry of the guest's tables, error code 0x6 (write, user)
EXITINFO2 = gpa:0x100005000 the faulting guest-physical address
`);
  });
});

describe('the control block', () => {
  it('of VMX has every field of the table once, in the areas of the manual', () => {
    const timeline = launched(oneTouch, 'ept');
    const vmcs = rowAt(scopeRows(timeline, 'Hypervisor'), 'VMCS').below!;
    const names = list(vmcs).flatMap((area) => list(area.below!).map(({ name }) => name));
    assert.deepEqual([...names].sort(), vmcsFields.map(({ name }) => name as string).sort());
    assert.equal(rowAt(vmcs, 'control fields', 'secondary_controls', 'enable EPT').value, '1  bit 1');
    assert.match(rowAt(vmcs, 'control fields', 'eptp').value, /^hpa:0x[0-9a-f]+000 page-walk length 4/);
    assert.equal(rowAt(vmcs, 'guest-state area', 'guest_cr0').value.split(' ').at(-1), 'PG');
  });

  it('of shadow paging has #PF in its exception bitmap, and exits at loads of CR3', () => {
    const controls = rowAt(scopeRows(launched(oneTouch, 'shadow-wp'), 'Hypervisor'), 'VMCS', 'control fields').below!;
    assert.equal(rowAt(controls, 'exception_bitmap').value, '0x4000 #PF');
    assert.equal(rowAt(controls, 'primary_controls', 'CR3-load exiting').value, '1  bit 15');
  });

  it('of SVM has every field of the table once, and its intercepts by name', () => {
    const vmcb = new Int32Array(2 * vmcbFields.length);
    vmcb[VMCB.intercept_exceptions] = 1 << 14;
    const areas = vmcbRows(vmcb);
    assert.deepEqual(list(areas).flatMap((area) => list(area.below!).map(({ name }) => name)).sort(), vmcbFields.map(({ name }) => name as string).sort());
    assert.equal(rowAt(areas, 'control area', 'intercept_exceptions').value, '0x4000 #PF');
    assert.equal(rowAt(areas, 'control area', 'intercept_exceptions', 'EXCP14').value, '1  bit 14');
    assert.equal(rowAt(areas, 'control area', 'intercept_misc1', 'HLT').value, '0  bit 24');
  });
});
