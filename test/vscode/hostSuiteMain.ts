/** Runs the suite of VS Code's extension host in a process of its own, so that its output is one leg's. */
import { TALLY_FILE } from '../tally';
import { runExtensionHostSuite } from './extensionHostSuite';

runExtensionHostSuite(process.env[TALLY_FILE] ?? '').then(
  (status) => { process.exitCode = status; },
  (error: unknown) => {
    console.error(error instanceof Error ? error.message : String(error));
    process.exitCode = 2;
  },
);
