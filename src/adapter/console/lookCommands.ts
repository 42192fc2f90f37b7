import { settingRows } from '../../engine/settings/catalog';
import { ACCESS } from '../../hardware/paging/accessKinds';
import { nearestName } from '../../language/compile/nearestName';
import type { LastWrite } from '../../engine/debuggee';
import type { Row } from '../../inspect/rows';
import type { Space } from '../../protocol/requests';
import { evaluateIn } from '../evaluation';
import { cannotEvaluate, Failure } from '../failures';
import { lastWriterOf, placeOfWrite, writerText } from '../locations';
import { paintFor } from '../tones';
import { addressArgument } from './addressArgument';
import type { CommandSite, ConsoleCommand } from './command';

export const tableSpaces: readonly Space[] = ['guest', 'shadow', 'ept', 'host'];

/** What `who` is about unless it is told. */
const WORD_BYTES = 8;

const accessWords: Readonly<Record<string, number>> = { read: ACCESS.read, write: ACCESS.write, fetch: ACCESS.fetch, user: ACCESS.user };

/** Commands that look at the stopped machine and touch nothing. */
export const lookCommands: readonly ConsoleCommand[] = [
  {
    name: 'walk',
    usage: 'walk ADDRESS [read|write|fetch] [user]',
    does: 'walks the tables for any address, entry by entry, down to the host frame',
    more: 'Without words behind the address it asks for a supervisor read. Nothing is touched: no accessed flag, no TLB line. '
      + 'Example: walk gva:0x600000 write user',
    argument: 'expression',
    run: walk,
  },
  {
    name: 'maps',
    usage: 'maps ADDRESS',
    does: 'finds every table entry that leads to a guest- or host-physical address',
    more: 'All tables that a known root leads to are searched: the guest\'s for gpa:, shadow, nested and host tables for hpa:. '
      + 'Example: maps hpa_of(gva:0x600000)',
    argument: 'expression',
    run: maps,
  },
  {
    name: 'who',
    usage: 'who ADDRESS [BYTES]',
    does: 'tells who wrote memory last: statement, listing line or processor, and when',
    more: 'History is searched for the last write to the 8 bytes there, or as many as are said. Example: who gva:0x600000',
    argument: 'expression',
    run: who,
  },
  {
    name: 'tables',
    usage: 'tables [guest|shadow|ept|host]',
    does: 'counts tables, entries and mapped pages below each root',
    more: 'Without a word behind it, of all four spaces. The views under Run and Debug show the entries themselves.',
    argument: 'tables',
    run: tables,
  },
  {
    name: 'tlb',
    usage: 'tlb ADDRESS',
    does: 'shows the TLB lines over an address, of all tags, and which of them answers now',
    more: 'A line of another VPID, ASID, PCID or root covers the address too, and does not answer. Example: tlb gva:0x600000',
    argument: 'expression',
    run: tlb,
  },
  {
    name: 'decode',
    usage: 'decode VALUE as ENTRY',
    does: 'reads a number as an entry: PTE, PDE, PDPTE, PML4E, EPT PTE …',
    more: 'By the formats of this machine, as it stands: what its registers reserve is said. Example: decode 0x8000000000005067 as PTE',
    argument: 'decoded',
    run: decode,
  },
  {
    name: 'settings',
    usage: 'settings [NAME]',
    does: 'tells the settings in force, those that nobody wrote too',
    more: 'With a name: what that setting means, and how it is written. Example: settings backing',
    argument: 'setting',
    run: settings,
  },
];

function walk(site: CommandSite, argument: string): readonly string[] | Failure {
  const words = argument.split(/\s+/);
  let access = 0;
  while (words.length > 1 && Object.hasOwn(accessWords, words[words.length - 1] ?? '')) access |= accessWords[words.pop() ?? ''] ?? 0;
  const asked = addressArgument(site, 'walk', words.join(' '));
  if (asked instanceof Failure) return asked;
  const walked = site.launched.inspector.walkFor({ cpu: asked.cpu, space: asked.space, address: asked.address, access });
  if ('error' in walked) return cannotEvaluate(walked.error);
  const paint = paintFor(site.state.client);
  return walked.flatMap(({ title, entries, outcome, leads }) => [paint('heading', title), ...columns(entries), `  ${paint(leads ? 'good' : 'bad', outcome)}`]);
}

