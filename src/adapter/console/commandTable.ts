import { nearestName } from '../../language/compile/nearestName';
import type { Failure } from '../failures';
import { paintFor, type Paint } from '../tones';
import type { CommandSite, ConsoleCommand } from './command';
import { lookCommands, unknownWord } from './lookCommands';
import { traceCommand } from './traceCommand';
import { travelCommands } from './travelCommands';

const help: ConsoleCommand = {
  name: 'help',
  usage: 'help [COMMAND]',
  does: 'lists the commands, or tells more of one',
  more: 'Everything else that is typed here is an expression of the language, evaluated in the selected frame, or gives what one names another value: cr0.WP = 0.',
  argument: 'command',
  run: (site, argument) => helpText(paintFor(site.state.client), argument),
};

/** The commands of the debug console. */
export const consoleCommands: readonly ConsoleCommand[] = [help, ...lookCommands, traceCommand, ...travelCommands];

/** A line of the console that begins with a command. */
export interface TypedCommand {
  readonly command: ConsoleCommand;
  readonly argument: string;
}

/**
 * The command that a line is, if it is one: a command's name by itself or with something behind it that cannot go on an
 * expression (`walk gva:0x1000`, but not `walk(gva:0x1000).frame` or `tlb.hits`).
 */
export function typedCommand(text: string): TypedCommand | undefined {
  const match = /^\s*(\w+)(?:\s+(\S[^]*?))?\s*$/.exec(text);
  const command = consoleCommands.find(({ name }) => name === match?.[1]);
  if (command === undefined) return undefined;
  const argument = match?.[2] ?? '';
  return GOES_ON.test(argument) ? undefined : { command, argument };
}

/** What makes the word before it an operand. */
const GOES_ON = /^(?:[.+*/%&|^<>=!?]|-\s|\(.*\)\s*\.|(?:and|or|in)\b)/;

/** The command that a line which is no expression was perhaps meant to be. */
export function nearestCommand(text: string): string | undefined {
  const word = /^\s*(\w+)(?:\s|$)/.exec(text)?.[1];
  return word === undefined ? undefined : nearestName(word, consoleCommands.map(({ name }) => name));
}

export function runCommand(site: CommandSite, { command, argument }: TypedCommand): readonly string[] | Failure {
  return command.run(site, argument);
}

function helpText(paint: Paint, name: string): readonly string[] | Failure {
  if (name !== '') {
    const found = consoleCommands.find((command) => command.name === name);
    return found === undefined ? unknownWord('help', name, consoleCommands.map((command) => command.name)) : [paint('heading', found.usage), `  ${found.does}.`, `  ${found.more}`];
  }
  const width = Math.max(...consoleCommands.map(({ usage }) => usage.length));
  return [paint('heading', 'Commands:'), ...consoleCommands.map(({ usage, does }) => `  ${paint('note', usage.padEnd(width))}  ${does}`), help.more];
}
