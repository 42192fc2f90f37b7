import * as vscode from 'vscode';
import { DEBUG_TYPE } from './contributions';
import { withoutLateRefusals } from './lateAnswers';
import { readCurrentText } from './workspaceFiles';

/** Runs the debug adapter inside the extension host: no process, no port, and it works in a web worker too. */
export class InlineAdapterFactory implements vscode.DebugAdapterDescriptorFactory {
  async createDebugAdapterDescriptor(): Promise<vscode.DebugAdapterDescriptor> {
    const { createSession } = await import('./adapterEntry');
    const session = createSession({ readText: readCurrentText });
    const sent = new vscode.EventEmitter<vscode.DebugProtocolMessage>();
    const listening = session.onDidSendMessage((message) => {
      sent.fire(withoutLateRefusals(message));
    });
    return new vscode.DebugAdapterInlineImplementation({
      onDidSendMessage: sent.event,
      handleMessage: (message) => {
        session.handleMessage(message);
      },
      dispose: () => {
        listening.dispose();
        session.dispose();
        sent.dispose();
      },
    });
  }
}

export function registerInlineAdapter(): vscode.Disposable {
  return vscode.debug.registerDebugAdapterDescriptorFactory(DEBUG_TYPE, new InlineAdapterFactory());
}
