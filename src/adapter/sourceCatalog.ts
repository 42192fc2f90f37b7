import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Program } from '../language/program';
import { fileName, sourceKey, type Client } from './client';

/** What a client's source is to us. */
export type KnownSource =
  | { readonly kind: 'file'; readonly file: number }
  | { readonly kind: 'listing'; readonly name: string };

interface Entry {
  readonly known: KnownSource;
  readonly name: string;
  /** Undefined: the client reads the file itself. */
  readonly text: string | undefined;
  readonly path: string | undefined;
  readonly origin: string;
}

/** What has become of a source in a restart. */
export interface SourceChange {
  readonly reason: 'new' | 'changed' | 'removed';
  readonly source: DebugProtocol.Source;
}

/**
 * All sources of a session: the scenario and its imports, which lie where the client can read them,
 * and those that only the adapter can give: the kernel library and the `.vmm` listings. The latter's
 * references follow their order alone, so they are the same at every stop and after a restart.
 */
export class SourceCatalog {
  private readonly entries: Entry[] = [];
  private readonly files: Entry[] = [];
  private readonly listings = new Map<string, Entry>();

  /** `onDisk`: keys of the files that were read through the client's file access. */
  constructor(program: Program, listings: ReadonlyMap<string, string>, onDisk: ReadonlySet<string>) {
    program.files.forEach(({ path, text }, file) => {
      const readable = onDisk.has(sourceKey(path));
      this.add({
        known: { kind: 'file', file },
        name: fileName(path),
        text: readable ? undefined : text,
        path: readable ? path : undefined,
        origin: readable ? '' : 'guest kernel library',
      });
    });
    for (const name of [...listings.keys()].sort()) {
      const text = listings.get(name);
      this.add({ known: { kind: 'listing', name }, name, text, path: undefined, origin: 'hypervisor listing' });
    }
  }

  /** Every source, as the client is to see it. */
  all(client: Client): readonly DebugProtocol.Source[] {
    return this.entries.map((entry) => this.describe(entry, client));
  }

  ofFile(file: number, client: Client): DebugProtocol.Source {
    return this.describe(present(this.files[file]), client);
  }

  ofListing(name: string, client: Client): DebugProtocol.Source {
    return this.describe(present(this.listings.get(name)), client);
  }

  /** What the client means; a source without reference is found by its path, or else by its name. */
  find(source: DebugProtocol.Source): KnownSource | undefined {
    return this.findEntry(source)?.known;
  }

  /** Text of a source that only the adapter has. */
  text(source: DebugProtocol.Source): string | undefined {
    return this.findEntry(source)?.text;
  }

  /** What is not as it was in an earlier run's catalog: files that the client reads itself change without us. */
  since(before: SourceCatalog, client: Client): readonly SourceChange[] {
    const old = new Map(before.entries.map((entry) => [keyOf(entry), entry]));
    const now = new Map(this.entries.map((entry) => [keyOf(entry), entry]));
    const removed = before.entries.filter((entry) => !now.has(keyOf(entry))).map((entry) => ({ reason: 'removed' as const, source: before.describe(entry, client) }));
    const others = this.entries.flatMap((entry): readonly SourceChange[] => {
      const was = old.get(keyOf(entry));
      if (was !== undefined && was.text === entry.text) return [];
      return [{ reason: was === undefined ? 'new' : 'changed', source: this.describe(entry, client) }];
    });
    return [...removed, ...others];
  }

  private findEntry(source: DebugProtocol.Source): Entry | undefined {
    const reference = source.sourceReference ?? 0;
    if (reference > 0) {
      // What a client kept may be of a run that had other listings: the name tells.
      const isNamed = source.name !== undefined && source.name !== '';
      const entry = this.entries.find((_, index) => referenceOf(index) === reference);
      return !isNamed || entry?.name === source.name ? entry : this.entries.find(({ path, name }) => path === undefined && name === source.name);
    }
    const wanted = source.path;
    if (wanted !== undefined) {
      const key = sourceKey(wanted);
      const byPath = this.entries.find((entry) => entry.path !== undefined && sourceKey(entry.path) === key);
      if (byPath !== undefined) return byPath;
    }
    const name = wanted === undefined ? source.name : fileName(wanted);
    return this.entries.find((entry) => entry.path === undefined && entry.name === name);
  }

  private add(entry: Entry): void {
    const { known } = entry;
    this.entries.push(entry);
    if (known.kind === 'file') this.files[known.file] = entry;
    else this.listings.set(known.name, entry);
  }

  private describe(entry: Entry, client: Client): DebugProtocol.Source {
    if (entry.path !== undefined) return { name: entry.name, path: client.pathOut(entry.path) };
    return {
      name: entry.name,
      sourceReference: referenceOf(this.entries.indexOf(entry)),
      origin: entry.origin,
      presentationHint: 'normal',
    };
  }
}

function present(entry: Entry | undefined): Entry {
  if (entry === undefined) throw new Error('invariant: a frame stands in a source of the session');
  return entry;
}

/** The same source in another run. */
function keyOf({ path, name }: Entry): string {
  return path === undefined ? name : sourceKey(path);
}

function referenceOf(index: number): number {
  return index + 1;
}
