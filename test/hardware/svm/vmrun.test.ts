import { strict as assert } from 'node:assert';
import { CR0, CR4, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { COUNTER, EXIT_COUNTERS_AT } from '../../../src/hardware/state/counters';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { ACTIVITY, INTERRUPTIBILITY, REGISTER } from '../../../src/hardware/processor/registers';
import { DESCRIPTOR_TABLE, SEGMENT, SEGMENT_RIGHTS } from '../../../src/hardware/segments/segmentRegisters';
import { intercept, SVM_EXIT } from '../../../src/hardware/svm/svmExitCodes';
import { vmrunRules } from '../../../src/hardware/svm/vmrunRules';
import { G, halves } from '../testMachine';
import { NESTED_ROOT, ROOT, TABLES, TablesByHand } from '../paging/tablesByHand';
import { ERROR_CODE, type Fields, GPA, guest, LONG_MODE, OPEN, PAGE, type, VALID, write } from './svmGuest';

const exitsBy = (machine: TablesByHand, reason: number): number => machine.processor.counters[EXIT_COUNTERS_AT + reason]!;
const flushes = (machine: TablesByHand): number => machine.processor.counters[COUNTER['tlb.flushes']]!;

/** One VMCB for each rule, which breaks that rule and none before it. */
const illegal: readonly (readonly [string, Fields])[] = [
  ['EFER.SVME is 0', { guest_efer: LONG_MODE.efer & ~BigInt(EFER.SVME) }],
  ['CR0.NW is 1 while CR0.CD is 0', { guest_cr0: LONG_MODE.cr0 | BigInt(CR0.NW) }],
  ['CR0 has a bit of 63:32', { guest_cr0: LONG_MODE.cr0 | 1n << 40n }],
  ['CR3 has a bit at or above MAXPHYADDR', { guest_cr3: ROOT | 1n << 46n }],
  ['CR4 has a bit that is not defined', { guest_cr4: LONG_MODE.cr4 | BigInt(CR4.VMXE) }],
  ['CR4 has a bit that is not defined', { guest_cr4: LONG_MODE.cr4 | 1n << 32n }],
  ['EFER has a bit that is not defined', { guest_efer: LONG_MODE.efer | 2n }],
  ['EFER has a bit that is not defined', { guest_efer: LONG_MODE.efer | 1n << 32n }],
  ['EFER.LME and CR0.PG are 1 while CR4.PAE is 0', { guest_cr4: 0n }],
  ['EFER.LME and CR0.PG are 1 while CR0.PE is 0', { guest_cr0: BigInt(CR0.PG >>> 0) }],
  ['EFER.LME, CR0.PG, CR4.PAE, CS.L and CS.D are all 1', { guest_cs_attributes: 0x600n }],
  ['VMRUN is not intercepted', { intercept_misc2: 0n }],
  ['the MSR permissions map reaches beyond MAXPHYADDR', { msrpm_base_pa: (1n << 46n) - 0x1000n }],
  ['the I/O permissions map reaches beyond MAXPHYADDR', { iopm_base_pa: (1n << 46n) - 0x2000n }],
  ['EVENTINJ asks for an event that cannot be injected', { eventinj: VALID | type(1n) | 0x20n }],
  ['EVENTINJ asks for an event that cannot be injected', { eventinj: VALID | type(3n) | 2n }],
  ['EVENTINJ asks for an event that cannot be injected', { eventinj: VALID | type(3n) | 32n }],
  ['EVENTINJ asks for an event that cannot be injected', { eventinj: VALID | type(3n) | 5n, guest_cs_attributes: 0x200n }],
  ['the ASID is 0, which is the host\'s', { asid: 0n }],
  ['TLB_CONTROL has a reserved value', { tlb_control: 2n }],
  ['nested paging is on while the host\'s CR0.PG is 0', { host_cr0: 1n }],
  ['nCR3 has a bit at or above MAXPHYADDR', { n_cr3: NESTED_ROOT | 1n << 46n }],
];

describe('VMRUN', () => {
  for (const [name, fields] of illegal) {
    it(`ends with VMEXIT_INVALID and stops with the rule: ${name}; ${Object.keys(fields).join(', ')}`, () => {
      const machine = guest();
      const before = machine.processor.registers.slice();
      write(machine, fields);
      assert.equal(machine.processor.launch(), STATUS.stopped);
      assert.match(machine.processor.stopReason, /^VMRUN ends with VMEXIT_INVALID: .* \(APM Vol\. 2, ".*"\)$/);
      assert.ok(machine.processor.stopReason.includes(name), machine.processor.stopReason);
      assert.equal(machine.vmcb('exitcode'), 0xffff_ffff_ffff_ffffn);
      assert.equal(exitsBy(machine, EXIT_REASON.entry_failure_guest_state), 1);
      assert.deepEqual(machine.processor.registers, before);
    });
  }

  it('takes the bits of CR4 that this processor has, and no others', () => {
    for (const [feature, bit] of [['smep', CR4.SMEP], ['smap', CR4.SMAP], ['pku', CR4.PKE], ['la57', CR4.LA57], ['pcid', CR4.PCIDE]] as const) {
      const launched = (has: 'on' | 'off'): number => {
        const machine = new TablesByHand({ vendor: 'amd', features: { [feature]: has } });
        machine.enter('4-level', ROOT);
        machine.enterSvm('4-level');
        write(machine, { guest_cr4: LONG_MODE.cr4 | BigInt(bit) });
        return machine.processor.launch();
      };
      assert.deepEqual([launched('on'), launched('off')], [STATUS.done, STATUS.stopped], feature);
    }
  });

  it('that is refused the first time leaves no guest behind: the processor translates as before', () => {
    const machine = new TablesByHand({ vendor: 'amd' });
    machine.map(TABLES['4-level'], ROOT, PAGE, GPA | OPEN);
    machine.enter('4-level', ROOT);
    machine.put(GPA, 0x55n);
    machine.enterSvm('4-level', { host_cr0: 1n });
    assert.match(machine.processor.stopReason, /nested paging is on while the host's CR0\.PG is 0/);
    machine.processor.reload();
    assert.equal(machine.processor.registers[2 * REGISTER.nonRoot], 0);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.processor.valueLo, 0x55);
  });

  it('has a rule in the list above for each of the table', () => {
    assert.deepEqual(vmrunRules.map((rule) => rule.name).filter((name) => !illegal.some(([each]) => each === name)), []);
  });

  it('takes a guest in paged real mode, which only SVM has', () => {
    const machine = guest();
    write(machine, { guest_cr0: BigInt(CR0.PG >>> 0), guest_efer: BigInt(EFER.SVME), guest_cr4: 0n });
    assert.equal(machine.processor.launch(), STATUS.done);
  });

  it('takes CR0.NW beside CR0.CD, and CS.L with CS.D where they mean nothing', () => {
    const legacy = BigInt(EFER.SVME);
    const accepted: readonly Fields[] = [
      { guest_cr0: LONG_MODE.cr0 | BigInt(CR0.NW) | BigInt(CR0.CD) },
      { guest_cs_attributes: 0x600n, guest_efer: legacy },
      { guest_cs_attributes: 0x600n, guest_efer: legacy, guest_cr0: 1n },
      { guest_cs_attributes: 0x600n, guest_efer: legacy | BigInt(EFER.LME), guest_cr0: 1n },
    ];
    for (const fields of accepted) {
      const machine = guest();
      write(machine, fields);
      assert.equal(machine.processor.launch(), STATUS.done, machine.processor.stopReason);
    }
  });

  it('takes what can be injected: any vector that is no exception\'s, and exceptions up to 31', () => {
    for (const [of, vector] of [[0n, 0x20n], [0n, 0xffn], [2n, 2n], [4n, 0x80n], [4n, 2n], [3n, 31n], [3n, 0n]] as const) {
      const machine = guest();
      write(machine, { eventinj: VALID | type(of) | vector });
      assert.equal(machine.processor.launch(), STATUS.exception, `type ${of}, vector ${vector}: ${machine.processor.stopReason}`);
      assert.equal(machine.processor.vector, Number(vector));
    }
  });

  it('takes maps that end with the last byte there is, events that are not valid, and #BR outside 64-bit mode', () => {
    const accepted: readonly (readonly [Fields, number])[] = [
      [{ msrpm_base_pa: (1n << 46n) - 0x2000n }, STATUS.done], [{ iopm_base_pa: (1n << 46n) - 0x3000n }, STATUS.done],
      [{ eventinj: type(1n) | 0x20n }, STATUS.done], [{ eventinj: type(3n) | 2n }, STATUS.done],
      [{ eventinj: VALID | type(3n) | 5n, guest_cs_attributes: 0n }, STATUS.exception],
      [{ eventinj: VALID | type(3n) | 5n, guest_cs_attributes: 0x200n, guest_efer: BigInt(EFER.SVME) }, STATUS.exception],
    ];
    for (const [fields, status] of accepted) {
      const machine = guest();
      write(machine, fields);
      assert.equal(machine.processor.launch(), status, machine.processor.stopReason);
    }
  });

  it('that fails when root mode comes back ends the guest\'s access as a stop', () => {
    const machine = guest();
    machine.onExit = () => {
      write(machine, { asid: 0n });
      return RESUME.retry;
    };
    intercept(machine.processor.vmcb, SVM_EXIT.exception0 + 14);
    assert.equal(machine.load(0x70_0000n), STATUS.stopped);
    assert.match(machine.processor.stopReason, /the ASID is 0/);
  });

  it('loads what #VMEXIT has saved', () => {
    const machine = guest();
    intercept(machine.processor.vmcb, SVM_EXIT.invlpg);
    machine.set({ rax: 0x1_2345_6789n, rsp: 0x7fff_0000_1234n, cr2: 0x55n });
    machine.onExit = () => {
      assert.deepEqual([machine.vmcb('guest_rax'), machine.vmcb('guest_rsp'), machine.vmcb('guest_cr2')], [0x1_2345_6789n, 0x7fff_0000_1234n, 0x55n]);
      assert.equal(machine.vmcb('guest_cr3'), ROOT);
      write(machine, { guest_rax: 7n, guest_cr2: 8n });
      return RESUME.completed;
    };
    assert.equal(machine.processor.invlpg(...halves(PAGE)), STATUS.done);
    assert.deepEqual([machine.register('rax'), machine.register('cr2')], [7n, 8n]);
  });
});

describe('the guest state of a VMCB', () => {
  const SEGMENTS = ['es', 'cs', 'ss', 'ds'] as const;

  it('is what #VMEXIT saves of segments, tables and interrupt shadow, and what VMRUN loads', () => {
    const machine = guest();
    intercept(machine.processor.vmcb, SVM_EXIT.invlpg);
    const { segments, registers } = machine.processor;
    SEGMENTS.forEach((name, index) => {
      segments.set(SEGMENT[name], { selector: 8 * index, rights: 0xa000 | 0x93 + index, limit: -1 - index, baseLo: index << 12, baseHi: 0x7f + index });
    });
    segments.setTable(DESCRIPTOR_TABLE.idtr, 0x1000, -1, 0xfff);
    registers[2 * REGISTER.interruptibility] = INTERRUPTIBILITY.blockingByMovSs | INTERRUPTIBILITY.blockingByNmi;
    const before = segments.words.slice();
    machine.onExit = () => {
      SEGMENTS.forEach((name, index) => {
        assert.deepEqual(
          (['selector', 'attributes', 'limit', 'base'] as const).map((field) => machine.vmcb(`guest_${name}_${field}`)),
          [BigInt(8 * index), BigInt(0xa93 + index), 0xffff_ffffn - BigInt(index), (0x7fn + BigInt(index) << 32n) + (BigInt(index) << 12n)],
        );
      });
      assert.deepEqual([machine.vmcb('guest_idtr_base'), machine.vmcb('guest_idtr_limit')], [0xffff_ffff_0000_1000n, 0xfffn]);
      assert.equal(machine.vmcb('interrupt_shadow'), 1n);
      segments.words.fill(0);
      return RESUME.completed;
    };
    assert.equal(machine.processor.invlpg(0, 0), STATUS.done);
    const loaded = [SEGMENT.es, SEGMENT.cs, SEGMENT.ss, SEGMENT.ds].flatMap((segment) => [...segments.words.slice(5 * segment, 5 * segment + 5)]);
    assert.deepEqual(loaded, [SEGMENT.es, SEGMENT.cs, SEGMENT.ss, SEGMENT.ds].flatMap((segment) => [...before.slice(5 * segment, 5 * segment + 5)]));
    assert.deepEqual([segments.tableBaseLo(DESCRIPTOR_TABLE.idtr), segments.tableLimit(DESCRIPTOR_TABLE.idtr)], [0x1000, 0xfff]);
    // The shadow of MOV to SS comes back as one; what blocks NMIs is no field of the VMCB.
    assert.equal(registers[2 * REGISTER.interruptibility], INTERRUPTIBILITY.blockingBySti | INTERRUPTIBILITY.blockingByNmi);
  });

  it('has no segment where attributes say that none is present', () => {
    const machine = guest();
    write(machine, { guest_es_attributes: 0n });
    machine.processor.launch();
    assert.notEqual(machine.processor.segments.rights(SEGMENT.es) & SEGMENT_RIGHTS.unusable, 0);
    assert.equal(machine.processor.segments.rights(SEGMENT.ds) & SEGMENT_RIGHTS.unusable, 0);
  });

  it('does not tell of HLT: the guest comes back running', () => {
    const machine = guest();
    machine.processor.hlt();
    assert.equal(machine.processor.registers[2 * REGISTER.activity], ACTIVITY.hlt);
    machine.processor.launch();
    assert.equal(machine.processor.registers[2 * REGISTER.activity], ACTIVITY.active);
  });

  it('has PDPTEs that a guest in PAE mode without nested paging loads: an illegal one refuses the VMRUN', () => {
    for (const [pdpte, status] of [[0x5001n, STATUS.done], [0x5003n, STATUS.stopped]] as const) {
      const machine = guest();
      machine.put(0x6020n, pdpte);
      write(machine, {
        guest_efer: BigInt(EFER.SVME), guest_cr3: 0x6020n, nested_control: 0n, eventinj: 0n,
      });
      assert.equal(machine.processor.launch(), status);
      if (status === STATUS.done) assert.equal(machine.pdpte(0), pdpte);
      else assert.match(machine.processor.stopReason, /VMEXIT_INVALID: a PDPTE in memory at CR3 has a reserved bit set/);
    }
  });
});

describe('what memory holds where CR3 would have PDPTEs', () => {
  const ILLEGAL = 0x5003n;

  it('does not matter to VMRUN in long mode', () => {
    const machine = guest();
    machine.put(0x6000n, ILLEGAL);
    write(machine, { guest_cr3: 0x6000n, nested_control: 0n });
    assert.equal(machine.processor.launch(), STATUS.done, machine.processor.stopReason);
  });

  it('does not matter to VMRUN behind nested tables, where each walk reads them. APM Vol. 2, "Legacy PAE Mode"', () => {
    const machine = guest();
    machine.put(0x6020n, ILLEGAL);
    write(machine, { guest_efer: BigInt(EFER.SVME), guest_cr3: 0x6020n });
    assert.equal(machine.processor.launch(), STATUS.done, machine.processor.stopReason);
  });
});

describe('a virtual interrupt', () => {
  const V_IRQ = 1n << 8n | 5n << 16n | 0x51n << 32n;
  /** A guest in its window, or not: V_IRQ waits, of priority 5 and vector 51H. */
  const waiting = (rflags: number, how: 'intercepted' | 'taken' = 'taken', control = V_IRQ): TablesByHand => {
    const machine = guest();
    if (how === 'intercepted') intercept(machine.processor.vmcb, SVM_EXIT.vintr);
    write(machine, { v_intr: control, guest_rflags: BigInt(rflags | RFLAGS.fixed) });
    assert.equal(machine.processor.launch(), STATUS.done);
    return machine;
  };

  it('is taken when RFLAGS.IF is 1 and nothing shadows it, and V_IRQ is then clear', () => {
    const machine = waiting(RFLAGS.IF);
    assert.equal(machine.processor.deliverPending(), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.vmcb('v_intr') & 1n << 8n], [0x51, 0n]);
    assert.equal(waiting(0).processor.deliverPending(), STATUS.done);
    const shadowed = waiting(RFLAGS.IF);
    shadowed.processor.registers[2 * REGISTER.interruptibility] = INTERRUPTIBILITY.blockingBySti;
    assert.equal(shadowed.processor.deliverPending(), STATUS.done);
    assert.equal(waiting(RFLAGS.IF, 'taken', V_IRQ | 5n).processor.deliverPending(), STATUS.done, 'V_TPR is as high');
  });

  it('exits before that when it is intercepted, and goes on waiting', () => {
    const machine = waiting(RFLAGS.IF, 'intercepted');
    assert.equal(machine.processor.deliverPending(), STATUS.stopped);
    assert.deepEqual([machine.vmcb('exitcode'), machine.vmcb('v_intr') & 1n << 8n], [0x64n, 1n << 8n]);
    assert.equal(exitsBy(machine, EXIT_REASON.interrupt_window), 1);
    assert.equal(waiting(0, 'intercepted').processor.deliverPending(), STATUS.done);
  });

  it('is nobody\'s outside a guest', () => {
    const machine = waiting(RFLAGS.IF);
    machine.processor.registers[2 * REGISTER.nonRoot] = 0;
    assert.equal(machine.processor.deliverPending(), STATUS.done);
  });
});

