import { strict as assert } from 'node:assert';
import { EventBus } from '../../../src/hardware/events/eventBus';
import { ACTOR, KIND, KIND_AT } from '../../../src/hardware/events/eventTable';

function emit(bus: EventBus, ...kinds: readonly number[]): void {
  for (const kind of kinds) {
    if (bus.on[kind] === 0) continue;
    bus.begin(kind, ACTOR.guest, 0);
    bus.commit();
  }
}

describe('a tap of the event bus', () => {
  const { ad_update: wanted, tlb_miss: other, access_done: hit } = KIND;

  it('is told of its kinds and of no others, whoever listens, comes or goes', () => {
    const bus = new EventBus();
    const told: number[] = [];
    const heard: number[] = [];
    bus.tap((record) => told.push(record[KIND_AT]!), [wanted]);
    emit(bus, wanted, other);
    bus.listen((record) => heard.push(record[KIND_AT]!), [other]);
    emit(bus, wanted, other);
    bus.listen((record) => heard.push(record[KIND_AT]!), 'all');
    emit(bus, wanted, other);
    bus.silence();
    emit(bus, wanted, other);
    assert.deepEqual(told, [wanted, wanted, wanted, wanted]);
    assert.deepEqual(heard, [other, wanted, other], 'a listener hears what it asked for');
  });

  it('ends when it is taken away, and leaves listeners what they asked for', () => {
    const bus = new EventBus();
    const told: number[] = [];
    const heard: number[] = [];
    bus.tap((record) => told.push(record[KIND_AT]!), [wanted, hit]);
    assert.equal(bus.quietHits, 0, 'hits are no longer quiet');
    bus.listen((record) => heard.push(record[KIND_AT]!), [wanted]);
    bus.tap(undefined, []);
    emit(bus, wanted, hit);
    assert.deepEqual([told, heard], [[], [wanted]]);
    assert.equal(bus.quietHits, 1);
    assert.equal(bus.on[hit], 0);
  });

  it('is told while events are diverted too', () => {
    const bus = new EventBus();
    const told: number[] = [];
    const through: number[] = [];
    bus.tap((record) => told.push(record[KIND_AT]!), [wanted]);
    bus.divert((record, pass) => {
      through.push(record[KIND_AT]!);
      pass(record);
    }, [other]);
    emit(bus, wanted, other);
    bus.undivert();
    emit(bus, wanted, other);
    assert.deepEqual([told, through], [[wanted, wanted], [other]]);
  });
});
