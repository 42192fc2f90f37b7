import type { Live } from './argumentValues';

/** What is kept of each kind; the oldest go first. */
const KEPT = 60;

/** Everything that a session has named to its client and that the client may name back, by kind. */
export class GivenThings {
  private readonly pools = new Map<string, unknown[]>();

  note(command: string, body: unknown): void {
    this.visit(command, body, 0);
  }

  /** A thing of the wanted kind; something unlikely when there is none yet. */
  choose({ live, pick }: Live): unknown {
    const pool = this.pools.get(live) ?? [];
    return pool.length === 0 ? 0 : pool[pool.length - 1 - pick % pool.length];
  }

  private visit(name: string, value: unknown, depth: number): void {
    if (depth > 6 || typeof value !== 'object' || value === null) return;
    if (Array.isArray(value)) {
      for (const item of value.slice(0, 30)) {
        if (name === 'sources') this.add('source', item);
        this.visit(name, item, depth + 1);
      }
      return;
    }
    for (const [key, inner] of Object.entries(value)) {
      if (key === 'id' && name === 'stackFrames') this.add('frame', inner);
      if (key === 'id' && name === 'targets') this.add('target', inner);
      if (key === 'source') this.add('source', inner);
      if (key === 'variablesReference' && inner !== 0) this.add('reference', inner);
      if (key === 'dataId' && inner !== null) this.add('dataId', inner);
      if (key === 'instructionPointerReference') this.add('instruction', inner);
      if (key === 'memoryReference') this.add('memory', inner);
      if (/LocationReference$/.test(key)) this.add('location', inner);
      if (key === 'evaluateName') this.add('expression', inner);
      if (key === 'root') this.add('root', inner);
      if (key === 'path' && Array.isArray(inner)) this.add('path', inner);
      if (key === 'name' && name === 'variables') this.add('name', inner);
      this.visit(key, inner, depth + 1);
    }
  }

  private add(kind: string, thing: unknown): void {
    const pool = this.pools.get(kind) ?? [];
    pool.push(thing);
    if (pool.length > KEPT) pool.shift();
    this.pools.set(kind, pool);
  }
}
