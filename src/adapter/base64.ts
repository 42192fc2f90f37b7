/** Standard base64 with padding; `btoa` is in Node and browsers alike, but takes text, in bounded pieces. */
export function base64(bytes: Uint8Array): string {
  const PIECE = 0x2000;
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(text);
}

/** Bytes of standard base64; undefined when the text is none. */
export function bytesOf(text: unknown): Uint8Array | undefined {
  if (typeof text !== 'string') return undefined;
  try {
    return Uint8Array.from(atob(text), (character) => character.charCodeAt(0));
  } catch {
    return undefined; // atob says by an exception that the text is no base64
  }
}
