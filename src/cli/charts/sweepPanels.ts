import * as Plot from '@observablehq/plot';
import type { ComparedPoint, TechniqueResult } from '../../engine/run/compare';
import { shareWithoutExit } from '../../engine/run/compareRows';
import { countersJson } from '../../engine/run/countersJson';
import { tickText, type Panel } from './panel';

/** How the swept values are laid out. */
export interface SweptAxis {
  readonly global: string;
  readonly scale: 'linear' | 'log';
}

interface Dot {
  readonly technique: string;
  readonly at: number;
  readonly amount: number;
}

/** Lines over the swept values, one a technique; one panel a quantity. */
export function sweepPanels(points: readonly ComparedPoint[], axis: SweptAxis): readonly Panel[] {
  return quantities.map(({ title, label, amount }) => {
    const dots = points.flatMap(({ value, results }) => (
      results.map((result) => ({ technique: result.mmu, at: Number(value ?? 0n), amount: amount(result) }))
    ));
    return linePanel(`${title} over ${axis.global}`, label, axis, dots);
  });
}

const quantities: readonly { readonly title: string; readonly label: string; readonly amount: (result: TechniqueResult) => number }[] = [
  { title: 'Estimated cycles', label: 'estimated cycles (assumed costs)', amount: ({ estimatedCycles }) => estimatedCycles },
  { title: 'VM exits', label: 'VM exits (count)', amount: ({ counters }) => countersJson(counters).vm_exits['total'] ?? 0 },
  { title: 'Walk references', label: 'walk references (count)', amount: ({ counters }) => countersJson(counters).walk_references },
  { title: 'Accesses without an exit', label: 'share of accesses (%)', amount: (result) => 100 * shareWithoutExit(result) },
];

/** Lines of techniques that coincide are told apart by dashes. */
const DASHES = ['', '6,3', '2,3', '8,3,2,3', '1,4'] as const;

function linePanel(title: string, label: string, { global, scale }: SweptAxis, dots: readonly Dot[]): Panel {
  const techniques = [...new Set(dots.map(({ technique }) => technique))];
  const isLog = scale === 'log' && dots.every(({ amount }) => amount > 0) && !label.includes('%');
  return {
    title,
    series: techniques,
    options: {
      height: 240,
      marginLeft: 64,
      marginRight: 24,
      marginTop: 26,
      marginBottom: 42,
      x: scale === 'log' ? { type: 'log', base: 2, label: global, tickFormat: 'd' } : { label: global },
      y: { label, grid: true, ...(isLog ? { type: 'log' } : { zero: true }), tickFormat: tickText, ticks: 5 },
      marks: [
        ...techniques.map((technique, index) => Plot.line(dots.filter((dot) => dot.technique === technique), {
          x: 'at', y: 'amount', stroke: 'technique', strokeWidth: 2, strokeDasharray: DASHES[index % DASHES.length] ?? '',
        })),
        Plot.dot(dots, { x: 'at', y: 'amount', fill: 'technique', r: 2.5 }),
      ],
    },
  };
}
