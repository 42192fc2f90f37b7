import { pairToBigInt } from '../engine/arithmetic';
import type { Machine } from '../engine/machine/machine';
import type { RunningVm } from '../engine/machine/runningVm';
import type { Field } from '../hardware/events/eventTable';
import { eventValue } from '../hardware/events/eventText';

/** Address spaces, as printed before an address. */
export type AddressSpace = 'gva' | 'gpa' | 'hva' | 'hpa';

const PAGE_SHIFT = 12n;
const PAGE_BYTES = 4096;
const FRAMES_IN_4G = 0x100000;

export function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}

/** `gpa:0x5000` */
export function addressText(space: AddressSpace, address: bigint): string {
  return `${space}:${hex(address)}`;
}

export function halvesText(space: AddressSpace, lo: number, hi: number): string {
  return addressText(space, pairToBigInt(lo, hi));
}

/** Address of frame or page number `frame`. */
export function frameText(space: AddressSpace, frame: number): string {
  return addressText(space, frameAddress(frame));
}

/** The frame or page number in such a text, whatever stands around the address; NaN: there is none. */
export function frameIn(text: string): number {
  return Math.floor(Number(/0x[0-9a-f]+/.exec(text)?.[0]) / PAGE_BYTES);
}

export function frameAddress(frame: number): bigint {
  return BigInt(frame) << PAGE_SHIFT;
}

/** Frame number of an address, exact for every width that paging has (52 bits). */
export function frameOfHalves(lo: number, hi: number): number {
  return (hi >>> 0) * FRAMES_IN_4G + (lo >>> 12);
}

/** A field of an event that holds an address. */
export function fieldText(space: AddressSpace, record: Int32Array, name: Field): string {
  return addressText(space, eventValue(record, name));
}

/** Bytes as the guest language writes sizes: `4K`, `2M`, `512G`. */
export function sizeText(bytes: bigint): string {
  const units = ['', 'K', 'M', 'G', 'T', 'P'];
  let unit = 0;
  let count = bytes;
  for (; count >= 1024n && count % 1024n === 0n && unit < units.length - 1; unit++) count /= 1024n;
  return `${count}${units[unit] ?? ''}`;
}

/** The address of a VM where there are several, as the language writes it: `alice.gpa:0x5000`. Host-physical ones are nobody's. */
export function qualified({ vms }: Pick<Machine, 'vms'>, { name }: RunningVm, address: string): string {
  return vms.length > 1 && !address.startsWith('hpa:') ? `${name}.${address}` : address;
}
