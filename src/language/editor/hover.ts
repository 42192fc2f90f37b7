import { glossaryHover, glossaryText } from './glossaryHover';
import type { EditedScenario } from './editedScenario';
import { nameIndex } from './nameIndex';
import { constructedEntry, numberHover } from './numberHover';
import { tokenAt } from './words';
import { wordHover } from './wordHover';

export interface Hover {
  readonly start: number;
  readonly end: number;
  readonly markdown: string;
}

/** What the editor shows about the place at `offset` of the scenario's own text; in comments, terms of the glossary. */
export function hoverAt(scenario: EditedScenario, offset: number): Hover | undefined {
  const [file] = scenario.files;
  const token = tokenAt(file.file, offset);
  if (token === undefined) return undefined;
  if (token.kind === 'comment') return glossaryHover(token, offset);
  const index = nameIndex(scenario);
  const parts = token.kind === 'number'
    ? [numberHover(scenario, index, token)]
    : token.kind === 'word'
      ? [wordHover(scenario, index, file, token), constructedEntry(scenario, token.node), glossaryText(index.meaningOf(token))]
      : [];
  const markdown = parts.filter((part) => part !== undefined).join('\n\n');
  return markdown === '' ? undefined : { start: token.start, end: token.end, markdown };
}
