const UNITS: Readonly<Record<string, bigint>> = { K: 1n << 10n, M: 1n << 20n, G: 1n << 30n, T: 1n << 40n };

/** The value of a NUMBER token: `42`, `0x1f_ff`, `0b101`, `16M`. Undefined when it has no digits or passes 64 bits. */
export function numberOf(image: string): bigint | undefined {
  const digits = image.replace(/_/g, '');
  const unit = /^[0-9]+[KMGT]$/.test(digits) ? UNITS[digits.slice(-1)] : undefined;
  const body = unit === undefined ? digits : digits.slice(0, -1);
  if (!/^(0x[0-9a-fA-F]+|0b[01]+|[0-9]+)$/.test(body)) return undefined;
  const value = BigInt(body) * (unit ?? 1n);
  return value < 1n << 64n ? value : undefined;
}
