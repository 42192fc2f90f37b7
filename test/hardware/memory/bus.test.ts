import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { PhysicalMemory } from '../../../src/hardware/memory/physicalMemory';
import { RMW } from '../../../src/hardware/memory/readModifyWrite';
import { STATUS } from '../../../src/hardware/processor/processor';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { PRIMARY, SECONDARY, VM_FUNCTION, VMCS } from '../../../src/hardware/vmx/vmcs';
import { intercept, SVM_EXIT } from '../../../src/hardware/svm/svmExitCodes';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { Registry } from '../../../src/hardware/state/registry';
import { halves, P, R, RW, US, W, WB, X } from '../testMachine';
import { EPT_LEAF, type Mode, NESTED_ROOT, ROOT, TABLES, TablesByHand } from '../paging/tablesByHand';

/** The first address without memory in `TablesByHand`, and a page far above it. */
const END = 2n ** 40n;
const ABSENT = END + 0x5000n;
const PAGE = 0x60_1000n;
const OPEN = P | RW | US;
const ONES = 0xffff_ffff_ffff_ffffn;

const busErrors = (machine: TablesByHand): readonly (readonly unknown[])[] => (
  machine.events.filter(({ kind }) => kind === 'bus_error').map(({ json }) => [json['what'], json['hpa']])
);
const value = (machine: TablesByHand): bigint => (BigInt(machine.processor.valueHi >>> 0) << 32n) | BigInt(machine.processor.valueLo >>> 0);
const hex = (address: bigint): string => `0x${address.toString(16)}`;

/** Long mode with PAGE mapped to `frame`. */
function mapped(frame: bigint): TablesByHand {
  const machine = new TablesByHand();
  machine.map(TABLES['4-level'], ROOT, PAGE, frame | OPEN);
  machine.enter('4-level', ROOT);
  machine.listen();
  return machine;
}

describe('host-physical memory', () => {
  it('has no address twice: bits above those of its size reach none', () => {
    const memory = new PhysicalMemory(new Registry(), 2 ** 30);
    memory.store32(0x1000, 0, 0x1234);
    for (let bit = 0; bit < 32; bit++) {
      const hi = 1 << bit;
      assert.deepEqual([memory.load32(0x1000, hi), memory.wordAt(0x1000, hi), memory.isInstalled(0x1000, hi)], [-1, 0, false], `bit ${32 + bit}`);
      memory.store32(0x1000, hi, 0x5678);
      memory.store8(0x1001, hi, 0x77);
    }
    assert.equal(memory.load32(0x1000, 0), 0x1234);
    assert.deepEqual([memory.load32(0x4000_0000, 0), memory.load32(0x3fff_fffc, 0)], [-1, 0]);
    assert.equal(memory.load32(-4, -1), -1);
  });
});

