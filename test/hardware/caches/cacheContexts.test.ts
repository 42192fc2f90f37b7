import { strict as assert } from 'node:assert';
import { WalkResult } from '../../../src/hardware/paging/walkResult';
import { halves, TestMachine } from '../testMachine';
import { ROOMY } from './populatedCaches';

const PAGE = 0x60_0000n;
const NATIVE = { vpid: 0, pcid: 0, behind: 'nothing', rootLo: 0, rootHi: 0, paging: 'on', globals: 'off' } as const;
const EPT = { ...NATIVE, vpid: 1, behind: 'EPT', rootLo: 0x80_0000 } as const;
const SVM = { ...NATIVE, vpid: 1, behind: 'nested paging' } as const;

/** SDM Vol. 3, "Caching Translation Information"; APM Vol. 2, "Address Space Identifier". */
describe('what the caches hold is looked up in the context that it was filled in', () => {
  const cachesIn = () => new TestMachine(ROOMY).processor.caches;

  it('guest-physical mappings of EPT under any VPID, those of nested paging under their ASID', () => {
    for (const [context, another] of [[EPT, true], [SVM, false]] as const) {
      const caches = cachesIn();
      const isHeld = (): boolean => caches.nestedTlb!.peek(...halves(PAGE)) >= 0;
      caches.useContext(context);
      caches.nestedTlb!.fill(...halves(PAGE), new WalkResult());
      assert.ok(isHeld());
      caches.useContext({ ...context, vpid: 2 });
      assert.equal(isHeld(), another, `${context.behind}, another VPID or ASID`);
      caches.useContext({ ...context, rootLo: 0x90_0000 });
      assert.ok(!isHeld(), `${context.behind}, another root`);
    }
  });

  it('linear mappings not as combined ones, and neither while there is no translation', () => {
    const caches = cachesIn();
    const isHeld = (): boolean => caches.holds(...halves(PAGE));
    caches.useContext(NATIVE);
    caches.fill(...halves(PAGE), new WalkResult());
    for (const [context, expected] of [
      [NATIVE, true], [{ ...NATIVE, behind: 'nested paging' } as const, false], [{ ...NATIVE, paging: 'off' } as const, false], [NATIVE, true],
    ] as const) {
      caches.useContext(context);
      assert.equal(isHeld(), expected, `${context.behind}, paging ${context.paging}`);
    }
  });

  it('in either level of the TLB', () => {
    for (const level of ['l1', 'l2'] as const) {
      const caches = cachesIn();
      caches.useContext(NATIVE);
      caches[level]!.fill(...halves(PAGE), new WalkResult());
      assert.ok(caches.holds(...halves(PAGE)), level);
      assert.ok(!caches.holds(...halves(PAGE + 0x1000n)), level);
    }
  });
});
