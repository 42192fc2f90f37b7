import { COUNTER, COUNTERS, EXIT_COUNTERS_AT } from '../../src/hardware/state/counters';
import { ACTOR, ACTOR_AT, CPU_AT, KIND, KIND_AT, field } from '../../src/hardware/events/eventTable';
import { EXIT_REASON } from '../../src/hardware/vmx/exitReasons';
import type { Machine } from '../../src/engine/machine/machine';

const PAGE_FAULT = 14;

/** Counts the events of a run, to be held against the counters that the same run has kept. */
export class CounterAudit {
  private readonly counts = new Map<string, number>();

  constructor(private readonly machine: Machine) {}

  /** From here on; the machine's counters must be zero. */
  listen(): void {
    this.machine.bus.listen((record) => { this.note(record); }, 'all');
  }

  /** What the counters and the events disagree on. */
  findings(): readonly string[] {
    const wrong: string[] = [];
    const { counters } = this.machine.processors[0]!;
    const equal = (name: string, counter: number, events: number): void => {
      if (counter !== events) wrong.push(`${name}: counted ${counter}, and ${events} events`);
    };
    for (const name of [
      'statements', 'accesses', 'faults.guest', 'faults.hidden', 'faults.spurious', 'page_table_writes_trapped', 'tlb.hits', 'tlb.misses',
      'tlb.flushes', 'walk_references', 'refusals', 'exits.total',
    ] as const) equal(name, counters[COUNTER[name]]!, this.count(name));
    for (let reason = 0; reason < COUNTERS - EXIT_COUNTERS_AT; reason++) equal(`exits of reason ${reason}`, counters[EXIT_COUNTERS_AT + reason]!, this.count(`exit ${reason}`));
    if (!this.machine.technique.name.startsWith('shadow-')) return wrong;
    equal('faults.guest_exited', counters[COUNTER['faults.guest_exited']]!, this.count('true fault'));
    equal('guest_exited + hidden + spurious + mmio + page_table_writes_trapped',
      counters[COUNTER['faults.guest_exited']]! + counters[COUNTER['faults.hidden']]! + counters[COUNTER['faults.spurious']]!
      + counters[COUNTER['faults.mmio']]! + counters[COUNTER.page_table_writes_trapped]!, this.count('page-fault exit'));
    return wrong;
  }

  private note(record: Int32Array): void {
    if (record[CPU_AT] !== 0) return;
    switch (record[KIND_AT]) {
      case KIND.statement:
        if (!this.machine.program.statements[record[field.index.at]!]!.isExpect) this.add('statements');
        break;
      case KIND.access_done: this.add('accesses'); break;
      case KIND.exception_delivered: if (record[field.vector.at] === PAGE_FAULT) this.add('faults.guest'); break;
      case KIND.true_fault: this.add('true fault'); break;
      case KIND.hidden_fault: this.add('faults.hidden'); break;
      case KIND.spurious_fault: this.add('faults.spurious'); break;
      case KIND.page_table_write_trapped: this.add('page_table_writes_trapped'); break;
      case KIND.tlb_hit: this.add('tlb.hits'); break;
      case KIND.tlb_miss: this.add('tlb.misses'); break;
      case KIND.tlb_flush: this.add('tlb.flushes'); break;
      case KIND.table_read: if (record[ACTOR_AT] === ACTOR.walker) this.add('walk_references'); break;
      case KIND.access_refused: this.add('refusals'); break;
      case KIND.vm_exit:
        this.add('exits.total');
        this.add(`exit ${record[field.reason.at]!}`);
        if (record[field.reason.at] === EXIT_REASON.exception_nmi && record[field.vector.at] === PAGE_FAULT) this.add('page-fault exit');
        break;
      default: break;
    }
  }

  private add(name: string): void {
    this.counts.set(name, this.count(name) + 1);
  }

  private count(name: string): number {
    return this.counts.get(name) ?? 0;
  }
}
