import { strict as assert } from 'node:assert';
import { ACCESS } from '../../../../src/hardware/paging/accessKinds';
import { SPECIALIZED, walkSpecialized } from '../../../../src/hardware/paging/specialized/specializedWalk';
import { HANDED_OVER } from '../../../../src/hardware/paging/specialized/walkEndings';
import { WALK } from '../../../../src/hardware/paging/walkOutcome';
import { STATUS } from '../../../../src/hardware/processor/processor';
import { A, D, halves, P, RW, TestMachine, US } from '../../testMachine';

const PAGE = 0x40_0000n;
const USED = P | RW | US | A | D;

/** A page whose entries all have their flags already: a first access has set them. */
function machine(prepare: (machine: TestMachine) => void = () => undefined): TestMachine {
  const made = new TestMachine();
  made.map(PAGE, 0x7000n, USED);
  prepare(made);
  assert.equal(made.load(PAGE), STATUS.done);
  return made;
}

function walked(made: TestMachine, gva: bigint, access: number): number {
  return walkSpecialized(made.processor.space, ...halves(gva), access);
}

describe('generated walks', () => {
  it('walk 4-level tables to the page and count what they read', () => {
    const made = machine();
    const before = made.processor.counters.slice();
    assert.equal(made.processor.space.specialized, SPECIALIZED.long4);
    assert.equal(walked(made, PAGE + 0x123n, ACCESS.read), WALK.mapped);
    assert.equal(made.processor.space.result.hpaLo, 0x7123);
    assert.equal(made.processor.counters.reduce((sum, count, index) => sum + count - before[index]!, 0), 4);
  });

  it('walk both dimensions behind EPT', () => {
    const made = machine((m) => m.enterWithEpt());
    assert.equal(made.processor.space.specialized, SPECIALIZED.long4BehindEpt4);
    assert.equal(walked(made, PAGE + 0x123n, ACCESS.read), WALK.mapped);
    assert.equal(made.processor.space.result.hpaLo, 0x7123);
    assert.equal(made.processor.space.result.references, 4 + 4 * 3 + 3);
  });

  it('refuse what the tables do not allow', () => {
    const made = machine();
    assert.equal(walked(made, 0x7f_0000_0000n, ACCESS.read), WALK.pageFault);
  });

  it('hand over a walk that has a flag to set, and change nothing', () => {
    const made = machine();
    const leaf = made.map(PAGE + 0x1000n, 0x9000n, P | RW | US);
    const before = made.processor.counters.slice();
    assert.equal(walked(made, PAGE + 0x1000n, ACCESS.read), HANDED_OVER);
    assert.equal(made.word(leaf), 0x9000n | P | RW | US);
    made.put(leaf, 0x9000n | P | RW | US | A);
    assert.equal(walked(made, PAGE + 0x1000n, ACCESS.read), WALK.mapped);
    assert.equal(walked(made, PAGE + 0x1000n, ACCESS.write), HANDED_OVER);
    assert.equal(made.processor.counters.reduce((sum, count, index) => sum + count - before[index]!, 0), 4);
  });

  it('are not used while somebody listens to walks: every reference is an event', () => {
    const made = machine();
    made.invlpg(PAGE);
    made.listen();
    made.load(PAGE);
    assert.equal(made.kinds().filter((kind) => kind === 'table_read').length, 4);
  });
});
