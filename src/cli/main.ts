import { check } from './check';
import { runCommandLine, type Commands } from './commandLine';
import { compare } from './compare';
import { conform } from './conform';
import { EXIT } from './console';
import { dap } from './dap';
import { format } from './format';
import { lateModules } from './lateModules';
import { heedInterrupts, processConsole } from './processConsole';
import { runScenarios } from './run';
import { trace } from './trace';

const commands: Commands = {
  run: (files, options) => {
    heedInterrupts();
    return runScenarios(files, options, processConsole);
  },
  compare: (file, options) => {
    heedInterrupts();
    return compare(file, options, processConsole);
  },
  conform: (file, options) => {
    heedInterrupts();
    return conform(file, options, processConsole);
  },
  trace: (file, options) => {
    heedInterrupts();
    return trace(file, options, processConsole);
  },
  check: (files, options) => check(files, options, processConsole),
  format: (files, options) => format(files, options, processConsole),
  dap: (options) => dap(options, processConsole),
  lsp: async () => {
    const { serveLanguageOnStdio } = await lateModules.language();
    serveLanguageOnStdio();
    return EXIT.ok;
  },
};

void runCommandLine(process.argv.slice(2), commands, processConsole).then((status) => {
  // Not process.exit: `dap` goes on serving after its command has been read.
  process.exitCode = status;
});
