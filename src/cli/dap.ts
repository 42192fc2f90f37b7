import { serveLoopback, serveStdio } from '../adapter/streams';
import { EXIT, type Console } from './console';

/** Serves until the client (stdio) or the process (a port) ends. */
export async function dap(options: { readonly port?: number }, console: Console): Promise<number> {
  if (options.port === undefined) {
    serveStdio();
    return EXIT.ok;
  }
  try {
    const { port } = await serveLoopback(options.port);
    console.error(`pagewalk: the debug adapter listens on 127.0.0.1:${port}\n`);
    return EXIT.ok;
  } catch (problem) {
    const why = problem instanceof Error ? problem.message : String(problem);
    console.error(`pagewalk: port ${options.port} cannot be used (${why}): choose another, or 0 for a free one.\n`);
    return EXIT.unusable;
  }
}
