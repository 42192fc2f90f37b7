import { strict as assert } from 'node:assert';
import { join } from 'node:path';
import { conform, conformText, readVectors } from '../../src/cli/conform';
import { ScriptedConsole } from '../cli/scriptedConsole';

const fileOf = (name: string): string => join(__dirname, `${name}.jsonl.gz`);

/** Lines of each file: 21,447 together, in every paging mode, without virtualization, behind EPT and behind nested paging. */
const files = [
  { name: 'native-bochs', lines: 4330 },
  { name: 'native-qemu', lines: 5097 },
  { name: 'ept-bochs', lines: 7449 },
  { name: 'npt-qemu', lines: 4571 },
] as const;

describe('conformance vectors', () => {
  for (const { name, lines } of files) {
    it(`${name}: every line agrees`, () => {
      const report = conformText(name, readVectors(fileOf(name)));
      assert.deepEqual(report.failures.slice(0, 3), []);
      assert.deepEqual({ passed: report.passed, failed: report.failed, skipped: report.skipped }, { passed: lines, failed: 0, skipped: {} });
    });
  }
});

describe('a file of vectors', () => {
  const [first = '', second = ''] = readVectors(fileOf('native-qemu')).split('\n').filter((line) => line.includes('"4-level"'));

  it('with a broken line fails at that line, says why, and runs the rest', () => {
    const report = conformText('x', `${first}\n{"id":\n\n${second.replace('"cpl":', '"cpl":7,"was":')}\n${second}\n`);
    assert.deepEqual(report.failures.map((failure) => failure.line), [2, 4]);
    assert.match(report.failures[0]?.actual ?? '', /not JSON/);
    assert.match(report.failures[1]?.actual ?? '', /"cpu\.cpl" must be a whole number from 0 to 3/);
    assert.equal(report.passed, 2);
    assert.equal(report.failed, 2);
  });

  it('with a wrong expectation fails in that field', () => {
    const wrong = first.replace(/"hpa":"0x[0-9a-f]+"/, '"hpa":"0x123000"');
    assert.notEqual(wrong, first);
    const [failure] = conformText('x', wrong).failures;
    assert.deepEqual({ field: failure?.field, expected: failure?.expected }, { field: 'hpa', expected: '0x123000' });
  });

  it('with a flag that the access is not to set fails in that word', () => {
    const wrong = first.replace(/"after":\[\["(0x[0-9a-f]+)","(0x[0-9a-f]+)"\]/, '"after":[["$1","0x0"]');
    assert.notEqual(wrong, first);
    assert.match(conformText('x', wrong).failures[0]?.field ?? '', /^after\[0x/);
  });

  it('is judged by the command with the sums as its last line and status 0 or 1', async () => {
    const console = new ScriptedConsole();
    assert.equal(await conform(fileOf('native-bochs'), {}, console), 0);
    assert.equal(console.text.trimEnd().split('\n').at(-1), '4330 passed, 0 failed');
  });

  it('that is not there is said in one sentence, with status 2', async () => {
    const console = new ScriptedConsole();
    assert.equal(await conform(fileOf('nowhere'), {}, console), 2);
    assert.match(console.errors, /^pagewalk: .*nowhere\.jsonl\.gz cannot be read \(.*\): name a file of vectors, \.jsonl or \.jsonl\.gz\.\n$/);
  });
});
