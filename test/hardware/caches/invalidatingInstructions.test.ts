import { strict as assert } from 'node:assert';
import { COUNTER } from '../../../src/hardware/state/counters';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { invpcidRules } from '../../../src/hardware/processor/invpcidInstruction';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { refusedInstruction } from '../../../src/hardware/processor/refusedInstruction';
import { intercept, SVM_EXIT } from '../../../src/hardware/svm/svmExitCodes';
import { EPT_ROOT, G, halves, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';
import { ROOT, TABLES, TablesByHand } from '../paging/tablesByHand';

const PAGE = 0x60_0000n;
const DESCRIPTOR = 0x70_0ff8n;
const OPERAND = 0x40_0000n;
const UD = 6;
const GP = 13;
const PF = 14;
const INVLPG_EXITING = 1 << 9;
const ENABLE_INVPCID = 1n << 12n;

/** A descriptor that runs over the end of its page, and the page of it in two frames that do not follow one another. */
function withDescriptor(machine: TestMachine, pcid: bigint, address: bigint): TestMachine {
  machine.map(DESCRIPTOR & ~0xfffn, OPERAND, P | RW);
  machine.map((DESCRIPTOR & ~0xfffn) + 0x1000n, OPERAND + 0x5000n, P | RW);
  machine.put(OPERAND + 0xff8n, pcid);
  machine.put(OPERAND + 0x5000n, address);
  return machine;
}

function native(pcid: bigint, address: bigint, cr4: number = CR4.PAE | CR4.PCIDE): TestMachine {
  const machine = withDescriptor(new TestMachine(), pcid, address);
  machine.map(PAGE, 0x9000n, P | RW);
  return machine.set({ cr4 });
}

const invpcid = (machine: TestMachine, type: number): number => machine.processor.invpcid(type, ...halves(DESCRIPTOR));
const holds = (machine: TestMachine, gva: bigint): boolean => machine.processor.caches.holds(...halves(gva));

describe('INVPCID', () => {
  it('reads its descriptor from memory, across two pages, and invalidates', () => {
    const machine = native(0n, PAGE);
    machine.load(PAGE);
    const flushes = machine.processor.counters[COUNTER['tlb.flushes']]!;
    assert.equal(invpcid(machine, 0), STATUS.done);
    assert.ok(!holds(machine, PAGE));
    assert.equal(machine.processor.counters[COUNTER['tlb.flushes']], flushes + 1);
  });

  it('finds both halves of its descriptor wherever it lies in two pages', () => {
    const [first, second] = [OPERAND, OPERAND + 0x5000n];
    const linear = DESCRIPTOR & ~0xfffn;
    const machine = native(0n, PAGE);
    for (const offset of [0, 8, 0xfe8, 0xfef, 0xff0, 0xff1, 0xff4, 0xff7, 0xff8, 0xff9, 0xffc, 0xfff, 0x1000]) {
      for (const [pcid, drops] of [[0n, true], [5n, false]] as const) {
        for (let at = 0n; at < 0x1000n; at += 8n) for (const frame of [first, second]) machine.put(frame + at, 0xffff_ffff_ffff_ffffn);
        for (let byte = 0; byte < 16; byte++) {
          const value = Number(((byte < 8 ? pcid : PAGE) >> BigInt(8 * (byte & 7))) & 0xffn);
          const at = offset + byte;
          machine.memory.store8(Number((at < 0x1000 ? first : second) + BigInt(at & 0xfff)), 0, value);
        }
        machine.load(PAGE);
        assert.equal(machine.processor.invpcid(0, ...halves(linear + BigInt(offset))), STATUS.done, refusedInstruction(machine.processor));
        assert.equal(holds(machine, PAGE), !drops, `offset ${offset.toString(16)}, PCID ${pcid}`);
      }
    }
  });

  it('goes on in the page behind 4 GBytes', () => {
    const machine = native(0n, PAGE);
    const linear = 0xffff_fff8n;
    machine.map(linear & ~0xfffn, OPERAND, P | RW);
    machine.map(1n << 32n, OPERAND + 0x5000n, P | RW);
    machine.load(PAGE);
    assert.equal(machine.processor.invpcid(0, ...halves(linear)), STATUS.done);
    assert.ok(!holds(machine, PAGE));
  });

  it('tells of an address where it is for one, and of none where it is for contexts', () => {
    const high = 0x7fff_0060_0000n;
    for (const [type, told] of [[0, '0x7fff00600000'], [1, '0x0'], [2, '0x0'], [3, '0x0']] as const) {
      const machine = native(0n, high);
      machine.listen();
      assert.equal(invpcid(machine, type), STATUS.done);
      const flushes = machine.events.filter(({ kind }) => kind === 'tlb_flush').map(({ json }) => [json['what'], json['gva']]);
      assert.deepEqual(flushes, [['INVPCID', told]], `type ${type}`);
    }
  });

  for (const [what, type, pcid, address, cr4] of [
    ['a type above 3', 4, 0n, PAGE, CR4.PAE | CR4.PCIDE],
    ['a type with bit 31', -1, 0n, PAGE, CR4.PAE | CR4.PCIDE],
    ['a PCID above 4095', 1, 0x1000n, PAGE, CR4.PAE | CR4.PCIDE],
    ['bit 63 of the descriptor, whatever the type', 3, 1n << 63n, PAGE, CR4.PAE | CR4.PCIDE],
    ['a PCID other than 0 for an address while CR4.PCIDE is 0', 0, 1n, PAGE, CR4.PAE],
    ['a PCID other than 0 for a context while CR4.PCIDE is 0', 1, 1n, PAGE, CR4.PAE],
    ['an address that is not canonical', 0, 0n, 1n << 63n, CR4.PAE | CR4.PCIDE],
  ] as const) {
    it(`is #GP(0) with ${what}, and nothing is invalidated`, () => {
      const machine = native(pcid, address, cr4);
      machine.load(PAGE);
      assert.equal(invpcid(machine, type), STATUS.exception);
      assert.deepEqual([machine.processor.vector, machine.processor.errorCode], [GP, 0]);
      assert.ok(holds(machine, PAGE));
      const broken = invpcidRules.filter(({ name }) => refusedInstruction(machine.processor) === `INVPCID cannot take its operand: ${name}`);
      assert.equal(broken.length, 1, refusedInstruction(machine.processor));
    });
  }

  it('says why it is refused where its operand is not the reason', () => {
    const machine = native(0n, PAGE);
    machine.processor.invpcid(0, ...halves(1n << 63n));
    assert.equal(refusedInstruction(machine.processor), 'gva:0x8000000000000000 is not canonical');
    machine.set({ cpl: 3 });
    invpcid(machine, 0);
    assert.match(refusedInstruction(machine.processor), /privileged/);
    const without = withDescriptor(new TestMachine({ features: { invpcid: 'off' } }), 0n, PAGE);
    invpcid(without, 0);
    assert.match(refusedInstruction(without.processor), /the processor has none/);
  });

  for (const [what, type, pcid, address, cr4] of [
    ['a PCID that counts for nothing', 2, 5n, PAGE, CR4.PAE],
    ['an address that counts for nothing', 1, 0n, 1n << 63n, CR4.PAE | CR4.PCIDE],
    ['PCID 4095', 1, 0xfffn, PAGE, CR4.PAE | CR4.PCIDE],
  ] as const) {
    it(`takes ${what}`, () => {
      assert.equal(invpcid(native(pcid, address, cr4), type), STATUS.done);
    });
  }

  it('is #GP(0) outside CPL 0, before its operand is read', () => {
    const machine = native(0n, PAGE);
    machine.put(machine.entryAt(DESCRIPTOR, 1), 0n);
    machine.set({ cpl: 3 });
    assert.equal(invpcid(machine, 0), STATUS.exception);
    assert.equal(machine.processor.vector, GP);
  });

  it('page-faults on its operand, of either page', () => {
    for (const page of [DESCRIPTOR, DESCRIPTOR + 8n]) {
      const machine = native(0n, PAGE);
      machine.put(machine.entryAt(page, 1), 0n);
      assert.equal(invpcid(machine, 0), STATUS.exception);
      assert.deepEqual([machine.processor.vector, machine.processor.errorCode, machine.cr2], [PF, 0, page]);
    }
  });

  it('is #UD on a processor without it', () => {
    const machine = withDescriptor(new TestMachine({ features: { invpcid: 'off' } }), 0n, PAGE);
    machine.set({ cpl: 3 });
    assert.equal(invpcid(machine, 0), STATUS.exception);
    assert.equal(machine.processor.vector, UD);
  });

  /** `enable INVPCID`, `INVLPG exiting`, CPL, and what comes of it. */
  for (const [enabled, exiting, cpl, outcome] of [
    [false, false, 0, 'UD'], [false, true, 0, 'UD'], [false, true, 3, 'UD'],
    [true, false, 0, 'done'], [true, false, 3, 'GP'], [true, true, 0, 'exit'], [true, true, 3, 'GP'],
  ] as const) {
    it(`in a guest with it ${enabled ? '' : 'not '}enabled and INVLPG ${exiting ? '' : 'not '}exiting at CPL ${cpl}: ${outcome}`, () => {
      const machine = native(0n, PAGE);
      machine.set({ cr4: CR4.PAE | CR4.PCIDE | CR4.VMXE }).enterWithEpt({ vpid: 1 });
      machine.vmcs({ secondary_controls: machine.field('secondary_controls') | (enabled ? ENABLE_INVPCID : 0n) });
      if (exiting) machine.vmcs({ primary_controls: machine.field('primary_controls') | BigInt(INVLPG_EXITING) });
      machine.set({ cpl });
      // An operand that cannot be read: the exit comes before its faults.
      if (outcome === 'exit') machine.put(machine.entryAt(DESCRIPTOR, 1), 0n);
      machine.onExit = () => RESUME.completed;
      const status = invpcid(machine, 0);
      if (outcome === 'exit') assert.deepEqual([status, ...machine.exits.map(({ reason }) => reason)], [STATUS.done, 58]);
      else if (outcome === 'done') assert.equal(status, STATUS.done);
      else assert.deepEqual([status, machine.processor.vector], [STATUS.exception, outcome === 'UD' ? UD : GP]);
      if (outcome !== 'exit') assert.deepEqual(machine.exits, []);
    });
  }

  it('exits by its own intercept in a guest of SVM', () => {
    const machine = new TablesByHand({ vendor: 'amd' });
    machine.map(TABLES['4-level'], ROOT, PAGE, 0x9000n | P | RW);
    machine.mapLowMemory(TABLES['4-level'], P | RW | US);
    machine.enter('4-level').enterSvm('4-level');
    assert.equal(machine.processor.invpcid(2, ...halves(PAGE)), STATUS.done);
    assert.equal(machine.exits, 0);
    intercept(machine.processor.vmcb, SVM_EXIT.invpcid);
    assert.equal(machine.processor.invpcid(2, ...halves(PAGE)), STATUS.stopped);
    assert.equal(machine.exits, 1);
    assert.equal(Number(machine.vmcb('exitcode')), 0xa2);
  });
});

describe('INVVPID and INVEPT', () => {
  function guest(): TestMachine {
    const machine = new TestMachine();
    machine.map(PAGE, 0x1000_0000n, P | RW);
    machine.map(PAGE + 0x1000n, 0x1000_0000n, P | RW | G);
    machine.set({ cr4: CR4.PAE | CR4.PGE | CR4.VMXE }).enterWithEpt({ vpid: 5 });
    machine.mapEpt(0x1000_0000n, 0x2000_0000n, R | W | X | WB);
    machine.load(PAGE);
    machine.load(PAGE + 0x1000n);
    return machine;
  }
  const held = (machine: TestMachine): readonly boolean[] => [holds(machine, PAGE), holds(machine, PAGE + 0x1000n)];

  for (const [what, type, vpid, address, kept] of [
    ['one address', 0, 5, PAGE, [false, true]],
    ['one address of another VPID', 0, 6, PAGE, [true, true]],
    ['a context', 1, 5, 0n, [false, false]],
    ['another context', 1, 6, 0n, [true, true]],
    ['the context of the highest VPID', 1, 0xffff, 0n, [true, true]],
    ['all contexts', 2, 0, 0n, [false, false]],
    ['a context but its globals', 3, 5, 0n, [false, true]],
  ] as const) {
    it(`INVVPID drops ${what}`, () => {
      const machine = guest();
      assert.deepEqual(machine.processor.vmxInvalidations.invvpid(type, vpid, ...halves(address)), { kind: 'succeed' });
      assert.deepEqual(held(machine), kept);
    });
  }

  for (const [what, type, vpid, address] of [
    ['a type above 3', 4, 5, 0n], ['VPID 0 for an address', 0, 0, PAGE], ['VPID 0 for a context', 1, 0, 0n],
    ['VPID 0 but its globals', 3, 0, 0n], ['bits above 15 of a VPID', 2, 0x1_0000, 0n], ['bit 31 above a VPID', 2, -0x8000_0000, 0n],
    ['an address that is not canonical', 0, 5, 1n << 63n],
  ] as const) {
    it(`INVVPID fails with ${what}: error 28`, () => {
      const machine = guest();
      assert.deepEqual(machine.processor.vmxInvalidations.invvpid(type, vpid, ...halves(address)), { kind: 'fail valid', error: 28 });
      assert.equal(machine.field('vm_instruction_error'), 28n);
      assert.deepEqual(held(machine), [true, true]);
    });
  }

  for (const [what, type, eptp, kept] of [
    ['the root', 1, EPT_ROOT | 0x1en, false], ['another root', 1, EPT_ROOT + 0x101_001en, true], ['all roots', 2, 0n, false],
  ] as const) {
    it(`INVEPT of ${what} ${kept ? 'keeps' : 'drops'} what EPT had a part in`, () => {
      const machine = guest();
      assert.deepEqual(machine.processor.vmxInvalidations.invept(type, ...halves(eptp)), { kind: 'succeed' });
      assert.deepEqual(held(machine), [kept, kept]);
    });
  }

  for (const [what, type, eptp] of [
    ['type 0', 0, EPT_ROOT | 0x1en], ['type 3', 3, EPT_ROOT | 0x1en],
    ['an EPTP of memory type 1', 1, EPT_ROOT | 0x19n], ['an EPTP of a walk length of 3', 1, EPT_ROOT | 0x16n],
  ] as const) {
    it(`INVEPT fails with ${what}: error 28`, () => {
      const machine = guest();
      assert.deepEqual(machine.processor.vmxInvalidations.invept(type, ...halves(eptp)), { kind: 'fail valid', error: 28 });
      assert.deepEqual(held(machine), [true, true]);
    });
  }
});