describe('#VMEXIT', () => {
  it('of a page fault has error code and address in EXITINFO1 and 2, leaves CR2 alone and counts as an exception', () => {
    const machine = guest();
    intercept(machine.processor.vmcb, SVM_EXIT.exception0 + 14);
    machine.listen();
    assert.equal(machine.store(0x70_0123n, 1n), STATUS.stopped);
    assert.deepEqual([machine.vmcb('exitcode'), machine.vmcb('exitinfo1'), machine.vmcb('exitinfo2')], [0x4en, 2n, 0x70_0123n]);
    assert.equal(machine.register('cr2'), 0n);
    assert.equal(exitsBy(machine, EXIT_REASON.exception_nmi), 1);
    const exit = machine.events.find((event) => event.kind === 'vm_exit')!;
    assert.deepEqual(
      [exit.json['reason'], exit.json['gva'], exit.json['vector'], exit.json['code']],
      ['exception_nmi', '0x700123', 14, '0x2'],
    );
  });

  it('of MOV to CR3 comes after the check of privilege and before that of the operand', () => {
    const machine = guest();
    intercept(machine.processor.vmcb, SVM_EXIT.writeCr0 + 3);
    assert.equal(machine.move('cr3', 1n << 50n), STATUS.stopped);
    assert.deepEqual([machine.vmcb('exitcode'), machine.vmcb('exitinfo1')], [0x13n, 1n << 63n]);
    assert.equal(exitsBy(machine, EXIT_REASON.cr_access), 1);
    machine.set({ cpl: 3 });
    assert.equal(machine.move('cr3', 0n), STATUS.exception);
    assert.equal(machine.processor.vector, 13);
  });

  it('of a nested page fault tells the walk of a guest table from the final address', () => {
    const machine = guest();
    machine.map(TABLES['4-level'], ROOT, 0x60_2000n, 0x4000_0000n | OPEN);
    assert.equal(machine.load(0x60_2000n), STATUS.stopped);
    assert.deepEqual([machine.vmcb('exitcode'), machine.vmcb('exitinfo1'), machine.vmcb('exitinfo2')], [0x400n, 1n << 32n | 4n, 0x4000_0000n]);
    machine.set({ cr3: 0x5000_0000n });
    assert.equal(machine.load(PAGE), STATUS.stopped);
    assert.deepEqual([machine.vmcb('exitinfo1'), machine.vmcb('exitinfo2')], [1n << 33n | 6n, 0x5000_0000n]);
  });

  it('clears the valid bit of EVENTINJ, so that nothing is injected twice', () => {
    const machine = guest({ eventinj: VALID | ERROR_CODE | type(3n) | 13n });
    intercept(machine.processor.vmcb, SVM_EXIT.invlpg);
    machine.processor.invlpg(0, 0);
    assert.equal(machine.vmcb('eventinj') & VALID, 0n);
  });
});

