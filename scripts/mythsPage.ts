import { readdirSync, readFileSync } from 'node:fs';
import path from 'node:path';

const folder = path.join(__dirname, '../scenarios/myths');

/** Claims about history or words, which no run can show. */
const notes: readonly { readonly claim: string; readonly truth: string }[] = [
  {
    claim: 'The 80386 introduced protected mode',
    truth: 'The 80286 did, in 1982, with segments alone. The 80386 added 32-bit protected mode, paging and virtual-8086 mode.',
  },
  {
    claim: 'Shadow page tables were invented by hypervisors such as KVM',
    truth: 'VM/370 had them in the 1970s; see the [history](history.md).',
  },
  {
    claim: 'The guest can run normally in root mode',
    truth: 'A slip of the pen that is copied from text to text: the guest runs in VMX non-root mode, root mode is the hypervisor\'s.',
  },
];

/** What the documentation comment of a myth's scenario says: its claim, and what is true. */
export function mythOf(file: string, text: string): { readonly claim: string; readonly truth: string } {
  const comment = text.split('\n').filter((line) => line.startsWith('///')).map((line) => line.slice(3).trim()).join(' ');
  const [, claim, truth] = /^Myth: (.*?) True: (.*)$/.exec(comment) ?? [];
  if (claim === undefined || truth === undefined) throw new Error(`${file} begins with "/// Myth: …", then "/// True: …"`);
  return { claim: claim.replace(/\.$/, ''), truth };
}

/** `docs/myths.md`: what people say about memory virtualization that is not so, out of the first lines of the scenarios that show it. */
export function mythsPage(): string {
  const files = readdirSync(folder).filter((name) => name.endsWith('.guest')).sort();
  const shown = files.map((name) => ({ name, ...mythOf(name, readFileSync(path.join(folder, name), 'utf8')) }));
  return `${[
    '# Myths',
    '',
    'What one reads about memory virtualization and what is not so. Each scenario shows it with exact counts: run it with',
    '`pagewalk compare scenarios/myths/NAME.guest`, or step through it.',
    ...shown.flatMap(({ name, claim, truth }) => ['', `## ${claim}`, '', truth, '', `[\`${name}\`](../scenarios/myths/${name})`]),
    '',
    '# Notes on history and words',
    ...notes.flatMap(({ claim, truth }) => ['', `## ${claim}`, '', truth]),
  ].join('\n')}\n`;
}
