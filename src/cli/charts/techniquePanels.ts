import * as Plot from '@observablehq/plot';
import type { TechniqueResult } from '../../engine/run/compare';
import { causesOfCycles } from '../../engine/costs/costModel';
import { countersJson } from '../../engine/run/countersJson';
import { tickText, type Panel } from './panel';

/** A length of a bar: so much of `part` under `technique`. */
interface Piece {
  readonly technique: string;
  readonly part: string;
  readonly amount: number;
}

/** Bars for the techniques side by side, one panel a quantity. */
export function techniquePanels(results: readonly TechniqueResult[]): readonly Panel[] {
  return quantities.map(({ title, axis, pieces }) => barPanel(title, axis, results, results.flatMap(pieces)));
}

const quantities: readonly {
  readonly title: string;
  readonly axis: string;
  readonly pieces: (result: TechniqueResult) => readonly Piece[];
}[] = [
  {
    title: 'VM exits by reason',
    axis: 'VM exits (count)',
    pieces: ({ mmu, counters }) => Object.entries(countersJson(counters).vm_exits)
      .filter(([key]) => key !== 'total')
      .map(([part, amount]) => ({ technique: mmu, part, amount })),
  },
  {
    title: 'Page faults by what they were',
    axis: 'page faults (count)',
    pieces: ({ mmu, counters }) => {
      const { faults, page_table_writes_trapped: trapped } = countersJson(counters);
      return [
        { technique: mmu, part: 'the guest\'s, without an exit', amount: faults.guest - faults.guest_exited },
        { technique: mmu, part: 'the guest\'s, with an exit', amount: faults.guest_exited },
        { technique: mmu, part: 'hidden', amount: faults.hidden },
        { technique: mmu, part: 'trapped page-table writes', amount: trapped },
        { technique: mmu, part: 'spurious', amount: faults.spurious },
        { technique: mmu, part: 'MMIO', amount: faults.mmio },
      ];
    },
  },
  {
    title: 'Entries that the processor\'s walker read',
    axis: 'walk references (count)',
    pieces: ({ mmu, counters }) => [{ technique: mmu, part: 'walk references', amount: countersJson(counters).walk_references }],
  },
  {
    title: 'Estimated cycles by cause',
    axis: 'estimated cycles (assumed costs, not a measurement)',
    pieces: ({ mmu, costs, counters }) => causesOfCycles(costs, counters).map(({ cause, cycles }) => ({ technique: mmu, part: cause, amount: cycles })),
  },
];

function barPanel(title: string, axis: string, results: readonly TechniqueResult[], all: readonly Piece[]): Panel {
  const pieces = all.filter(({ amount }) => amount > 0);
  const techniques = results.map(({ mmu }) => mmu);
  const sums = techniques.map((technique) => pieces.filter((piece) => piece.technique === technique).reduce((sum, { amount }) => sum + amount, 0));
  const longest = Math.max(1, ...sums);
  return {
    title,
    series: [...new Set(all.map(({ part }) => part))].filter((part) => pieces.some((piece) => piece.part === part)),
    options: {
      height: 50 + 26 * techniques.length,
      marginLeft: 24 + 6.6 * Math.max(...techniques.map((name) => name.length)),
      marginRight: 78,
      marginTop: 8,
      marginBottom: 42,
      x: { label: axis, domain: [0, longest], grid: true, ticks: Math.min(6, longest), tickFormat: tickText },
      y: { label: null, domain: techniques, padding: 0.25 },
      marks: [
        Plot.barX(pieces, { y: 'technique', x: 'amount', fill: 'part', order: null }),
        Plot.text(techniques, {
          y: (name: string) => name, x: (_: string, i: number) => sums[i] ?? 0, text: (_: string, i: number) => (sums[i] ?? 0).toLocaleString('en-US'),
          textAnchor: 'start', dx: 4,
        }),
        Plot.ruleX([0]),
      ],
    },
  };
}