describe('an event that VMRUN injects', () => {
  it('is delivered with its error code; a page fault has its address from the VMCB\'s CR2', () => {
    const machine = guest();
    write(machine, { eventinj: VALID | ERROR_CODE | type(3n) | 14n | 6n << 32n, guest_cr2: 0x1234_5000n });
    assert.equal(machine.processor.launch(), STATUS.exception);
    assert.deepEqual(machine.fault, [14, 6, 0x1234_5000n]);
    assert.equal(machine.processor.counters[COUNTER['faults.guest_exited']], 1);
  });

  it('tells all of the address of its page fault', () => {
    const machine = guest();
    machine.listen();
    write(machine, { eventinj: VALID | ERROR_CODE | type(3n) | 14n | 6n << 32n, guest_cr2: 0x7f12_1234_5000n });
    machine.processor.launch();
    assert.deepEqual(machine.events.filter(({ kind }) => kind === 'exception_delivered').map(({ json }) => json['gva']), ['0x7f1212345000']);
  });

  it('is not intercepted by the intercept of its vector', () => {
    const machine = guest();
    intercept(machine.processor.vmcb, SVM_EXIT.exception0 + 13);
    write(machine, { eventinj: VALID | ERROR_CODE | type(3n) | 13n });
    assert.equal(machine.processor.launch(), STATUS.exception);
    assert.equal(machine.processor.vector, 13);
  });
});

