import { strict as assert } from 'node:assert';
import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { problems, programOf } from './scenarioCheck';

const folder = path.join(__dirname, 'designScenarios');
const names = readdirSync(folder).sort();
const textOf = (name: string): string => readFileSync(path.join(folder, name), 'utf8');

describe('the scenarios that the language was designed on', () => {
  it('are six', () => {
    assert.deepEqual(names, ['demand-by-hand.guest', 'first-touch.guest', 'migrate.guest', 'missing-invlpg.guest', 'nested.guest', 'shootdown-race.guest']);
  });
  for (const name of names) {
    it(`${name} compiles without a diagnostic`, () => {
      assert.deepEqual(problems(textOf(name)), []);
    });
  }
  it('differ in what they ask of the machine, and the program says it', () => {
        const migrate = programOf(textOf('migrate.guest'));
    assert.deepEqual(migrate.actors.map(({ name, kind, vm }) => [name, kind, vm]), [['cpu 0', 'cpu', 0], ['host thread migration', 'host thread', -1]]);
    assert.deepEqual(migrate.meetings, [
      { name: 'warm', kind: 'barrier', actors: [0, 1] }, { name: 'logging', kind: 'barrier', actors: [0, 1] }, { name: 'dirtied', kind: 'barrier', actors: [0, 1] },
    ]);
    assert.deepEqual(migrate.slotNames, [{ name: 'low', vm: 0 }]);
    const race = programOf(textOf('shootdown-race.guest'));
    assert.deepEqual(race.meetings.map(({ name, kind, actors }) => [name, kind, ...actors]), [
      ['ready', 'barrier', 0, 1], ['window', 'gate', 0, 1], ['stale', 'barrier', 0, 1], ['gone', 'barrier', 0, 1],
    ]);
    const nested = programOf(textOf('nested.guest'));
    assert.deepEqual(nested.vms.map((vm) => [vm.name, vm.parent, vm.paging, vm.kernel, ...vm.cpus]), [
      ['l1', -1, '4-level', 'library', 0], ['l2', 0, 'none', 'none', 1],
    ]);
    assert.equal(programOf(textOf('demand-by-hand.guest')).paging, '32-bit');
  });
});
