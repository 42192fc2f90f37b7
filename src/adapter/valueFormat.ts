import type { DebugProtocol } from '@vscode/debugprotocol';

/** A value as a client is told it, before its own wish about numbers. */
interface Told {
  readonly value: string;
  readonly type?: string;
}

/**
 * The value as a client wants its numbers: numbers stand in hex and counts in decimal unless `hex` says otherwise. An address
 * is one in any case, and what stands behind a number stays.
 */
export function formattedValue({ value, type }: Told, format: DebugProtocol.ValueFormat | undefined): string {
  if (format?.hex === false && type === 'number') return value.replace(/^0x[0-9a-f]+/, (digits) => BigInt(digits).toString());
  if (format?.hex === true && type === 'counter') return value.replace(/^\d+/, (digits) => `0x${BigInt(digits).toString(16)}`);
  return value;
}

export function formattedVariable(variable: DebugProtocol.Variable, format: DebugProtocol.ValueFormat | undefined): DebugProtocol.Variable {
  const value = formattedValue(variable, format);
  return value === variable.value ? variable : { ...variable, value };
}
