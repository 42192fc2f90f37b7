import { strict as assert } from 'node:assert';
import { COUNTER, EXIT_COUNTERS_AT } from '../../../src/hardware/state/counters';
import { CR0, CR4, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { EXIT_REASON, type ExitReasonKey } from '../../../src/hardware/vmx/exitReasons';
import { type Processor, RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { RETRY_LIMIT } from '../../../src/hardware/processor/instructionEnd';
import { refusedInstruction } from '../../../src/hardware/processor/refusedInstruction';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { intercept, SVM_EXIT } from '../../../src/hardware/svm/svmExitCodes';
import { VMCB } from '../../../src/hardware/svm/vmcb';
import { halves, P, RW, US } from '../testMachine';
import { ROOT, TABLES, TablesByHand } from '../paging/tablesByHand';

const PAGE = 0x60_1000n;
const MAP = 0x80_0000n;
const OPEN = P | RW | US;
const UNDEFINED = 6;
const PROTECTION = 13;

/** A guest of SVM at an address, with its maps of permissions all ones or all zeros. */
function guest(how: { readonly cpl: number; readonly maps: 'ones' | 'zeros'; readonly vendor?: 'intel' }): TablesByHand {
  const machine = new TablesByHand({ vendor: 'amd' });
  machine.map(TABLES['4-level'], ROOT, PAGE, 0x9000n | OPEN);
  machine.mapLowMemory(TABLES['4-level'], OPEN);
  machine.enter('4-level', ROOT);
  machine.set({ rcx: 0x10, rdx: 0x60 });
  machine.enterSvm('4-level', { iopm_base_pa: MAP, msrpm_base_pa: MAP, guest_rax: PAGE });
  for (let at = MAP; how.maps === 'ones' && at < MAP + 0x3000n; at += 8n) machine.put(at, 0xffff_ffff_ffff_ffffn);
  machine.set({ cpl: how.cpl, rflags: RFLAGS.fixed | (how.cpl === 0 ? 0 : 3 << 12) });
  return machine;
}

interface Case {
  readonly name: string;
  readonly code: number;
  readonly counts: ExitReasonKey;
  /** Vector at CPL 3, before any intercept; undefined: any CPL may execute it. */
  readonly outsideCpl0?: number;
  /** Without the intercept: done, or an exception. */
  readonly otherwise: number;
  readonly execute: (processor: Processor) => number;
}

const cases: readonly Case[] = [
  { name: 'CPUID', code: SVM_EXIT.cpuid, counts: 'cpuid', otherwise: STATUS.done, execute: (processor) => processor.cpuid() },
  { name: 'HLT', code: SVM_EXIT.hlt, counts: 'hlt', outsideCpl0: PROTECTION, otherwise: STATUS.done, execute: (processor) => processor.hlt() },
  { name: 'VMMCALL', code: SVM_EXIT.vmmcall, counts: 'vmcall', otherwise: STATUS.exception, execute: (processor) => processor.vmcall() },
  { name: 'IN', code: SVM_EXIT.ioio, counts: 'io_instruction', otherwise: STATUS.done, execute: (processor) => processor.input(1) },
  { name: 'OUT', code: SVM_EXIT.ioio, counts: 'io_instruction', otherwise: STATUS.done, execute: (processor) => processor.output(2) },
  { name: 'RDMSR of an MSR that is none', code: SVM_EXIT.msr, counts: 'rdmsr', outsideCpl0: PROTECTION, otherwise: STATUS.exception, execute: (processor) => {
    processor.registers[2 * REGISTER.rcx] = 0x1abc;
    return processor.rdmsr();
  } },
  { name: 'WRMSR of EFER', code: SVM_EXIT.msr, counts: 'wrmsr', outsideCpl0: PROTECTION, otherwise: STATUS.done, execute: (processor) => {
    processor.registers[2 * REGISTER.rcx] = 0xc000_0080 | 0;
    processor.registers[2 * REGISTER.rax] = EFER.LME | EFER.LMA | EFER.SVME;
    processor.registers[2 * REGISTER.rdx] = 0;
    return processor.wrmsr();
  } },
  { name: 'INVLPG', code: SVM_EXIT.invlpg, counts: 'invlpg', outsideCpl0: PROTECTION, otherwise: STATUS.done, execute: (processor) => processor.invlpg(...halves(PAGE)) },
  { name: 'INVLPGA', code: SVM_EXIT.invlpga, counts: 'invvpid', outsideCpl0: PROTECTION, otherwise: STATUS.done, execute: (processor) => processor.svm.invlpga() },
  { name: 'VMRUN', code: SVM_EXIT.vmrun, counts: 'vmlaunch', outsideCpl0: PROTECTION, otherwise: STATUS.exception, execute: (processor) => processor.svm.vmrun() },
  { name: 'INVPCID', code: SVM_EXIT.invpcid, counts: 'invpcid', outsideCpl0: PROTECTION, otherwise: STATUS.done, execute: (processor) => processor.invpcid(2, ...halves(PAGE)) },
  { name: 'MOV to CR3', code: SVM_EXIT.writeCr0 + 3, counts: 'cr_access', outsideCpl0: PROTECTION, otherwise: STATUS.done, execute: (processor) => processor.writeRegister(REGISTER.cr3, ...halves(ROOT)) },
  { name: 'SGDT', code: SVM_EXIT.gdtrRead, counts: 'gdtr_idtr', otherwise: STATUS.done, execute: (processor) => processor.sensitive.sgdt() },
  { name: 'SIDT', code: SVM_EXIT.idtrRead, counts: 'gdtr_idtr', otherwise: STATUS.done, execute: (processor) => processor.sensitive.sidt() },
  { name: 'SLDT', code: SVM_EXIT.ldtrRead, counts: 'ldtr_tr', otherwise: STATUS.done, execute: (processor) => processor.sensitive.sldt() },
  { name: 'STR', code: SVM_EXIT.trRead, counts: 'ldtr_tr', otherwise: STATUS.done, execute: (processor) => processor.sensitive.str() },
  { name: 'SMSW', code: SVM_EXIT.readCr0, counts: 'cr_access', otherwise: STATUS.done, execute: (processor) => processor.sensitive.smsw() },
  { name: 'MOV from CR4', code: SVM_EXIT.readCr0 + 4, counts: 'cr_access', outsideCpl0: PROTECTION, otherwise: STATUS.done, execute: (processor) => processor.readRegister(REGISTER.cr4) },
];

/** Takes an intercept back: VMRUN's, which every entry needs. */
function admit(machine: TablesByHand, code: number): void {
  machine.processor.vmcb[VMCB.intercept_cr + 2 * (code >>> 5)]! &= ~(1 << (code & 31));
}

describe('an instruction of a guest of SVM', () => {
  for (const { name, code, counts, outsideCpl0, otherwise, execute } of cases) {
    it(`${name}: exits by its intercept, is done or refused without it; at CPL 3 ${outsideCpl0 === undefined ? 'the same' : `vector ${outsideCpl0} goes before`}`, () => {
      for (const cpl of [0, 3]) {
        for (const intercepted of [true, false]) {
          const machine = guest({ cpl, maps: intercepted ? 'ones' : 'zeros' });
          if (intercepted) intercept(machine.processor.vmcb, code);
          else admit(machine, code);
          const status = execute(machine.processor);
          const exits = machine.processor.counters[EXIT_COUNTERS_AT + EXIT_REASON[counts]];
          const label = `CPL ${cpl}, ${intercepted ? '' : 'not '}intercepted`;
          if (cpl === 3 && outsideCpl0 !== undefined) {
            assert.deepEqual([status, machine.processor.vector, exits], [STATUS.exception, outsideCpl0, 0], label);
          } else if (intercepted) {
            assert.deepEqual([status, exits, Number(machine.vmcb('exitcode'))], [STATUS.stopped, 1, code], label);
            assert.equal(machine.processor.counters[COUNTER['exits.total']], 1);
          } else {
            assert.deepEqual([status, exits], [otherwise, 0], label);
          }
        }
      }
    });
  }

  it('INVLPGA and VMRUN run again as often as root mode says, and are given up when nothing comes of it', () => {
    for (const [name, execute] of [
      ['INVLPGA', (processor: Processor) => processor.svm.invlpga()], ['VMRUN', (processor: Processor) => processor.svm.vmrun()],
    ] as const) {
      const machine = guest({ cpl: 0, maps: 'zeros' });
      intercept(machine.processor.vmcb, SVM_EXIT.invlpga);
      machine.onExit = () => RESUME.retry;
      assert.equal(execute(machine.processor), STATUS.stopped);
      assert.deepEqual([machine.exits, machine.processor.stopReason], [RETRY_LIMIT, `${name} exits again and again`]);
    }
    const machine = guest({ cpl: 0, maps: 'zeros' });
    intercept(machine.processor.vmcb, SVM_EXIT.invlpga);
    machine.onExit = () => {
      if (machine.exits === 3) admit(machine, SVM_EXIT.invlpga);
      return RESUME.retry;
    };
    assert.deepEqual([machine.processor.svm.invlpga(), machine.exits], [STATUS.done, 3]);
  });

  it('INVLPGA and VMRUN are #UD on a processor without SVM, whatever its EFER has', () => {
    for (const execute of [(processor: Processor) => processor.svm.invlpga(), (processor: Processor) => processor.svm.vmrun()]) {
      const machine = new TablesByHand({ vendor: 'intel' });
      machine.enter('4-level', ROOT, { efer: EFER.LME | EFER.LMA | EFER.SVME });
      assert.deepEqual([execute(machine.processor), machine.processor.vector], [STATUS.exception, UNDEFINED]);
    }
  });

  it('INVLPGA and VMRUN are #UD without EFER.SVME', () => {
    for (const execute of [(processor: Processor) => processor.svm.invlpga(), (processor: Processor) => processor.svm.vmrun()]) {
      const machine = guest({ cpl: 0, maps: 'zeros' });
      machine.set({ efer: EFER.LME | EFER.LMA });
      assert.deepEqual([execute(machine.processor), machine.processor.vector], [STATUS.exception, UNDEFINED]);
      assert.equal(refusedInstruction(machine.processor), 'SVM\'s instructions need EFER.SVME');
    }
  });

  it('WRMSR may set EFER.SVME on a processor with SVM only', () => {
    for (const [vendor, status] of [['amd', STATUS.done], ['intel', STATUS.exception]] as const) {
      const machine = new TablesByHand({ vendor });
      machine.enter('4-level', ROOT);
      assert.equal(machine.move('efer', EFER.LME | EFER.LMA | EFER.SVME), status, vendor);
    }
  });

  it('that is intercepted has the address behind it in nRIP; what is no instruction\'s has 0 there', () => {
    const machine = guest({ cpl: 0, maps: 'ones' });
    intercept(machine.processor.vmcb, SVM_EXIT.cpuid);
    [machine.processor.registers[2 * REGISTER.rip], machine.processor.registers[2 * REGISTER.rip + 1]] = [-1, 5];
    assert.equal(machine.processor.cpuid(), STATUS.stopped);
    assert.deepEqual([machine.vmcb('guest_rip'), machine.vmcb('nrip')], [0x5_ffff_ffffn, 0x6_0000_0001n]);
    machine.map(TABLES['4-level'], ROOT, PAGE, 0x5000_0000n | OPEN);
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.deepEqual([machine.vmcb('exitcode'), machine.vmcb('nrip')], [0x400n, 0n]);
  });

  it('that exits is done by root mode when it says so, and goes on behind', () => {
    const machine = guest({ cpl: 0, maps: 'ones' });
    intercept(machine.processor.vmcb, SVM_EXIT.cpuid);
    machine.onExit = () => {
      machine.processor.vmcb[VMCB.guest_rax] = 0x1234;
      return RESUME.completed;
    };
    assert.equal(machine.processor.cpuid(), STATUS.done);
    assert.equal(machine.register('rax'), 0x1234n);
  });
});

describe('INVLPGA', () => {
  const isHit = (machine: TablesByHand, gva: bigint): boolean => {
    const before = machine.processor.counters[COUNTER['tlb.hits']];
    machine.load(gva);
    return machine.processor.counters[COUNTER['tlb.hits']] !== before;
  };
  const invalidate = (machine: TablesByHand, gva: bigint, asid: bigint): void => {
    machine.set({ rax: gva, rcx: asid });
    assert.equal(machine.processor.svm.invlpga(), STATUS.done);
  };

  it('is of the address in all of RAX, which root mode finds too', () => {
    const far = 0x7f_0060_1000n;
    const machine = guest({ cpl: 0, maps: 'zeros' });
    machine.map(TABLES['4-level'], ROOT, far, 0xa000n | OPEN);
    for (const gva of [PAGE, far]) isHit(machine, gva);
    invalidate(machine, far, 1n);
    assert.deepEqual([isHit(machine, PAGE), isHit(machine, far)], [true, false]);
    const { pending } = machine.processor;
    assert.deepEqual([pending.gvaLo, pending.gvaHi], halves(far));
  });

  it('drops one page of one ASID, global or not', () => {
    const machine = guest({ cpl: 0, maps: 'zeros' });
    machine.map(TABLES['4-level'], ROOT, PAGE + 0x1000n, 0xa000n | OPEN | 0x100n);
    machine.set({ cr0: CR0.PE | CR0.PG, cr4: CR4.PAE | CR4.PGE });
    for (const gva of [PAGE, PAGE + 0x1000n]) isHit(machine, gva);
    invalidate(machine, PAGE, 2n);
    assert.ok(isHit(machine, PAGE), 'of another ASID');
    invalidate(machine, PAGE, 1n);
    assert.deepEqual([isHit(machine, PAGE), isHit(machine, PAGE + 0x1000n)], [false, true]);
    invalidate(machine, PAGE + 0x1000n, 1n);
    assert.equal(isHit(machine, PAGE + 0x1000n), false);
  });
});
