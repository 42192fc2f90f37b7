import { registerBits } from '../../hardware/processor/controlRegisters';
import { REGISTER, registerNames } from '../../hardware/processor/registers';
import { SEGMENT, segmentNames } from '../../hardware/segments/segmentRegisters';
import { SEGMENT_SELECTORS_AT, type ValueType } from '../program';

/** A register or a part of one, as the manual spells it. SDM Vol. 1, "General-Purpose Registers in 64-Bit Mode". */
export interface RegisterPart {
  /** Number of the whole register. */
  readonly register: number;
  readonly shift: number;
  readonly bits: number;
  /** A 32-bit part: writing it clears the upper half; 8- and 16-bit parts leave the rest as it was. */
  readonly clearsRest: boolean;
  readonly type: ValueType;
}

const TYPES: Readonly<Record<string, ValueType>> = { cr2: 'gva', cr3: 'gpa' };
const parts = new Map<string, RegisterPart>();

const add = (name: string, register: number, bits: number, shift = 0): void => {
  parts.set(name, { register, shift, bits, clearsRest: bits >= 32, type: TYPES[name] ?? 'number' });
};
registerNames.forEach((name, register) => {
  add(name, register, 64);
});
for (const letter of ['a', 'c', 'd', 'b']) {
  const register = registerNames.findIndex((name) => name === `r${letter}x`);
  add(`e${letter}x`, register, 32);
  add(`${letter}x`, register, 16);
  add(`${letter}l`, register, 8);
  add(`${letter}h`, register, 8, 8);
}
for (const name of ['sp', 'bp', 'si', 'di'] as const) {
  add(`e${name}`, REGISTER[`r${name}`], 32);
  add(name, REGISTER[`r${name}`], 16);
  add(`${name}l`, REGISTER[`r${name}`], 8);
}
for (let n = 8; n < 16; n++) {
  const register = registerNames.findIndex((name) => name === `r${n}`);
  add(`r${n}d`, register, 32);
  add(`r${n}w`, register, 16);
  add(`r${n}b`, register, 8);
}
for (const name of segmentNames.slice(0, SEGMENT.gs + 1)) add(name, SEGMENT_SELECTORS_AT + SEGMENT[name], 64);

export function registerPart(name: string): RegisterPart | undefined {
  return parts.get(name);
}

export function registerPartNames(): readonly string[] {
  return [...parts.keys()];
}

/** Registers that 64-bit mode adds. SDM Vol. 1, "General-Purpose Registers in 64-Bit Mode". */
export function needsLongMode(name: string): boolean {
  return /^r([89]|1[0-5])[dwb]?$/.test(name);
}

/** Bit number of a register's named bit: `cr0`, `WP`. */
export function registerBit(register: string, bit: string): number | undefined {
  return registerBits[register]?.find((row) => row.name === bit)?.bit;
}

export function registerBitNames(register: string): readonly string[] {
  return (registerBits[register] ?? []).map((row) => row.name);
}
