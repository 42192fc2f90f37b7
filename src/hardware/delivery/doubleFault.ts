import type { DeliveredEvent } from './deliveredEvent';
import { type DoubleFaultClass, exceptionOf } from './exceptions';

/** What becomes of a second event that is raised while a first is being delivered. */
export type SecondEvent = 'deliver the second' | 'double fault' | 'shutdown';

/**
 * Rows: the event under delivery; columns: the exception that its delivery raised. SDM Vol. 3, "Interrupt 8—Double
 * Fault Exception (#DF)": "Conditions for Generating a Double Fault". A double fault's own delivery may still meet a
 * benign exception.
 */
const conditions: Readonly<Record<DoubleFaultClass, Readonly<Record<DoubleFaultClass, SecondEvent>>>> = {
  'benign': {
    'benign': 'deliver the second', 'contributory': 'deliver the second', 'page fault': 'deliver the second', 'double fault': 'deliver the second',
  },
  'contributory': {
    'benign': 'deliver the second', 'contributory': 'double fault', 'page fault': 'deliver the second', 'double fault': 'deliver the second',
  },
  'page fault': {
    'benign': 'deliver the second', 'contributory': 'double fault', 'page fault': 'double fault', 'double fault': 'deliver the second',
  },
  'double fault': {
    'benign': 'deliver the second', 'contributory': 'shutdown', 'page fault': 'shutdown', 'double fault': 'shutdown',
  },
};

/** Of an exception with vector `second` during delivery of `first`. Interrupts are benign, whatever their vector. */
export function secondEvent(first: DeliveredEvent, second: number): SecondEvent {
  const before = first.isException ? classOf(first.vector) : 'benign';
  return conditions[before][classOf(second)];
}

function classOf(vector: number): DoubleFaultClass {
  return exceptionOf(vector)?.doubleFault ?? 'benign';
}
