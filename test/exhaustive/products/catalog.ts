import type { RunnerOptions } from '../machine/caseRunner';
import type { Score } from '../machine/score';
import type { NestedShape, Shape } from '../machine/tableLayout';
import type { Paging } from '../oracle/bitTables';
import { oneEntry, pairsOfLevels, protectionKeys } from './linearProducts';
import { oneEptEntry, oneNptEntry, pairsAcross, pairsOfNestedEntries } from './nestedProducts';
import { singleBits, singleNestedBits } from './singleBits';

/** One product of the catalog. */
export interface Product {
  readonly about: string;
  /** What of it `npm test` runs: every so-many-th case. */
  readonly stride: number;
  run(options: RunnerOptions): Score;
}

/** A linear address with another index at each level, none of them 0, and a page offset. */
const LINEAR: Readonly<Record<Paging, bigint>> = {
  'none': 0x5678_9abcn, '32-bit': 0x5678_9abcn, 'PAE': 0x5678_9abcn, '4-level': 0x1234_5678_9abcn, '5-level': 0x25_1234_5678_9abcn,
};
const MAXPHYADDR = 46;

function shapeOf(paging: Paging, options: Partial<Shape> = {}): Shape {
  return { paging, maxphyaddr: MAXPHYADDR, linear: LINEAR[paging], ...options };
}

/** The formats, which entries of theirs can map large pages, and CR4.PSE. */
interface Format {
  readonly title: string;
  readonly paging: Paging;
  readonly leaves: readonly string[];
  readonly pse: 'on' | 'off';
}
const formats: readonly Format[] = [
  { title: '32-bit without PSE', paging: '32-bit', leaves: [], pse: 'off' },
  { title: '32-bit with PSE', paging: '32-bit', leaves: ['PDE'], pse: 'on' },
  { title: 'PAE', paging: 'PAE', leaves: ['PDE'], pse: 'off' },
  { title: '4-level', paging: '4-level', leaves: ['PDE', 'PDPTE'], pse: 'off' },
  { title: '5-level', paging: '5-level', leaves: ['PDE', 'PDPTE'], pse: 'off' },
];

/** Runs one product over several shapes. */
function over(shapes: readonly Shape[], run: (shape: Shape) => Score): Score {
  const [first, ...rest] = shapes.map(run);
  if (first === undefined) throw new Error('a product needs a shape');
  for (const score of rest) first.add(score);
  return first;
}

const MAXPHYADDRS = [36, 39, 40, 41, 46, 52] as const;

function withoutVirtualization({ title, paging, leaves, pse }: Format): Product[] {
  const sizes = [{}, ...leaves.map((leaf) => ({ leaf }))];
  const hasPse = pse === 'on';
  return [
    {
      about: `${title}: every combination of one entry's flags, at each level`, stride: 1,
      run: (options) => oneEntry(shapeOf(paging), hasPse, options),
    },
    {
      about: `${title}: present, write, user, NX and reserved in each pair of levels, with each page size`, stride: 1,
      run: (options) => over(sizes.map((size) => shapeOf(paging, size)), (shape) => pairsOfLevels(shape, hasPse, options)),
    },
    {
      about: `${title}: each single bit of each entry, at MAXPHYADDR ${MAXPHYADDRS.join(', ')}`, stride: 1,
      run: (options) => over(
        MAXPHYADDRS.flatMap((maxphyaddr) => sizes.map((size) => shapeOf(paging, { ...size, maxphyaddr }))),
        (shape) => singleBits(shape, hasPse, options)),
    },
    ...(paging === '4-level' || paging === '5-level' ? [{
      about: `${title}: protection keys, with each page size`, stride: 1,
      run: (options: RunnerOptions) => over(sizes.map((size) => shapeOf(paging, size)), (shape) => protectionKeys(shape, options)),
    }] : []),
  ];
}

const guests: readonly Paging[] = ['none', '32-bit', 'PAE', '4-level', '5-level'];
const leavesOf = (paging: Paging): readonly string[] => formats.filter((format) => format.paging === paging).at(-1)?.leaves ?? [];

/** How the two page sizes of a two-dimensional translation come together: every size of either. */
function mixedSizes(nested: readonly NestedShape[]): Shape[] {
  return guests.flatMap((paging) => [undefined, ...leavesOf(paging)].flatMap((leaf) => (
    nested.map((shape) => shapeOf(paging, { nested: shape, ...(leaf === undefined ? {} : { leaf }) })))));
}

