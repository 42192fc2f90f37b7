import { strict as assert } from 'node:assert';
import { progressLine } from '../../src/cli/progress';
import { terminalOf } from '../../src/cli/processConsole';

const progress = { what: 'scenarios/of/a/long/name.guest', unit: 'statements', units: 2_000_000, share: 0.25 };

describe('the line of progress', () => {
  it('says how much, how fast, how far, and how long it will take', () => {
    assert.equal(progressLine(progress, 2), 'scenarios/of/a/long/name.guest: 2.0 million statements, 1.0 million/s, 25 %, about 6 s left');
    assert.equal(progressLine({ ...progress, share: undefined }, 2), 'scenarios/of/a/long/name.guest: 2.0 million statements, 1.0 million/s, 2 s');
    assert.match(progressLine(progress, 1000), /about 50 min left$/);
    assert.match(progressLine({ ...progress, share: 1e-6 }, 1000), /about 277,778 h left$/);
  });
  it('keeps to the width, and to the end of a path', () => {
    const line = progressLine(progress, 2, 80);
    assert.equal(line, '…/a/long/name.guest: 2.0 million statements, 1.0 million/s, 25 %, about 6 s left');
    assert.equal(progressLine(progress, 2, 30).length, 30);
  });
});

const screen = { isTTY: true, columns: 90 };
const pipe = {};

describe('the terminal', () => {
  for (const [what, environment, out, colours] of [
    ['a terminal has colours', {}, screen, 'yes'],
    ['a pipe has none', {}, pipe, 'no'],
    ['NO_COLOR turns them off', { NO_COLOR: '1' }, screen, 'no'],
    ['NO_COLOR that is empty does not', { NO_COLOR: '' }, screen, 'yes'],
    ['a dumb terminal has none', { TERM: 'dumb' }, screen, 'no'],
  ] as const) {
    it(what, () => { assert.equal(terminalOf(environment, out, pipe).colours, colours); });
  }

  it('shows progress where standard error is one, whatever becomes of the output', () => {
    assert.equal(terminalOf({}, pipe, screen).progressColumns, 90);
    assert.equal(terminalOf({}, screen, pipe).progressColumns, undefined);
    assert.equal(terminalOf({}, pipe, { isTTY: true, columns: 0 }).progressColumns, 80);
  });
});
