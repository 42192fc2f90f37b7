import { strict as assert } from 'node:assert';
import { KIND } from '../../../src/hardware/events/eventTable';
import { assertSameState } from '../paging/specialized/bothWalks';
import type { TestMachine } from '../testMachine';

/**
 * Two machines that begin alike: to the misses of the second somebody listens, so that it searches, walks and fills. Whatever
 * `perform` makes of a step comes to the same on both, and leaves all state the same. `back` goes to where they began.
 */
export function assertAlike<Step extends readonly unknown[]>(
  make: () => TestMachine, steps: readonly Step[], perform: (machine: TestMachine, step: Step, back: () => void) => unknown,
): void {
  const sides = [make(), make()].map((machine) => {
    const saved = machine.registry.checkpoint();
    const back = (): void => {
      machine.registry.restore(saved);
      machine.processor.reload();
    };
    return { machine, back };
  });
  const [quiet, told] = [sides[0]!, sides[1]!];
  told.machine.bus.listen(() => undefined, [KIND.tlb_miss]);
  steps.forEach((step, index) => {
    const name = `${step.join(' ')}, step ${index}`;
    assert.deepEqual(perform(quiet.machine, step, quiet.back), perform(told.machine, step, told.back), name);
    assertSameState(quiet.machine.registry, told.machine.registry, name);
  });
}
