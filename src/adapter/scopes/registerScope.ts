import type { DebugProtocol } from '@vscode/debugprotocol';
import { pairToBigInt } from '../../engine/arithmetic';
import { registerBits, type RegisterBit } from '../../hardware/processor/controlRegisters';
import { registerPart } from '../../language/compile/registersAndParts';
import { registerNames, type ValueType } from '../../language/program';
import { childrenIn, type Children } from '../children';
import { editable } from '../editable';
import type { Handles } from '../handles';
import type { HeldFrame, Launched } from '../sessionState';
import { editableVariable } from './localScope';

/** A register, and its row as it was made for the value that it had at the last look. */
interface ShownRegister {
  readonly number: number;
  readonly name: string;
  readonly type: ValueType;
  readonly bits: readonly RegisterBit[] | undefined;
  lo: number;
  hi: number;
  refusal: string | undefined;
  row: DebugProtocol.Variable | undefined;
}

/** The registers of one CPU as they were shown last: a step changes few of them, and rows of the others are given again. */
export type ShownRegisters = readonly ShownRegister[];

/** Registers that paging hangs on stand first, the general ones below. */
const ordered = registerNames.map((name, number) => ({ name, number })).sort((a, b) => Number(isGeneral(a.name)) - Number(isGeneral(b.name)));

export function registerVariables(launched: Launched, held: HeldFrame, references: Handles<Children>): readonly DebugProtocol.Variable[] {
  const words = launched.debuggee.registers(held.cpu);
  return words === undefined ? [] : shownOf(launched, held.cpu).map((shown) => {
    const lo = words[2 * shown.number]!;
    const hi = words[2 * shown.number + 1]!;
    const refusal = launched.debuggee.whyNoEdit(held.cpu, shown.number);
    if (shown.row === undefined || shown.lo !== lo || shown.hi !== hi || shown.refusal !== refusal) {
      shown.lo = lo;
      shown.hi = hi;
      shown.refusal = refusal;
      shown.row = rowOf(launched, held, shown);
    }
    const { row, bits } = shown;
    return bits === undefined ? row : { ...row, variablesReference: references.give(childrenIn(held, () => bitVariables(launched, held.cpu, shown))) };
  });
}

function shownOf({ shownRegisters }: Launched, cpu: number): ShownRegisters {
  let shown = shownRegisters.get(cpu);
  if (shown === undefined) {
    shown = ordered.map(({ name, number }) => ({ name, number, type: registerPart(name)?.type ?? 'number', bits: registerBits[name], lo: 0, hi: 0, refusal: undefined, row: undefined }));
    shownRegisters.set(cpu, shown);
  }
  return shown;
}

function rowOf(launched: Launched, { cpu }: HeldFrame, { name, type, bits, lo, hi, refusal }: ShownRegister): DebugProtocol.Variable {
  const row = editableVariable({ name, type, value: pairToBigInt(lo, hi) }, { program: launched.scenario.program, cpu }, refusal);
  if (bits !== undefined) row.value += setBits(lo, hi, bits);
  return row;
}

/** Names of the bits that are 1, each behind a blank. */
function setBits(lo: number, hi: number, bits: readonly RegisterBit[]): string {
  let names = '';
  for (const { bit, name } of bits) if (((bit < 32 ? lo >>> bit : hi >>> (bit - 32)) & 1) === 1) names += ` ${name}`;
  return names;
}

/** Named bits of one register, highest first as the manual draws them. */
function bitVariables({ debuggee }: Launched, cpu: number, { number, name: register, bits = [], refusal }: ShownRegister): readonly DebugProtocol.Variable[] {
  const words = debuggee.registers(cpu);
  const value = words === undefined ? 0n : pairToBigInt(words[2 * number]!, words[2 * number + 1]!);
  return [...bits].sort((a, b) => b.bit - a.bit).map(({ name, bit, meaning }) => editable({
    name,
    value: `${(value >> BigInt(bit)) & 1n}${meaning === '' ? '' : `  ${meaning}`}`,
    type: `bit ${bit}`,
    evaluateName: `${register}.${name}`,
    variablesReference: 0,
    presentationHint: { attributes: ['readOnly'] },
  }, { kind: 'expression', expression: `${register}.${name}` }, refusal));
}

function isGeneral(name: string): boolean {
  return /^r(?:[a-ds].|\d+|di|ip)$/.test(name) || name === 'rbp';
}
