import { strict as assert } from 'node:assert';
import { walk } from '../../src/hardware/paging/walk';
import { EFFECTS, walkOutcomeNames } from '../../src/hardware/paging/walkOutcome';
import { REGISTER } from '../../src/hardware/processor/registers';
import { VMCB } from '../../src/hardware/svm/vmcb';
import { VMCS } from '../../src/hardware/vmx/vmcs';
import { allOff, featuresOf, Hardware } from './machine/hardware';
import { TableLayout, type Shape } from './machine/tableLayout';

const MAXPHYADDR = 52;
const LINEAR = { '32-bit': 0x5678_9abcn, 'PAE': 0x5678_9abcn, '4-level': 0x1234_5678_9abcn, '5-level': 0x25_1234_5678_9abcn } as const;

/** Formats whose first table the walk finds by a register, and the highest bit of the address there: the manuals' formats of CR3 and EPTP. */
const roots: readonly { readonly title: string; readonly top: number; readonly shape: Pick<Shape, 'paging' | 'nested'> }[] = [
  { title: 'CR3 with 32-bit paging', top: 31, shape: { paging: '32-bit' } },
  { title: 'CR3 with 4-level paging', top: 51, shape: { paging: '4-level' } },
  { title: 'CR3 with 5-level paging', top: 51, shape: { paging: '5-level' } },
  { title: 'EPTP, 4 levels', top: 51, shape: { paging: '4-level', nested: { kind: 'EPT', length: 'EPT, 4 levels' } } },
  { title: 'EPTP, 5 levels', top: 51, shape: { paging: '4-level', nested: { kind: 'EPT', length: 'EPT, 5 levels' } } },
  { title: 'nCR3 of a 32-bit host', top: 31, shape: { paging: '32-bit', nested: { kind: 'NPT', paging: '32-bit' } } },
  { title: 'nCR3 of a PAE host', top: 31, shape: { paging: '32-bit', nested: { kind: 'NPT', paging: 'PAE' } } },
  { title: 'nCR3 of a 4-level host', top: 51, shape: { paging: '4-level', nested: { kind: 'NPT', paging: '4-level' } } },
  { title: 'nCR3 of a 5-level host', top: 51, shape: { paging: '4-level', nested: { kind: 'NPT', paging: '5-level' } } },
];

describe('the root of the tables', () => {
  for (const { title, top, shape: { paging, nested } } of roots) {
    it(`is found wherever it lies: each address bit of ${title}`, () => {
      const shape: Shape = { paging, maxphyaddr: MAXPHYADDR, linear: LINEAR[paging as keyof typeof LINEAR], ...(nested === undefined ? {} : { nested }) };
      const context = { maxphyaddr: MAXPHYADDR, nxe: true, pse: true, features: featuresOf(shape), modeBasedExecute: false };
      const layout = new TableLayout(shape, { linear: context, nested: context });
      const hardware = new Hardware(layout);
      const { processor } = hardware;
      const on = { ...allOff, nxe: true, pse: true };
      // Every entry of the first table that the access uses: one, or one for each guest-physical address.
      const firsts = nested === undefined ? [layout.linear[0]!] : [...new Set(layout.paths.map((path) => path[0]!))];
      const root = nested === undefined ? layout.linearRoot : layout.nestedRoot;
      const [block, at] = nested === undefined ? [processor.registers, 2 * REGISTER.cr3] as const
        : nested.kind === 'EPT' ? [processor.vmcs, VMCS.eptp] as const : [processor.vmcb, VMCB.n_cr3] as const;
      const walked = (): string => walkOutcomeNames[walk(processor.space, layout.linearLo, layout.linearHi, 0, EFFECTS.none)]!;
      hardware.use(on, on, 'off');
      assert.equal(walked(), 'mapped');
      for (let bit = 12; bit <= top; bit++) {
        hardware.use(on, on, 'off');
        const moved = 2 ** bit;
        for (const slot of firsts) {
          const hpa = moved + (slot.hpa - root);
          const [lo, hi] = [hpa % 2 ** 32 | 0, Math.floor(hpa / 2 ** 32) | 0];
          layout.memory.store32(lo, hi, slot.lo);
          if (slot.structure.entryBytes === 8) layout.memory.store32(lo + 4, hi, slot.hi);
        }
        block[at] = (block[at]! & 0xfff) | (moved % 2 ** 32 | 0);
        block[at + 1] = Math.floor(moved / 2 ** 32) | 0;
        processor.reload();
        assert.equal(walked(), 'mapped', `root at 2^${bit}`);
        for (const slot of firsts) {
          const hpa = moved + (slot.hpa - root);
          layout.memory.store32(hpa % 2 ** 32 | 0, Math.floor(hpa / 2 ** 32) | 0, 0);
        }
      }
    });
  }
});
