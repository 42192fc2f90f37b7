import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { compiled } from '../engine/onMachine';
import { machineFor, runAudited } from './audit';
import { seenByGuest } from './programs/agreement';
import { beyondEmulation, deliveryEnds, deliveryGuests, inPageTables, oddStacks } from './programs/deliveryGuests';
import { modeGuests } from './programs/modeGuests';

const BY_SOFTWARE = ['deprivileged', 'interpret'] as const;
const techniques = [...BY_SOFTWARE, 'shadow-wp', 'ept'] as const;

/** Techniques tell in their own words of a triple fault. */
function seen(text: string, mmu: string): readonly string[] {
  return seenByGuest(compiled(text), mmu).map((line) => line.replace(/, (test\.guest:\S+ )?triple fault.*/, ', triple fault'));
}

function assertEqual(text: string, mmus: readonly string[]): void {
  const native = seen(text, 'native');
  assert.match(native.at(-1)!, / 0 failed/);
  for (const mmu of mmus) assert.deepEqual(seen(text, mmu), native, mmu);
}

describe('events that go through the guest\'s memory', function () {
  this.timeout(60_000);

  deliveryGuests.forEach((text, i) => {
    it(`guest ${i} sees the same under every technique, and its expectations hold`, () => { assertEqual(text, techniques); });
  });

  it('are seen alike on stacks that are no plain memory, where software makes the accesses', () => {
    for (const text of oddStacks) assertEqual(text, BY_SOFTWARE);
  });

  it('are seen alike where the processor by itself writes to page tables, and leave what a hypervisor keeps as it should be', () => {
    for (const text of inPageTables) {
      assertEqual(text, ['deprivileged', 'ept', 'shadow-wp', 'shadow-rebuild']);
      for (const mmu of ['shadow-wp:update=zap', 'shadow-unsync']) runAudited(machineFor(compiled(text), mmu));
    }
  });

  it('end the guest whose hypervisor cannot make the access, and the reason says what to do', () => {
    for (const { text, mmus, reason } of beyondEmulation) for (const mmu of mmus) assert.match(seenByGuest(compiled(text), mmu).at(-1)!, reason, mmu);
  });

  it('of random guests in every paging mode are seen as natively, where the hypervisor makes them', () => {
    fc.assert(fc.property(modeGuests, (guest) => {
      const text = guest.replace('ram 16M', 'ram 16M, delivery memory');
      assert.deepEqual(seen(text, 'deprivileged'), seen(text, 'native'));
      runAudited(machineFor(compiled(text), 'deprivileged'));
    }), { numRuns: 8, seed: 20261121 });
  });

  it('leave what a hypervisor keeps as it should be, after every instruction', () => {
    for (const text of [...deliveryGuests, ...oddStacks]) runAudited(machineFor(compiled(text), 'deprivileged'));
  });

  it('end the guest that asks for what its hypervisor has not: a task of its own', () => {
    for (const text of deliveryEnds) assert.match(seenByGuest(compiled(text), 'deprivileged').at(-1)!, /switch of tasks|virtual-8086 mode/);
  });
});
