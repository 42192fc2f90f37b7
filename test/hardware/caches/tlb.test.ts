import { strict as assert } from 'node:assert';
import { CR4 } from '../../../src/hardware/processor/controlRegisters';
import { COUNTER } from '../../../src/hardware/state/counters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { EPT_ROOT, G, halves, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const PAGE = 0x60_0000n;
const holds = (machine: TestMachine, gva: bigint): boolean => machine.processor.tlb.peek(...halves(gva)) >= 0;
const count = (machine: TestMachine, name: 'tlb.hits' | 'tlb.misses' | 'tlb.flushes'): number => machine.processor.counters[COUNTER[name]]!;

describe('the TLB', () => {
  it('answers for a stale mapping until INVLPG', () => {
    const machine = new TestMachine();
    const leaf = machine.map(PAGE, 0x9000n, P | RW);
    machine.put(0x9000n, 1n);
    machine.load(PAGE);
    machine.put(leaf, 0n);
    assert.equal(machine.load(PAGE), STATUS.done);
    assert.equal(machine.value, 1n);
    assert.equal(machine.invlpg(PAGE), STATUS.done);
    assert.equal(machine.load(PAGE), STATUS.exception);
    assert.deepEqual([count(machine, 'tlb.hits'), count(machine, 'tlb.misses'), count(machine, 'tlb.flushes')], [1, 2, 1]);
  });

  it('replaces the least recently used line of a set', () => {
    const machine = new TestMachine({ tlbEntries: 8, tlbWays: 4 });
    const page = (n: bigint): bigint => PAGE + n * 0x2000n; // all in one of the two sets
    for (let n = 0n; n < 5n; n++) machine.map(page(n), 0x9000n, P);
    for (let n = 0n; n < 4n; n++) machine.load(page(n));
    machine.load(page(0n)); // page 1 is now the oldest
    machine.load(page(4n));
    assert.deepEqual([0n, 1n, 2n, 3n, 4n].map((n) => holds(machine, page(n))), [true, false, true, true, true]);
  });

  it('is not aged by looking', () => {
    const machine = new TestMachine({ tlbEntries: 2, tlbWays: 2 });
    for (let n = 0n; n < 3n; n++) machine.map(PAGE + n * 0x1000n, 0x9000n, P);
    machine.load(PAGE);
    machine.load(PAGE + 0x1000n);
    assert.ok(holds(machine, PAGE));
    machine.load(PAGE + 0x2000n);
    assert.deepEqual([holds(machine, PAGE), holds(machine, PAGE + 0x1000n)], [false, true]);
  });

  it('has large pages again when a checkpoint is gone back to', () => {
    const machine = new TestMachine();
    machine.map(0x4000_0000n, 0x20_0000n, P, 2);
    machine.load(0x4000_0000n);
    const checkpoint = machine.registry.checkpoint();
    machine.invlpg(0x4000_0000n);
    assert.ok(!holds(machine, 0x401f_f000n));
    machine.registry.restore(checkpoint);
    machine.processor.reload();
    assert.ok(holds(machine, 0x401f_f000n));
  });

  it('holds large pages in one line, and INVLPG of any address in them drops it', () => {
    const machine = new TestMachine();
    machine.map(0x4000_0000n, 0x20_0000n, P, 2);
    machine.load(0x4000_0000n);
    assert.ok(holds(machine, 0x401f_f000n));
    assert.ok(!holds(machine, 0x4020_0000n));
    machine.invlpg(0x4012_3000n);
    assert.ok(!holds(machine, 0x4000_0000n));
  });

  it('loses all but global lines at MOV to CR3, and those at a change of CR4.PGE', () => {
    const machine = new TestMachine().set({ cr4: CR4.PAE | CR4.PGE });
    machine.map(PAGE, 0x9000n, P);
    machine.map(PAGE + 0x1000n, 0x9000n, P | G);
    machine.load(PAGE);
    machine.load(PAGE + 0x1000n);
    machine.move('cr3', machine.register('cr3'));
    assert.deepEqual([holds(machine, PAGE), holds(machine, PAGE + 0x1000n)], [false, true]);
    machine.move('cr4', CR4.PAE);
    assert.ok(!holds(machine, PAGE + 0x1000n));
    assert.equal(count(machine, 'tlb.flushes'), 2);
  });

  it('keeps the lines of each PCID apart, and bit 63 of CR3 keeps those of the new one', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x9000n, P);
    assert.equal(machine.move('cr4', CR4.PAE | CR4.PCIDE), STATUS.done);
    const root = machine.register('cr3');
    machine.load(PAGE);
    machine.move('cr3', root | 1n);
    assert.ok(!holds(machine, PAGE));
    machine.load(PAGE);
    machine.move('cr3', root | (1n << 63n));
    assert.ok(holds(machine, PAGE), 'PCID 0 was kept');
    machine.move('cr3', root | 1n);
    assert.ok(!holds(machine, PAGE), 'PCID 1 was flushed by its own MOV');
  });

  it('caches nothing of a walk that faults', () => {
    const machine = new TestMachine();
    machine.put(machine.entryAt(PAGE, 1), 0n);
    machine.load(PAGE);
    machine.put(machine.entryAt(PAGE, 1), 0x9000n | P);
    assert.equal(machine.load(PAGE), STATUS.done);
  });

  for (const [rewalk, status] of [['off', STATUS.exception], ['on', STATUS.done]] as const) {
    it(`with rewalk_on_permission_fault ${rewalk} ${rewalk === 'on' ? 'walks again' : 'delivers one fault'} on a stale right`, () => {
      const machine = new TestMachine({ rewalkOnPermissionFault: rewalk });
      const leaf = machine.map(PAGE, 0x9000n, P | US);
      machine.load(PAGE);
      machine.put(leaf, 0x9000n | P | US | RW);
      assert.equal(machine.store(PAGE, 1n), status);
      if (status === STATUS.exception) assert.equal(machine.processor.errorCode, 3);
      assert.equal(machine.store(PAGE, 1n), STATUS.done, 'the fault dropped the line');
    });
  }
});

