import type { DebugProtocol } from '@vscode/debugprotocol';

/** What the client said about itself in `initialize`; the adapter itself counts lines and columns from 1. */
export class Client {
  private lineBase = 1;
  private columnBase = 1;
  private isVSCode = false;
  private pathsAre: 'path' | 'uri' = 'path';
  /** Events that not every client knows, and that are not sent to those that do not. */
  private known: ReadonlySet<string> = new Set();
  /** What is sent for its debug console may have ANSI escape sequences in it. */
  showsColours = false;

  introduce(args: DebugProtocol.InitializeRequestArguments): void {
    this.isVSCode = args.clientID === 'vscode';
    this.lineBase = args.linesStartAt1 === false ? 0 : 1;
    this.columnBase = args.columnsStartAt1 === false ? 0 : 1;
    this.pathsAre = args.pathFormat === 'uri' ? 'uri' : 'path';
    this.showsColours = args.supportsANSIStyling === true;
    this.known = new Set([...args.supportsInvalidatedEvent === true ? ['invalidated'] : [], ...args.supportsMemoryEvent === true ? ['memory'] : []]);
  }

  knows(event: 'invalidated' | 'memory'): boolean {
    return this.known.has(event);
  }

  lineOut(line: number): number {
    return line - 1 + this.lineBase;
  }

  lineIn(line: number): number {
    return line + 1 - this.lineBase;
  }

  columnOut(column: number): number {
    return column - 1 + this.columnBase;
  }

  /**
   * Where the text that a completion replaces begins: `offset` counts from 0. VS Code says that its columns start at 1, and takes this
   * one from 0: with the protocol's it compares what is typed with the wrong part of the line, and offers nothing.
   */
  completionStartOut(offset: number): number {
    return this.isVSCode ? offset : this.columnOut(offset + 1);
  }

  columnIn(column: number): number {
    return column + 1 - this.columnBase;
  }

  /** A path as this client writes it. What was given as a URI (a virtual workspace) goes back as that URI. */
  pathOut(path: string): string {
    if (this.pathsAre === 'path' || isUri(path)) return path;
    const slashed = path.replace(/\\/g, '/');
    const rooted = slashed.startsWith('/') ? slashed : `/${slashed}`;
    return `file://${rooted.split('/').map(encodeURIComponent).join('/').replace(/%3A/gi, ':')}`;
  }
}

/** A scheme of two letters or more: `C:` is a drive. */
export function isUri(path: string): boolean {
  return /^[a-z][a-z0-9+.-]+:/i.test(path);
}

/** One spelling of a source's name: file URIs become paths, backslashes slashes, drive letters small. */
export function sourceKey(pathOrUri: string): string {
  let path = pathOrUri;
  if (/^file:\/\//i.test(path)) {
    path = decoded(path.replace(/^file:\/\/(localhost)?/i, ''));
    path = path.replace(/^\/([a-z]:)/i, '$1');
  } else if (isUri(path)) {
    return decoded(path);
  }
  path = path.replace(/\\/g, '/').replace(/\/+/g, '/');
  return path.replace(/^([A-Z]):/, (drive) => drive.toLowerCase());
}

export function fileName(pathOrUri: string): string {
  return pathOrUri.replace(/^.*[\\/]/, '');
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a stray percent sign: the name is meant as it stands
  }
}
