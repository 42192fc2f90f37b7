import { strict as assert } from 'node:assert';
import { phrases } from '../../src/hypervisor/deprivileged/wording';
import { compiled } from '../engine/onMachine';
import { machineFor } from './audit';

const TEXT = 'machine { paging 4-level, ram 16M }\ncpu 0 { x = [direct(gpa:0)] }';

describe('the listing of deprivileged', () => {
  const listing = machineFor(compiled(TEXT), 'deprivileged').listings.find(({ name }) => name === 'deprivileged.vmm')!;
  const text = listing.lines.map((line) => line.text).join('\n');

  for (const [there, here] of phrases) {
    it(`says "${here}", and not what is VMX's`, () => {
      assert.ok(text.includes(here), `no line has "${there}" any more to be reworded`);
      assert.equal(here.includes(there) || !text.includes(there), true);
    });
  }
});
