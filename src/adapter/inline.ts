import type { FileAccess } from './fileAccess';
import { PagewalkSession } from './session';
import { simulator } from './pagewalkSimulator';

export type { FileAccess } from './fileAccess';

/** What a host of a session needs of it; VS Code's `DebugAdapter` has this shape. */
export interface DebugAdapterLike {
  readonly onDidSendMessage: (listener: (message: object) => void) => { dispose(): void };
  handleMessage(message: object): void;
  dispose(): void;
}

/** A session that runs in the caller's own process, without any stream. */
export function createSession(files: FileAccess): DebugAdapterLike {
  const session = new PagewalkSession(simulator, files);
  return {
    onDidSendMessage: (listener) => session.onDidSendMessage(listener),
    handleMessage: (message) => { session.handleMessage(message as Parameters<typeof session.handleMessage>[0]); },
    dispose: () => { session.dispose(); },
  };
}
