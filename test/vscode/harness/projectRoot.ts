import * as path from 'node:path';

/** Absolute path of the checkout. */
export const projectRoot = path.resolve(__dirname, '../../..');

/** Where screenshots and logs of a test run go; git-ignored. */
export const resultsFolder = path.join(projectRoot, 'test-results');
