/** `step`, `step.event` as traces print it (`:` and `/` will do), or a number of steps from `here` on with its sign; undefined: it is none of these. */
export function parseMoment(text: string, here: number): { readonly step: number; readonly event: number } | undefined {
  const match = /^\s*([+-]?)(\d{1,15})(?:[.:/](\d{1,9}))?\s*$/.exec(text);
  if (match === null) return undefined;
  const [, sign, digits, event] = match;
  const steps = Number(digits);
  const step = sign === '+' ? here + steps : sign === '-' ? Math.max(0, here - steps) : steps;
  return { step, event: Number(event ?? 0) };
}
