import { strict as assert } from 'node:assert';
import { NO_EXIT } from '../../../src/hardware/processor/instructionExits';
import { OPERATION } from '../../../src/hardware/paging/accessKinds';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { PermissionBits } from '../../../src/hardware/memory/permissionBits';
import { PhysicalMemory } from '../../../src/hardware/memory/physicalMemory';
import { REGISTER, REGISTER_WORDS } from '../../../src/hardware/processor/registers';
import { RESUME } from '../../../src/hardware/processor/rootMode';
import { Registry } from '../../../src/hardware/state/registry';
import { decodeIo, encodeIo, ioInformation } from '../../../src/hardware/svm/exitInformation';
import { intercept, SVM_EXIT, svmExitCodes } from '../../../src/hardware/svm/svmExitCodes';
import { SvmExits } from '../../../src/hardware/svm/svmExits';
import { claimVmcb, VMCB } from '../../../src/hardware/svm/vmcb';
import { describeQualification } from '../../../src/hardware/vmx/exitQualification';

const IOPM = 0x10_0000;
const MSRPM = 0x20_0000;
const RIP = 0xffff_fffe;

/** Code, EXITINFO1 low and high, EXITINFO2 low and high, and length of the instruction. */
type Exit = readonly [code: number, info1Lo: number, info1Hi: number, info2Lo: number, info2Hi: number, length: number];

/** A guest about to do something, and what came of it. */
class Guest {
  readonly memory = new PhysicalMemory(new Registry(), 2 ** 40);
  readonly registers = new Int32Array(REGISTER_WORDS);
  readonly vmcb = claimVmcb(new Registry(), 0);
  readonly made: Exit[] = [];
  readonly exits = new SvmExits(this, new PermissionBits(this.memory, { busError: () => undefined }), { exit: (...exit) => {
    this.made.push(exit);
    return RESUME.stopped;
  } });

  constructor() {
    this.registers[2 * REGISTER.nonRoot] = 1;
    this.registers[2 * REGISTER.rip] = RIP | 0;
    this.vmcb[VMCB.iopm_base_pa] = IOPM;
    this.vmcb[VMCB.msrpm_base_pa] = MSRPM;
    for (let byte = 0; byte < 0x3000; byte++) {
      this.memory.store8(IOPM + byte, 0, 0xff);
      this.memory.store8(MSRPM + byte, 0, 0xff);
    }
  }
}

const MOV_CR_HI = 1 << 31;
const IN = 1;
/** Size in bits 6:4, one bit each; 64-bit addresses; port above. */
const io = (port: number, size: number, rest: number): number => (port << 16) | (1 << 9) | (size << 4) | rest;

