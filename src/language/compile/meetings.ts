import { KIND } from '../../hardware/events/eventTable';
import type { Hold, Meet } from '../generated/ast';
import { holdableEvents } from '../holdableEvents';
import { MEET, OP } from '../program';
import { numberOf } from '../syntax/literals';
import type { SourceText } from '../syntax/sourceText';
import type { Actor, Meeting } from '../virtualMachines';
import type { Body } from './body';
import type { CodeBuffer } from './codeBuffer';
import { didYouMean } from './nearestName';
import { beginStatement, endStatement, statementRange } from './statementRows';
import type { Unit } from './unit';

interface Use {
  readonly index: number;
  readonly what: Meet['what'] | 'hold';
  readonly source: SourceText;
  readonly node: Meet | Hold;
  readonly procedure: number;
}

/** Names that actors meet at, as they are found in the text. */
export class Meetings {
  readonly rows: { readonly name: string; readonly kind: Meeting['kind'] }[] = [];
  readonly uses: Use[] = [];

  /** The number of a name; it is a barrier or a gate, as its first use has it. */
  numberOf(name: string, kind: Meeting['kind']): { readonly index: number; readonly isOther: boolean } {
    const index = this.rows.findIndex((row) => row.name === name);
    if (index < 0) return { index: this.rows.push({ name, kind }) - 1, isOther: false };
    return { index, isOther: this.rows[index]?.kind !== kind };
  }
}

/** `barrier`, `await`, `release`: a step that may wait. */
export function compileMeet(body: Body, node: Meet): void {
  const row = beginStatement(body, statementRange(body, node), 'own level');
  const index = meetingOf(body, node, node.what, node.what === 'barrier' ? 'barrier' : 'gate');
  body.unit.code.emit(OP.meet, MEET[node.what], index);
  endStatement(body, row);
}

const MOST_EVENTS = 0x7fff_ffffn;
const EXAMPLES = 'table_read, tlb_fill, ad_update and vm_exit';

/** `hold NAME before EVENT [N]`: arms the statement below. */
export function compileHold(body: Body, node: Hold): void {
  if (body.kind === 'host thread') body.fail(node, 'hold-in-thread');
  const row = beginStatement(body, statementRange(body, node), 'own level');
  const index = meetingOf(body, node, 'hold', 'gate');
  const kind = Object.hasOwn(KIND, node.event) ? KIND[node.event as keyof typeof KIND] : undefined;
  if (kind === undefined) body.failName(node, 'hold-unknown-event', node.event, holdableEvents.map(({ name }) => name), { name: node.event, choices: EXAMPLES });
  else if (!holdableEvents.some(({ name }) => name === node.event)) body.fail(node, 'hold-root-event', { name: node.event, choices: EXAMPLES });
  const image = node.count ?? '1';
  const count = numberOf(image);
  if (count === undefined || count === 0n || count > MOST_EVENTS) body.fail(node, 'hold-count', { image });
  const { $container } = node;
  const last = $container.$type === 'Block' ? $container.statements.at(-1) : undefined;
  if (last === node) body.fail(node, 'hold-nothing');
  body.unit.code.emit(OP.hold, index, kind ?? 0, Number(count ?? 1n));
  endStatement(body, row);
}

function meetingOf(body: Body, node: Meet | Hold, what: Use['what'], kind: Meeting['kind']): number {
  if (body.isHandler) body.fail(node, 'meeting-in-handler', { what: `${what} ${node.name}` });
  const { meetings } = body.unit;
  const { index, isOther } = meetings.numberOf(node.name, kind);
  if (isOther) body.fail(node, 'barrier-and-gate', { name: node.name });
  else meetings.uses.push({ index, what, source: body.source, node, procedure: body.procedure });
  return index;
}

interface Part {
  readonly entry: number;
  readonly end: number;
}

/** Who meets where, calls followed; a place where one would wait for ever is said. */
export function meetingsOf(unit: Unit, actors: readonly Actor[], procedures: readonly Part[]): readonly Meeting[] {
  const reached = actors.map(({ procedure }) => reachable(unit.code, procedures, procedure));
  const who = (index: number, ...whats: Use['what'][]): number[] => {
    const users = new Set(unit.meetings.uses.filter((use) => use.index === index && whats.includes(use.what)).map((use) => use.procedure));
    return actors.flatMap((_, actor) => ([...reached[actor] ?? []].some((procedure) => users.has(procedure)) ? [actor] : []));
  };
  return unit.meetings.rows.map(({ name, kind }, index) => {
    const uses = unit.meetings.uses.filter((use) => use.index === index);
    const waiting = kind === 'barrier' ? who(index, 'barrier') : who(index, 'await', 'hold');
    const releasing = who(index, 'release');
    const [first] = uses;
    const hint = didYouMean(name, unit.meetings.rows.map((row) => row.name).filter((other) => other !== name));
    const isLost = unit.lost.has(name) || first === undefined;
    if (!isLost && kind === 'barrier' && waiting.length === 1) {
      unit.report.say(first.source, first.node, 'alone-at-barrier', { name, hint, actor: actors[waiting[0] ?? 0]?.name ?? '' });
    }
    if (!isLost && kind === 'gate') checkGate(unit, uses, { name, hint }, { waiting, releasing });
    return { name, kind, actors: [...new Set([...waiting, ...releasing])].sort((a, b) => a - b) };
  });
}

/** `named`: the gate, and which other name may have been meant. */
function checkGate(unit: Unit, uses: readonly Use[], named: { readonly name: string; readonly hint: string }, { waiting, releasing }: Readonly<Record<'waiting' | 'releasing', readonly number[]>>): void {
  const wait = uses.find(({ what }) => what !== 'release');
  const release = uses.find(({ what }) => what === 'release');
  const isAnotherThere = waiting.some((waiter) => releasing.some((actor) => actor !== waiter));
  if (wait !== undefined && !isAnotherThere) unit.report.say(wait.source, wait.node, 'nobody-releases', named);
  else if (wait === undefined && release !== undefined) unit.report.say(release.source, release.node, 'nobody-waits', named);
}

/** The procedure and all that it calls. */
function reachable(code: CodeBuffer, procedures: readonly Part[], from: number): ReadonlySet<number> {
  const found = new Set([from]);
  for (const number of found) {
    const part = procedures[number];
    if (part === undefined) continue;
    for (const callee of code.operandsOf(OP.call, part.entry, part.end)) found.add(callee);
  }
  return found;
}
