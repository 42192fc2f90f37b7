import type { ListingProcedure, ListingRunner } from './listing';

/** A virtual CPU by which procedures also run that are no doing of its own. */
interface ActingVcpu {
  readonly cpu: number;
  actor: number;
}

/** Runs a procedure on behalf of `mmu` in a step of `actor`, the host's memory manager or the VMM process, as its events tell. */
export function callAs<M extends ActingVcpu>(
  runner: ListingRunner<M>, procedure: ListingProcedure<M>, mmu: M, actor: number, parameters: readonly number[] = [],
): void {
  mmu.actor = actor;
  runner.call(procedure, mmu, actor, parameters);
  mmu.actor = mmu.cpu;
}
