import { strict as assert } from 'node:assert';
import { parseMoment } from '../../src/extension/momentText';

describe('a moment as it is typed', () => {
  it('is a step, an event of it, or so many steps from here', () => {
    const cases: readonly (readonly [string, { readonly step: number; readonly event: number } | undefined])[] = [
      ['20120', { step: 20120, event: 0 }],
      [' 20120.3 ', { step: 20120, event: 3 }],
      ['20120/3', { step: 20120, event: 3 }],
      ['20120:3', { step: 20120, event: 3 }],
      ['+10', { step: 110, event: 0 }],
      ['-10', { step: 90, event: 0 }],
      ['-1000', { step: 0, event: 0 }],
      ['', undefined],
      ['now', undefined],
      ['3/', undefined],
      ['3.', undefined],
    ];
    for (const [text, moment] of cases) assert.deepEqual(parseMoment(text, 100), moment, text);
  });
});
