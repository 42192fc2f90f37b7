import { strict as assert } from 'node:assert';
import { OPERATION } from '../../../src/hardware/paging/accessKinds';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { type Processor, STATUS } from '../../../src/hardware/processor/processor';
import { refusedInstruction } from '../../../src/hardware/processor/refusedInstruction';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { ProtectedMachine } from '../delivery/protectedByHand';
import { guest } from '../svm/svmGuest';
import { halves, P, TestMachine } from '../testMachine';
import { machineWithVmcs } from '../vmx/goodVmcs';

const PRIVILEGED = 'the instruction is privileged, and the CPL is 3';
const [HIGH_LO, HIGH_HI] = halves(1n << 63n);
const [PROTECTION, UNDEFINED] = [13, 6];

interface Case {
  readonly about: string;
  readonly cpl?: number;
  /** Where the instruction is executed; by default in long mode of a processor of Intel, without a hypervisor. */
  readonly on?: () => { readonly processor: Processor };
  readonly run: (processor: Processor) => number;
  readonly vector?: number;
  readonly reason: string | RegExp;
}

const launched = (): TestMachine => {
  const machine = machineWithVmcs();
  assert.equal(machine.processor.launch(), STATUS.done, machine.processor.stopReason);
  return machine;
};
const setRegister = (register: number, value: bigint) => (processor: Processor): number => processor.writeRegister(register, ...halves(value));
const cases: readonly Case[] = [
  { about: 'MOV to CR4 of a value that it never takes', run: setRegister(REGISTER.cr4, 1n << 63n), reason: /^cr4 cannot take the value: ./ },
  { about: 'MOV to CR4 of a value that it takes', cpl: 3, run: setRegister(REGISTER.cr4, BigInt(CR4.PAE)), reason: PRIVILEGED },
  { about: 'MOV to CR3 where a PDPTE is none', on: () => {
    const machine = new TestMachine();
    machine.set({ cr4: CR4.PAE, efer: 0 });
    machine.put(0x5000n, 3n);
    return machine;
  }, run: setRegister(REGISTER.cr3, 0x5000n), reason: 'cr3 cannot take the value: a PDPTE that it names is none' },
  { about: 'MOV to CR0 where a PDPTE is none', on: () => {
    const machine = new TestMachine();
    machine.set({ cr0: 0x11, cr4: CR4.PAE, efer: 0, cr3: 0x5000 });
    machine.put(0x5000n, 3n);
    return machine;
  }, run: setRegister(REGISTER.cr0, 0x8000_0011n), reason: 'cr0 cannot take the value' },
  { about: 'WRPKRU without CR4.PKE', run: setRegister(REGISTER.pkru, 1n), vector: UNDEFINED, reason: 'WRPKRU needs CR4.PKE' },
  { about: 'a MOV from CR', cpl: 3, run: (processor) => processor.readRegister(REGISTER.cr3), reason: PRIVILEGED },
  { about: 'INVLPG', cpl: 3, run: (processor) => processor.invlpg(0, 0), reason: PRIVILEGED },
  { about: 'STAC', cpl: 3, run: (processor) => processor.setAlignmentCheck('set'), vector: UNDEFINED, reason: PRIVILEGED },
  { about: 'HLT', cpl: 3, run: (processor) => processor.hlt(), reason: PRIVILEGED },
  { about: 'VMCALL', run: (processor) => processor.vmcall(), vector: UNDEFINED, reason: 'there is no hypervisor to call' },
  ...(['input', 'output'] as const).map((how): Case => ({
    about: `${how} at CPL 3`, cpl: 3, run: (processor) => {
      processor.registers[2 * REGISTER.rdx] = 0x3f8;
      return processor[how](1);
    }, reason: 'the CPL is above the I/O privilege level, and the TSS does not permit port 0x3f8',
  })),
  { about: 'INVPCID that the hypervisor does not enable', on: launched, run: (processor) => processor.invpcid(0, 0, 0), vector: UNDEFINED,
    reason: 'INVPCID is not there: the processor has none, or the hypervisor does not enable it' },
  { about: 'INVPCID', cpl: 3, run: (processor) => processor.invpcid(0, 0, 0), reason: PRIVILEGED },
  { about: 'INVPCID of a type that is none', on: () => {
    const machine = new TestMachine();
    machine.map(0x60_0000n, 0x5000n, P);
    return machine;
  }, run: (processor) => processor.invpcid(4, 0x60_0000, 0), reason: 'INVPCID cannot take its operand: a type above 3' },
  { about: 'INVPCID with a descriptor that is not at an address', run: (processor) => processor.invpcid(0, HIGH_LO, HIGH_HI), reason: 'gva:0x8000000000000000 is not canonical' },
  { about: 'STR in real-address mode', on: () => new TestMachine().set({ cr0: 0x10, cr4: 0, efer: 0 }), run: (processor) => processor.sensitive.str(), vector: UNDEFINED,
    reason: 'SLDT and STR are not there in real-address and virtual-8086 mode' },
  { about: 'INVLPGA without EFER.SVME', on: () => new TestMachine({ vendor: 'amd' }), run: (processor) => processor.svm.invlpga(), vector: UNDEFINED,
    reason: 'SVM\'s instructions need EFER.SVME' },
  { about: 'INVLPGA', on: () => guest(), cpl: 3, run: (processor) => processor.svm.invlpga(), reason: PRIVILEGED },
  { about: 'INT n in virtual-8086 mode below IOPL 3', on: () => {
    const machine = new ProtectedMachine().virtual8086();
    machine.set({ rflags: 0x202 | 1 << 17 });
    return machine;
  }, run: (processor) => processor.softwareInterrupt(0x15), reason: 'INT n in virtual-8086 mode needs an I/O privilege level of 3' },
  { about: 'STI', cpl: 3, run: (processor) => processor.setInterruptFlag('set'), reason: 'the CPL is above the I/O privilege level' },
  { about: 'a reference outside DS', on: () => {
    const machine = new ProtectedMachine();
    machine.processor.segments.set(SEGMENT.ds, { selector: 0x10, rights: 0x4093, limit: 0xff, baseLo: 0, baseHi: 0 });
    return machine;
  }, run: (processor) => processor.accessThrough(SEGMENT.ds, OPERATION.load, 0x100, 0, 1),
    reason: 'offset 0x100 lies outside the limit of DS, or the segment is not for such an access' },
  { about: 'VMFUNC without VMX', run: (processor) => processor.vmfunc(), vector: UNDEFINED, reason: 'VM functions are not enabled, or EAX is above 63' },
  { about: 'a load', run: (processor) => processor.load(0x1234, HIGH_HI, 1), reason: 'gva:0x8000000000001234 is not canonical' },
  { about: 'a store at an address with bit 31', run: (processor) => processor.store(-1, 0x0100_0000, 1, 0, 0), reason: 'gva:0x1000000ffffffff is not canonical' },
];

describe('why an instruction was refused', () => {
  for (const { about, cpl = 0, on = () => new TestMachine(), run, vector = PROTECTION, reason } of cases) {
    it(`${about}${cpl === 0 ? '' : `, at CPL ${cpl}`}`, () => {
      const { processor } = on();
      if (cpl !== 0) processor.setLevel(cpl);
      assert.equal(run(processor), STATUS.exception);
      const told = refusedInstruction(processor);
      if (typeof reason === 'string') assert.equal(told, reason);
      else assert.match(told, reason);
      assert.equal(processor.vector, vector);
    });
  }
});
