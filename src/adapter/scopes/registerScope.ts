import type { DebugProtocol } from '@vscode/debugprotocol';
import { registerBits } from '../../hardware/processor/controlRegisters';
import { registerNames } from '../../language/program';
import { editable } from '../editable';
import { evaluateIn } from '../evaluation';
import type { Handles } from '../handles';
import type { ChildrenOf, HeldFrame, Launched } from '../sessionState';
import { variable } from './localScope';

/** Registers that paging hangs on stand first, the general ones below. */
const ordered = [...registerNames].sort((a, b) => Number(isGeneral(a)) - Number(isGeneral(b)));

export function registerVariables(launched: Launched, held: HeldFrame, references: Handles<ChildrenOf>): readonly DebugProtocol.Variable[] {
  return ordered.flatMap((name) => {
    const result = evaluateIn(launched, held, name);
    if ('error' in result) return [];
    const place = { kind: 'expression', held, expression: name } as const;
    const row = variable(name, result.value, result.type, { program: launched.scenario.program, cpu: held.cpu });
    const bits = registerBits[name];
    if (bits === undefined) return [editable(row, place)];
    const set = bits.filter(({ bit }) => ((result.value >> BigInt(bit)) & 1n) === 1n).map((bit) => bit.name);
    return [
      editable({
        ...row,
        value: `${row.value}${set.length === 0 ? '' : ` ${set.join(' ')}`}`,
        variablesReference: references.give(() => bitVariables(launched, held, name)),
      }, place),
    ];
  });
}

/** Named bits of one register, highest first as the manual draws them. */
function bitVariables(launched: Launched, held: HeldFrame, register: string): readonly DebugProtocol.Variable[] {
  const result = evaluateIn(launched, held, register);
  const value = 'error' in result ? 0n : result.value;
  const bits = [...(registerBits[register] ?? [])].sort((a, b) => b.bit - a.bit);
  return bits.map(({ name, bit, meaning }) => editable({
    name,
    value: `${(value >> BigInt(bit)) & 1n}${meaning === '' ? '' : `  ${meaning}`}`,
    type: `bit ${bit}`,
    evaluateName: `${register}.${name}`,
    variablesReference: 0,
    presentationHint: { attributes: ['readOnly'] },
  }, { kind: 'expression', held, expression: `${register}.${name}` }));
}

function isGeneral(name: string): boolean {
  return /^r(?:[a-ds].|\d+|di|ip)$/.test(name) || name === 'rbp';
}
