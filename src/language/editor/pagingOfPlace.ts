import { AstUtils, type AstNode } from 'langium';
import { compileFormat, type CompiledFormat } from '../../hardware/paging/compiledFormat';
import type { File, Vm } from '../generated/ast';
import { pagingModes, type PagingModeRow } from '../pagingModes';
import { numberOf } from '../syntax/literals';
import type { EditedScenario } from './editedScenario';

/** MAXPHYADDR of a platform that says nothing. */
const MAXPHYADDR = 46;
const DEFAULT_MODE = '4-level';

type Item = File['items'][number];

/** The paging mode of the machine that a node belongs to. */
export function pagingModeAt(scenario: EditedScenario, node: AstNode): PagingModeRow {
  const items = AstUtils.getContainerOfType(node, (each): each is Vm => each.$type === 'Vm')?.items ?? scenario.files[0].file.items;
  const name = settingText(items, 'Machine', 'paging') ?? settingText(scenario.files[0].file.items, 'Machine', 'paging') ?? DEFAULT_MODE;
  const row = pagingModes.find((each) => each.name === name) ?? pagingModes.find((each) => each.name === DEFAULT_MODE);
  if (row === undefined) throw new Error('invariant: no 4-level paging');
  return row;
}

/** The format of the place's entries, compiled for the scenario's processor; undefined without paging. */
export function formatAt(scenario: EditedScenario, node: AstNode): CompiledFormat | undefined {
  const { format } = pagingModeAt(scenario, node);
  if (format === undefined) return undefined;
  const width = numberOf(settingText(scenario.files[0].file.items, 'Platform', 'maxphyaddr') ?? '');
  return compileFormat(format, { maxphyaddr: width === undefined ? MAXPHYADDR : Number(width), noExecute: 'on', executeOnly: 'on', largePages: 'on' });
}

/** First value of a setting as it is written, without blanks. */
function settingText(items: readonly Item[], section: 'Machine' | 'Platform', name: string): string | undefined {
  for (const item of items) {
    if (item.$type !== section || !('settings' in item)) continue;
    const value = item.settings.settings.find((setting) => setting.name === name)?.values[0];
    if (value !== undefined) return (value.$cstNode?.text ?? '').replace(/\s+/g, '');
  }
  return undefined;
}
