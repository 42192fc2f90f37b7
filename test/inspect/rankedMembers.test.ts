import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { RankedMembers } from '../../src/inspect/rankedMembers';

describe('members found by their rank', () => {
  it('are those of the whole list, whichever part is asked for', () => {
    fc.assert(fc.property(fc.uniqueArray(fc.nat({ max: 5000 })), fc.nat({ max: 5100 }), fc.nat({ max: 400 }), fc.nat({ max: 5100 }), (numbers, start, count, end) => {
      const all = new Set(numbers);
      const members = new RankedMembers(end, (number) => all.has(number));
      const list = numbers.filter((number) => number < end).sort((a, b) => a - b);
      assert.equal(members.count, list.length);
      assert.deepEqual(members.slice(start, count), list.slice(start, start + count));
    }));
  });

  it('are asked about near the part alone, once they have been counted', () => {
    let asked = 0;
    const members = new RankedMembers(1_000_000, (number) => {
      asked++;
      return number % 3 === 0;
    });
    asked = 0;
    assert.deepEqual(members.slice(200_000, 2), [600_000, 600_003]);
    assert.ok(asked < 2048, `${asked} questions`);
  });
});
