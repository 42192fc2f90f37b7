import { Command, CommanderError, InvalidArgumentError, Option } from 'commander';
import type { CheckOptions } from './check';
import type { CompareOptions } from './compare';
import { EXIT, type Console } from './console';
import type { FormatOptions } from './format';
import { helpAfter } from './helpTexts';
import type { TraceOptions } from './trace';

export interface RunOptions {
  readonly mmu?: string;
  readonly json?: true;
  readonly reporter?: 'spec' | 'tap' | 'junit';
  readonly trace?: string;
  readonly guestLog?: string;
}

type Status = number | Promise<number>;

/** The commands behind the words; each gives its exit status. */
export interface Commands {
  run(files: readonly string[], options: RunOptions): Status;
  compare(file: string, options: CompareOptions): Status;
  conform(file: string, options: { readonly json?: true }): Status;
  check(files: readonly string[], options: CheckOptions): Status;
  format(files: readonly string[], options: FormatOptions): Status;
  trace(file: string, options: TraceOptions): Status;
  dap(options: { readonly port?: number }): Status;
  lsp(): Status;
}

const MMU = 'TECHNIQUE[:key=value,…], for example native, shadow-wp or ept; default: what the scenario says';

/** Reads the arguments (without node and script) and runs the command they name; gives the exit status. */
export async function runCommandLine(args: readonly string[], commands: Commands, console: Console): Promise<number> {
  let status: number = EXIT.ok;
  const program = new Command('pagewalk')
    .description('Runs and debugs scenarios of memory virtualization.')
    .configureOutput({
      writeOut: (text) => { console.out(text); },
      writeErr: (text) => { console.error(text); },
      getOutHelpWidth: () => Math.min(100, console.terminal.progressColumns ?? 80),
      outputError: (text, write) => { write(text.replace(/^error: /, 'pagewalk: ')); },
    })
    .exitOverride()
    .showSuggestionAfterError();
  const command = (name: string, description: string): Command => program.command(name).description(description);

  command('run', 'run scenarios to their end')
    .argument('<file...>', 'scenarios (.guest), or folders that hold some')
    .option('--mmu <technique>', MMU)
    .option('--json', 'print one object a scenario, one a line')
    .addOption(new Option('--reporter <kind>', 'report as a test runner does').choices(['spec', 'tap', 'junit']).conflicts('json'))
    .option('--trace <file>', 'write every event to a file, one object a line')
    .option('--guest-log <file>', 'write what the guest could see to a file, one object a line')
    .action(async (files: string[], options: RunOptions) => { status = await commands.run(files, options); });

  command('compare', 'run a scenario under every technique that fits, side by side')
    .argument('<file>', 'a scenario (.guest)')
    .option('--mmu <technique>', 'a technique to compare, in place of all; may be given several times', collected)
    .option('--sweep <values>', 'set a global before boot, in turn: n=1..4096:x2, n=0..100:+10 or n=1,8,64')
    .option('--costs <model>', 'MODEL[:cost=cycles,…] for the estimated cycles, for example nehalem or modern:vm_exit=900')
    .option('--json', 'print the result as one object')
    .option('--svg <file>', 'write charts, a picture for light and dark')
    .option('--html <file>', 'write a page with charts and tables')
    .action(async (file: string, options: CompareOptions) => { status = await commands.compare(file, options); });

  command('conform', 'run conformance vectors')
    .argument('<vectors>', 'vectors (.jsonl or .jsonl.gz)')
    .option('--json', 'print the result as one object')
    .action(async (file: string, options: { json?: true }) => { status = await commands.conform(file, options); });

  command('check', 'say what is wrong with scenarios, without running them')
    .argument('<file...>', 'scenarios (.guest), folders that hold some, or - for standard input')
    .option('--json', 'print one object a file, one a line')
    .addOption(new Option('--warnings <what>', 'whether a warning makes status 1').choices(['pass', 'fail']).default('pass'))
    .action(async (files: string[], options: CheckOptions) => { status = await commands.check(files, options); });

  command('format', 'lay scenarios out, in place')
    .argument('<file...>', 'scenarios (.guest), folders that hold some, or - for standard input to standard output')
    .option('--check', 'change nothing, and say which files would change')
    .option('--json', 'print one object a file, one a line')
    .action(async (files: string[], options: FormatOptions) => { status = await commands.format(files, options); });

  command('trace', 'write the events of a run, filtered')
    .argument('<file>', 'a scenario (.guest), or a trace that was recorded with run --trace (.jsonl)')
    .option('--mmu <technique>', MMU)
    .option('--kind <kinds>', 'only these kinds of event, parted by commas', words)
    .option('--actor <actors>', 'only of these: guest, walker, vmm, host, device', words)
    .option('--cpu <number>', 'only of this CPU', wholeNumber)
    .option('--where <condition>', 'only where this holds, as in a breakpoint: "event.gpa == gpa:0x3000"')
    .option('--limit <number>', 'stop after so many events', wholeNumber)
    .option('--count', 'how many of each kind, in place of the events')
    .option('--json', 'events as objects, one a line')
    .option('--out <file>', 'write to a file')
    .action(async (file: string, options: TraceOptions) => { status = await commands.trace(file, options); });

  command('dap', 'serve the Debug Adapter Protocol on standard input and output')
    .option('--port <number>', 'serve it on a TCP port of 127.0.0.1 instead; 0 takes a free one', portNumber)
    .action(async (options: { port?: number }) => { status = await commands.dap(options); });

  command('lsp', 'serve the Language Server Protocol on standard input and output')
    // Editors' clients say so by themselves; there is no other way.
    .addOption(new Option('--stdio').hideHelp())
    .action(async () => { status = await commands.lsp(); });

  program.addHelpText('after', helpAfter('pagewalk'));
  for (const each of program.commands) each.addHelpText('after', helpAfter(each.name()));

  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (problem) {
    if (!(problem instanceof CommanderError)) throw problem;
    const isHelpAskedFor = problem.code === 'commander.helpDisplayed' || problem.code === 'commander.version';
    return isHelpAskedFor ? EXIT.ok : EXIT.unusable;
  }
  return status;
}

function words(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), ...text.split(',').map((word) => word.trim()).filter((word) => word !== '')];
}

function collected(text: string, before: readonly string[] | undefined): readonly string[] {
  return [...(before ?? []), text];
}

function wholeNumber(text: string): number {
  if (!/^\d{1,9}$/.test(text)) throw new InvalidArgumentError('Write a whole number.');
  return Number(text);
}

function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= 65535)) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return port;
}
