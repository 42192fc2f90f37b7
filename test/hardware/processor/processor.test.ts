import { strict as assert } from 'node:assert';
import { CR0, CR4, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { COUNTER, EXIT_COUNTERS_AT } from '../../../src/hardware/state/counters';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { RMW } from '../../../src/hardware/memory/readModifyWrite';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { INTERRUPTION, PRIMARY, SECONDARY, VMCS } from '../../../src/hardware/vmx/vmcs';
import { halves, LONG_MODE, P, RW, TestMachine, US } from '../testMachine';

const PAGE = 0x60_0000n;
const secondary = SECONDARY.enableVpid;

function mapped(): TestMachine {
  const machine = new TestMachine();
  machine.map(PAGE, 0x9000n, P | RW | US);
  return machine;
}

describe('an access', () => {
  it('to an address that is not canonical is #GP(0), and CR2 stays', () => {
    for (const gva of [0x8000_0000_0000n, 0xffff_7fff_ffff_fff8n, 0x1_0000_0000_0000n]) {
      const machine = mapped();
      assert.equal(machine.load(gva), STATUS.exception);
      assert.deepEqual([machine.processor.vector, machine.processor.errorCode, machine.cr2], [13, 0, 0n]);
    }
  });

  it('that runs over the end of the canonical half is #GP(0) for its second page', () => {
    const machine = new TestMachine();
    machine.map(0x7fff_ffff_f000n, 0x9000n, P | RW);
    assert.equal(machine.store(0x7fff_ffff_fffcn, -1n & 0xffff_ffff_ffff_ffffn), STATUS.exception);
    assert.equal(machine.processor.vector, 13);
    assert.equal(machine.word(0x9ff8n), 0n);
  });

  it('across two pages writes nothing when the second one faults, and both when it does not', () => {
    const machine = mapped();
    assert.equal(machine.store(PAGE + 0xffdn, 0x1122_3344_5566_7788n), STATUS.exception);
    assert.equal(machine.cr2, PAGE + 0x1000n);
    assert.equal(machine.word(0x9ff8n), 0n);
    machine.map(PAGE + 0x1000n, 0x5000n, P | RW);
    assert.equal(machine.store(PAGE + 0xffdn, 0x1122_3344_5566_7788n), STATUS.done);
    assert.equal(machine.word(0x9ff8n), 0x6677_8800_0000_0000n);
    assert.equal(machine.word(0x5000n), 0x11_2233_4455n);
    machine.load(PAGE + 0xffdn);
    assert.equal(machine.value, 0x1122_3344_5566_7788n);
  });

  it('takes 1, 2, 4 or 8 bytes at any offset', () => {
    for (const size of [1, 2, 4, 8]) {
      for (const offset of [0n, 1n, 2n, 3n, 5n, 7n]) {
        const machine = mapped();
        machine.put(0x9000n, 0xffff_ffff_ffff_ffffn);
        machine.put(0x9008n, 0xffff_ffff_ffff_ffffn);
        machine.store(PAGE + offset, 0x0102_0304_0506_0708n, size);
        machine.load(PAGE + offset, size);
        assert.equal(machine.value, 0x0102_0304_0506_0708n & ((1n << BigInt(8 * size)) - 1n), `${size} bytes at ${offset}`);
        const both = machine.word(0x9000n) | (machine.word(0x9008n) << 64n);
        const kept = ~(((1n << BigInt(8 * size)) - 1n) << (8n * offset)) & ((1n << 128n) - 1n);
        assert.equal(both & kept, kept, `neighbours of ${size} bytes at ${offset}`);
      }
    }
  });

  it('that reads, modifies and writes is one write access and leaves the old value', () => {
    const machine = mapped();
    for (const [rmw, operand, result] of [
      [RMW.add, 1n, 0x1_0000_0000n], [RMW.subtract, 1n, 0xffff_ffffn], [RMW.and, 0xff00n, 0xff00n],
      [RMW.or, 0xf0n, 0xfff0n], [RMW.xor, 0xffffn, 0x000fn],
    ] as const) {
      if (rmw === RMW.add) machine.put(0x9000n, 0xffff_ffffn);
      const old = machine.word(0x9000n);
      assert.equal(machine.processor.readModifyWrite(...halves(PAGE), 8, rmw, ...halves(operand)), STATUS.done);
      assert.equal(machine.word(0x9000n), result);
      assert.equal(machine.value, old);
    }
    assert.equal(machine.processor.counters[COUNTER.accesses], 5);
  });

  it('past the end of memory reads ones and writes nowhere, and says so', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x3f_ffff_f000n, P | RW);
    machine.listen();
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.value, 0xffff_ffff_ffff_ffffn);
    assert.ok(machine.kinds().includes('bus_error'));
  });

  it('tells an observer of stores, once for each page, before anything is written', () => {
    const machine = mapped();
    machine.map(PAGE + 0x1000n, 0x5000n, P | RW);
    const seen: (readonly [number, number, bigint])[] = [];
    machine.processor.storeObserver = {
      beforeStore: (_lo, _hi, hpaLo, _hpaHi, size) => seen.push([hpaLo, size, machine.word(BigInt(hpaLo) & ~7n)]),
    };
    machine.store(PAGE + 0xffen, 1n);
    assert.deepEqual(seen, [], 'nobody listens');
    machine.listen();
    machine.load(PAGE);
    machine.store(PAGE + 0xffen, 0xffff_ffffn, 4);
    assert.deepEqual(seen, [[0x9ffe, 2, 1n << 48n], [0x5000, 2, 0n]]);
  });
});

