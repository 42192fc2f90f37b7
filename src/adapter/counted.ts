/** `1 guest fault`, `3 VM exits`: a count with what it counts, whose plural has an s or is given. */
export function counted(count: number, noun: string, plural = `${noun}s`): string {
  return `${count} ${count === 1 ? noun : plural}`;
}
