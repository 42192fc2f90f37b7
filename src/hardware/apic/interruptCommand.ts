import { DELIVERY_MODE } from './deliveryMode';

/*
 * The interrupt command register of x2APIC mode. SDM Vol. 3, "ICR Operation in x2APIC Mode".
 *
 *   63:32 destination   19:18 shorthand   15 trigger   14 level   11 destination mode   10:8 delivery mode   7:0 vector
 */
const VECTOR_MASK = 0xff;
const MODE_SHIFT = 8;
const MODE_MASK = 7;
const LOGICAL = 1 << 11;
/** Delivery status of xAPIC mode, of which x2APIC mode keeps nothing. */
const STATUS = 1 << 12;
const SHORTHAND_SHIFT = 18;
const SHORTHAND_MASK = 3;
const RESERVED = 0xfff0_0000 | 3 << 16 | 1 << 13;
/** A destination that is everybody. */
export const BROADCAST = -1;

export const SHORTHAND = { none: 0, self: 1, all: 2, allButSelf: 3 } as const;

/** Which delivery modes go with which shorthand. SDM Vol. 3, "Valid Combinations for the Local APIC's ICR"; of them those that this machine does. */
const validModes: Readonly<Record<number, readonly number[]>> = {
  [SHORTHAND.none]: [DELIVERY_MODE.fixed, DELIVERY_MODE.nmi],
  [SHORTHAND.self]: [DELIVERY_MODE.fixed],
  [SHORTHAND.all]: [DELIVERY_MODE.fixed],
  [SHORTHAND.allButSelf]: [DELIVERY_MODE.fixed, DELIVERY_MODE.nmi],
};

export interface InterruptCommand {
  readonly vector: number;
  readonly mode: number;
  readonly shorthand: number;
  readonly destinationMode: 'physical' | 'logical';
  readonly destination: number;
}

export type CommandVerdict =
  | { readonly kind: 'send'; readonly command: InterruptCommand }
  /** #GP(0), for this reason. */
  | { readonly kind: 'refused'; readonly reason: string };

/** What a value written to the ICR asks for. (lo, hi): its halves. */
export function interruptCommand(lo: number, hi: number): CommandVerdict {
  if ((lo & RESERVED) !== 0) return { kind: 'refused', reason: 'a reserved bit of the ICR is set' };
  const mode = (lo >>> MODE_SHIFT) & MODE_MASK;
  const shorthand = (lo >>> SHORTHAND_SHIFT) & SHORTHAND_MASK;
  if (validModes[shorthand]?.includes(mode) !== true) {
    return { kind: 'refused', reason: 'the local APIC of this machine sends fixed IPIs, and NMIs to others, and no SMI, INIT or start-up IPI' };
  }
  return {
    kind: 'send',
    command: {
      vector: lo & VECTOR_MASK, mode, shorthand, destinationMode: (lo & LOGICAL) === 0 ? 'physical' : 'logical', destination: hi,
    },
  };
}

/** What reading the ICR gives of a value that was written. */
export function storedCommand(lo: number): number {
  return lo & ~STATUS;
}
