import { strict as assert } from 'node:assert';
import { run } from '../../../src/engine/run/run';
import { kernelText } from '../../../src/language/library/kernelText';
import { compiled } from '../../engine/onMachine';
import { scenarios } from '../samples';

const SIGNATURE = /^procedure (\w+)\((.*?)\)( -> \w+)? \{$/gm;

interface Signature {
  readonly name: string;
  readonly parameters: string;
  readonly result: string;
}

const signatures: readonly Signature[] = [...kernelText.matchAll(SIGNATURE)].map(([, name = '', parameters = '', result = '']) => ({ name, parameters, result }));

/** A procedure that only calls the one it replaces. */
function passingOn({ name, parameters, result }: Signature): string {
  const handed = parameters.split(', ').map((each) => each.split(' ').pop()).join(', ');
  const gives = compiled('cpu 0 { x = 1 }').procedures.find((each) => each.name === name)?.result !== 'none';
  return `override procedure ${name}(${parameters})${result} { ${gives ? 'return ' : ''}original(${handed}) }`;
}

describe('every procedure of the library', () => {
  it('can be replaced, for the scenario and for the library itself', () => {
    assert.ok(signatures.length > 50);
    const overrides = signatures.map(passingOn).join('\n');
    for (const name of ['fork.guest', 'lazy-mapping.guest', 'guest-swap.guest', 'system-call.guest', 'shootdown-race.guest']) {
      const text = (scenarios.get(name) ?? '').replace(/^\/\/\/.*$/gm, '');
      const program = compiled(`${text}\n${overrides}`);
      const report = run(program, 'ept');
      if ('error' in report) assert.fail(report.error);
      assert.deepEqual([report.outcome.ok, report.outcome.message], [true, undefined], name);
      // Each call comes by the replacement: the library's own statements are as many, and those of the replacements come on top.
      const plain = run(compiled(text), 'ept');
      if ('error' in plain) assert.fail(plain.error);
      assert.ok(report.counters[0]! > plain.counters[0]!, name);
    }
  });
});
