import { createServer, type AddressInfo, type Socket } from 'node:net';
import { MessageFrames, framed } from './messageFrames';
import { nodeFiles } from './nodeFiles';
import { simulator } from './pagewalkSimulator';
import type { FileAccess } from './fileAccess';
import { PagewalkSession } from './session';
import type { Simulator } from './simulator';

/** What was written last is on its way still, and some clients end the process themselves and want to meet it alive. */
const GRACE_MILLISECONDS = 100;

/** The two directions of a transport, and what to do when the session is over. */
export interface Transport {
  readonly input: NodeJS.ReadableStream;
  readonly output: NodeJS.WritableStream;
  /** Called once: the client has said good-bye, or is gone. */
  readonly over: () => void;
}

/** A session over a byte stream. A client that vanishes, in whatever state, ends it and nothing else. */
export function serveStream(machines: Simulator, files: FileAccess, { input, output, over }: Transport): PagewalkSession {
  let isOver = false;
  let isGone = false;
  const close = (): void => {
    if (isOver) return;
    isOver = true;
    session.dispose();
    over();
  };
  const session = new PagewalkSession(machines, files, close);
  // A request after the good-bye is answered too, while there is someone to hear it.
  session.onDidSendMessage((message) => { if (!isGone) output.write(framed(message)); });
  const frames = new MessageFrames({
    message: (value) => { session.handleMessage(value as Parameters<typeof session.handleMessage>[0]); },
    problem: (sentence) => { session.complain(sentence); },
  });
  const leave = (): void => {
    frames.end();
    close();
  };
  const vanish = (): void => {
    isGone = true;
    leave();
  };
  input.on('data', (bytes: Buffer) => { frames.take(bytes); });
  input.on('end', leave);
  for (const end of ['close', 'error']) input.on(end, vanish);
  output.on('error', vanish);
  return session;
}

/** Serves one session on standard input and output; the process ends with it. */
export function serveStdio(): void {
  const over = (): void => { setTimeout(() => process.exit(0), GRACE_MILLISECONDS); };
  const session = serveStream(simulator, nodeFiles, { input: process.stdin, output: process.stdout, over });
  process.on('SIGTERM', () => { session.shutdown(); });
}

/** A port that sessions are served on. */
export interface Served {
  readonly port: number;
  /** Sessions whose clients are there. */
  readonly sessions: number;
  /** Takes no more connections, and ends the sessions there are. */
  close(): Promise<void>;
}

/**
 * Serves a session of its own, with a machine of its own, for each connection to a port of this machine's loopback; port 0 takes
 * a free one. Rejects when the port cannot be had.
 */
export function serveLoopback(port: number, machines: Simulator = simulator): Promise<Served> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    // Steps are small messages, each of which somebody waits for.
    socket.setNoDelay(true);
    serveStream(machines, nodeFiles, { input: socket, output: socket, over: () => {
      sockets.delete(socket);
      socket.end();
    } });
  });
  const close = (): Promise<void> => new Promise((resolve) => {
    server.close(() => { resolve(); });
    for (const socket of sockets) socket.destroy();
  });
  return new Promise((resolve, reject) => {
    server.once('error', reject);
    server.listen(port, '127.0.0.1', () => {
      resolve({ port: (server.address() as AddressInfo).port, get sessions() { return sockets.size; }, close });
    });
  });
}
