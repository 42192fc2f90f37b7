/** Bytes that a client has of one reference: by offset, as they were read. */
type Shown = Map<number, Uint8Array>;

/** Past this the views that were read first are taken to have been closed. */
const MOST_REFERENCES = 32;

/**
 * What memory a client has read at the present stop. It matches references by their text and takes a stale range from its
 * start, so a change is told for each reference that shows it, and for all that it has of that one.
 */
export class ShownMemory {
  private readonly shown = new Map<string, Shown>();
  /** Reads again: bytes from an offset on. */
  private readonly readers = new Map<string, (offset: number, count: number) => Uint8Array>();

  note(reference: string, offset: number, bytes: Uint8Array, readAgain: (offset: number, count: number) => Uint8Array): void {
    const shown: Shown = this.shown.get(reference) ?? new Map<number, Uint8Array>();
    shown.set(offset, bytes);
    this.shown.delete(reference);
    this.shown.set(reference, shown);
    this.readers.set(reference, readAgain);
    const [oldest] = this.shown.keys();
    if (this.shown.size > MOST_REFERENCES && oldest !== undefined) this.forget(oldest);
  }

  /** References whose memory is not what it was when it was read, with how much the client has of it from the reference on. */
  changed(): readonly { readonly reference: string; readonly count: number }[] {
    return [...this.shown].flatMap(([reference, shown]) => {
      const parts = [...shown];
      if (parts.every(([offset, bytes]) => this.isSame(reference, offset, bytes))) return [];
      return [{ reference, count: Math.max(...parts.map(([offset, bytes]) => offset + bytes.length)) }];
    });
  }

  drop(): void {
    if (this.shown.size === 0) return;
    this.shown.clear();
    this.readers.clear();
  }

  private isSame(reference: string, offset: number, bytes: Uint8Array): boolean {
    const now = this.readers.get(reference)?.(offset, bytes.length);
    return now !== undefined && now.length === bytes.length && now.every((byte, i) => byte === bytes[i]);
  }

  private forget(reference: string): void {
    this.shown.delete(reference);
    this.readers.delete(reference);
  }
}
