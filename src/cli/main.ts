import { runCommandLine } from './commandLine';
import { conform } from './conform';
import { dap } from './dap';
import { processConsole } from './processConsole';
import { runScenarios } from './run';

const commands = {
  run: (files: readonly string[], options: Parameters<typeof runScenarios>[1]) => runScenarios(files, options, processConsole),
  conform: (file: string, options: { readonly json?: true }) => conform(file, options, processConsole),
  dap: (options: { readonly port?: number }) => dap(options, processConsole),
};

void runCommandLine(process.argv.slice(2), commands, processConsole).then((status) => {
  // Not process.exit: `dap` goes on serving after its command has been read.
  process.exitCode = status;
});
