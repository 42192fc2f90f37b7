import type { EditedScenario } from './editedScenario';
import { tokensOf, type Token } from './words';

/** A stretch of the text that leads somewhere: to a page, or to a file that the scenario names. */
export type DocumentLink = { readonly start: number; readonly end: number; readonly tooltip: string } & (
  | { readonly url: string }
  | { readonly path: string }
);

interface Manual {
  /** How comments name it, in front of a section's title in quotes. */
  readonly named: RegExp;
  readonly title: string;
  readonly url: string;
}

/** Titles survive from edition to edition, section numbers do not: the link searches for the title. */
const MANUALS: readonly Manual[] = [
  { named: /SDM(?:\s+Vol(?:ume|\.)?)?\s*1\b/i, title: 'Intel SDM Volume 1', url: 'https://cdrdv2.intel.com/v1/dl/getContent/671436' },
  { named: /SDM(?:\s+Vol(?:ume|\.)?)?\s*2\w?\b/i, title: 'Intel SDM Volume 2', url: 'https://cdrdv2.intel.com/v1/dl/getContent/671110' },
  { named: /SDM(?:\s+Vol(?:ume|\.)?)?\s*3\w?\b/i, title: 'Intel SDM Volume 3', url: 'https://cdrdv2.intel.com/v1/dl/getContent/671447' },
  { named: /SDM\b/i, title: 'Intel SDM', url: 'https://cdrdv2.intel.com/v1/dl/getContent/671200' },
  { named: /APM\b|AMD64 Architecture Programmer/i, title: 'AMD64 APM Volume 2', url: 'https://docs.amd.com/v/u/en-US/24593' },
  { named: /mmu\.rst|KVM/i, title: 'The x86 KVM shadow MMU', url: 'https://docs.kernel.org/virt/kvm/x86/mmu.html' },
];

/** A section's title in quotes, and what stands before it in the comment; or the file mmu.rst by itself. */
const SECTION = /\b(?:SDM|APM|AMD64 Architecture Programmer|KVM|mmu\.rst)[^"“]*["“]([^"”]+)["”]|\bmmu\.rst\b/gi;

/** Sections of the manuals that comments name, and files of `import` and `kernel`. */
export function documentLinks({ files: [{ file }] }: EditedScenario): readonly DocumentLink[] {
  return tokensOf(file).flatMap((token) => (token.kind === 'comment' ? manualLinks(token) : token.kind === 'text' ? fileLink(token) : []));
}

function manualLinks({ image, start }: Token): readonly DocumentLink[] {
  return [...image.matchAll(SECTION)].flatMap((match) => {
    const manual = MANUALS.find(({ named }) => named.test(match[0]));
    if (manual === undefined) return [];
    const section = match[1];
    const url = section === undefined ? manual.url : `${manual.url}#search=${encodeURIComponent(section)}`;
    const tooltip = section === undefined ? manual.title : `${manual.title}, “${section}”`;
    return [{ start: start + match.index, end: start + match.index + match[0].length, tooltip, url }];
  });
}

function fileLink({ image, node, start, end }: Token): readonly DocumentLink[] {
  const setting = node.$container;
  const isKernel = node.$type === 'TextValue' && setting !== undefined && 'name' in setting && setting.name === 'kernel';
  if (node.$type !== 'Import' && !isKernel) return [];
  const path = image.slice(1, -1);
  return [{ start: start + 1, end: end - 1, tooltip: `Open ${path}`, path }];
}
