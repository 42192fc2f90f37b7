/** What tables have been compiled to, kept for whoever asks for the same again. */
const kept: { clear(): void }[] = [];

/** A place for compilations of one table, by what they were made for. */
export function keptCompilations<K, V>(): Map<K, V> {
  const map = new Map<K, V>();
  kept.push(map);
  return map;
}

/** Has everything compiled anew from here on. Tables do not change: this is for tests that change them. */
export function forgetCompilations(): void {
  for (const each of kept) each.clear();
}
