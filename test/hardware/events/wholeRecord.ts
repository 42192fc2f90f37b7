import {
  ACTOR, ACTOR_AT, CPU_AT, type EventName, type Field, field, KIND, KIND_AT, RECORD_WORDS,
} from '../../../src/hardware/events/eventTable';

export type Pair = readonly [lo: number, hi: number];
export type Fields = Partial<Record<Field, Pair | number>>;

/** Every word of an event's record: what is not named here is 0. */
export function wholeRecord(kind: EventName, actor: keyof typeof ACTOR, cpu: number, fields: Fields): number[] {
  const record: number[] = new Array<number>(RECORD_WORDS).fill(0);
  record[KIND_AT] = KIND[kind];
  record[ACTOR_AT] = ACTOR[actor];
  record[CPU_AT] = cpu;
  for (const [name, value] of Object.entries(fields)) {
    const { at } = field[name as Field];
    if (typeof value === 'number') record[at] = value;
    else [record[at], record[at + 1]] = value;
  }
  return record;
}
