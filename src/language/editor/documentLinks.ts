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
  /** What the vendor keeps pointing at the newest edition. */
  readonly url: string;
  /** The fragment by which a page of this kind opens at a section's title; left out where none does. */
  readonly find?: (section: string) => string;
}

/** A PDF open parameter, which Acrobat and pdf.js know. */
const IN_PDF = (section: string): string => `#search=${encodeURIComponent(section)}`;
/** A text fragment; in one a hyphen has a meaning of its own. */
const IN_PAGE = (section: string): string => `#:~:text=${encodeURIComponent(section).replaceAll('-', '%2D')}`;

/**
 * Titles survive from edition to edition, section numbers do not: the link searches for the title. AMD gives each
 * edition an address of its own, so that the one that stays is the page from which all manuals are found.
 */
const MANUALS: readonly Manual[] = [
  { named: /SDM(?:\s+Vol(?:ume|\.)?)?\s*1\b/i, title: 'Intel SDM Volume 1', url: 'https://cdrdv2.intel.com/v1/dl/getContent/671436', find: IN_PDF },
  { named: /SDM(?:\s+Vol(?:ume|\.)?)?\s*2\w?\b/i, title: 'Intel SDM Volume 2', url: 'https://cdrdv2.intel.com/v1/dl/getContent/671110', find: IN_PDF },
  { named: /SDM(?:\s+Vol(?:ume|\.)?)?\s*3\w?\b/i, title: 'Intel SDM Volume 3', url: 'https://cdrdv2.intel.com/v1/dl/getContent/671447', find: IN_PDF },
  { named: /SDM(?:\s+Vol(?:ume|\.)?)?\s*4\b/i, title: 'Intel SDM Volume 4', url: 'https://cdrdv2.intel.com/v1/dl/getContent/671098', find: IN_PDF },
  { named: /SDM\b/i, title: 'Intel SDM', url: 'https://cdrdv2.intel.com/v1/dl/getContent/671200', find: IN_PDF },
  { named: /APM\b|AMD64 Architecture Programmer/i, title: 'AMD64 APM Volume 2 (publication 24593)', url: 'https://www.amd.com/en/search/documentation/hub.html' },
  { named: /mmu\.rst|KVM/i, title: 'The x86 KVM shadow MMU', url: 'https://docs.kernel.org/virt/kvm/x86/mmu.html', find: IN_PAGE },
];

/** A section's title in quotes, and what stands before it in the comment; or the file mmu.rst by itself. */
const SECTION = /\b(?:SDM|APM|AMD64 Architecture Programmer|KVM|mmu\.rst)[^"“;]*["“]([^"”]+)["”]|\bmmu\.rst\b/gi;

/** Sections of the manuals that comments name, and files of `import` and `kernel`. */
export function documentLinks({ files: [{ file }] }: EditedScenario): readonly DocumentLink[] {
  return tokensOf(file).flatMap((token) => (token.kind === 'comment' ? manualLinks(token) : token.kind === 'text' ? fileLink(token) : []));
}

function manualLinks({ image, start }: Token): readonly DocumentLink[] {
  return [...image.matchAll(SECTION)].flatMap((match) => {
    const manual = MANUALS.find(({ named }) => named.test(match[0]));
    if (manual === undefined) return [];
    const section = match[1];
    const found = section === undefined ? '' : manual.find?.(section) ?? '';
    const tooltip = section === undefined ? manual.title : `${manual.title}, “${section}”`;
    return [{ start: start + match.index, end: start + match.index + match[0].length, tooltip, url: manual.url + found }];
  });
}

function fileLink({ image, node, start, end }: Token): readonly DocumentLink[] {
  const setting = node.$container;
  const isKernel = node.$type === 'TextValue' && setting !== undefined && 'name' in setting && setting.name === 'kernel';
  if (node.$type !== 'Import' && !isKernel) return [];
  const path = image.slice(1, -1);
  return [{ start: start + 1, end: end - 1, tooltip: `Open ${path}`, path }];
}
