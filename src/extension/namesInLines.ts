/** Where a name stands first in a line: lines and columns from 0. */
export interface NamePlace {
  readonly line: number;
  readonly from: number;
  readonly name: string;
}

/**
 * Where names of the block stand that is stopped in, from its head to the line stopped at, once a line: what stands further down
 * has not run. Comments and texts are left out.
 */
export function namesInLines(lines: readonly string[], stoppedAt: number, names: ReadonlySet<string>): readonly NamePlace[] {
  const places: NamePlace[] = [];
  for (let line = stoppedAt; line >= 0; line--) {
    const code = (lines[line] ?? '').replace(/"[^"]*"|\/\/.*$/g, (text) => ' '.repeat(text.length));
    const seen = new Set<string>();
    for (const match of code.matchAll(/[a-z_]\w*/gi)) {
      const [name] = match;
      if (!names.has(name) || seen.has(name)) continue;
      seen.add(name);
      places.push({ line, from: match.index, name });
    }
    if (isHead(code)) break;
  }
  return places.reverse();
}

/** `cpu 0 {`, `procedure f(a) {`, `on page_fault(a, code) {`, in a listing `handle_exit() {`: variables are of one such block. */
function isHead(code: string): boolean {
  return /^\s*(?:cpu|procedure|override|on|boot|thread)\b.*\{/.test(code) || /^\w.*\{\s*$/.test(code);
}
