import type { CancellationToken, Connection } from 'vscode-languageserver';
import { KERNEL_PATH } from '../language/compile';
import { kernelText } from '../language/library/kernelText';
import { LSP_REQUEST, type ClientOptions, type LanguageRequests } from '../protocol/languageRequests';
import { capabilities } from './capabilities';
import { compareScenario } from './comparison';
import type { LanguageHost } from './host';
import { OpenScenarios } from './openScenarios';
import { registerReadingFeatures } from './readingFeatures';
import { registerWritingFeatures } from './writingFeatures';

type OwnRequest<Key extends keyof typeof LSP_REQUEST> = LanguageRequests[(typeof LSP_REQUEST)[Key]];
type Asked<Key extends keyof typeof LSP_REQUEST> = OwnRequest<Key>['arguments'];
type Given<Key extends keyof typeof LSP_REQUEST> = OwnRequest<Key>['response'];

/**
 * Serves the Language Server Protocol for guest scenarios on a connection, whatever carries it. Each request has one
 * answer; what cannot be read or understood is answered with nothing, never with a failure.
 */
export function serveLanguage(connection: Connection, host: LanguageHost): void {
  let options: ClientOptions = {};
  connection.onInitialize(({ initializationOptions }) => {
    options = isOptions(initializationOptions) ? initializationOptions : {};
    return { capabilities, serverInfo: { name: 'pagewalk' } };
  });
  const open = new OpenScenarios(connection, host);
  registerReadingFeatures(connection, open, host, () => options);
  registerWritingFeatures(connection, open, host);
  connection.onRequest(LSP_REQUEST.libraryText, ({ name }: Asked<'libraryText'>): Given<'libraryText'> => (name === KERNEL_PATH ? kernelText : null));
  connection.onRequest(LSP_REQUEST.compare, ({ uri }: Asked<'compare'>, token: CancellationToken): Promise<Given<'compare'>> => compareScenario(open, uri, token));
  connection.listen();
}

function isOptions(value: unknown): value is ClientOptions {
  return typeof value === 'object' && value !== null;
}
