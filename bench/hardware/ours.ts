import { benchMachine, type BenchMachine, type BenchMachineOptions } from './benchMachine';
import { emptyLoop, loadLoop, SHIFT_64_PAGES, SHIFT_ALL_PAGES, walkLoop, wholeWalkLoop } from './loops';
import { WALK_CACHES, type WalkCacheSettings } from '../../src/hardware/caches/walkCaches';
import { ReferenceRing } from '../../src/hardware/events/referenceRing';

/** What is measured of ourselves: a machine and a loop on it. */
export interface OwnMeasurement {
  readonly title: string;
  readonly iterations: number;
  /** Makes the machine; the loop that comes back is what is timed, and gives a checksum. */
  readonly prepare: () => (iterations: number) => number;
}

/** Paging-structure caches in which the region's 512 PDEs, of either dimension, have room. */
const ROOMY: WalkCacheSettings = { ...WALK_CACHES, pde: { entries: 1024, ways: 4 } };

function loads(title: string, options: BenchMachineOptions, iterations: number, prepare?: (machine: BenchMachine) => void): OwnMeasurement {
  return {
    title,
    iterations,
    prepare: () => {
      const machine = benchMachine(options);
      prepare?.(machine);
      return (count) => loadLoop(machine.processor, count, SHIFT_ALL_PAGES);
    },
  };
}

/** Every reference of every walk goes into a ring, as a recorder of events has it. */
function recorded({ bus }: BenchMachine): void {
  bus.recordReferences(new ReferenceRing(1 << 13));
}

function walks(title: string, options: BenchMachineOptions, iterations: number, loop = walkLoop): OwnMeasurement {
  return {
    title,
    iterations,
    prepare: () => {
      const { processor } = benchMachine(options);
      return (count) => loop(processor, count, SHIFT_ALL_PAGES);
    },
  };
}

export const ownMeasurements = {
  'empty': { title: 'the empty loop', iterations: 30_000_000, prepare: () => (count: number) => emptyLoop(count, SHIFT_ALL_PAGES) },
  'hit': {
    title: 'TLB hit',
    iterations: 10_000_000,
    prepare: () => {
      const { processor } = benchMachine({ behind: 'nothing' });
      return (count: number) => loadLoop(processor, count, SHIFT_64_PAGES);
    },
  },
  'miss': loads('TLB miss, 4-level', { behind: 'nothing' }, 3_000_000),
  'ept': loads('TLB miss, 4x4 by EPT', { behind: 'EPT' }, 1_000_000),
  'npt': loads('TLB miss, 4x4 by NPT', { behind: 'NPT' }, 1_000_000),
  'npt-nested-tlb': loads('TLB miss, 4x4 by NPT, nested TLB and paging-structure caches', { behind: 'NPT', settings: { walkCaches: 'on' } }, 1_000_000),
  'ept-pde-cache': loads('TLB miss, 4x4 by EPT, PDE cache that has every PDE', { behind: 'EPT', settings: { walkCaches: ROOMY } }, 1_000_000),
  'miss-recorded': loads('TLB miss, 4-level, every reference recorded', { behind: 'nothing' }, 1_500_000, recorded),
  'ept-recorded': loads('TLB miss, 4x4 by EPT, every reference recorded', { behind: 'EPT' }, 500_000, recorded),
  'walk': walks('walk, 4-level', { behind: 'nothing' }, 3_000_000),
  'walk-ept': walks('walk, 4x4 by EPT', { behind: 'EPT' }, 1_000_000),
  'walk-whole': walks('walk, 4-level, that reads every entry', { behind: 'nothing' }, 3_000_000, wholeWalkLoop),
  'walk-ept-whole': walks('walk, 4x4 by EPT, that reads every entry', { behind: 'EPT' }, 1_000_000, wholeWalkLoop),
  'walk-fault': walks('walk, 4-level, that ends in a page fault', { behind: 'nothing', pages: 'not present' }, 3_000_000),
} as const satisfies Record<string, OwnMeasurement>;

export type OwnName = keyof typeof ownMeasurements;
