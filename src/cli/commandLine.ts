import { Command, CommanderError, InvalidArgumentError } from 'commander';
import { EXIT, type Console } from './console';

export interface RunOptions {
  readonly mmu?: string;
  readonly json?: true;
  readonly trace?: string;
  readonly guestLog?: string;
}

/** The commands behind the words; each gives its exit status. */
export interface Commands {
  run(files: readonly string[], options: RunOptions): number | Promise<number>;
  conform(file: string, options: { readonly json?: true }): number | Promise<number>;
  dap(options: { readonly port?: number }): Promise<number>;
}

/** Reads the arguments (without node and script) and runs the command they name; gives the exit status. */
export async function runCommandLine(args: readonly string[], commands: Commands, console: Console): Promise<number> {
  let status: number = EXIT.ok;
  const program = new Command('pagewalk')
    .description('Runs and debugs scenarios of memory virtualization.')
    .configureOutput({
      writeOut: (text) => { console.out(text); },
      writeErr: (text) => { console.error(text); },
      outputError: (text, write) => { write(text.replace(/^error: /, 'pagewalk: ')); },
    })
    .exitOverride()
    .showSuggestionAfterError()
    .addHelpText('after', EXAMPLES);

  program
    .command('run')
    .description('run scenarios to their end; status 1 when an expectation fails, 2 when one cannot be run')
    .argument('<file...>', 'scenarios (.guest)')
    .option('--mmu <technique>', 'TECHNIQUE[:key=value,…], for example native, shadow-wp or ept; default: what the scenario says')
    .option('--json', 'print one object a scenario, one a line')
    .option('--trace <file>', 'write every event to a file, one object a line')
    .option('--guest-log <file>', 'write what the guest could see to a file, one object a line')
    .action(async (files: string[], options: RunOptions) => { status = await commands.run(files, options); });

  program
    .command('conform')
    .description('run conformance vectors; status 1 when any fails')
    .argument('<vectors>', 'vectors (.jsonl or .jsonl.gz)')
    .option('--json', 'print the result as one object')
    .action(async (file: string, options: { json?: true }) => { status = await commands.conform(file, options); });

  program
    .command('dap')
    .description('serve the Debug Adapter Protocol on standard input and output')
    .option('--port <number>', 'serve it on a TCP port of 127.0.0.1 instead; 0 takes a free one', portNumber)
    .action(async (options: { port?: number }) => { status = await commands.dap(options); });

  try {
    await program.parseAsync([...args], { from: 'user' });
  } catch (problem) {
    if (!(problem instanceof CommanderError)) throw problem;
    const isHelpAskedFor = problem.code === 'commander.helpDisplayed' || problem.code === 'commander.version';
    return isHelpAskedFor ? EXIT.ok : EXIT.unusable;
  }
  return status;
}

const EXAMPLES = `
Examples:
  pagewalk run scenarios/first-touch.guest
  pagewalk run scenarios/*.guest --mmu ept --json
  pagewalk run scenarios/page-table-write.guest --mmu shadow-wp --trace events.jsonl
  pagewalk conform vectors.jsonl
  pagewalk dap --port 4711`;

function portNumber(text: string): number {
  const port = /^\d{1,5}$/.test(text) ? Number(text) : NaN;
  if (!(port <= 65535)) throw new InvalidArgumentError('A port is a number from 0 to 65535.');
  return port;
}
