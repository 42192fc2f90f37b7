import { costModelRows, costRows, type Cost, type CostRow } from './costTable';

/** What each cause is taken to cost in one run. */
export interface CostModel {
  /** As it was asked for: `nehalem`, or `modern vm_exit 900`. */
  readonly name: string;
  readonly costs: readonly (Cost & { readonly row: CostRow })[];
}

/** One cause of cycles in a run: its count, what each time is taken to cost, and the product. */
export interface CauseOfCycles {
  readonly cause: string;
  readonly count: number;
  readonly each: Cost;
  readonly cycles: number;
}

/**
 * The model that the values of a `costs` setting name: a model, then pairs of cost and cycles, which are the user's own. A
 * sentence that says what to write when they name none.
 */
export function costModelOf(values: readonly (string | number)[]): CostModel | { readonly error: string } {
  const [name = costModelRows[0]!.name, ...own] = values;
  const model = costModelRows.find((row) => row.name === name);
  if (model === undefined) return { error: `write one of the cost models ${costModelRows.map((row) => row.name).join(', ')}` };
  const costs = new Map(costRows.map((row) => [row.name, model.costs[row.name] ?? row.cost]));
  for (let i = 0; i < own.length; i += 2) {
    const cost = own[i]!;
    const cycles = own[i + 1];
    if (!costs.has(String(cost))) return { error: `${cost} is no cost; there are ${costRows.map((row) => row.name).join(', ')}` };
    if (typeof cycles !== 'number') return { error: `write how many cycles ${cost} takes, as in ${model.name} ${cost} 900` };
    costs.set(String(cost), { cycles, mark: 'assumed', source: 'set by the user' });
  }
  return { name: values.length === 0 ? model.name : values.join(' '), costs: costRows.map((row) => ({ row, ...costs.get(row.name)! })) };
}

/** Reads a model as it stands after `--costs`: `nehalem`, or `nehalem:vm_exit=900,access=2`. */
export function costModelOfText(text: string): CostModel | { readonly error: string } {
  const [name = '', ...rest] = text.split(':');
  const own = rest.join(':').split(',').filter((pair) => pair !== '').flatMap((pair) => {
    const [cost = '', cycles = ''] = pair.split('=');
    return [cost.trim(), /^\d+$/.test(cycles.trim()) ? Number(cycles) : cycles.trim()];
  });
  return costModelOf([name, ...own]);
}

/** Cycles that these counters are taken to cost, by cause; what did not happen costs nothing and is left out. */
export function causesOfCycles({ costs }: CostModel, counters: ArrayLike<number>): readonly CauseOfCycles[] {
  return costs.flatMap(({ row, ...each }) => {
    const count = row.count(counters);
    return count === 0 ? [] : [{ cause: row.cause, count, each, cycles: count * each.cycles }];
  });
}

/** The estimate with what it comes from, as `--json` prints it. */
export function estimateJson(model: CostModel, counters: ArrayLike<number>): object {
  const causes = causesOfCycles(model, counters).map(({ cause, count, each: { cycles: each, mark, source }, cycles }) => (
    { cause, count, each, mark, source, cycles }
  ));
  return { costs: model.name, cycles: estimatedCycles(model, counters), causes };
}

/** The same in one sum. */
export function estimatedCycles(model: CostModel, counters: ArrayLike<number>): number {
  return causesOfCycles(model, counters).reduce((sum, { cycles }) => sum + cycles, 0);
}
