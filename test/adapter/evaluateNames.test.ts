import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

type Variable = DebugProtocol.Variable;

/** Where one looks around: a hypervisor's frame, two VMs, a guest's guest, other formats, no paging. */
const PLACES: readonly (readonly [scenario: string, mmu: string, filter: string])[] = [
  ['first-touch', 'shadow-wp', 'hidden-fault'],
  ['isolation-two-vms', 'ept', 'vm-exit'],
  ['nested-first-touch', 'ept', 'hidden-fault'],
  ['fork', 'npt', 'guest-page-fault'],
  ['real-mode', 'ept', 'vm-exit'],
];
/** Of long containers the first rows stand for all. */
const ROWS = 12;
const DEPTH = 5;

/** What a row shows, as an expression's result prints: bits are named, counts are decimal. */
function shows(variable: Variable, result: string): boolean {
  const { value, type } = variable;
  if (type === 'counter') return BigInt(result) === BigInt(value);
  if (type?.startsWith('bit ') === true) return BigInt(result === 'true' ? 1 : result === 'false' ? 0 : result) === BigInt(value.charAt(0));
  return value === result || value.startsWith(`${result} `);
}

describe('every row of every scope', () => {
  for (const [scenario, mmu, filter] of PLACES) {
    it(`is the value of its evaluateName, and its only one of that name: ${scenario} under ${mmu}, at ${filter}`, async () => {
      const program = join(__dirname, '../../scenarios', `${scenario}.guest`);
      const client = new TestClient(simulator, { [program]: readFileSync(program, 'utf8') });
      await client.start({ program, mmu, filters: [filter] });
      const { threadId } = await client.stopped();
      const { stackFrames } = await client.ask<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId });
      let named = 0;
      for (const { id: frameId } of [stackFrames[0]!, stackFrames[stackFrames.length - 1]!]) {
        const visit = async (variablesReference: number, path: string, depth: number): Promise<void> => {
          const { variables } = await client.ask<{ variables: Variable[] }>('variables', { variablesReference, start: 0, count: ROWS });
          assert.equal(new Set(variables.map(({ name }) => name)).size, variables.length, `${path}: a name stands twice`);
          for (const variable of variables) {
            const at = `${path} / ${variable.name}`;
            assert.doesNotMatch(variable.value, /undefined|NaN|\[object/, at);
            if (variable.evaluateName !== undefined) {
              const body = await client.ask<DebugProtocol.EvaluateResponse['body']>('evaluate', { expression: variable.evaluateName, frameId, context: 'clipboard' });
              assert.ok(shows(variable, body.result), `${at} shows ${variable.value}, and ${variable.evaluateName} is ${body.result}`);
              if (variable.memoryReference !== undefined) assert.equal(body.memoryReference, variable.memoryReference, at);
              named++;
            }
            if (variable.variablesReference > 0 && depth > 0) await visit(variable.variablesReference, at, depth - 1);
          }
        };
        const { scopes } = await client.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId });
        for (const scope of scopes) await visit(scope.variablesReference, scope.name, DEPTH);
      }
      assert.ok(named > 100, `${named} rows with an evaluateName`);
      client.dispose();
    });
  }
});
