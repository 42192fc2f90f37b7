import type { DebugProtocol } from '@vscode/debugprotocol';
import { field } from '../../hardware/eventTable';
import { evaluateIn } from '../evaluation';
import type { HeldFrame, Launched } from '../sessionState';
import { hex } from '../valueText';
import { variable } from './localScope';

/** The chain an address goes through, each step a question of the language. */
const steps = [
  { name: 'guest-physical', question: 'gpa_of' },
  { name: 'host-virtual', question: 'hva_of' },
  { name: 'host-physical', question: 'hpa_of' },
] as const;

/** The address of the access that runs or ran last, through every space down to memory. */
export function translationVariables(launched: Launched, held: HeldFrame): readonly DebugProtocol.Variable[] {
  const [record] = launched.debuggee.lastAccess()?.records ?? [];
  if (record === undefined) return [sentence('linear', 'no access has run yet')];
  const address = (BigInt(record[field.gva.at + 1]! >>> 0) << 32n) | BigInt(record[field.gva.at]! >>> 0);
  const { program } = launched.scenario;
  const rows = [variable('linear', address, 'gva', program, `gva:${hex(address)}`)];
  for (const { name, question } of steps) {
    const expression = `${question}(gva:${hex(address)})`;
    const result = evaluateIn(launched, held, expression);
    rows.push('error' in result ? sentence(name, 'not mapped') : variable(name, result.value, result.type, program, expression));
  }
  return rows;
}

function sentence(name: string, value: string): DebugProtocol.Variable {
  return { name, value, variablesReference: 0, presentationHint: { attributes: ['readOnly'] } };
}
