import { vectorText } from '../hardware/delivery/exceptions';
import { registerBits } from '../hardware/processor/controlRegisters';

const VECTORS = 32;

/** The bits of a register that are 1 and have a name: ` PE WP PG`, or nothing. `lo`: its low half. */
export function registerBitsText(register: string, lo: number): string {
  const set = (registerBits[register] ?? []).filter(({ bit }) => ((lo >>> bit) & 1) === 1).map(({ name }) => ` ${name}`);
  return set.join('');
}

/** The exceptions that a bitmap has: ` #DB #PF`, or nothing. */
export function exceptionBitmapText(bitmap: number): string {
  return Array.from({ length: VECTORS }, (_, vector) => (((bitmap >>> vector) & 1) === 1 ? ` ${vectorText(vector)}` : '')).join('');
}
