import { strict as assert } from 'node:assert';
import { RMW } from '../../src/hardware/memory/readModifyWrite';
import { STATUS } from '../../src/hardware/processor/processor';
import { REGISTER } from '../../src/hardware/processor/registers';
import { allOff, featuresOf, Hardware } from './machine/hardware';
import { TableLayout, type Shape } from './machine/tableLayout';
import { Journey } from './oracle/journey';
import { BIT, settings, unions } from './products/combinations';

const { P, RW, US, XD } = BIT;
const PAGE_FAULT = 14;
const formats: readonly Shape[] = [
  { paging: '32-bit', maxphyaddr: 46, linear: 0x5678_9abcn },
  { paging: '32-bit', maxphyaddr: 46, linear: 0x5678_9abcn, leaf: 'PDE' },
  { paging: 'PAE', maxphyaddr: 46, linear: 0x5678_9abcn },
  { paging: '4-level', maxphyaddr: 46, linear: 0x1234_5678_9abcn },
  { paging: '4-level', maxphyaddr: 46, linear: 0x1234_5678_9abcn, leaf: 'PDPTE' },
  { paging: '5-level', maxphyaddr: 46, linear: 0x25_1234_5678_9abcn },
];

/**
 * A thin slice of the product by the instructions themselves: what a load, a read-modify-write and a fetch at each CPL come to, with the
 * exception that is delivered, from an empty TLB.
 */
describe('by an instruction', () => {
  for (const shape of formats) {
    const { paging, leaf } = shape;
    it(`an access under ${paging} paging${leaf === undefined ? '' : `, to a page of a ${leaf},`} ends as the prose says`, () => {
      const shared = { maxphyaddr: shape.maxphyaddr, features: featuresOf(shape), modeBasedExecute: false, nxe: false, pse: true };
      const layout = new TableLayout(shape, { linear: shared, nested: shared });
      const hardware = new Hardware(layout);
      const { processor } = hardware;
      const journey = new Journey<never>();
      const clean = layout.registry.checkpoint();
      const slot = layout.linear.at(-1)!;
      const outcomes = new Set<string>();
      for (const controls of settings(['wp', 'smep', 'smap', 'ac', 'nxe'], { ...allOff, pse: true })) {
        for (const flags of unions(paging === '32-bit' ? [P, RW, US] : [P, RW, US, XD])) {
          for (const cpl of [0, 1, 2, 3]) {
            for (const what of ['read', 'write', 'fetch'] as const) {
              layout.registry.restore(clean);
              layout.reopen({ linear: { ...shared, nxe: controls.nxe }, nested: shared });
              layout.useRegisters(processor.registers, 2 * REGISTER.pdpte0);
              slot.hold(slot.candidate((slot.open & ~7n) | flags));
              hardware.use(controls, allOff, 'off');
              processor.setLevel(cpl);
              const [lo, hi] = [layout.linearLo, layout.linearHi];
              const status = what === 'read' ? processor.load(lo, hi, 1) : what === 'fetch' ? processor.fetch(lo, hi)
                : processor.readModifyWrite(lo, hi, 1, RMW.or, 0, 0);
              const access = { what, mode: cpl === 3 ? 'user' : 'supervisor', how: 'explicit' } as const;
              const verdict = journey.judge({ linear: layout.linear, address: lo, pae: paging !== '32-bit' }, access, controls);
              outcomes.add(verdict.outcome);
              const message = `${what} at CPL ${cpl}, flags ${flags.toString(16)}, ${JSON.stringify(controls)}`;
              if (verdict.outcome === 'mapped') {
                assert.equal(status, STATUS.done, message);
                assert.equal(processor.performedHi * 2 ** 32 + (processor.performedLo >>> 0), verdict.hpa, message);
              } else {
                assert.deepEqual([status, processor.vector, processor.errorCode], [STATUS.exception, PAGE_FAULT, verdict.errorCode], message);
                assert.deepEqual([processor.cr2Lo, processor.cr2Hi], [lo, hi], message);
              }
            }
          }
        }
      }
      assert.equal(outcomes.size, 2);
    });
  }
});
