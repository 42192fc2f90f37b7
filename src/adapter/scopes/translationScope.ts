import type { DebugProtocol } from '@vscode/debugprotocol';
import { field } from '../../hardware/events/eventTable';
import { parseMemoryReference } from '../memoryReference';
import type { HeldFrame, Launched } from '../sessionState';
import { hex } from '../valueText';

/** Questions of the language that give a row's address again. */
const questions: Readonly<Record<string, string>> = { gpa: 'gpa_of', hva: 'hva_of', hpa: 'hpa_of' };

const presentationHint: DebugProtocol.VariablePresentationHint = { attributes: ['readOnly'] };

/** The address of the access that runs or ran last, through every space down to memory, and what the processor has of it. */
export function translationVariables(launched: Launched, held: HeldFrame): readonly DebugProtocol.Variable[] {
  const last = launched.debuggee.lastAccess();
  const [record] = last?.records ?? [];
  const said = (value: string): readonly DebugProtocol.Variable[] => [{ name: 'gva', value, variablesReference: 0, presentationHint }];
  if (last === undefined || record === undefined) return said('no access has run yet');
  const { actors } = launched.scenario.program;
  if (actors[last.actor]!.vm !== actors[held.cpu]?.vm) return said(`the last access was made by ${actors[last.actor]!.name}`);
  const address = (BigInt(record[field.gva.at + 1]! >>> 0) << 32n) | BigInt(record[field.gva.at]! >>> 0);
  return translationOf(launched, held, address);
}

/** A linear address through every space down to memory, as the tables stand. */
export function translationOf(launched: Launched, held: HeldFrame, address: bigint): readonly DebugProtocol.Variable[] {
  return launched.inspector.translation(held.cpu, address).map(({ name, value, by }) => {
    const isAddress = parseMemoryReference(value) !== undefined;
    const question = questions[name];
    const linear = `gva:${hex(address)}`;
    return {
      name,
      value: by === '' ? value : `${value}  by ${by}`,
      variablesReference: 0,
      presentationHint,
      ...(isAddress ? { memoryReference: value } : {}),
      ...(isAddress && name === 'gva' ? { evaluateName: linear } : {}),
      ...(isAddress && question !== undefined ? { evaluateName: `${question}(${linear})` } : {}),
    };
  });
}
