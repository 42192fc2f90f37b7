import type { DebugProtocol } from '@vscode/debugprotocol';
import { bigIntToHalves } from '../../engine/arithmetic';
import { registerBits, type RegisterBit } from '../../hardware/processor/controlRegisters';
import { registerNames } from '../../language/program';
import { editable } from '../editable';
import { evaluateIn } from '../evaluation';
import type { Handles } from '../handles';
import type { ChildrenOf, HeldFrame, Launched } from '../sessionState';
import { editableVariable } from './localScope';

/** Registers that paging hangs on stand first, the general ones below. */
const ordered = [...registerNames].sort((a, b) => Number(isGeneral(a)) - Number(isGeneral(b)));

export function registerVariables(launched: Launched, held: HeldFrame, references: Handles<ChildrenOf>): readonly DebugProtocol.Variable[] {
  return ordered.flatMap((name) => {
    const result = evaluateIn(launched, held, name);
    if ('error' in result) return [];
    const row = editableVariable({ name, ...result }, launched.scenario.program, held);
    const bits = registerBits[name];
    if (bits !== undefined) {
      row.value += setBits(result.value, bits);
      row.variablesReference = references.give(() => bitVariables(launched, held, name));
    }
    return [row];
  });
}

/** Names of the bits that are 1, each behind a blank. */
function setBits(value: bigint, bits: readonly RegisterBit[]): string {
  const [lo, hi] = bigIntToHalves(value);
  let names = '';
  for (const { bit, name } of bits) if (((bit < 32 ? lo >>> bit : hi >>> (bit - 32)) & 1) === 1) names += ` ${name}`;
  return names;
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
