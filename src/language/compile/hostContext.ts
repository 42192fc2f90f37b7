import { pagingModeOf } from '../pagingModes';
import { Scope } from './scope';
import type { Unit, VmContext } from './unit';

/** What names mean in a host thread: those of the one VM that there is, or of none when there are several. */
export function hostContext(unit: Unit): VmContext {
  const [only, ...others] = unit.vms;
  if (only !== undefined && others.length === 0) return only;
  const nothing = new Scope(undefined);
  return {
    symbols: {
      vm: -1, name: '', scopes: unit.vms[0]?.symbols.scopes.map(() => nothing) ?? [], procedures: new Map(), paging: 'on',
      mode: pagingModeOf('4-level'), entries: unit.vms[0]?.symbols.entries, nested: new Map(), withoutPaging: new Set(),
    },
    areas: [],
    processNames: new Map(),
    used: new Set(),
  };
}
