// Writes kernelText.ts from kernel.guest, so that bundles and tests alike have the library as a string.
import { readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const here = (name) => path.join(import.meta.dirname, name);
const lines = readFileSync(here('kernel.guest'), 'utf8').replace(/\n$/, '').split('\n');
const body = lines.map((line) => `  ${JSON.stringify(line)},`).join('\n');
writeFileSync(
  here('kernelText.ts'),
  `// Written by writeKernelText.mjs from kernel.guest; edit that and run it again.\n\n` +
    `/** The kernel library's text. */\nexport const kernelText: string = [\n${body}\n  '',\n].join('\\n');\n`,
);