describe('the TLB under virtualization', () => {
  function withEpt(vpid?: number): TestMachine {
    const machine = new TestMachine();
    machine.map(PAGE, 0x1000_0000n, P | RW);
    machine.enterWithEpt(vpid === undefined ? {} : { vpid });
    machine.mapEpt(0x1000_0000n, 0x2000_0000n, R | WB);
    machine.load(PAGE);
    return machine;
  }

  it('looks rights that EPT withholds up again, so raising them needs no INVEPT', () => {
    const machine = withEpt();
    machine.mapEpt(0x1000_0000n, 0x2000_0000n, R | W | WB);
    assert.equal(machine.store(PAGE, 1n), STATUS.done);
    assert.deepEqual(machine.exits, []);
  });

  it('keeps a translation whose EPT entry was taken away until INVEPT of its root', () => {
    const machine = withEpt(5);
    machine.put(machine.eptEntryAt(0x1000_0000n, 1), 0n);
    assert.equal(machine.load(PAGE), STATUS.done);
    machine.processor.invept(Number(EPT_ROOT) + 0x100_0000, 0);
    assert.ok(holds(machine, PAGE), 'another root');
    machine.processor.invept(Number(EPT_ROOT) | 0x1e, 0);
    assert.equal(machine.load(PAGE), STATUS.stopped);
  });

  it('loses a VPID by INVVPID, or one address of it', () => {
    const machine = withEpt(5);
    machine.map(PAGE + 0x1000n, 0x1000_0000n, P);
    machine.load(PAGE + 0x1000n);
    machine.processor.invvpidAddress(...halves(PAGE));
    assert.deepEqual([holds(machine, PAGE), holds(machine, PAGE + 0x1000n)], [false, true]);
    machine.processor.invvpid();
    assert.ok(!holds(machine, PAGE + 0x1000n));
  });

  it('is emptied by VM entry without VPID, and not with one', () => {
    for (const [vpid, kept] of [[undefined, false], [5, true]] as const) {
      const machine = withEpt(vpid);
      machine.mapEpt(0x1000_1000n, 0x2000_1000n, R | W | X | WB);
      machine.map(PAGE + 0x1000n, 0x1000_2000n, P);
      machine.onExit = () => {
        machine.mapEpt(0x1000_2000n, 0x2000_2000n, R | WB);
        return 0;
      };
      assert.equal(machine.load(PAGE + 0x1000n), STATUS.done);
      assert.equal(holds(machine, PAGE), kept);
    }
  });
});
