import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { ACTOR_AT, actors, CPU_AT, eventKinds, field, KIND_AT, RECORD_WORDS, tableSpaces } from '../../../src/hardware/events/eventTable';
import { eventJson, eventLine } from '../../../src/hardware/events/eventText';
import { recordOfJson } from '../../../src/hardware/events/recordOfJson';
import { exitReasons } from '../../../src/hardware/vmx/exitReasons';

/** Any event of any kind, with numbers that mean something where a name stands for them. */
const records = fc.record({
  kind: fc.nat(eventKinds.length - 1),
  actor: fc.nat(actors.length - 1),
  cpu: fc.nat(63),
  words: fc.array(fc.integer(), { minLength: RECORD_WORDS, maxLength: RECORD_WORDS }),
  reason: fc.constantFrom(...exitReasons.map(({ number }) => number)),
  space: fc.nat(tableSpaces.length - 1),
  what: fc.nat(1000),
}).map(({ kind, actor, cpu, words, reason, space, what }) => {
  const record = new Int32Array(RECORD_WORDS);
  const row = eventKinds[kind]!;
  for (const name of row.fields) {
    const { at, words: count } = field[name];
    record.set(words.slice(at, at + count), at);
    if (name === 'reason') record[at] = reason;
    if (name === 'space') record[at] = space;
    if (name === 'what') record[at] = what % ('what' in row ? row.what.length : 1000);
  }
  record[KIND_AT] = kind;
  record[ACTOR_AT] = actor;
  record[CPU_AT] = cpu;
  return record;
});

describe('a line of a trace', () => {
  it('gives back a record that reads as the one it was made of, for every kind', () => {
    fc.assert(fc.property(records, (record) => {
      const json = eventJson(record);
      const back = recordOfJson(JSON.parse(JSON.stringify({ step: 1, event: 1, ...json })) as Record<string, unknown>);
      assert.ok(back);
      assert.deepEqual([eventJson(back), eventLine(back)], [json, eventLine(record)]);
    }), { numRuns: 2000 });
  });

  it('that is none gives nothing', () => {
    const line = { cpu: 0, actor: 'walker', kind: 'tlb_miss', gva: '0x1000' };
    assert.ok(recordOfJson(line));
    for (const broken of [
      { ...line, kind: 'tlb_mist' }, { ...line, actor: 'nobody' }, { ...line, cpu: '0' }, { ...line, gva: 'high' },
      { ...line, gva: 1.5 }, { ...line, gva: undefined }, { ...line, gva: '0x10000000000000000' }, {},
      { cpu: 0, actor: 'vmm', kind: 'vm_exit', reason: 'boredom', qualification: '0x0', gva: '0x0', gpa: '0x0', vector: 0, code: '0x0' },
    ]) assert.equal(recordOfJson(broken), undefined, JSON.stringify(broken));
  });
});
