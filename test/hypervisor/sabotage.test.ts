import { strict as assert } from 'node:assert';
import { RUN } from '../../src/engine/interpreter/runState';
import { outcomeOf } from '../../src/engine/run/outcome';
import { compiled, scenarioText } from '../engine/onMachine';
import { machineFor } from './audit';
import { allLines, watchListings } from './listingWatch';

const RAW = scenarioText('raw-guest-cr3');

describe('a hypervisor that loads the guest\'s CR3 as it is', () => {
  it('runs a guest in the tables that happen to lie there, and is stopped where the same fault would come for ever', () => {
    const machine = machineFor(compiled(RAW), undefined);
    const { reached, undeclared } = watchListings(machine);
    assert.deepEqual(undeclared, []);
    assert.deepEqual([machine.interpreter.run.status, outcomeOf(machine)], [RUN.ended, { ok: true, passed: 5, failed: 0 }]);
    const own = new Set(allLines(machineFor(compiled(scenarioText('first-touch')), 'shadow-wp')).map((line) => line.replace(/:\d+ /, ' ')));
    const added = allLines(machine).filter((line) => !own.has(line.replace(/:\d+ /, ' ')));
    assert.equal(added.length, 3, 'what the sabotage adds to the listing');
    assert.deepEqual(added.filter((line) => !reached.has(line)), []);
  });

  it('without the sabotage the guest has its own memory, and none of the VMM process\'s', () => {
    const honest = RAW.replace(/^platform.*\n/m, '').replace('expect x == 0x5ec2e7', 'expect refused').replace('expect no exits\n', '').replace('expect stopped(internal_error)', 'expect [0x600000] == 1');
    const machine = machineFor(compiled(honest), 'shadow-wp');
    while (machine.interpreter.run.status === RUN.running) machine.interpreter.step();
    assert.deepEqual(outcomeOf(machine), { ok: true, passed: 4, failed: 0 });
  });
});
