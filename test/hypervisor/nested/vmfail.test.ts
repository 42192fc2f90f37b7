import { strict as assert } from 'node:assert';
import { configure } from '../../../src/engine/settings/configuration';
import { Machine } from '../../../src/engine/machine/machine';
import { outcomeOf } from '../../../src/engine/run/outcome';
import { vmInstructionErrors } from '../../../src/hardware/vmx/vmInstructionErrors';
import { compiled } from '../../engine/onMachine';
import { nestedScenario } from './nestedTexts';

/** Behind VMsucceed CF and ZF are 0; VMfailInvalid sets CF; VMfailValid sets ZF, and the error field has the number. */
type Ending = 'VMsucceed' | 'VMfailInvalid' | number;

interface Row {
  readonly name: string;
  /** What L1 does before, and the instruction in question. */
  readonly before?: string;
  readonly instruction: string;
  readonly ending: Ending;
}

const VMXON = 'gpa:0x92000';
const LAUNCHED = 'r = vmlaunch(l2)';

/** SDM Vol. 3, "VMX Instructions", and the pages of each instruction in its order of checks. */
const rows: readonly Row[] = [
  { name: 'VMCLEAR of an address within a page', instruction: 'vmclear(gpa:0x5008)', ending: 2 },
  { name: 'VMCLEAR of an address beyond the physical-address width', instruction: 'vmclear(gpa:0x400000000000)', ending: 2 },
  { name: 'VMCLEAR of the VMXON region', instruction: `vmclear(${VMXON})`, ending: 3 },
  { name: 'VMCLEAR of the VMXON region, without a current VMCS', before: 'vmclear(l2)', instruction: `vmclear(${VMXON})`, ending: 'VMfailInvalid' },
  { name: 'VMCLEAR of the current VMCS', instruction: 'vmclear(l2)', ending: 'VMsucceed' },
  { name: 'VMCLEAR where no memory is', instruction: 'vmclear(gpa:512M)', ending: 'VMsucceed' },
  { name: 'VMPTRLD of an address within a page', instruction: 'vmptrld(gpa:0x5001)', ending: 9 },
  { name: 'VMPTRLD of the VMXON region', instruction: `vmptrld(${VMXON})`, ending: 10 },
  { name: 'VMPTRLD of a page without the revision identifier', instruction: 'vmptrld(gpa:8M)', ending: 11 },
  { name: 'VMPTRLD where no memory is', instruction: 'vmptrld(gpa:512M)', ending: 11 },
  { name: 'VMPTRLD of a cleared VMCS', before: 'vmclear(l2)', instruction: 'vmptrld(l2)', ending: 'VMsucceed' },
  { name: 'VMREAD', instruction: 'x = vmcs.eptp', ending: 'VMsucceed' },
  { name: 'VMREAD without a current VMCS', before: 'vmclear(l2)', instruction: 'x = vmcs.eptp', ending: 'VMfailInvalid' },
  { name: 'VMWRITE', instruction: 'vmcs.guest_rsp = 5', ending: 'VMsucceed' },
  { name: 'VMWRITE without a current VMCS', before: 'vmclear(l2)', instruction: 'vmcs.guest_rsp = 5', ending: 'VMfailInvalid' },
  { name: 'VMWRITE to a field of exit information', instruction: 'vmcs.exit_qualification = 5', ending: 13 },
  { name: 'VMLAUNCH without a current VMCS', before: 'vmclear(l2)', instruction: LAUNCHED, ending: 'VMfailInvalid' },
  { name: 'VMRESUME without a current VMCS', before: 'vmclear(l2)', instruction: 'r = vmresume(l2)', ending: 'VMfailInvalid' },
  { name: 'VMLAUNCH of a launched VMCS', before: LAUNCHED, instruction: LAUNCHED, ending: 4 },
  { name: 'VMRESUME of a clear VMCS', instruction: 'r = vmresume(l2)', ending: 5 },
  { name: 'VMRESUME behind VMCLEAR and VMPTRLD', before: `${LAUNCHED}\nvmclear(l2)\nvmptrld(l2)`, instruction: 'r = vmresume(l2)', ending: 5 },
  { name: 'the launch state before the controls', before: 'vmcs.eptp = 0', instruction: 'r = vmresume(l2)', ending: 5 },
  { name: 'VMLAUNCH without an EPTP', before: 'vmcs.eptp = 0', instruction: LAUNCHED, ending: 7 },
  { name: 'VMLAUNCH with a page-modification log at no page', before: 'vmcs.secondary_controls |= 1 << 17\nvmcs.pml_address = 1', instruction: LAUNCHED, ending: 7 },
  { name: 'VMLAUNCH with 5-level EPT, which L0 does not emulate', before: 'vmcs.eptp = eptp(root) | 1 << 5', instruction: LAUNCHED, ending: 7 },
  { name: 'VMLAUNCH with VPID 0', before: 'vmcs.vpid = 0', instruction: LAUNCHED, ending: 7 },
  { name: 'the controls before the host state', before: 'vmcs.vpid = 0\nvmcs.host_cr3 = 1 << 50', instruction: LAUNCHED, ending: 7 },
  { name: 'VMLAUNCH with a host CR3 that is none', before: 'vmcs.host_cr3 = 1 << 50', instruction: LAUNCHED, ending: 8 },
  { name: 'VMLAUNCH with a host CS selector of 0', before: 'vmcs.host_cs_selector = 0', instruction: LAUNCHED, ending: 8 },
  { name: 'the host state before the guest state', before: 'vmcs.host_cr3 = 1 << 50\nvmcs.guest_rflags = 0', instruction: LAUNCHED, ending: 8 },
  { name: 'INVEPT of a type that there is not', instruction: 'invept(0, eptp(root))', ending: 28 },
  { name: 'INVEPT of one context with an EPTP that is none', instruction: 'invept(1, 0)', ending: 28 },
  { name: 'INVEPT of one context', instruction: 'invept(1, eptp(root))', ending: 'VMsucceed' },
  { name: 'INVEPT of all contexts, whatever the EPTP', instruction: 'invept(2, 0)', ending: 'VMsucceed' },
  { name: 'INVVPID of a type that there is not', instruction: 'invvpid(4, 1, 0)', ending: 28 },
  { name: 'INVVPID of VPID 0', instruction: 'invvpid(1, 0, 0)', ending: 28 },
  { name: 'INVVPID of a VPID above 16 bits', instruction: 'invvpid(2, 1 << 16, 0)', ending: 28 },
  { name: 'INVVPID of an address that is not canonical', instruction: 'invvpid(0, 1, 1 << 60)', ending: 28 },
  { name: 'INVVPID of all VPIDs', instruction: 'invvpid(2, 0, 0)', ending: 'VMsucceed' },
];