describe('an access where no memory is', () => {
  for (const size of [1, 2, 4, 8]) {
    it(`of ${size} bytes reads ones, drops what is written and says so once`, () => {
      const machine = mapped(ABSENT);
      const ones = ONES >> BigInt(64 - 8 * size);
      assert.equal(machine.load(PAGE + 8n, size), STATUS.done);
      assert.equal(value(machine), ones);
      assert.equal(machine.store(PAGE + 8n, 0x1122_3344_5566_7788n, size), STATUS.done);
      assert.equal(machine.load(PAGE + 8n, size), STATUS.done);
      assert.equal(value(machine), ones);
      assert.equal(machine.processor.readModifyWrite(...halves(PAGE + 8n), size, RMW.add, 1, 0), STATUS.done);
      assert.equal(value(machine), ones);
      assert.deepEqual(busErrors(machine), ['load', 'store', 'load', 'read-modify-write'].map((what) => [what, hex(ABSENT + 8n)]));
    });
  }

  it('as a fetch says so too', () => {
    const machine = mapped(ABSENT);
    assert.equal(machine.fetch(PAGE), STATUS.done);
    assert.deepEqual(busErrors(machine), [['fetch', hex(ABSENT)]]);
  });

  it('is told of each page that it touches', () => {
    for (const [first, second, told] of [
      [0x9000n, ABSENT, [ABSENT]], [ABSENT, 0x9000n, [ABSENT + 0xffdn]], [ABSENT, END, [ABSENT + 0xffdn, END]], [0x9000n, 0xa000n, []],
    ] as const) {
      const machine = mapped(first);
      machine.map(TABLES['4-level'], ROOT, PAGE + 0x1000n, second | OPEN);
      assert.equal(machine.store(PAGE + 0xffdn, 0x1122_3344_5566_7788n, 8), STATUS.done);
      assert.deepEqual(busErrors(machine), told.map((hpa) => ['store', hex(hpa)]));
      assert.equal(machine.load(PAGE + 0xffdn, 8), STATUS.done);
      const kept = (frame: bigint, bits: bigint): bigint => (frame < END ? 0x1122_3344_5566_7788n : ONES) & bits;
      assert.equal(value(machine), kept(first, 0xff_ffffn) | kept(second, ONES ^ 0xff_ffffn));
    }
  });

  it('at the last bytes of memory is none', () => {
    const machine = mapped(END - 0x1000n);
    machine.store(PAGE + 0xff8n, 5n, 8);
    machine.load(PAGE + 0xff8n, 8);
    assert.deepEqual([value(machine), busErrors(machine)], [5n, []]);
  });

  it('leaves no trace when it is a question', () => {
    const machine = mapped(ABSENT);
    machine.set({ cr3: ABSENT });
    assert.notEqual(machine.walk(PAGE, ACCESS.read), 0);
    assert.deepEqual(machine.events, []);
  });
});

