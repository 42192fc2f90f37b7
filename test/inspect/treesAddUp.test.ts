import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { configure } from '../../src/engine/settings/configuration';
import { Machine } from '../../src/engine/machine/machine';
import { RUN } from '../../src/engine/interpreter/runState';
import { KIND, SPACE, field } from '../../src/hardware/events/eventTable';
import { eventValue } from '../../src/hardware/events/eventText';
import { tables } from '../../src/inspect/tables';
import type { StoppedMachine } from '../../src/inspect/stoppedMachine';
import type { TableNode } from '../../src/protocol/requests';
import { programOf } from './stoppedScenario';

const SCENARIOS = ['first-touch', 'page-table-write', 'context-switch'] as const;
const FRAME = ~0xfffn;

describe('trees are what the entry-written and flag events of the run add up to', () => {
  for (const scenario of SCENARIOS) {
    for (const [mmu, space] of [['shadow-wp', 'shadow'], ['shadow-wp:update=zap', 'shadow'], ['ept', 'ept']] as const) {
      it(`${scenario} under ${mmu}, at every step that writes one`, () => {
        const machine = machineOf(scenario, mmu);
        const target: StoppedMachine = { machine, moment: () => ({ step: 0, event: 0 }), lastAccess: () => undefined, eventsOfStep: () => [] };
        const sum = new Map<bigint, bigint>();
        let isNews = true;
        machine.bus.listen((record) => {
          if (record[field.space.at] !== SPACE[space]) return;
          isNews = true;
          const value = eventValue(record, 'value');
          if (value === 0n) sum.delete(eventValue(record, 'hpa'));
          else sum.set(eventValue(record, 'hpa'), value);
        }, [KIND.entry_written, KIND.ad_update]);
        let compared = 0;
        while (machine.interpreter.run.status === RUN.running) {
          if (isNews) {
            assert.deepEqual(shownBy(target, space), reachableOf(sum, target, space), `step ${machine.interpreter.run.step}`);
            compared++;
          }
          isNews = false;
          machine.interpreter.step();
        }
        assert.ok(compared > 5, 'the run writes entries');
      });
    }
  }
});

function machineOf(scenario: string, mmu: string): Machine {
  const program = programOf(readFileSync(`${__dirname}/../../scenarios/${scenario}.guest`, 'utf8'));
  const configuration = configure(program, mmu);
  if ('error' in configuration) assert.fail(configuration.error);
  return new Machine(program, configuration);
}

function entriesShown(target: StoppedMachine, space: 'shadow' | 'ept'): readonly TableNode[] {
  const found: TableNode[] = [];
  const list = (root?: string, path?: readonly number[]): void => {
    const response = tables(target, { space, ...(root === undefined ? {} : { root }), ...(path === undefined ? {} : { path }) });
    if ('error' in response) assert.fail(response.error);
    for (const node of response.nodes) {
      found.push(node);
      if (node.hasChildren) list(node.root, node.path);
    }
  };
  list();
  return found;
}

/** Address to value of all entries in the tree, ascending. */
function shownBy(target: StoppedMachine, space: 'shadow' | 'ept'): readonly (readonly [bigint, bigint])[] {
  const shown = new Map<bigint, bigint>();
  for (const { address, value } of entriesShown(target, space)) {
    if (address !== undefined && value !== undefined) shown.set(BigInt(address.slice('hpa:'.length)), BigInt(value));
  }
  return ascending(shown);
}

/** What the events add up to, in the tables that the roots lead to by these very values. */
function reachableOf(sum: ReadonlyMap<bigint, bigint>, target: StoppedMachine, space: 'shadow' | 'ept'): readonly (readonly [bigint, bigint])[] {
  const roots = target.machine.technique.roots(0).filter((root) => root.space === space);
  const reachable = new Map<bigint, bigint>();
  const visit = (table: bigint, level: number): void => {
    for (const [address, value] of sum) {
      if ((address & FRAME) !== table) continue;
      reachable.set(address, value);
      if (level > 1) visit(value & 0x000ffffffffff000n, level - 1);
    }
  };
  for (const root of roots) visit(BigInt(root.frame) << 12n, 4);
  return ascending(reachable);
}

function ascending(entries: ReadonlyMap<bigint, bigint>): readonly (readonly [bigint, bigint])[] {
  return [...entries].sort(([a], [b]) => (a < b ? -1 : 1));
}
