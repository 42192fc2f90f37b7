import { strict as assert } from 'node:assert';
import { walk } from '../../src/hardware/paging/walk';
import { EFFECTS, walkOutcomeNames } from '../../src/hardware/paging/walkOutcome';
import { accesses } from './machine/accesses';
import { allOff, featuresOf, Hardware } from './machine/hardware';
import { TableLayout, type NestedShape, type Shape } from './machine/tableLayout';

const controls = { ...allOff, wp: true, nxe: true };
/**
 * Bits of a guest-physical address that nested tables translate, where they are fewer than a physical address may have: SDM Vol. 3, "EPT
 * Translation Mechanism"; APM Vol. 2, "Nested Paging".
 */
const widths: readonly { readonly nested: NestedShape; readonly width: number }[] = [
  { nested: { kind: 'EPT', length: 'EPT, 4 levels' }, width: 48 },
  { nested: { kind: 'NPT', paging: '32-bit' }, width: 32 },
  { nested: { kind: 'NPT', paging: 'PAE' }, width: 32 },
  { nested: { kind: 'NPT', paging: '4-level' }, width: 48 },
];

describe('a guest-physical address', () => {
  for (const { nested, width } of widths) {
    const title = nested.kind === 'EPT' ? nested.length : `nested ${nested.paging}`;
    it(`with a bit at or above ${width} is one that ${title} tables do not map, before any entry of theirs is read`, () => {
      const shape: Shape = { paging: '4-level', nested, maxphyaddr: 52, linear: 0x1234_5678_9abcn };
      const context = { maxphyaddr: 52, nxe: true, pse: true, features: featuresOf(shape), modeBasedExecute: false };
      const layout = new TableLayout(shape, { linear: context, nested: context });
      const hardware = new Hardware(layout);
      hardware.use(controls, { ...allOff, nxe: true, pse: true }, 'off');
      const { space } = hardware.processor;
      const leaf = layout.linear.at(-1)!;
      const walked = (code: number): string => {
        walk(space, layout.linearLo, layout.linearHi, code, EFFECTS.hardware);
        return walkOutcomeNames[space.result.outcome]!;
      };
      assert.equal(walked(0), 'mapped');
      const whole = space.result.references;
      const perAddress = nested.kind === 'NPT' && nested.paging === '32-bit' ? 2 : nested.kind === 'NPT' && nested.paging === 'PAE' ? 3 : 4;
      for (let bit = width; bit < 52; bit++) {
        const address = leaf.open ^ 1n << BigInt(bit);
        leaf.hold(leaf.candidate(address));
        for (const { name, what, code } of accesses) {
          assert.equal(walked(code), nested.kind === 'EPT' ? 'EPT violation' : 'nested page fault', `bit ${bit}, ${name}`);
          const { result } = space;
          assert.equal(BigInt(result.gpaHi >>> 0) << 32n | BigInt(result.gpaLo >>> 0), (address & ~0xfffn & 2n ** 52n - 1n) | 0xabcn);
          assert.equal(result.references, whole - perAddress);
          const kind = { read: 1, write: 2, fetch: 4 }[what];
          // Not present: no rights, no P. I/D where the host has NXE, in formats that have XD.
          const error = 4 + (what === 'write' ? 2 : 0) + (what === 'fetch' && !(nested.kind === 'NPT' && nested.paging === '32-bit') ? 16 : 0);
          assert.equal(result.qualification, nested.kind === 'EPT' ? kind + 0x180 : error, `bit ${bit}, ${name}`);
        }
      }
    });
  }
});