describe('a paging structure where no memory is', () => {
  const modes: readonly Mode[] = ['pae', '4-level', '5-level'];
  for (const mode of modes) {
    const { shifts, entryBytes } = TABLES[mode];
    for (const depth of shifts.map((_, at) => at).filter((at) => mode !== 'pae' || at > 0)) {
      it(`reads as ones at depth ${depth} of ${mode} paging, and what follows is what such an entry means`, () => {
        const machine = new TablesByHand();
        machine.map(TABLES[mode], ROOT, PAGE, 0x9000n | OPEN);
        if (depth > 0) machine.put(machine.entryAt(TABLES[mode], ROOT, PAGE, depth - 1), ABSENT | (depth === 1 && mode === 'pae' ? P : OPEN), entryBytes);
        machine.enter(mode, depth === 0 ? ABSENT : ROOT);
        machine.listen();
        assert.equal(machine.store(PAGE, 1n), STATUS.exception);
        // P and RSVD: a bit at or above MAXPHYADDR is set, if not PS in an entry that never maps a page.
        assert.deepEqual(machine.fault, [14, 0xb, PAGE]);
        const index = (PAGE >> shifts[depth]!) & TABLES[mode].indexMask;
        assert.deepEqual(busErrors(machine), [['table read', hex(ABSENT + index * entryBytes)]]);
      });
    }
  }

  it('of 32-bit paging, which reaches none but behind EPT, maps on: a PTE of ones is the last page of 4 GBytes', () => {
    const machine = new TablesByHand();
    for (const [gpa, hpa] of [[ROOT, ROOT], [0x7000_0000n, ABSENT], [0xffff_f000n, 0x9000n]] as const) {
      machine.map(TABLES.ept4, NESTED_ROOT, gpa, hpa | EPT_LEAF);
    }
    machine.map(TABLES['32-bit'], ROOT, PAGE, 0x7000_0000n | OPEN, 0);
    machine.enter('32-bit', ROOT);
    machine.enterVmx(NESTED_ROOT | 0x1en);
    machine.listen();
    assert.equal(machine.store(PAGE + 5n, 1n), STATUS.done);
    assert.equal(machine.hpa, 0x9005n);
    const pte = ABSENT + ((PAGE >> 12n) & 0x3ffn) * 4n;
    assert.deepEqual(busErrors(machine), [['table read', hex(pte)]]);
    assert.ok(!machine.events.some(({ kind, json }) => kind === 'ad_update' && json['hpa'] === hex(pte)), 'all its flags are set');

    machine.walk(PAGE + 5n, ACCESS.read);
    const { result } = machine.processor.inspection;
    assert.deepEqual([result.entryLo[1], result.entryHi[1]], [-1, 0], 'it has four bytes');

    machine.set({ cr3: 0x7000_0000n });
    assert.equal(machine.store(PAGE + 0x40_0000n, 1n), STATUS.exception);
    assert.deepEqual(machine.fault, [14, 0xb, PAGE + 0x40_0000n], 'bit 21 of a PDE with PS is reserved');
  });

  it('maps on with MAXPHYADDR 52, where a PTE of ones has no reserved bit: the access itself finds no memory', () => {
    const machine = new TablesByHand({ maxphyaddr: 52 });
    machine.map(TABLES['4-level'], ROOT, PAGE, 0x9000n | OPEN);
    machine.put(machine.entryAt(TABLES['4-level'], ROOT, PAGE, 2), ABSENT | OPEN);
    machine.enter('4-level', ROOT);
    machine.listen();
    assert.equal(machine.load(PAGE + 0x10n, 8), STATUS.done);
    assert.deepEqual([value(machine), machine.hpa], [ONES, 0xf_ffff_ffff_f010n]);
    assert.deepEqual(busErrors(machine), [['table read', hex(ABSENT + 8n)], ['load', '0xffffffffff010']]);
  });

  it('makes MOV to CR3 in PAE mode #GP(0): a PDPTE of ones has reserved bits', () => {
    // CR3 names 32 bits of address in PAE mode, so the memory must end below them: under EPT it does.
    const machine = new TablesByHand();
    for (let gpa = 0n; gpa < 0x100_0000n; gpa += 0x1000n) machine.map(TABLES.ept4, NESTED_ROOT, gpa, gpa | EPT_LEAF);
    machine.map(TABLES.ept4, NESTED_ROOT, 0x5000_0000n, ABSENT | EPT_LEAF);
    machine.enter('pae', ROOT);
    machine.enterVmx(NESTED_ROOT | 0x1en);
    machine.listen();
    assert.equal(machine.move('cr3', 0x5000_0020n), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.processor.errorCode], [13, 0]);
    assert.deepEqual(busErrors(machine), [['PDPTE load', hex(ABSENT + 0x20n)]]);
    assert.equal(machine.register('cr3'), ROOT);
  });

  it('of EPT is a misconfiguration, of nested paging a nested page fault with RSVD', () => {
    const ept = new TablesByHand();
    ept.enter('4-level', ROOT);
    ept.enterVmx(ABSENT | 0x1en);
    ept.listen();
    assert.equal(ept.load(PAGE), STATUS.stopped);
    assert.equal(ept.processor.vmcs[VMCS.exit_reason], EXIT_REASON.ept_misconfiguration);
    assert.deepEqual(busErrors(ept), [['table read', hex(ABSENT)]]);

    const nested = new TablesByHand({ vendor: 'amd' });
    nested.enter('4-level', ROOT);
    nested.enterSvm('4-level', { n_cr3: ABSENT });
    nested.listen();
    assert.equal(nested.load(PAGE), STATUS.stopped);
    assert.deepEqual([nested.vmcb('exitcode'), nested.vmcb('exitinfo1')], [0x400n, 1n << 33n | 0xfn]);
    assert.deepEqual(busErrors(nested), [['table read', hex(ABSENT)]]);
  });
});

