/** Bytes on a stream that are no message; what follows them is to be read. */
export const bytesThatAreNoMessage: readonly string[] = [
  'Content-Length: 5\r\n\r\n{"a":', 'Content-Length: x\r\n\r\n', 'Content-Length: -1\r\n\r\n{}', 'Content-Length: 99999999999999\r\n\r\n', 'Content-Length:\r\n\r\n',
  'Content-Type: none\r\n\r\n', 'GET / HTTP/1.1\r\nHost: x\r\n\r\n', '\r\n\r\n\r\n\r\n', 'noise', 'Content-Length: 2\r\n\r\n{}{}', 'Content-Length: 0\r\n\r\n', 'Content-Length: 3\r\n\r\n\u00ff!',
];

/** JSON that is no request, or one that names nothing. */
export const valuesThatAreNoRequest: readonly unknown[] = [
  null, 5, 'x', [], {}, { type: 'request' }, { type: 'request', seq: 'x', command: 'threads' }, { type: 'request', seq: null, command: 'next' }, { type: 'event', event: 'stopped', seq: 1 },
  { type: 'response', request_seq: 1, seq: 1, command: 'next', success: true }, { type: 'moon', seq: 3 }, { seq: 1, command: 'threads' },
];
