/** The value below which `share` of the values lie: 0.5 the median, 0.99 the 99th percentile. */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)]!;
}

/** `NAME` and `NAME.p99` of some times. */
export function summary(name: string, values: readonly number[]): Readonly<Record<string, number>> {
  return { [name]: percentile(values, 0.5), [`${name}.p99`]: percentile(values, 0.99) };
}
