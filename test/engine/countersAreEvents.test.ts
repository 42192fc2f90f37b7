import { strict as assert } from 'node:assert';
import { configure } from '../../src/engine/settings/configuration';
import { Machine } from '../../src/engine/machine/machine';
import { RUN } from '../../src/engine/interpreter/runState';
import { COUNTER, EXIT_COUNTERS_AT } from '../../src/hardware/state/counters';
import { ACTOR, ACTOR_AT, KIND, KIND_AT, field, type EventName } from '../../src/hardware/events/eventTable';
import { exitReasons } from '../../src/hardware/vmx/exitReasons';
import { compiled, scenarioText } from './onMachine';

const PAGE_FAULT = 14;

/** Each counter, and the events that it counts. */
const counted: readonly { readonly counter: keyof typeof COUNTER; readonly kind: EventName; readonly which?: (record: Int32Array) => boolean }[] = [
  { counter: 'accesses', kind: 'access_done' },
  { counter: 'exits.total', kind: 'vm_exit' },
  { counter: 'faults.guest', kind: 'exception_delivered', which: (record) => record[field.vector.at] === PAGE_FAULT },
  { counter: 'faults.hidden', kind: 'hidden_fault' },
  { counter: 'faults.spurious', kind: 'spurious_fault' },
  { counter: 'page_table_writes_trapped', kind: 'page_table_write_trapped' },
  { counter: 'tlb.hits', kind: 'tlb_hit' },
  { counter: 'tlb.misses', kind: 'tlb_miss' },
  { counter: 'tlb.flushes', kind: 'tlb_flush' },
  { counter: 'walk_references', kind: 'table_read', which: (record) => record[ACTOR_AT] === ACTOR.walker },
];

function isPageFaultExit(record: Int32Array): boolean {
  return record[KIND_AT] === KIND.vm_exit && record[field.reason.at] === 0 && record[field.vector.at] === PAGE_FAULT;
}

/** Under interpret a page fault of the guest is found in the exit of its access, and is no exit of its own. */
function isRefusedAccess(record: Int32Array): boolean {
  return record[KIND_AT] === KIND.true_fault;
}

describe('every counter is the number of events of its kind', () => {
  for (const scenario of ['first-touch', 'page-table-write', 'context-switch']) {
    for (const mmu of ['native', 'shadow-wp', 'shadow-wp:update=zap', 'ept', 'interpret']) {
      it(`${scenario} under ${mmu}`, () => {
        const program = compiled(scenarioText(scenario));
        const configuration = configure(program, mmu);
        if ('error' in configuration) assert.fail(configuration.error);
        const machine = new Machine(program, configuration);
        const { run } = machine.interpreter;
        const events: Int32Array[] = [];
        machine.bus.listen((record) => {
          if (run.isCounting) events.push(record.slice());
        }, 'all');
        while (run.status === RUN.running) machine.interpreter.step();

        const { counters } = machine.processors[0]!;
        for (const { counter, kind, which } of counted) {
          const found = events.filter((record) => record[KIND_AT] === KIND[kind] && (which === undefined || which(record)));
          assert.equal(counters[COUNTER[counter]], found.length, `${counter} counts ${kind}`);
        }
        for (const { number, key } of exitReasons) {
          const found = events.filter((record) => record[KIND_AT] === KIND.vm_exit && record[field.reason.at] === number);
          assert.equal(counters[EXIT_COUNTERS_AT + number], found.length, `exits.${key}`);
        }
        const pageFaultExits = ['faults.guest_exited', 'faults.hidden', 'faults.spurious', 'faults.mmio', 'page_table_writes_trapped'] as const;
        assert.equal(
          pageFaultExits.reduce((sum, counter) => sum + counters[COUNTER[counter]]!, 0), events.filter(mmu === 'interpret' ? isRefusedAccess : isPageFaultExit).length,
          'each page-fault exit is told apart as exactly one of five',
        );
        assert.ok(counters[COUNTER.accesses]! > 0);
      });
    }
  }
});
