import type { Technique } from '../generated/ast';
import type { Body } from './body';

/** Means every technique whose name starts with `shadow-`. */
const EVERY_SHADOW = 'shadow';

/** Number of the set of techniques after `under`, or -1 when there is none. Equal sets are one. */
export function techniqueSet(body: Body, under: readonly Technique[]): number {
  if (under.length === 0) return -1;
  const { techniqueNames } = body.unit.catalog;
  const names = new Set<string>();
  for (const technique of under) {
    // The grammar joins words and hyphens; blanks around a hyphen are no part of the name.
    const name = technique.name.replace(/\s+/g, '');
    const meant = name === EVERY_SHADOW ? techniqueNames.filter((each) => each.startsWith('shadow-')) : [name];
    for (const each of meant) {
      if (techniqueNames.includes(each)) names.add(each);
      else body.failName(technique, 'unknown-technique', name, techniqueNames, { name, choices: techniqueNames.join(', ') });
    }
  }
  const set = [...names];
  const { techniqueSets } = body.unit;
  const known = techniqueSets.findIndex((each) => each.length === set.length && each.every((name) => names.has(name)));
  return known >= 0 ? known : techniqueSets.push(set) - 1;
}
