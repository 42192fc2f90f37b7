/** Standard base64 with padding; `btoa` is in Node and browsers alike, but takes text, in bounded pieces. */
export function base64(bytes: Uint8Array): string {
  const PIECE = 0x2000;
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE) text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return btoa(text);
}
