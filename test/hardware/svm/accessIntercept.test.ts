import { strict as assert } from 'node:assert';
import { COUNTER, EXIT_COUNTERS_AT } from '../../../src/hardware/state/counters';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { RESUME, STATUS } from '../../../src/hardware/processor/processor';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { intercept, SVM_EXIT } from '../../../src/hardware/svm/svmExitCodes';
import { ROOT, TABLES, TablesByHand } from '../paging/tablesByHand';
import { GPA, guest, OPEN, PAGE } from './svmGuest';

/** Whatever a lookup, a walk, or a line in a cache would be counted as. */
const LOOKED_UP = ['tlb.hits', 'tlb.misses', 'walk_references'] as const;
const lookedUp = (machine: TablesByHand): readonly number[] => LOOKED_UP.map((name) => machine.processor.counters[COUNTER[name]]!);
const interpreted = (machine: TablesByHand): number => machine.processor.counters[EXIT_COUNTERS_AT + EXIT_REASON.interpreted_access]!;

/** A guest whose accesses are intercepted, in the middle of what it has done: a page of it is in the TLB. */
function intercepted(): TablesByHand {
  const machine = guest();
  assert.equal(machine.store(PAGE, 7n), STATUS.done);
  intercept(machine.processor.vmcb, SVM_EXIT.access);
  machine.processor.reload();
  return machine;
}

describe('the intercept of accesses', () => {
  it('lets each one exit, the second like the first, before anything is looked up; root mode makes it', () => {
    const machine = intercepted();
    const before = lookedUp(machine);
    machine.onExit = () => {
      machine.processor.perform(Number(GPA), 0);
      return RESUME.completed;
    };
    for (let turn = 1; turn <= 3; turn++) {
      assert.deepEqual([machine.load(PAGE), machine.processor.valueLo], [STATUS.done, 7]);
      assert.equal(interpreted(machine), turn);
    }
    assert.equal(machine.store(PAGE, 8n), STATUS.done);
    assert.equal(machine.word(GPA), 8n);
    assert.equal(interpreted(machine), 4);
    assert.deepEqual(lookedUp(machine), before);
  });

  it('tells EXITCODE and linear address', () => {
    const machine = intercepted();
    machine.onExit = () => RESUME.stopped;
    assert.equal(machine.store(PAGE + 8n, 1n), STATUS.stopped);
    assert.deepEqual([machine.vmcb('exitcode'), machine.vmcb('exitinfo2')], [BigInt(SVM_EXIT.access), PAGE + 8n]);
  });

  it('tells what kind of access it is', () => {
    const machine = intercepted();
    machine.onExit = () => RESUME.stopped;
    const told = [() => machine.load(PAGE), () => machine.store(PAGE, 1n), () => machine.fetch(PAGE)].map((access) => {
      access();
      return machine.vmcb('exitinfo1');
    });
    assert.deepEqual(told, [ACCESS.read, ACCESS.write, ACCESS.fetch].map(BigInt));
  });

  it('is of the guest: the host of the same processor makes its own accesses', () => {
    const machine = new TablesByHand({ vendor: 'amd' });
    machine.map(TABLES['4-level'], ROOT, PAGE, GPA | OPEN);
    intercept(machine.processor.vmcb, SVM_EXIT.access);
    machine.enter('4-level', ROOT);
    assert.deepEqual([machine.store(PAGE, 1n), interpreted(machine)], [STATUS.done, 0]);
  });

  it('is none of an address that is not canonical, whose fault is found before', () => {
    const machine = intercepted();
    assert.equal(machine.store(1n << 63n, 1n), STATUS.exception);
    assert.equal(interpreted(machine), 0);
  });
});