describe('registers', () => {
  it('of control are #GP(0) at CPL 3, to write, to read and INVLPG', () => {
    const machine = mapped();
    machine.processor.setLevel(3);
    for (const status of [
      machine.move('cr3', 0x1000n), machine.move('efer', 0n), machine.processor.readRegister(REGISTER.cr0), machine.invlpg(PAGE),
    ]) assert.equal(status, STATUS.exception);
    assert.equal(machine.processor.vector, 13);
    assert.equal(machine.processor.setAlignmentCheck('set'), STATUS.exception);
    assert.equal(machine.processor.vector, 6);
  });

  for (const [name, register, value] of [
    ['paging off in 64-bit mode', 'cr0', CR0.PE], ['PG without PE', 'cr0', CR0.PG >>> 0], ['PAE off in long mode', 'cr4', 0],
    ['a bit of CR4 that is not defined', 'cr4', CR4.PAE | (1 << 30)], ['LA57 changed in long mode', 'cr4', CR4.PAE | CR4.LA57],
    ['LME changed while paging', 'efer', EFER.NXE], ['a CR3 above MAXPHYADDR', 'cr3', 1n << 46n],
    ['the no-flush bit without PCIDs', 'cr3', 1n << 63n],
  ] as const) {
    it(`refuse ${name} with #GP(0) and keep their value`, () => {
      const machine = mapped();
      const before = machine.register(register);
      assert.equal(machine.move(register, value), STATUS.exception);
      assert.equal(machine.processor.vector, 13);
      assert.equal(machine.register(register), before);
    });
  }

  it('take effect at once: CR0.WP, CR4.SMAP with STAC, PKRU', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x9000n, P | US);
    assert.equal(machine.store(PAGE, 1n), STATUS.exception);
    machine.move('cr0', (LONG_MODE.cr0 & ~CR0.WP) >>> 0);
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    machine.move('cr4', CR4.PAE | CR4.SMAP | CR4.PKE);
    assert.equal(machine.load(PAGE), STATUS.exception);
    machine.processor.setAlignmentCheck('set');
    assert.equal(machine.load(PAGE), STATUS.done);
    machine.move('pkru', 1);
    assert.equal(machine.load(PAGE), STATUS.exception);
    assert.equal(machine.processor.errorCode, 0b100001);
  });

  it('turn paging on into long mode, and set EFER.LMA', () => {
    const machine = mapped();
    machine.set({ cr0: CR0.PE, efer: EFER.LME | EFER.NXE });
    assert.equal(machine.load(0x9000n), STATUS.done);
    assert.equal(machine.hpa, 0x9000n, 'linear is physical');
    assert.equal(machine.move('cr0', LONG_MODE.cr0 >>> 0), STATUS.done);
    assert.equal(machine.register('efer'), BigInt(EFER.LME | EFER.LMA | EFER.NXE));
    machine.load(PAGE);
    assert.equal(machine.hpa, 0x9000n);
  });
});

