import { createServer, type AddressInfo } from 'node:net';
import { nodeFiles } from './nodeFiles';
import { simulator } from './pagewalkSimulator';
import { PagewalkSession } from './session';

/** Serves one session on standard input and output; the process ends with it. */
export function serveStdio(): void {
  const session = new PagewalkSession(simulator, nodeFiles);
  process.on('SIGTERM', () => { session.shutdown(); });
  session.start(process.stdin, process.stdout);
}

/**
 * Serves a session for each connection to a port of this machine's loopback; port 0 takes a free one.
 * Gives the port; rejects when it cannot be had.
 */
export function serveLoopback(port: number): Promise<number> {
  const server = createServer((socket) => {
    const session = new PagewalkSession(simulator, nodeFiles);
    session.setRunAsServer(true);
    // A client that vanishes is no mistake of ours: the socket's close ends the session.
    socket.on('error', () => undefined);
    session.start(socket, socket);
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => { resolve((server.address() as AddressInfo).port); });
  });
}