/** Whatever can be intercepted: how it comes about, and all that its exit reports. */
const causes: readonly (readonly [string, (exits: SvmExits) => number, Exit])[] = [
  ['a read of CR0', (exits) => exits.registerRead(REGISTER.cr0), [0x00, 0, MOV_CR_HI, 0, 0, 3]],
  ['a read of CR2', (exits) => exits.registerRead(REGISTER.cr2), [0x02, 0, MOV_CR_HI, 0, 0, 3]],
  ['a read of CR3', (exits) => exits.registerRead(REGISTER.cr3), [0x03, 0, MOV_CR_HI, 0, 0, 3]],
  ['a read of CR4', (exits) => exits.registerRead(REGISTER.cr4), [0x04, 0, MOV_CR_HI, 0, 0, 3]],
  ['a write of CR0', (exits) => exits.registerWrite(REGISTER.cr0, CR0.TS, 0), [0x10, 0, MOV_CR_HI, 0, 0, 3]],
  ['a write of CR2', (exits) => exits.registerWrite(REGISTER.cr2, 0, 0), [0x12, 0, MOV_CR_HI, 0, 0, 3]],
  ['a write of CR3', (exits) => exits.registerWrite(REGISTER.cr3, 0x5000, 0), [0x13, 0, MOV_CR_HI, 0, 0, 3]],
  ['a write of CR4', (exits) => exits.registerWrite(REGISTER.cr4, 0, 0), [0x14, 0, MOV_CR_HI, 0, 0, 3]],
  ['a page fault', (exits) => exits.exception(14, 7, 0x1234, 5), [0x4e, 7, 0, 0x1234, 5, 0]],
  ['a general-protection exception', (exits) => exits.exception(13, 0x10, 9, 9), [0x4d, 0x10, 0, 0, 0, 0]],
  ['an invalid opcode', (exits) => exits.exception(6, 0, 0, 0), [0x46, 0, 0, 0, 0, 0]],
  ['an external interrupt', (exits) => exits.externalInterrupt(() => assert.fail('SVM acknowledges none')), [0x60, 0, 0, 0, 0, 0]],
  ['an NMI', (exits) => exits.nmi(), [0x61, 0, 0, 0, 0, 0]],
  ['CPUID', (exits) => exits.cpuid(), [0x72, 0, 0, 0, 0, 2]],
  ['INT n', (exits) => exits.softwareInterrupt(), [0x75, 0, 0, 0, 0, 2]],
  ['HLT', (exits) => exits.hlt(), [0x78, 0, 0, 0, 0, 1]],
  ['INVLPG', (exits) => exits.invlpg(0x6000, 7), [0x79, 0x6000, 7, 0, 0, 3]],
  ['INVLPGA', (exits) => exits.invlpga(), [0x7a, 0, 0, 0, 0, 3]],
  ['IN of a byte', (exits) => exits.io(0x60, 1, 'in'), [0x7b, io(0x60, 1, IN), 0, -1, 0, 1]],
  ['OUT of a word', (exits) => exits.io(0xcf8, 2, 'out'), [0x7b, io(0xcf8, 2, 0), 0, 0, 1, 2]],
  ['OUT of a doubleword', (exits) => exits.io(0xffff, 4, 'out'), [0x7b, io(0xffff, 4, 0), 0, -1, 0, 1]],
  ['RDMSR', (exits) => exits.msr(0x10, 'read'), [0x7c, 0, 0, 0, 0, 2]],
  ['WRMSR', (exits) => exits.msr(0xc000_0081, 'write'), [0x7c, 1, 0, 0, 0, 2]],
  ['RDMSR of EFER', (exits) => exits.registerRead(REGISTER.efer), [0x7c, 0, 0, 0, 0, 2]],
  ['WRMSR of EFER', (exits) => exits.registerWrite(REGISTER.efer, 0, 0), [0x7c, 1, 0, 0, 0, 2]],
  ['a task switch by IRET', (exits) => exits.taskSwitch(0x48, 1), [0x7d, 0x48, 0, 0, 1 << 4, 0]],
  ['a task switch by JMP', (exits) => exits.taskSwitch(0x48, 2), [0x7d, 0x48, 0, 0, 1 << 6, 0]],
  ['a task switch by a gate', (exits) => exits.taskSwitch(0x48, 3), [0x7d, 0x48, 0, 0, 0, 0]],
  ['a shutdown', (exits) => exits.tripleFault(), [0x7f, 0, 0, 0, 0, 0]],
  ['VMRUN', (exits) => exits.vmrun(), [0x80, 0, 0, 0, 0, 3]],
  ['SMSW, which is no MOV', (exits) => exits.smsw(), [0x00, 0, 0, 0, 0, 3]],
  ['SIDT', (exits) => exits.storeTable(OPERATION.sidt), [0x66, 0, 0, 0, 0, 3]],
  ['SGDT', (exits) => exits.storeTable(OPERATION.sgdt), [0x67, 0, 0, 0, 0, 3]],
  ['SLDT', (exits) => exits.storeTable(OPERATION.sldt), [0x68, 0, 0, 0, 0, 3]],
  ['STR', (exits) => exits.storeTable(OPERATION.str), [0x69, 0, 0, 0, 0, 3]],
  ['VMMCALL', (exits) => exits.vmcall(), [0x81, 0, 0, 0, 0, 3]],
  ['INVPCID', (exits) => exits.invpcid(2, 0x7000, 1), [0xa2, 0x7000, 1, 2, 0, 5]],
];