describe('a structure of the hypervisor where no memory is', () => {
  /** Behind EPT that maps low memory one to one; `leaf` for PAGE's final page. */
  function guest(leaf: bigint, fields: Parameters<TablesByHand['enterVmx']>[1]): TablesByHand {
    const machine = new TablesByHand();
    machine.map(TABLES['4-level'], ROOT, PAGE, 0x7000_0000n | OPEN | 0x60n);
    for (let gpa = 0n; gpa < 0x100_0000n; gpa += 0x1000n) machine.map(TABLES.ept4, NESTED_ROOT, gpa, gpa | EPT_LEAF | 0x300n);
    machine.map(TABLES.ept4, NESTED_ROOT, 0x7000_0000n, leaf);
    machine.enter('4-level', ROOT);
    machine.enterVmx(NESTED_ROOT | 0x5en, fields);
    machine.listen();
    return machine;
  }

  it('is the page-modification log: what is logged is dropped, and the index goes on', () => {
    const machine = guest(0x9000n | EPT_LEAF | 0x100n, {
      secondary_controls: SECONDARY.enableEpt | SECONDARY.enablePml, pml_address: ABSENT, pml_index: 7,
    });
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.equal(machine.vmcs('pml_index'), 6n);
    assert.deepEqual(busErrors(machine), [['page-modification log', hex(ABSENT + 56n)]]);
  });

  it('is the virtualization-exception information: it reads as busy, so that the violation exits', () => {
    const machine = guest(0x9000n | R | X | WB, {
      secondary_controls: SECONDARY.enableEpt | SECONDARY.eptViolationVe, virtualization_exception_information_address: ABSENT,
    });
    assert.equal(machine.store(PAGE, 1n), STATUS.stopped);
    assert.equal(machine.processor.vmcs[VMCS.exit_reason], EXIT_REASON.ept_violation);
    assert.deepEqual(busErrors(machine), [['virtualization-exception information', hex(ABSENT + 4n)]]);
  });

  it('is the EPTP list: an entry of ones is no EPTP, and VMFUNC exits', () => {
    const machine = guest(0x9000n | R | W | X | WB, {
      secondary_controls: SECONDARY.enableEpt | SECONDARY.enableVmFunctions, vm_function_controls: VM_FUNCTION.eptpSwitching, eptp_list_address: ABSENT,
    });
    machine.set({ rax: 0, rcx: 3 });
    assert.equal(machine.processor.vmfunc(), STATUS.stopped);
    assert.equal(machine.processor.vmcs[VMCS.exit_reason], EXIT_REASON.vmfunc);
    assert.deepEqual(busErrors(machine), [['EPTP list', hex(ABSENT + 24n)]]);
  });

  it('is a permission map of VMX: everything exits', () => {
    const machine = guest(0x9000n | EPT_LEAF, {
      primary_controls: PRIMARY.secondaryControls | PRIMARY.useIoBitmaps | PRIMARY.useMsrBitmaps,
      io_bitmap_a: ABSENT, io_bitmap_b: ABSENT, msr_bitmap: ABSENT,
    });
    machine.set({ rdx: 0x60, rcx: 0x10 });
    assert.equal(machine.processor.input(1), STATUS.stopped);
    assert.equal(machine.processor.rdmsr(), STATUS.stopped);
    assert.deepEqual(busErrors(machine), [['permission bitmap', hex(ABSENT + 12n)], ['permission bitmap', hex(ABSENT + 2n)]]);
  });

  it('is a permission map of SVM: everything exits', () => {
    const machine = new TablesByHand({ vendor: 'amd' });
    machine.mapLowMemory(TABLES['4-level'], OPEN);
    machine.enter('4-level', ROOT);
    machine.enterSvm('4-level', { iopm_base_pa: ABSENT, msrpm_base_pa: ABSENT });
    intercept(machine.processor.vmcb, SVM_EXIT.ioio, SVM_EXIT.msr);
    machine.listen();
    machine.processor.registers[2 * REGISTER.rdx] = 0x60;
    machine.processor.registers[2 * REGISTER.rcx] = 0x10;
    assert.equal(machine.processor.input(1), STATUS.stopped);
    assert.equal(machine.processor.rdmsr(), STATUS.stopped);
    assert.deepEqual(busErrors(machine), [['permission bitmap', hex(ABSENT + 12n)], ['permission bitmap', hex(ABSENT + 4n)]]);
  });
});
