import { cannotEvaluate, Failure } from '../failures';
import { memoryReference } from '../memoryReference';
import { lastWrite, seek } from '../requests/journeys';
import { paintFor } from '../tones';
import { addressArgument } from './addressArgument';
import type { CommandSite, ConsoleCommand } from './command';

/** Commands about time: they are the requests of the same motions, typed. */
export const travelCommands: readonly ConsoleCommand[] = [
  {
    name: 'history',
    usage: 'history',
    does: 'tells where in the run one stands, how far history reaches, and what was edited',
    more: 'A step is one instruction of the compiled scenario; events are counted within a step.',
    argument: 'nothing',
    run: history,
  },
  {
    name: 'seek',
    usage: 'seek STEP[.EVENT] | start | end',
    does: 'goes to any moment of the run, back or forward',
    more: 'Breakpoints do not stop on the way. `history` tells the steps there are, `pagewalk trace` prints moments as they are written here. Example: seek start',
    argument: 'moment',
    run: toMoment,
  },
  {
    name: 'rewind',
    usage: 'rewind ADDRESS',
    does: 'goes back to the last write of the memory at an address',
    more: '`who` tells of the same write without going there. Example: rewind gva:0x600000',
    argument: 'expression',
    run: toLastWrite,
  },
];

function history({ state: { client }, launched: { debuggee } }: CommandSite, argument: string): readonly string[] | Failure {
  if (argument !== '') return cannotEvaluate('`history` takes nothing behind it.');
  const { first, latest } = debuggee.history();
  const moment = ({ step, event }: { readonly step: number; readonly event: number }): string => `step ${step}${event === 0 ? '' : `, event ${event}`}`;
  const { edits } = debuggee;
  return [
    paintFor(client)('heading', `Here: ${moment(debuggee.moment())}${debuggee.isInThePast() ? ', in the past' : ''}`),
    `History: from ${moment(first)} to ${moment(latest)}, the latest stop`,
    `Edits: ${edits === 0 ? 'none' : edits}`,
  ];
}

function toMoment({ state }: CommandSite, argument: string): readonly string[] | Failure {
  const [, step, event = '0'] = /^(\d{1,15})(?:\s*[.:/]\s*(\d{1,9}))?$/.exec(argument) ?? [];
  const to = argument === 'start' || argument === 'end' ? argument : step === undefined ? undefined : { step: Number(step), event: Number(event) };
  if (to === undefined) return cannotEvaluate(`\`seek\` does not know "${argument}": write a step such as 1204 or 1204.3, or start or end.`);
  return begun(seek(state, { to }), typeof to === 'string' ? `Going to the ${to} of history.` : `Going to step ${to.step}${to.event === 0 ? '' : `, event ${to.event}`}.`);
}

function toLastWrite(site: CommandSite, argument: string): readonly string[] | Failure {
  const asked = addressArgument(site, 'rewind', argument);
  if (asked instanceof Failure) return asked;
  const at = memoryReference({ space: asked.space, address: asked.address, ...(asked.vm === '' ? {} : { vm: asked.vm }) });
  return begun(lastWrite(site.state, { memoryReference: at }), `Going back to the last write of ${at}.`);
}

function begun(answer: unknown, said: string): readonly string[] | Failure {
  return answer instanceof Failure ? answer : [said];
}
