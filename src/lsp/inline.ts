import {
  AbstractMessageReader, AbstractMessageWriter, Emitter,
  type DataCallback, type Disposable, type Message, type MessageReader, type MessageWriter,
} from 'vscode-languageserver/lib/common/api';
import { createConnection } from 'vscode-languageserver/browser';
import type { LanguageHost } from './host';
import { serveLanguage } from './languageServer';

/** One end of a pair: what is written here is read there. */
class PassedReader extends AbstractMessageReader {
  constructor(private readonly messages: Emitter<Message>) {
    super();
  }

  listen(callback: DataCallback): Disposable {
    return this.messages.event(callback);
  }
}

class PassedWriter extends AbstractMessageWriter {
  constructor(private readonly messages: Emitter<Message>) {
    super();
  }

  /** Handed over in a turn of its own, as a stream would: who writes is never called back in the middle of it. */
  write(message: Message): Promise<void> {
    return Promise.resolve().then(() => { this.messages.fire(message); });
  }

  end(): void {
    this.messages.dispose();
  }
}

/** Starts a language server in this process and gives the client's ends of its connection. */
export function serveLanguageInline(host: LanguageHost): { readonly reader: MessageReader; readonly writer: MessageWriter } {
  const toServer = new Emitter<Message>();
  const toClient = new Emitter<Message>();
  serveLanguage(createConnection(new PassedReader(toServer), new PassedWriter(toClient)), host);
  return { reader: new PassedReader(toClient), writer: new PassedWriter(toServer) };
}
