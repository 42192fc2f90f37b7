import { strict as assert } from 'node:assert';
import { terminalOf } from '../../src/cli/processConsole';

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
