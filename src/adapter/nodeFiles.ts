import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import type { FileAccess } from './fileAccess';

/** Files of this machine, for the adapter on a stream; other URIs than `file:` cannot be read. */
export const nodeFiles: FileAccess = {
  readText: async (pathOrUri) => {
    try {
      return await readFile(/^file:/i.test(pathOrUri) ? fileURLToPath(pathOrUri) : pathOrUri, 'utf8');
    } catch {
      return undefined;
    }
  },
};
