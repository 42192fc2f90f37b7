import { strict as assert } from 'node:assert';
import { RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { ACTIVITY, REGISTER } from '../../../src/hardware/processor/registers';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { PRIMARY, VMCS } from '../../../src/hardware/vmx/vmcs';
import type { TestMachine } from '../testMachine';
import { machineWithVmcs } from './goodVmcs';

const GP = 13;
const UD = 6;
const EFER = 0xc000_0080;
const NO_MSR = 0x1234;
const CONTROLS = {
  hlt: PRIMARY.hltExiting, invlpg: PRIMARY.invlpgExiting, cr3Load: PRIMARY.cr3LoadExiting, cr3Store: PRIMARY.cr3StoreExiting,
  io: PRIMARY.unconditionalIoExiting, msrBitmaps: PRIMARY.useMsrBitmaps,
} as const;
type Control = keyof typeof CONTROLS;

/** What an instruction does in the guest, in the manual's words: by privilege first, then by controls, then by itself. */
interface Instruction {
  readonly name: string;
  readonly run: (machine: TestMachine) => number;
  /** The highest CPL that may execute it. */
  readonly privilege: 0 | 3;
  /** Reason, qualification and length of its exit, when these controls let it exit. */
  readonly exits: (on: ReadonlySet<Control>) => boolean;
  readonly reason: number;
  readonly qualification: bigint;
  readonly length: bigint;
  /** Vector of what it comes to by itself; undefined: it is done. */
  readonly fault?: number;
}

const always = (): boolean => true;
const set = (machine: TestMachine, name: 'rax' | 'rcx' | 'rdx', value: number): void => {
  machine.processor.registers[2 * REGISTER[name]] = value;
};
const instructions: readonly Instruction[] = [
  { name: 'CPUID', run: (m) => m.processor.cpuid(), privilege: 3, exits: always, reason: EXIT_REASON.cpuid, qualification: 0n, length: 2n },
  { name: 'VMCALL', run: (m) => m.processor.vmcall(), privilege: 3, exits: always, reason: EXIT_REASON.vmcall, qualification: 0n, length: 3n },
  { name: 'HLT', run: (m) => m.processor.hlt(), privilege: 0, exits: (on) => on.has('hlt'), reason: EXIT_REASON.hlt, qualification: 0n, length: 1n },
  {
    name: 'INVLPG', run: (m) => m.invlpg(0x7000n), privilege: 0, exits: (on) => on.has('invlpg'), reason: EXIT_REASON.invlpg, qualification: 0x7000n, length: 3n,
  },
  {
    name: 'MOV to CR3', run: (m) => m.move('cr3', 0x10_0000n), privilege: 0, exits: (on) => on.has('cr3Load'), reason: EXIT_REASON.cr_access, qualification: 0x3n, length: 3n,
  },
  {
    name: 'MOV to CR3 of a value that it does not take', run: (m) => m.move('cr3', 1n << 62n), privilege: 0, exits: (on) => on.has('cr3Load'),
    reason: EXIT_REASON.cr_access, qualification: 0x3n, length: 3n, fault: GP,
  },
  {
    name: 'MOV from CR3', run: (m) => m.processor.readRegister(REGISTER.cr3), privilege: 0, exits: (on) => on.has('cr3Store'),
    reason: EXIT_REASON.cr_access, qualification: 0x13n, length: 3n,
  },
  {
    name: 'IN', run: (m) => { set(m, 'rdx', 0x3f8); return m.processor.input(1); }, privilege: 0, exits: (on) => on.has('io'),
    reason: EXIT_REASON.io_instruction, qualification: 0x3f8_0008n, length: 1n,
  },
  {
    name: 'OUT of 16 bits', run: (m) => { set(m, 'rdx', 0xcf8); return m.processor.output(2); }, privilege: 0, exits: (on) => on.has('io'),
    reason: EXIT_REASON.io_instruction, qualification: 0xcf8_0001n, length: 2n,
  },
  {
    name: 'RDMSR', run: (m) => { set(m, 'rcx', EFER); return m.processor.rdmsr(); }, privilege: 0, exits: (on) => !on.has('msrBitmaps'),
    reason: EXIT_REASON.rdmsr, qualification: 0n, length: 2n,
  },
  {
    name: 'RDMSR of an MSR that there is not', run: (m) => { set(m, 'rcx', NO_MSR); return m.processor.rdmsr(); }, privilege: 0,
    exits: (on) => !on.has('msrBitmaps'), reason: EXIT_REASON.rdmsr, qualification: 0n, length: 2n, fault: GP,
  },
  {
    name: 'WRMSR', run: (m) => { set(m, 'rcx', EFER); set(m, 'rax', 0xd00); set(m, 'rdx', 0); return m.processor.wrmsr(); }, privilege: 0,
    exits: (on) => !on.has('msrBitmaps'), reason: EXIT_REASON.wrmsr, qualification: 0n, length: 2n,
  },
  {
    name: 'WRMSR of a value that the MSR does not take', run: (m) => { set(m, 'rcx', EFER); set(m, 'rax', 2); set(m, 'rdx', 0); return m.processor.wrmsr(); },
    privilege: 0, exits: (on) => !on.has('msrBitmaps'), reason: EXIT_REASON.wrmsr, qualification: 0n, length: 2n, fault: GP,
  },
];

/** All sets of controls. */
const names = Object.keys(CONTROLS) as Control[];
const controlSets = Array.from({ length: 1 << names.length }, (_, bits) => new Set(names.filter((_, i) => (bits >>> i) & 1)));

function guest(on: ReadonlySet<Control>, cpl: number): TestMachine {
  const machine = machineWithVmcs();
  const wanted = [...on].reduce((all, name) => all | CONTROLS[name], PRIMARY.secondaryControls);
  machine.vmcs({ primary_controls: (Number(machine.field('primary_controls')) & ~PRIMARY.useMsrBitmaps | wanted) >>> 0 });
  assert.equal(machine.processor.launch(), STATUS.done, machine.processor.stopReason);
  machine.processor.setLevel(cpl);
  return machine;
}

describe('instructions of a guest', () => {
  for (const instruction of instructions) {
    it(`${instruction.name}: #GP by privilege, the exit by controls, then what it comes to, in this order`, () => {
      for (const on of controlSets) {
        for (const cpl of [0, 3] as const) {
          const machine = guest(on, cpl);
          const status = instruction.run(machine);
          const what = `${instruction.name} at CPL ${cpl} with ${[...on].join(', ')}`;
          if (cpl > instruction.privilege) {
            assert.deepEqual([status, machine.processor.vector, machine.exits.length], [STATUS.exception, GP, 0], what);
          } else if (instruction.exits(on)) {
            assert.equal(status, STATUS.stopped, what);
            const { reason, qualification } = machine.exits[0]!;
            assert.deepEqual([reason, qualification, machine.field('exit_instruction_length')],
              [instruction.reason, instruction.qualification, instruction.length], what);
          } else {
            assert.equal(machine.exits.length, 0, what);
            assert.equal(status, instruction.fault === undefined ? STATUS.done : STATUS.exception, what);
            if (instruction.fault !== undefined) assert.equal(machine.processor.vector, instruction.fault, what);
          }
        }
      }
    });
  }

  it('do not exit natively, where VMCALL is #UD', () => {
    for (const instruction of instructions) {
      const machine = machineWithVmcs();
      const status = instruction.run(machine);
      const fault = instruction.name === 'VMCALL' ? UD : instruction.fault;
      assert.equal(machine.exits.length, 0);
      assert.equal(status, fault === undefined ? STATUS.done : STATUS.exception, instruction.name);
      if (fault !== undefined) assert.equal(machine.processor.vector, fault, instruction.name);
    }
  });

  it('run again, or are done, as root mode answers', () => {
    const machine = guest(new Set(['hlt']), 0);
    let exits = 0;
    machine.onExit = () => {
      exits++;
      if (exits < 3) return RESUME.retry;
      machine.processor.vmcs[VMCS.primary_controls]! &= ~PRIMARY.hltExiting;
      return RESUME.retry;
    };
    assert.equal(machine.processor.hlt(), STATUS.done);
    assert.equal(exits, 3);
    assert.equal(machine.processor.registers[2 * REGISTER.activity], ACTIVITY.hlt, 'without the control it halts');
    const skipped = guest(new Set(['hlt']), 0);
    skipped.onExit = () => RESUME.completed;
    assert.equal(skipped.processor.hlt(), STATUS.done);
    assert.equal(skipped.processor.registers[2 * REGISTER.activity], ACTIVITY.active);
  });

  it('are run again when root mode answers so to the exit of their fault', () => {
    const runs: readonly (readonly [vector: number, run: (machine: TestMachine) => number])[] = [
      [GP, (machine) => machine.invlpg(0x1000n)], [UD, (machine) => machine.processor.setAlignmentCheck('set')], [GP, (machine) => machine.processor.hlt()],
    ];
    for (const [vector, run] of runs) {
      const machine = machineWithVmcs();
      machine.vmcs({ exception_bitmap: 1 << vector });
      machine.processor.launch();
      machine.processor.setLevel(3);
      machine.onExit = () => {
        if (machine.exits.length < 3) return RESUME.retry;
        machine.vmcs({ exception_bitmap: 0 });
        return RESUME.retry;
      };
      assert.equal(run(machine), STATUS.exception);
      assert.deepEqual([machine.exits.length, machine.processor.vector], [3, vector]);
    }
  });

  it('that write or read IA32_PKRS exit as the MSR that it is', () => {
    const machine = machineWithVmcs();
    machine.vmcs({ primary_controls: machine.field('primary_controls') & ~BigInt(PRIMARY.useMsrBitmaps) });
    machine.processor.launch();
    machine.processor.writeRegister(REGISTER.pkrs, 1, 0);
    machine.processor.readRegister(REGISTER.pkrs);
    assert.deepEqual(machine.exits.map(({ reason }) => reason), [EXIT_REASON.wrmsr, EXIT_REASON.rdmsr]);
  });

  it('MOV to CR3 of a CR3-target value does not exit, of the values that count', () => {
    for (let count = 0; count <= 4; count++) {
      for (let target = 0; target < 4; target++) {
        const machine = machineWithVmcs({ primary: PRIMARY.cr3LoadExiting });
        machine.vmcs({ cr3_target_count: count, cr3_target0: 0x1000, cr3_target1: 0x2000, cr3_target2: 0x1_0000_3000n, cr3_target3: 0x4000 });
        machine.processor.launch();
        const value = [0x1000n, 0x2000n, 0x1_0000_3000n, 0x4000n][target]!;
        assert.equal(machine.move('cr3', value), target < count ? STATUS.done : STATUS.stopped, `target ${target} of ${count}`);
        assert.equal(machine.exits.length, target < count ? 0 : 1);
      }
    }
  });

  it('MOV to CR0 and CR4 exit for owned bits, and what else they change they change, however VMX restricts it', () => {
    const machine = machineWithVmcs();
    machine.processor.launch();
    const seen = machine.processor.visibleLo(REGISTER.cr4) >>> 0;
    assert.equal(seen & (1 << 13), 0, 'CR4.VMXE reads as the guest has it');
    assert.equal(machine.move('cr4', seen | (1 << 7)), STATUS.done);
    assert.equal(machine.register('cr4') & 0x2080n, 0x2080n, 'PGE is set, and VMXE kept');
    assert.equal(machine.move('cr4', seen | (1 << 13)), STATUS.stopped);
    assert.deepEqual(machine.exits.map(({ reason, qualification }) => [reason, qualification]), [[EXIT_REASON.cr_access, 4n]]);
    const bare = machineWithVmcs();
    bare.vmcs({ cr4_guest_host_mask: 0, cr0_guest_host_mask: 0 });
    bare.processor.launch();
    assert.equal(bare.move('cr4', seen), STATUS.exception, 'VMXE cannot be cleared');
    assert.equal(bare.move('cr0', bare.register('cr0') & ~0x20n), STATUS.exception, 'nor NE');
    assert.equal(bare.processor.vector, GP);
  });

  it('IN and OUT exit by the bitmaps of the ports that they touch, and always when they wrap', () => {
    const A = 0x30_0000n;
    const B = 0x30_1000n;
    for (const [port, size, marked, exits] of [
      [0x60, 1, 0x60, true], [0x60, 1, 0x61, false], [0x60, 2, 0x61, true], [0x60, 4, 0x63, true], [0x60, 4, 0x64, false],
      [0x7fff, 2, 0x8000, true], [0x7fff, 1, 0x8000, false], [0x8000, 1, 0x0, false], [0xffff, 1, 0xffff, true], [0xffff, 1, 0xfffe, false],
      [0xffff, 2, undefined, true], [0xfffd, 4, undefined, true], [0xfffc, 4, undefined, false],
    ] as const) {
      const machine = machineWithVmcs({ primary: PRIMARY.useIoBitmaps | PRIMARY.unconditionalIoExiting });
      machine.vmcs({ io_bitmap_a: A, io_bitmap_b: B });
      if (marked !== undefined) {
        const at = (marked < 0x8000 ? A : B) + BigInt((marked & 0x7fff) >>> 3);
        machine.memory.store8(Number(at), 0, 1 << (marked & 7));
      }
      machine.processor.launch();
      set(machine, 'rdx', port);
      assert.equal(machine.processor.input(size), exits ? STATUS.stopped : STATUS.done, `${size} bytes at ${port.toString(16)}`);
    }
  });

  it('IN and OUT above the I/O privilege level ask the map in the TSS, before the exit', () => {
    const TSS = 0x40_0000n;
    for (const [base, bits, limit, port, size, allowed] of [
      [0x68, 0, 0x2067, 0x3f8, 1, true], [0x68, 1, 0x2067, 0x3f8, 1, false], [0x68, 2, 0x2067, 0x3f8, 1, true],
      [0x68, 2, 0x2067, 0x3f8, 2, false], [0x68, 0, 0x67 + 0x81, 0x3f8, 1, true], [0x68, 0, 0x67 + 0x80, 0x3f8, 1, false], [0x68, 0, 0x66, 0x3f8, 1, false],
    ] as const) {
      const machine = machineWithVmcs({ primary: PRIMARY.unconditionalIoExiting, settings: { delivery: 'memory' } });
      machine.map(TSS, 0x9000n, 1n);
      machine.map(TSS + 0x1000n, 0xa000n, 1n);
      machine.vmcs({ guest_tr_base: TSS, guest_tr_limit: limit });
      machine.memory.store8(0x9066, 0, base & 0xff);
      machine.memory.store8(0x9067, 0, base >> 8);
      machine.memory.store8(0x9000 + base + (port >> 3), 0, bits);
      machine.processor.launch();
      machine.processor.setLevel(3);
      set(machine, 'rdx', port);
      machine.processor.input(size);
      assert.equal(machine.exits.some(({ reason }) => reason === EXIT_REASON.io_instruction), allowed, `${bits} at ${base}, limit ${limit}`);
    }
    const machine = guest(new Set(['io']), 3);
    machine.set({ rflags: RFLAGS.fixed | RFLAGS.iopl });
    machine.processor.input(1);
    assert.equal(machine.exits[0]?.reason, EXIT_REASON.io_instruction, 'IOPL 3 lets any program');
  });

  it('RDMSR and WRMSR exit by the quarter of the bitmap page that has the MSR, and always outside of it', () => {
    const BITMAP = 0x30_0000;
    for (const [index, byte, bit] of [[0x10, 0x2, 0], [0x1fff, 0x3ff, 7], [0xc000_0000, 0x400, 0], [0xc000_0080, 0x410, 0], [0xc000_1fff, 0x7ff, 7]] as const) {
      for (const marks of [[], ['read'], ['write'], ['read', 'write']] as const) {
        for (const how of ['read', 'write'] as const) {
          const machine = machineWithVmcs();
          machine.vmcs({ msr_bitmap: BITMAP });
          for (const mark of marks) machine.memory.store8(BITMAP + byte + (mark === 'write' ? 2048 : 0), 0, 1 << bit);
          machine.processor.launch();
          set(machine, 'rcx', index);
          if (how === 'read') machine.processor.rdmsr();
          else machine.processor.wrmsr();
          assert.equal(machine.exits.length, (marks as readonly string[]).includes(how) ? 1 : 0, `${how} of ${index.toString(16)}, marked ${marks.join()}`);
        }
      }
    }
    for (const index of [0x2000, 0xbfff_ffff, 0xc000_2000, 0xffff_ffff]) {
      const machine = machineWithVmcs();
      machine.processor.launch();
      set(machine, 'rcx', index);
      machine.processor.rdmsr();
      assert.equal(machine.exits.length, 1, `${index.toString(16)} is in no range`);
    }
  });

  it('writes to EFER by MOV-like assignment exit as the WRMSR that they are', () => {
    const machine = machineWithVmcs();
    machine.vmcs({ msr_bitmap: 0x30_0000 });
    machine.memory.store8(0x30_0000 + 2048 + 1024 + 0x10, 0, 1);
    machine.processor.launch();
    assert.equal(machine.processor.readRegister(REGISTER.efer), STATUS.done, 'the read bitmap is clear');
    assert.equal(machine.move('efer', 0xd00), STATUS.stopped);
    assert.equal(machine.exits[0]?.reason, EXIT_REASON.wrmsr);
  });

  it('of an exception exit by bitmap, and page faults by error-code mask and match', () => {
    for (const bit of [0, 1]) {
      for (const mask of [0, 1, 2, 5, 0xffff]) {
        for (const match of [0, 1, 4, 7]) {
          const machine = machineWithVmcs();
          machine.vmcs({ exception_bitmap: bit << 14, pfec_mask: mask, pfec_match: match });
          machine.processor.launch();
          machine.processor.setLevel(3);
          const status = machine.store(0x60_0000n, 1n);
          const equal = (6 & mask) === match;
          assert.equal(status, equal === (bit === 1) ? STATUS.stopped : STATUS.exception, `bit ${bit}, mask ${mask}, match ${match}`);
        }
      }
    }
    const machine = machineWithVmcs();
    // Mask and match are of page faults alone.
    machine.vmcs({ exception_bitmap: 1 << GP, pfec_mask: 0xffff, pfec_match: 1 });
    machine.processor.launch();
    assert.equal(machine.load(1n << 62n), STATUS.stopped);
    assert.deepEqual([machine.exits[0]?.reason, machine.field('exit_interruption_info')], [EXIT_REASON.exception_nmi, 0x8000_0b0dn]);
  });

  it('save the guest and load the host state that the VMCS has', () => {
    const machine = machineWithVmcs();
    machine.vmcs({ host_cr3: 0x12_3000, host_rip: 0xffff_8000_0000_1000n, host_rsp: 0x55 });
    machine.processor.launch();
    machine.set({ rflags: RFLAGS.fixed | RFLAGS.AC, rsp: 0x7000 });
    machine.processor.setLevel(3);
    machine.processor.cpuid();
    assert.deepEqual([machine.field('guest_rflags'), machine.field('guest_rsp')], [BigInt(RFLAGS.fixed | RFLAGS.AC), 0x7000n]);
    assert.deepEqual([machine.field('guest_cs_selector') & 3n, machine.field('guest_ss_selector') & 3n], [3n, 3n]);
    const { words } = machine.processor.rootState;
    assert.deepEqual([...words.slice(2, 4), words[8], words[10], words[11]], [0x12_3000, 0, 0x55, 0x1000, -32768]);
  });
});