describe('an intercept', () => {
  for (const [name, cause, exit] of causes) {
    it(`of ${name} exits with 0x${exit[0].toString(16)} and what the manual has it report; no other intercept does`, () => {
      const guest = new Guest();
      for (const { code, by } of svmExitCodes) {
        // What CR0's selective intercept wants is tested by itself.
        if (by === 'intercept' && code !== exit[0] && code !== SVM_EXIT.cr0SelectiveWrite) intercept(guest.vmcb, code);
      }
      assert.equal(cause(guest.exits), NO_EXIT);
      intercept(guest.vmcb, exit[0]);
      assert.equal(cause(guest.exits), RESUME.stopped);
      assert.deepEqual(guest.made, [exit]);
    });
  }

  it('of IN and OUT tells the access in words', () => {
    assert.equal(describeQualification(ioInformation, encodeIo(0x3f8, 1, 'in')), 'IN, 8-bit operand, 64-bit address, segment 0, port 1016');
    assert.equal(describeQualification(ioInformation, encodeIo(0x3f8, 2, 'out')), '16-bit operand, 64-bit address, segment 0, port 1016');
    assert.equal(describeQualification(ioInformation, encodeIo(0x80, 4, 'in')), 'IN, 32-bit operand, 64-bit address, segment 0, port 128');
  });

  it('does nothing outside a guest', () => {
    const guest = new Guest();
    guest.registers[2 * REGISTER.nonRoot] = 0;
    for (const { code, by } of svmExitCodes) if (by === 'intercept') intercept(guest.vmcb, code);
    for (const [name, cause] of causes) assert.equal(cause(guest.exits), NO_EXIT, name);
  });
});

describe('a register that is no control register', () => {
  it('exits by no intercept of CR0, whose number it does not have', () => {
    const guest = new Guest();
    intercept(guest.vmcb, SVM_EXIT.readCr0, SVM_EXIT.writeCr0, SVM_EXIT.cr0SelectiveWrite);
    assert.deepEqual([guest.exits.registerRead(REGISTER.pkru), guest.exits.registerWrite(REGISTER.pkru, 4, 0)], [NO_EXIT, NO_EXIT]);
  });
});

describe('the selective intercept of CR0', () => {
  const write = (from: number, to: number, ...intercepts: readonly number[]): readonly number[] => {
    const guest = new Guest();
    guest.registers[2 * REGISTER.cr0] = from;
    intercept(guest.vmcb, ...intercepts);
    guest.exits.registerWrite(REGISTER.cr0, to, 0);
    return guest.made.map(([code]) => code);
  };

  it('exits when a bit other than TS and MP changes', () => {
    const base = CR0.PE | CR0.PG;
    for (const bit of Object.values(CR0)) {
      const selected = bit !== CR0.TS && bit !== CR0.MP;
      assert.deepEqual(write(base, base ^ bit, SVM_EXIT.cr0SelectiveWrite), selected ? [SVM_EXIT.cr0SelectiveWrite] : []);
    }
    assert.deepEqual(write(base, base, SVM_EXIT.cr0SelectiveWrite), []);
  });

  it('is none of the other control registers', () => {
    for (const register of [REGISTER.cr2, REGISTER.cr3, REGISTER.cr4]) {
      const guest = new Guest();
      intercept(guest.vmcb, SVM_EXIT.cr0SelectiveWrite);
      assert.equal(guest.exits.registerWrite(register, -1, 0), NO_EXIT);
    }
  });

  it('gives way to the plain one', () => {
    assert.deepEqual(write(CR0.PE, CR0.PE | CR0.WP, SVM_EXIT.cr0SelectiveWrite, SVM_EXIT.writeCr0), [SVM_EXIT.writeCr0]);
  });
});

describe('EXITINFO1 of IN and OUT', () => {
  it('is read as it was written, whatever the address size', () => {
    for (const port of [0, 0x3f8, 0xffff]) {
      for (const size of [1, 2, 4]) {
        for (const direction of ['in', 'out'] as const) {
          assert.deepEqual(decodeIo(encodeIo(port, size, direction)), { port, size, isIn: direction === 'in' ? 1 : 0 });
        }
      }
    }
  });
});

describe('the I/O permissions map', () => {
  /** Ports at which an access of this size exits when the bit of `port` alone is set. */
  const exiting = (port: number, size: number): readonly number[] => {
    const guest = new Guest();
    intercept(guest.vmcb, SVM_EXIT.ioio);
    for (let byte = 0; byte < 0x3000; byte++) guest.memory.store8(IOPM + byte, 0, 0);
    guest.memory.store8(IOPM + (port >>> 3), 0, 1 << (port & 7));
    const around = [-4, -3, -2, -1, 0, 1].map((step) => port + step).filter((each) => each >= 0 && each <= 0xffff);
    return around.filter((each) => guest.exits.io(each, size, 'in') !== NO_EXIT);
  };

  it('lets an access exit by the bit of any port that it touches', () => {
    assert.deepEqual(exiting(0x3f9, 1), [0x3f9]);
    assert.deepEqual(exiting(0x3f9, 2), [0x3f8, 0x3f9]);
    assert.deepEqual(exiting(0x3f9, 4), [0x3f6, 0x3f7, 0x3f8, 0x3f9]);
    assert.deepEqual(exiting(0, 4), [0]);
  });

  it('goes on past port 65535 for accesses that reach there', () => {
    assert.deepEqual(exiting(0x10000, 2), [0xffff]);
    assert.deepEqual(exiting(0x10002, 4), [0xffff]);
  });
});

