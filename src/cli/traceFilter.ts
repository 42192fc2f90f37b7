import type { TraceLine } from '../engine/run/run';

/** Which events of a trace are wanted; what is left out is not asked about. */
export interface TraceWish {
  readonly kind?: readonly string[];
  readonly actor?: readonly string[];
  readonly cpu?: number;
}

export function isWanted({ kind, actor, cpu }: TraceLine, wish: TraceWish): boolean {
  return (
    (wish.kind?.includes(String(kind)) ?? true) && (wish.actor?.includes(String(actor)) ?? true) && (wish.cpu ?? cpu) === cpu
  );
}
