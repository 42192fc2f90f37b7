import type { Sweep } from '../engine/run/compare';

/** More runs than anyone looks at. */
const MOST_VALUES = 1000;

const FORM = 'write NAME=FROM..TO, with a step :+N or :xN, such as n=1..4096:x2, or NAME=A,B,C';

/** Reads `n=1..4096:x2` (the end is included), `n=0..100:+10` or `n=1,8,64`; a sentence when it is not of that form. */
export function readSweep(text: string): Sweep | { readonly error: string } {
  const [, global, values] = /^([A-Za-z_]\w*)=(.+)$/.exec(text) ?? [];
  if (global === undefined || values === undefined) return { error: FORM };
  const range = /^([^.:,]+)\.\.([^.:,]+)(?::([+x])([^.:,]+))?$/.exec(values);
  const read = range === null ? listed(values) : spread(range[1], range[2], range[3] === 'x' ? 'x' : '+', range[4] ?? '1');
  if (read === undefined) return { error: FORM };
  if ('error' in read) return read;
  return { global, values: read.values };
}

type Values = { readonly values: readonly bigint[] } | { readonly error: string } | undefined;

function listed(text: string): Values {
  const values = text.split(',').map(number);
  const known = values.filter((value) => value !== undefined);
  return known.length === values.length ? { values: [...new Set(known)] } : undefined;
}

function spread(fromText: string | undefined, toText: string | undefined, how: '+' | 'x', stepText: string): Values {
  const [from, to, step] = [number(fromText), number(toText), number(stepText)];
  if (from === undefined || to === undefined || step === undefined) return undefined;
  if (from > to) return { error: `${from} is past ${to}: the smaller one comes first` };
  if (step === 0n || (how === 'x' && (step === 1n || from === 0n))) return { error: 'the steps lead nowhere: use :+1, or :x2 from 1 on' };
  const values: bigint[] = [];
  for (let value = from; value <= to; value = how === 'x' ? value * step : value + step) {
    if (values.length === MOST_VALUES) return { error: `these are more than ${MOST_VALUES} values: take longer steps` };
    values.push(value);
  }
  return { values };
}

const FACTORS: Readonly<Record<string, bigint>> = { '': 1n, K: 1n << 10n, M: 1n << 20n, G: 1n << 30n, T: 1n << 40n };

/** A number as the language writes it: `42`, `0x1000`, `4K`; 64 bits. */
function number(text: string | undefined): bigint | undefined {
  const [, digits, unit = ''] = /^(0x[0-9a-fA-F_]+|[0-9][0-9_]*)([KMGT]?)$/.exec(text?.trim() ?? '') ?? [];
  if (digits === undefined) return undefined;
  const value = BigInt(digits.replaceAll('_', '')) * (FACTORS[unit] ?? 1n);
  return value >> 64n === 0n ? value : undefined;
}