describe('the MSR permissions map', () => {
  it('has two bits for each MSR of its three ranges, read before write', () => {
    for (const [msr, byte] of [[0x0, 0], [0x1fff, 0x7ff], [0xc000_0000, 0x800], [0xc000_1fff, 0xfff], [0xc001_0000, 0x1000], [0xc001_1fff, 0x17ff]] as const) {
      for (const how of ['read', 'write'] as const) {
        const guest = new Guest();
        intercept(guest.vmcb, SVM_EXIT.msr);
        for (let each = 0; each < 0x2000; each++) guest.memory.store8(MSRPM + each, 0, 0);
        guest.memory.store8(MSRPM + byte, 0, 1 << (2 * (msr & 3) + (how === 'write' ? 1 : 0)));
        assert.notEqual(guest.exits.msr(msr, how), NO_EXIT, `${msr.toString(16)} ${how}`);
        assert.equal(guest.exits.msr(msr, how === 'read' ? 'write' : 'read'), NO_EXIT);
        assert.equal(guest.exits.msr(msr ^ 1, how), NO_EXIT);
      }
    }
  });

  it('does not cover the rest: they always exit', () => {
    const guest = new Guest();
    intercept(guest.vmcb, SVM_EXIT.msr);
    for (let each = 0; each < 0x2000; each++) guest.memory.store8(MSRPM + each, 0, 0);
    for (const msr of [0x2000, 0xbfff_ffff, 0xc000_2000, 0xc001_2000, 0xffff_ffff]) assert.notEqual(guest.exits.msr(msr, 'read'), NO_EXIT);
  });
});

describe('above 4 GBytes', () => {
  const HIGH = 3;
  const OTHER = 5;

  it('lie the permissions maps when their addresses say so', () => {
    const guest = new Guest();
    intercept(guest.vmcb, SVM_EXIT.ioio, SVM_EXIT.msr);
    guest.vmcb[VMCB.iopm_base_pa + 1] = HIGH;
    guest.vmcb[VMCB.msrpm_base_pa + 1] = OTHER;
    assert.deepEqual([guest.exits.io(0x60, 1, 'in'), guest.exits.msr(0x10, 'read')], [NO_EXIT, NO_EXIT]);
    guest.memory.store8(IOPM + (0x60 >>> 3), HIGH, 0xff);
    guest.memory.store8(MSRPM + (0x10 >>> 2), OTHER, 0xff);
    assert.deepEqual([guest.exits.io(0x60, 1, 'in'), guest.exits.msr(0x10, 'read')], [RESUME.stopped, RESUME.stopped]);
  });

  it('is the next instruction of IN when RIP is', () => {
    const guest = new Guest();
    intercept(guest.vmcb, SVM_EXIT.ioio);
    guest.registers[2 * REGISTER.rip + 1] = HIGH;
    guest.exits.io(0xcf8, 2, 'in');
    assert.deepEqual(guest.made.map(([, , , lo, hi]) => [lo, hi]), [[0, HIGH + 1]]);
  });
});

describe('a virtual interrupt', () => {
  const V_IRQ = 1 << 8;
  const IGNORE_TPR = 1 << 20;
  const exits = (control: number): boolean => {
    const guest = new Guest();
    intercept(guest.vmcb, SVM_EXIT.vintr);
    guest.vmcb[VMCB.v_intr] = control;
    guest.vmcb[VMCB.v_intr + 1] = 0x51;
    return guest.exits.interruptWindow() !== NO_EXIT;
  };

  it('exits in its window when its priority is above V_TPR, or V_TPR is ignored', () => {
    assert.equal(exits(0), false);
    assert.equal(exits(5 << 16), false);
    for (let priority = 0; priority < 16; priority++) {
      for (let tpr = 0; tpr < 16; tpr++) {
        assert.equal(exits(V_IRQ | (priority << 16) | tpr), priority > tpr);
        assert.equal(exits(V_IRQ | IGNORE_TPR | (priority << 16) | tpr), true);
      }
    }
  });
});
