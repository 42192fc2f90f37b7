import { momentAddress } from '../../engine/time/statementSteps';
import type { EventName } from '../../hardware/events/eventTable';
import type { MicroStep } from '../../inspect/microSteps';
import { counted } from '../counted';
import { cannotEvaluate, type Failure } from '../failures';
import { placeOfRange } from '../locations';
import type { OutputPlace, TracedLine } from '../outputPump';
import type { Tone } from '../tones';
import type { CommandSite, ConsoleCommand } from './command';

/** Says what happens on the debug console, each line with its place; a VM exit's handling can be folded away there. */
export const traceCommand: ConsoleCommand = {
  name: 'trace',
  usage: 'trace [statement]',
  does: 'tells what has happened in this step, event by event; each VM exit is a group',
  more: 'A line of a handler leads to its listing. `trace statement` goes on to the end of the statement, with what is still to come.',
  argument: 'reach',
  run: trace,
};

/** What is to be seen from afar; all else is as it is. */
const tonesOfKinds: Partial<Record<EventName, Tone>> = {
  vm_exit: 'warning', nested_vm_exit: 'warning', vm_entry: 'good', page_fault: 'bad', ept_violation: 'bad', ept_misconfiguration: 'bad', triple_fault: 'bad',
  listing_call: 'quiet', listing_line: 'quiet', listing_return: 'quiet',
};

function trace(site: CommandSite, argument: string): readonly string[] | Failure {
  if (argument !== '' && argument !== 'statement') return cannotEvaluate(`\`trace\` does not know "${argument}": write statement, or nothing.`);
  const { state, launched: { debuggee, inspector } } = site;
  const here = momentAddress(debuggee.moment());
  const rows = inspector.microSteps().filter(({ address }) => argument === 'statement' || address <= here);
  const events = rows.filter(({ event }) => event !== undefined);
  if (events.length === 0) return ['Nothing has happened in this step yet; `trace statement` tells what is to come.'];
  state.output.trace(grouped(site, rows));
  const exits = events.filter(({ event }) => event?.kind === 'vm_exit').length;
  return [`${counted(events.length, 'event')}, ${counted(exits, 'VM exit')}`];
}

/** An exit opens a group, and the entry that leads back to the guest closes it. */
function grouped(site: CommandSite, rows: readonly MicroStep[]): readonly TracedLine[] {
  const lines: TracedLine[] = [];
  let isInside = false;
  for (const row of rows) {
    const kind = row.event?.kind;
    const tone = kind === undefined ? 'heading' : tonesOfKinds[kind as EventName];
    const line = { text: row.text, ...(tone === undefined ? {} : { tone }), ...placeOf(site, row) };
    if (kind === 'vm_exit' && !isInside) {
      isInside = true;
      lines.push({ ...line, group: 'startCollapsed' });
    } else if (kind === 'vm_entry' && isInside) {
      isInside = false;
      lines.push({ ...line, group: 'end' });
    } else {
      lines.push(line);
    }
  }
  return isInside ? [...lines, { group: 'end' }] : lines;
}

function placeOf({ state: { client }, launched }: CommandSite, { statement, event }: MicroStep): OutputPlace {
  const { listed } = event ?? {};
  if (listed !== undefined) return { source: launched.sources.ofListing(listed.listing, client), line: client.lineOut(listed.line) };
  const range = launched.scenario.program.statements[statement]?.range;
  if (range === undefined) return {};
  const { source, line } = placeOfRange(launched, client, range);
  return { source, line };
}
