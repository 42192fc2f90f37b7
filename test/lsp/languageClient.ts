import type { ProtocolConnection, PublishDiagnosticsParams, ServerCapabilities, Position } from 'vscode-languageserver-protocol';

/** A client of the language server for tests: the protocol's own library on one end of a connection. */
export class LanguageClient {
  private version = 0;
  private readonly published: PublishDiagnosticsParams[] = [];
  private readonly waiting: (() => void)[] = [];

  private constructor(private readonly connection: ProtocolConnection) {
    connection.onNotification('textDocument/publishDiagnostics', (params: PublishDiagnosticsParams) => {
      this.published.push(params);
      for (const look of this.waiting.splice(0)) look();
    });
  }

  /** Says hello, with `initializationOptions`; gives the client and what the server can do. */
  static async start(connection: ProtocolConnection, initializationOptions: object = {}): Promise<{ client: LanguageClient; capabilities: ServerCapabilities }> {
    const client = new LanguageClient(connection);
    connection.listen();
    const { capabilities } = await client.ask<{ capabilities: ServerCapabilities }>('initialize', {
      processId: null, rootUri: null, capabilities: {}, initializationOptions,
    });
    await connection.sendNotification('initialized', {});
    return { client, capabilities };
  }

  async ask<T>(method: string, params: object): Promise<T> {
    return await this.connection.sendRequest<T>(method, params);
  }

  async open(uri: string, text: string): Promise<void> {
    await this.connection.sendNotification('textDocument/didOpen', { textDocument: { uri, languageId: 'guest', version: ++this.version, text } });
  }

  /** Replaces what stands between two positions, as typing does. */
  async type(uri: string, from: Position, to: Position, text: string): Promise<void> {
    await this.connection.sendNotification('textDocument/didChange', {
      textDocument: { uri, version: ++this.version }, contentChanges: [{ range: { start: from, end: to }, text }],
    });
  }

  async save(uri: string): Promise<void> {
    await this.connection.sendNotification('textDocument/didSave', { textDocument: { uri } });
  }

  async close(uri: string): Promise<void> {
    await this.connection.sendNotification('textDocument/didClose', { textDocument: { uri } });
  }

  /** Messages of the first diagnostics pushed for a document, from now on, that satisfy `wanted`. */
  async diagnostics(uri: string, wanted: (messages: readonly string[]) => boolean): Promise<readonly string[]> {
    for (;;) {
      const found = this.published.findIndex((each) => each.uri === uri && wanted(each.diagnostics.map(({ message }) => message)));
      if (found >= 0) {
        const [params] = this.published.splice(found, 1);
        this.published.length = 0;
        return params?.diagnostics.map(({ message, range }) => `${String(range.start.line + 1)}: ${message}`) ?? [];
      }
      await new Promise<void>((resolve) => this.waiting.push(resolve));
    }
  }

  async stop(): Promise<void> {
    await this.ask('shutdown', {});
    await this.connection.sendNotification('exit');
  }
}
