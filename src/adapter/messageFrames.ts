/** A message larger than this is no message: it would be kept in memory while it comes in. */
const MOST_BYTES = 64 << 20;
/** Headers are a few dozen bytes; what goes on without one for longer is not kept. */
const MOST_HEADER_BYTES = 8192;
const HEADER = 'Content-Length:';
const HEADER_END = '\r\n\r\n';

/** What comes out of a stream of bytes: values that were JSON, and a sentence for each piece that was no message. */
export interface FrameListener {
  message(value: unknown): void;
  problem(sentence: string): void;
}

/**
 * Takes messages out of a byte stream: `Content-Length: N`, an empty line, N bytes of JSON in UTF-8 ("Base Protocol" of the
 * Debug Adapter Protocol). What is no message is told of and left out, and reading goes on at the next header: the base class
 * of the adapter would end the session for it.
 */
export class MessageFrames {
  private bytes = Buffer.alloc(0);
  /** Bytes of the body that is awaited; undefined while a header is. */
  private length: number | undefined;
  /** Bytes left out since the last header, not yet told of. */
  private skipped = 0;

  constructor(private readonly listener: FrameListener) {}

  /** The next bytes of the stream, cut anywhere. */
  take(bytes: Uint8Array): void {
    this.bytes = this.bytes.length === 0 ? Buffer.from(bytes) : Buffer.concat([this.bytes, bytes]);
    while (this.length === undefined ? this.takeHeader() : this.takeBody(this.length));
  }

  /** The stream is over: what is still awaited will not come. */
  end(): void {
    const missing = (this.length ?? 0) - this.bytes.length;
    if (this.length !== undefined && missing > 0) {
      this.listener.problem(`The stream ended ${missing} bytes before the end of a message of ${this.length} bytes: the message was left out.`);
    }
    this.bytes = Buffer.alloc(0);
    this.length = undefined;
  }

  private takeHeader(): boolean {
    const end = this.bytes.indexOf(HEADER_END);
    if (end < 0) {
      this.skip(this.bytes.length - MOST_HEADER_BYTES);
      return false;
    }
    // Whatever stands before the last length belongs to no message.
    const start = this.bytes.subarray(0, end).lastIndexOf(HEADER);
    if (start < 0) {
      this.skip(end + HEADER_END.length);
      this.tellSkipped();
      return true;
    }
    const before = this.bytes.toString('utf8', 0, start);
    if (!/^(?:[\w-]+:[^\r\n]*\r\n)*$/.test(before)) this.skip(start);
    this.tellSkipped();
    const block = this.bytes.subarray(0, this.bytes.indexOf(HEADER_END));
    const [text = ''] = block.toString('utf8', block.lastIndexOf(HEADER) + HEADER.length).split('\r\n');
    this.bytes = this.bytes.subarray(block.length + HEADER_END.length);
    const length = /^\s*\d+\s*$/.test(text) ? Number(text) : Number.NaN;
    if (length <= MOST_BYTES) {
      this.length = length;
      return true;
    }
    const shown = text.trim().slice(0, 40);
    this.listener.problem(`A message came with the Content-Length "${shown}", which is no number of bytes from 0 to ${MOST_BYTES}: it was left out.`);
    return true;
  }

  private takeBody(length: number): boolean {
    if (this.bytes.length < length) return false;
    const text = this.bytes.toString('utf8', 0, length);
    this.bytes = this.bytes.subarray(length);
    this.length = undefined;
    let value: unknown;
    try {
      value = JSON.parse(text);
    } catch {
      this.listener.problem(`A message of ${length} bytes is no JSON: it was left out. It begins with ${JSON.stringify(text.slice(0, 40))}.`);
      return true;
    }
    this.listener.message(value);
    return true;
  }

  private skip(count: number): void {
    if (count <= 0) return;
    this.bytes = this.bytes.subarray(count);
    this.skipped += count;
  }

  private tellSkipped(): void {
    if (this.skipped === 0) return;
    this.listener.problem(`${this.skipped} bytes between two messages belong to none: they were left out. A message begins with Content-Length.`);
    this.skipped = 0;
  }
}

/** A message as it goes out on a stream. */
export function framed(message: object): string {
  const json = JSON.stringify(message);
  return `${HEADER} ${Buffer.byteLength(json, 'utf8')}${HEADER_END}${json}`;
}
