import { field, type Field } from '../hardware/events/eventTable';
import { printValue } from '../engine/interpreter/printValue';
import type { Program, ValueType } from '../language/program';

export function isAddressType(type: ValueType): type is 'gva' | 'gpa' | 'hva' | 'hpa' {
  return type === 'gva' || type === 'gpa' || type === 'hva' || type === 'hpa';
}

/** A value as the language writes it: `gpa:0x5000`, `0x2a`, `true`, a process by its name. */
export function valueText(value: bigint, type: ValueType, program: Program): string {
  const processName = type === 'process' ? program.processes[Number(value)]?.name : undefined;
  return processName ?? printValue(value, type);
}

/** As `valueText`, with whose address it is where there are several VMs: `alice.gpa:0x5000`. Host-physical ones are nobody's. */
export function qualifiedText({ value, type, program, vm }: {
  readonly value: bigint; readonly type: ValueType; readonly program: Program; readonly vm?: string;
}): string {
  return `${vm !== undefined && isAddressType(type) && type !== 'hpa' ? `${vm}.` : ''}${valueText(value, type, program)}`;
}

/** A field of an event, printed as the event table says. */
export function fieldText(name: string, value: bigint): string {
  if (!isField(name)) return hex(value);
  const { print } = field[name];
  if (print === 'count') return value.toString();
  return print === 'hex' ? hex(value) : `${print}:${hex(value)}`;
}

export function hex(value: bigint): string {
  return `0x${BigInt.asUintN(64, value).toString(16)}`;
}

function isField(name: string): name is Field {
  return Object.hasOwn(field, name);
}
