import type { Program } from '../../language/program';
import { configure, type ConfigurationError } from '../settings/configuration';
import { Machine } from '../machine/machine';
import { Timeline } from './timeline';

/**
 * Puts a program on a machine, ready at its first step. `mmu`: `TECHNIQUE[:key=value,…]`; undefined:
 * what the scenario itself says. A sentence when that does not fit. `warm`: how often the program comes to a unit before it is
 * made JavaScript; left out, the usual number.
 */
export function launch(program: Program, mmu: string | undefined, warm?: number): { readonly timeline: Timeline } | ConfigurationError {
  const configuration = configure(program, mmu);
  return 'error' in configuration ? configuration : { timeline: new Timeline(new Machine(program, configuration), warm) };
}
