import { eventKinds } from '../../hardware/events/eventTable';
import { INSTRUCTION_WORDS, OP, eventFieldNames, type Fragment } from '../../language/program';

/**
 * Why a condition can judge no event of these kinds: it asks for a field that none of them carries, which would
 * read 0 for ever. Undefined: each field is carried by one of them at least.
 */
export function whyNoField({ code }: Fragment, kinds: readonly number[]): string | undefined {
  const rows = eventKinds.filter((_, number) => kinds.includes(number));
  const carried = new Set<string>(rows.flatMap(({ fields }) => [...fields]));
  const missing = [...fieldsAsked(code)].find((name) => name !== 'kind' && !carried.has(name));
  if (missing === undefined) return undefined;
  const has = eventFieldNames.filter((name) => name === 'kind' || carried.has(name));
  const names = rows.map(({ name }) => name).join(' and ');
  return rows.length === 1 ? `${names} has no field \`${missing}\`; it has ${has.join(', ')}.`
    : `${names} have no field \`${missing}\`; they have ${has.join(', ')}.`;
}

function fieldsAsked(code: Int32Array): ReadonlySet<string> {
  const asked = new Set<string>();
  for (let at = 0; at < code.length; at += INSTRUCTION_WORDS) {
    if (code[at] === OP.eventField) asked.add(eventFieldNames[code[at + 2]!]!);
  }
  return asked;
}