/** What a scenario prints, behind the instruction. */
function printed(text: string): readonly string[] {
  const program = compiled(text);
  const configuration = configure(program, undefined);
  assert.ok(!('error' in configuration));
  const machine = new Machine(program, configuration);
  const said: string[] = [];
  machine.interpreter.say = (category, line) => { if (category === 'print') said.push(line); };
  while (machine.interpreter.run.status === 0) machine.interpreter.step();
  assert.equal(outcomeOf(machine).ok, true, outcomeOf(machine).message);
  return said;
}

describe('VMX instructions of a guest hypervisor end as the manual says', () => {
  for (const { name, before = '', instruction, ending } of rows) {
    it(`${name}: ${typeof ending === 'number' ? `VMfailValid(${ending})` : ending}`, () => {
      const [flags, error] = printed(nestedScenario({
        l2: 'hlt()', l1: `r = 0\nx = 0\n${before}\n${instruction}\nprint rflags.CF, rflags.ZF\nprint vmcs.vm_instruction_error\nprint r, x`,
      }));
      const expected = ending === 'VMsucceed' ? '0x0 0x0' : ending === 'VMfailInvalid' ? '0x1 0x0' : '0x0 0x1';
      assert.equal(flags, expected);
      if (typeof ending !== 'number') return;
      assert.equal(Number(error), ending);
      assert.ok(vmInstructionErrors.some(({ number }) => number === ending));
    });
  }

  it('VMLAUNCH that fails gives all ones, and one whose guest state breaks a rule the exit reason 33', () => {
    assert.deepEqual(printed(nestedScenario({ l2: 'hlt()', l1: 'r = vmresume(l2)\nprint r' })), ['0xffffffffffffffff']);
    assert.deepEqual(printed(nestedScenario({
      l2: 'hlt()', l1: 'vmcs.guest_rflags = 0\nr = vmlaunch(l2)\nprint r\nprint vmcs.exit_reason\nprint rflags.CF, rflags.ZF\nvmcs.guest_rflags = 2\nr = vmlaunch(l2)\nprint r',
    })), ['0x21', '0x80000021', '0x0 0x0', '0xc'], 'the launch state stays clear');
  });
});
