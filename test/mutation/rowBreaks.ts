/** One way in which a row is broken in memory; `undo` mends it. */
export interface RowBreak {
  /** `levels 3 2 -> 3`. */
  readonly how: string;
  apply(): () => void;
}

/** What only people read. */
const TEXT = new Set(['name', 'names', 'levelNames', 'section', 'source', 'title', 'key', 'set', 'clear', 'print', 'meaning', 'values', 'fields']);
/** Words that a column may hold: a broken row holds another one. */
const WORDS: Readonly<Record<string, readonly string[]>> = {
  input: ['canonical', 'zero-extended'],
  refusal: ['page fault', 'EPT', 'nested page fault'],
  entries: ['leaf', 'table', 'any'],
  when: ['always', 'above MAXPHYADDR', 'EFER.NXE = 0', 'no 1-GByte pages', 'no 2-MByte pages', 'no PSE-36'],
  by: ['supervisor', 'user'],
  address: ['supervisor', 'user', 'either'],
  modeBasedExecute: ['on', 'off', 'either'],
  vpid: ['any', 'current', 'given', '0', 'any but 0'],
  pcid: ['any', 'current', 'given'],
  eptRoot: ['any', 'current', 'given'],
  globals: ['also', 'kept'],
  translations: ['all', 'of the address'],
  structures: ['all', 'of the address'],
};
/** Columns that a row may do without: a broken row does. */
const OPTIONAL = new Set([
  'inputBits', 'registerLevel', 'pointerLevels', 'leafNeeds', 'highFrame', 'globalBit', 'keyBit', 'addressBit', 'unless', 'suppressBit',
  'linear', 'combined', 'guestPhysical',
]);
/** Columns of masks: another number there is the mask one place further up. */
const MASKS = new Set(['presentMask', 'mask', 'value', 'needs', 'bit flag']);

/** Numbers that a column may hold. */
const NUMBERS: Readonly<Record<string, readonly number[]>> = { entryBytes: [4, 8], givenBy: [0, 1] };

interface Variant { readonly how: string; readonly value: unknown }

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null && !Array.isArray(value);
const isPair = (key: string, value: readonly unknown[]): value is readonly [number, number] => (
  ['bits', 'frame', 'root'].includes(key) && value.length === 2 && value.every((part) => typeof part === 'number'));

/** Every way to break the value of a column, down to the last number in it. */
function variantsOf(key: string, value: unknown): Variant[] {
  if (TEXT.has(key)) return [];
  if (typeof value === 'number') {
    const others = NUMBERS[key] ?? (MASKS.has(key) ? [value << 1, value === 0 ? 1 : 0] : [value + 1, value - 1]);
    return others.filter((other) => other !== value && other >= 0).map((other) => ({ how: `${key} ${value} -> ${other}`, value: other }));
  }
  if (typeof value === 'boolean') return [{ how: `${key} ${String(value)} -> ${String(!value)}`, value: !value }];
  if (typeof value === 'string') {
    return (WORDS[key] ?? []).filter((word) => word !== value).map((word) => ({ how: `${key} ${value} -> ${word}`, value: word }));
  }
  if (typeof value === 'function') {
    return [true, false].map((answer) => ({ how: `${key} -> always ${String(answer)}`, value: () => answer }));
  }
  if (Array.isArray(value)) return variantsOfArray(key, value);
  if (!isRecord(value)) return [];
  return Object.entries(value).flatMap(([inner, part]) => [
    ...variantsOf(inner, part).map(({ how, value: changed }) => ({ how: `${key}.${how}`, value: { ...value, [inner]: changed } })),
    ...(OPTIONAL.has(inner) ? [{ how: `${key} without ${inner}`, value: { ...value, [inner]: undefined } }] : []),
  ]);
}

function variantsOfArray(key: string, value: readonly unknown[]): Variant[] {
  if (isPair(key, value)) {
    const [high, low] = value;
    const others = high === low ? [[high + 1, low + 1]] : [[high - 1, low], [high, low + 1]];
    return others.map((other) => ({ how: `${key} ${value.join(':')} -> ${other.join(':')}`, value: other }));
  }
  return value.flatMap((part, index) => [
    { how: `${key} without ${isRecord(part) ? `row ${index}` : String(part)}`, value: value.filter((_, other) => other !== index) },
    ...(isRecord(part) ? variantsOf(String(index), part).map(({ how, value: changed }) => (
      { how: `${key} ${how}`, value: value.map((old, other) => (other === index ? changed : old)) })) : []),
  ]);
}

/** The ways to break a row, each by one column; `columns`: those to break, all of them when left out. */
export function breaksOf(row: object, columns?: readonly string[]): RowBreak[] {
  const holder = row as Record<string, unknown>;
  return Object.entries(holder).filter(([key]) => columns?.includes(key) ?? true).flatMap(([key, value]) => [
    ...variantsOf(key, value).map(({ how, value: changed }): RowBreak => ({ how, apply: () => replace(holder, key, changed) })),
    ...(OPTIONAL.has(key) && value !== undefined ? [{ how: `without ${key}`, apply: () => replace(holder, key, undefined) }] : []),
  ]);
}

/** The ways to break a record of single bits by name: each may be the next bit, or none. */
export function bitBreaksOf(record: object): RowBreak[] {
  const holder = record as Record<string, unknown>;
  return Object.entries(holder).flatMap(([key, value]) => [Number(value) << 1, 0].filter((other) => other !== value).map((other) => (
    { how: `${key} ${String(value)} -> ${other}`, apply: () => replace(holder, key, other) })));
}

/** The ways to break a map of numbers: each value may be another. */
export function valueBreaksOf(map: Map<number, number>): RowBreak[] {
  return [...map].flatMap(([key, value]) => [value << 1, 0].map((other) => ({
    how: `${key}: ${value} -> ${other}`,
    apply: () => {
      map.set(key, other);
      return () => map.set(key, value);
    },
  })));
}

/** Takes a row out of its table. */
export function dropFrom(rows: readonly unknown[], index: number): RowBreak {
  const table = rows as unknown[];
  return {
    how: 'row dropped',
    apply: () => {
      const removed = table.splice(index, 1);
      return () => table.splice(index, 0, ...removed);
    },
  };
}

function replace(holder: Record<string, unknown>, key: string, value: unknown): () => void {
  const old = holder[key];
  if (value === undefined) Reflect.deleteProperty(holder, key);
  else holder[key] = value;
  return () => {
    holder[key] = old;
  };
}