function maps(site: CommandSite, argument: string): readonly string[] | Failure {
  const asked = addressArgument(site, 'maps', argument);
  if (asked instanceof Failure) return asked;
  const { space, address, vm } = asked;
  const at = `${space}:0x${address.toString(16)}`;
  if (space !== 'gpa' && space !== 'hpa') return cannotEvaluate(`${at} is no physical address; entries lead to gpa: and hpa: ones, such as gpa_of(${at}).`);
  const { rows, more } = site.launched.inspector.mappers(space, address, vm);
  if (rows.length === 0) return [`No entry of any table leads to ${at}.`];
  return [...columns(rows), ...more === 0 ? [] : [`  and ${more} more`]];
}

function who(site: CommandSite, argument: string): readonly string[] | Failure {
  const [, text = argument, digits] = /^(.*\S)\s+(\d{1,4})$/.exec(argument) ?? [];
  const asked = addressArgument(site, 'who', text);
  if (asked instanceof Failure) return asked;
  const at = `${asked.space}:0x${asked.address.toString(16)}`;
  const bytes = digits === undefined ? WORD_BYTES : Number(digits);
  const written = lastWriterOf(site.launched, { at, bytes }, asked.cpu);
  return 'nobody' in written ? [written.nobody] : writeLines(site, at, written);
}

function writeLines({ state, launched }: CommandSite, at: string, written: LastWrite): readonly string[] {
  const place = placeOfWrite(launched, state.client, written);
  const where = place === undefined ? '' : `  at ${place.source.path ?? place.source.name ?? ''}:${place.line}${written.listed === undefined ? '' : `, in ${written.listed.procedure}`}`;
  const paint = paintFor(state.client);
  return [paint('heading', writerText(launched, at, written)), `  ${written.text}`, ...where === '' ? [] : [paint('quiet', where)]];
}

function tables({ state: { client }, launched: { inspector } }: CommandSite, argument: string): readonly string[] | Failure {
  const wanted = tableSpaces.filter((space) => argument === '' || space === argument);
  if (wanted.length === 0) return unknownWord('tables', argument, tableSpaces);
  return wanted.flatMap((space) => {
    const counted = inspector.tableCounts(space);
    return 'message' in counted ? [paintFor(client)('quiet', counted.message)] : [paintFor(client)('heading', space), ...columns(counted)];
  });
}

function tlb(site: CommandSite, argument: string): readonly string[] | Failure {
  const asked = addressArgument(site, 'tlb', argument);
  if (asked instanceof Failure) return asked;
  const at = `${asked.space}:0x${asked.address.toString(16)}`;
  if (asked.space !== 'gva') return cannotEvaluate(`${at} is no linear address, by which TLB lines are found; write one such as gva:0x600000.`);
  const rows = site.launched.inspector.cachedLines(asked.cpu, asked.address);
  return rows.length === 0 ? [`No TLB line covers ${at}: the next access walks.`] : columns(rows);
}

function decode({ state: { client }, launched, held }: CommandSite, argument: string): readonly string[] | Failure {
  const asked = /^(.*\S)\s+as\s+(\S.*)$/.exec(argument);
  if (asked === null) return cannotEvaluate('`decode` needs a number and what to read it as, such as decode 0x8000000000005067 as PTE.');
  const result = evaluateIn(launched, held, asked[1] ?? '');
  if ('error' in result) return cannotEvaluate(result.error);
  const decoded = launched.inspector.decoded(held.cpu, BigInt.asUintN(64, result.value), asked[2] ?? '');
  return 'choices' in decoded ? unknownWord('decode', asked[2] ?? '', decoded.choices) : [paintFor(client)('heading', decoded.line), ...columns(decoded.rows)];
}

function settings({ launched: { inspector } }: CommandSite, argument: string): readonly string[] | Failure {
  const inForce = inspector.settings();
  if (argument === '') return columns(inForce);
  const rows = settingRows.filter(({ name }) => name === argument);
  if (rows.length === 0) return unknownWord('settings', argument, settingRows.map(({ name }) => name));
  return [
    ...rows.map(({ section, form, documentation }) => `${section} { ${argument} … }, such as ${form}: ${documentation}`),
    ...columns(inForce.filter(({ name }) => name === argument || name.endsWith(`.${argument}`))),
  ];
}

/** `"TABLES" …` with the nearest of what may stand there. */
export function unknownWord(command: string, word: string, choices: readonly string[]): Failure {
  const nearest = nearestName(word, choices);
  return cannotEvaluate(`\`${command}\` does not know "${word}": ${nearest === undefined ? `write one of ${choices.join(', ')}` : `did you mean ${nearest}?`}`);
}

/** Names and values below each other. */
function columns(rows: readonly Row[]): readonly string[] {
  const width = Math.max(0, ...rows.map(({ name }) => name.length));
  return rows.map(({ name, value }) => `  ${name.padEnd(width)}  ${value}`);
}