function behind(
  title: string, nested: NestedShape, sizes: readonly NestedShape[], oneNestedEntry: (shape: Shape, options: RunnerOptions) => Score,
): Product[] {
  const shapes = guests.map((paging) => shapeOf(paging, { nested }));
  return [
    {
      about: `${title}: every combination of one nested entry's flags, without paging before it`, stride: 1,
      run: (options) => oneNestedEntry(shapeOf('none', { nested }), options),
    },
    {
      about: `${title}: every combination of one nested entry's flags, everywhere in the walk of each guest format`, stride: 1,
      run: (options) => over(shapes.slice(1), (shape) => oneNestedEntry(shape, options)),
    },
    {
      about: `${title}: rights and reserved bits in each pair of nested entries of a path, with each page size`, stride: 1,
      run: (options) => over(
        sizes.map((size) => shapeOf('4-level', { nested: size })), (shape) => pairsOfNestedEntries(shape, options)),
    },
    {
      about: `${title}: rights and reserved bits in each pair of a guest's entry and a nested one`, stride: 11,
      run: (options) => over(shapes, (shape) => pairsAcross(shape, options)),
    },
    {
      about: `${title}: every page size of a guest in every page size behind it`, stride: 61,
      run: (options) => over(mixedSizes(sizes), (shape) => pairsOfNestedEntries(shape, options)),
    },
    {
      about: `${title}: each single bit of each nested entry`, stride: 1,
      run: (options) => over([...shapes, ...sizes.map((size) => shapeOf('4-level', { nested: size, maxphyaddr: 52 }))],
        (shape) => singleNestedBits(shape, options)),
    },
  ];
}

const eptLengths = ['EPT, 4 levels', 'EPT, 5 levels'] as const;
const ept4: NestedShape = { kind: 'EPT', length: 'EPT, 4 levels' };
const ept5: NestedShape = { kind: 'EPT', length: 'EPT, 5 levels' };
const lacking = { page1Gb: false, pse36: false, executeOnly: false, ept2Mb: false, ept1Gb: false } as const;

/** What a processor or a hypervisor may have otherwise. */
const variants: readonly Product[] = [
  {
    about: '4-level without 1-GByte pages, 32-bit without PSE-36: each single bit, and combinations of one entry\'s flags', stride: 3,
    run: (options) => over([shapeOf('4-level', { features: lacking }), shapeOf('32-bit', { features: lacking })], (shape) => {
      const score = oneEntry(shape, true, options);
      score.add(singleBits(shape, true, options));
      if (shape.paging === '32-bit') score.add(singleBits({ ...shape, leaf: 'PDE' }, true, options));
      return score;
    }),
  },
  {
    about: 'EPT without execute-only entries, 2-MByte and 1-GByte pages: every combination of one nested entry\'s flags', stride: 1,
    run: (options) => over([shapeOf('none', { nested: ept4, features: lacking }), shapeOf('4-level', { nested: ept4, features: lacking })],
      (shape) => oneEptEntry(shape, options)),
  },
  {
    about: 'EPT with the same left out: each single bit of each nested entry, and each pair of them', stride: 1,
    run: (options) => over(
      [ept4, ept5].flatMap((nested) => [lacking, { ept1Gb: false }, { ept2Mb: false }].map((features) => shapeOf('none', { nested, features }))), (shape) => {
        const score = singleNestedBits(shape, options);
        score.add(pairsOfNestedEntries(shape, options));
        return score;
      }),
  },
  {
    about: 'EPT with mode-based execute control: every combination of one nested entry\'s flags', stride: 5,
    run: (options) => over(
      [
        shapeOf('none', { nested: ept4, modeBasedExecute: true }), shapeOf('4-level', { nested: ept4, modeBasedExecute: true }),
        shapeOf('none', { nested: ept5, modeBasedExecute: true }),
        shapeOf('none', { nested: ept4, modeBasedExecute: true, features: { executeOnly: false } }),
        shapeOf('none', { nested: ept5, modeBasedExecute: true, features: { executeOnly: false } }),
      ],
      (shape) => oneEptEntry(shape, options)),
  },
  {
    about: 'EPT with mode-based execute control and advanced exit information: each pair of a guest\'s entry and a nested one', stride: 5,
    run: (options) => over(
      [...guests.map((paging) => shapeOf(paging, { nested: ept4, modeBasedExecute: true, features: { advancedInformation: true } })),
        shapeOf('4-level', { nested: ept5, modeBasedExecute: true })],
      (shape) => {
        const score = pairsAcross(shape, options);
        score.add(pairsOfNestedEntries(shape, options));
        return score;
      }),
  },
];

/** Everything that the walk is held to: each product stands alone. */
export const products: readonly Product[] = [
  ...formats.flatMap(withoutVirtualization),
  ...eptLengths.flatMap((length) => behind(
    length, { kind: 'EPT', length },
    [undefined, 'EPT PDE', 'EPT PDPTE'].map((leaf) => ({ kind: 'EPT', length, ...(leaf === undefined ? {} : { leaf }) })), oneEptEntry)),
  ...formats.filter(({ pse, paging }) => pse === 'on' || paging !== '32-bit').flatMap(({ title, paging, leaves }) => behind(
    `nested ${title}`, { kind: 'NPT', paging },
    [undefined, ...leaves].map((leaf) => ({ kind: 'NPT', paging, ...(leaf === undefined ? {} : { leaf }) })), oneNptEntry)),
  ...variants,
];
