import type { EditedScenario } from './editedScenario';

/** What can be done with a whole scenario, above its first line. */
export interface ScenarioLens {
  readonly title: 'Run' | 'Debug' | 'Compare';
  readonly action: 'run' | 'debug' | 'compare';
  readonly start: number;
  readonly end: number;
}

const LENSES = [
  { title: 'Run', action: 'run' },
  { title: 'Debug', action: 'debug' },
  { title: 'Compare', action: 'compare' },
] as const;

/** Run, Debug and Compare of a text that something runs in; a file of procedures alone has none. */
export function codeLenses({ files: [{ file }] }: EditedScenario): readonly ScenarioLens[] {
  const runs = (items: typeof file.items): boolean => items.some((item) => (
    item.$type === 'Cpu' || (item.$type === 'Vm' && item.items.some((inner) => inner.$type === 'Cpu'))
  ));
  return runs(file.items) ? LENSES.map((lens) => ({ ...lens, start: 0, end: 0 })) : [];
}