describe('a VM exit', () => {
  it('of a page fault follows the exception bitmap and the error-code filter', () => {
    for (const [bitmap, mask, match, exits] of [[0, 0, 0, false], [1 << 14, 0, 0, true], [1 << 14, 1, 1, false], [0, 1, 1, true]] as const) {
      const machine = mapped();
      machine.enterShadowed({ exception_bitmap: bitmap, pfec_mask: mask, pfec_match: match });
      machine.store(PAGE + 0x1234n, 1n); // not present: P = 0
      assert.equal(machine.exits.length === 1, exits, `bitmap ${bitmap}, mask ${mask}, match ${match}`);
      if (!exits) continue;
      assert.deepEqual(machine.exits[0], { reason: EXIT_REASON.exception_nmi, qualification: PAGE + 0x1234n, gpa: 0n, gla: 0n });
      assert.equal(machine.field('exit_interruption_info'), 0x8000_0b0en);
      assert.equal(machine.field('exit_interruption_error_code'), 2n);
      assert.equal(machine.cr2, 0n, 'CR2 is not written by an exit');
    }
  });

  it('may answer with an injected page fault, counted as one with an exit', () => {
    const machine = mapped();
    machine.enterShadowed({ exception_bitmap: 1 << 14 });
    machine.onExit = (exit) => {
      const { processor } = machine;
      [processor.registers[2 * REGISTER.cr2], processor.registers[2 * REGISTER.cr2 + 1]] = halves(exit.qualification);
      machine.vmcs({ entry_interruption_info: 0x8000_0b0en, entry_exception_error_code: 4 });
      return RESUME.retry;
    };
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.processor.errorCode, machine.cr2], [14, 4, PAGE + 0x1000n]);
    const { counters } = machine.processor;
    assert.deepEqual([counters[COUNTER['faults.guest']], counters[COUNTER['faults.guest_exited']]], [1, 1]);
    machine.onExit = () => RESUME.stopped;
    machine.load(PAGE + 0x1000n);
    assert.equal(machine.field('entry_interruption_info') & BigInt(INTERRUPTION.valid >>> 0), 0n, 'the next exit clears it');
  });

  it('may do the access itself, with the pending operation', () => {
    const machine = mapped();
    machine.enterShadowed({ exception_bitmap: 1 << 14 });
    machine.onExit = () => {
      machine.processor.perform(0x7000, 0);
      return RESUME.completed;
    };
    assert.equal(machine.store(PAGE + 0x1000n, 0x55n, 4), STATUS.done);
    assert.equal(machine.word(0x7000n), 0x55n);
    assert.equal(machine.hpa, 0x7000n, 'the processor does it no second time');
    assert.equal(machine.processor.counters[COUNTER.accesses], 1);
  });

  it('that is retried and retried ends the instruction with a sentence', () => {
    const machine = mapped();
    machine.enterShadowed({ exception_bitmap: 1 << 14 });
    machine.onExit = () => RESUME.retry;
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.stopped);
    assert.match(machine.processor.stopReason, /again and again/);
    assert.equal(machine.exits.length, 1000);
  });

  it('of CR0 and CR4 comes when an owned bit changes, and reads give the read shadow', () => {
    const machine = mapped();
    const shadow = LONG_MODE.cr0 & ~CR0.WP;
    machine.enterShadowed({ cr0_guest_host_mask: CR0.WP, cr0_read_shadow: shadow >>> 0 });
    machine.processor.readRegister(REGISTER.cr0);
    assert.equal(machine.value, BigInt(shadow >>> 0));
    assert.equal(machine.move('cr0', (shadow | CR0.AM) >>> 0), STATUS.done);
    assert.equal(machine.exits.length, 0);
    assert.equal(machine.register('cr0'), BigInt((LONG_MODE.cr0 | CR0.AM) >>> 0), 'the owned bit stays');
    assert.equal(machine.move('cr0', LONG_MODE.cr0 >>> 0), STATUS.stopped);
    assert.deepEqual(machine.exits[0], { reason: EXIT_REASON.cr_access, qualification: 0n, gpa: 0n, gla: 0n });
  });

  it('of CR3, INVLPG and WRMSR comes by its control, with operand, qualification and counter', () => {
    const machine = mapped();
    machine.enterShadowed({
      primary_controls: (PRIMARY.secondaryControls | PRIMARY.cr3LoadExiting | PRIMARY.cr3StoreExiting | PRIMARY.invlpgExiting) >>> 0,
      secondary_controls: secondary,
    });
    machine.onExit = (exit) => {
      if (exit.qualification === 0x13n) [machine.processor.valueLo, machine.processor.valueHi] = [0x1234, 0];
      return RESUME.completed;
    };
    const root = machine.register('cr3');
    assert.equal(machine.move('cr3', 0x5000n), STATUS.done);
    assert.equal(machine.processor.pending.operandLo, 0x5000);
    assert.equal(machine.register('cr3'), root, 'root mode decides what is loaded');
    assert.equal(machine.processor.readRegister(REGISTER.cr3), STATUS.done);
    assert.equal(machine.value, 0x1234n);
    machine.invlpg(PAGE);
    machine.move('efer', machine.register('efer'));
    assert.deepEqual(machine.exits.map((exit) => [exit.reason, exit.qualification]), [
      [EXIT_REASON.cr_access, 0x3n], [EXIT_REASON.cr_access, 0x13n], [EXIT_REASON.invlpg, PAGE], [EXIT_REASON.wrmsr, 0n],
    ]);
    assert.equal(machine.processor.counters[EXIT_COUNTERS_AT + EXIT_REASON.cr_access], 2);
    assert.equal(machine.processor.counters[COUNTER['exits.total']], 4);
  });

  it('saves guest state to the VMCS and loads it back from there', () => {
    const machine = mapped();
    machine.set({ rflags: RFLAGS.fixed | RFLAGS.AC });
    machine.enterShadowed({ exception_bitmap: 1 << 14 });
    machine.processor.setLevel(3);
    machine.onExit = () => {
      assert.equal((machine.field('guest_ss_access_rights') >> 5n) & 3n, 3n, 'the CPL is the DPL of SS');
      assert.equal(machine.field('guest_rflags'), BigInt(RFLAGS.fixed | RFLAGS.AC));
      machine.processor.vmcs[VMCS.guest_ss_access_rights] = 0;
      machine.map(PAGE + 0x1000n, 0x5000n, P);
      return RESUME.retry;
    };
    assert.equal(machine.load(PAGE + 0x1000n), STATUS.done, 'the supervisor may read what it mapped for itself');
    assert.equal(machine.processor.level, 0);
  });
});

describe('counters', () => {
  it('of each kind equal the number of its events', () => {
    const machine = mapped();
    machine.enterShadowed({ exception_bitmap: 1 << 14 });
    machine.onExit = () => {
      machine.map(PAGE + 0x1000n, 0x5000n, P | RW);
      return RESUME.retry;
    };
    machine.listen();
    machine.processor.counters.fill(0);
    machine.store(PAGE, 1n);
    machine.store(PAGE + 0x1000n, 1n);
    machine.load(PAGE);
    machine.invlpg(PAGE);
    machine.move('cr3', machine.register('cr3'));
    machine.processor.invvpid();
    const counted = (kind: string): number => machine.kinds().filter((name) => name === kind).length;
    const { counters } = machine.processor;
    assert.deepEqual(
      [COUNTER.accesses, COUNTER['tlb.hits'], COUNTER['tlb.misses'], COUNTER['tlb.flushes'], COUNTER.walk_references, COUNTER['exits.total']]
        .map((index) => counters[index]),
      ['access_done', 'tlb_hit', 'tlb_miss', 'tlb_flush', 'table_read', 'vm_exit'].map(counted),
    );
    assert.ok(counters[COUNTER.walk_references]! > 0);
  });
});
