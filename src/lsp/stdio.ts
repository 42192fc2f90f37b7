import { existsSync } from 'node:fs';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import { StreamMessageReader, StreamMessageWriter, createConnection } from 'vscode-languageserver/node';
import { nodeFiles } from '../adapter/nodeFiles';
import { serveLanguage } from './languageServer';

/** Serves an editor on standard input and output until it says `exit` or goes away. */
export function serveLanguageOnStdio(): void {
  const connection = createConnection(new StreamMessageReader(process.stdin), new StreamMessageWriter(process.stdout));
  // An editor that ends without a word closes the stream.
  process.stdin.on('end', () => process.exit(0));
  serveLanguage(connection, { files: nodeFiles, libraryUri });
}

/** The build puts the library's files beside the bundle; from the sources they lie in their own folder. */
function libraryUri(name: string): string {
  const beside = path.join(__dirname, 'library', name);
  return pathToFileURL(existsSync(beside) ? beside : path.join(__dirname, '../language/library', name)).href;
}