describe('TLB_CONTROL', () => {
  const OTHER = 0x60_3000n;
  /** ASIDs and pages: a global and another of ASID 1, one of ASID 2; then the guest of ASID 1 is entered with `control`. */
  const kept = (control: bigint, by: 'VMRUN' | 'root mode' = 'VMRUN'): readonly boolean[] => {
    const machine = guest({}, OPEN | G);
    machine.set({ cr4: CR4.PAE | CR4.PGE });
    machine.map(TABLES['4-level'], ROOT, OTHER, GPA | OPEN);
    const run = (asid: bigint, tlbControl: bigint): void => {
      write(machine, { asid, tlb_control: tlbControl, guest_cr4: BigInt(CR4.PAE | CR4.PGE) });
      assert.equal(machine.processor.launch(), STATUS.done);
    };
    const isHit = (gva: bigint): boolean => {
      const before = machine.processor.counters[COUNTER['tlb.hits']]!;
      machine.load(gva);
      return machine.processor.counters[COUNTER['tlb.hits']] !== before;
    };
    run(2n, 0n);
    isHit(OTHER);
    run(1n, 0n);
    isHit(PAGE);
    isHit(OTHER);
    const counted = flushes(machine);
    if (by === 'VMRUN') run(1n, control);
    else machine.processor.svm.flushByTlbControl(Number(control));
    assert.equal(flushes(machine) - counted, control === 0n ? 0 : 1);
    const own = [isHit(PAGE), isHit(OTHER)];
    run(2n, 0n);
    return [...own, isHit(OTHER)];
  };

  it('0 keeps everything, 1 drops everything, 3 what is the guest\'s, 7 that but globals', () => {
    assert.deepEqual(kept(0n), [true, true, true]);
    assert.deepEqual(kept(1n), [false, false, false]);
    assert.deepEqual(kept(3n), [false, false, true]);
    assert.deepEqual(kept(7n), [true, false, true]);
  });

  it('does the same of a guest that root mode has exit and enters again at once', () => {
    for (const control of [1n, 3n, 7n]) assert.deepEqual(kept(control, 'root mode'), kept(control));
  });
});
