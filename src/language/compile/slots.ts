import type { Machine } from '../generated/ast';
import type { SettingValue } from '../program';
import type { Declared } from './sources';
import type { Report } from './report';

/** A run of guest-physical addresses: RAM, ROM, or addresses that a device answers. What no slot covers is a hole. */
export interface Slot {
  readonly name: string;
  readonly from: bigint;
  readonly to: bigint;
  readonly kind: string;
}

/** The slots of a machine: those of its settings, or `ram SIZE` as the one slot `ram`. */
export function slotsOf(report: Report, machine: Declared<Machine> | undefined, settings: readonly SettingValue[], defaultRam: bigint): readonly Slot[] {
  const slots = settings.filter(({ name }) => name === 'slot').map(({ values: [name, from, to, kind] }) => (
    { name: String(name), from: BigInt(from ?? 0), to: BigInt(to ?? 0), kind: String(kind) }
  ));
  const ram = settings.find(({ name }) => name === 'ram')?.values[0];
  if (slots.length === 0) return [{ name: 'ram', from: 0n, to: typeof ram === 'number' ? BigInt(ram) : defaultRam, kind: 'ram' }];
  if (machine !== undefined) checkSlots(report, machine, slots, ram);
  return slots;
}

function checkSlots(report: Report, { node, source }: Declared<Machine>, slots: readonly Slot[], ram: string | number | undefined): void {
  const nodes = node.settings.settings.filter(({ name }) => name === 'slot');
  const ramNode = node.settings.settings.find(({ name }) => name === 'ram');
  if (ram !== undefined && ramNode !== undefined) report.say(source, ramNode, 'ram-and-slots', { size: `${Number(ram) >> 10}K` });
  let isSound = nodes.length === slots.length;
  slots.forEach((slot, i) => {
    const place = nodes[i] ?? node;
    const earlier = slots.slice(0, i);
    const other = earlier.find((each) => slot.from < each.to && each.from < slot.to);
    if (earlier.some(({ name }) => name === slot.name)) report.say(source, place, 'slot-twice', { name: slot.name });
    else if (other !== undefined) report.say(source, place, 'slot-overlap', { name: slot.name, other: other.name });
    else return;
    isSound = false;
  });
  if (isSound && !slots.some(({ from, kind }) => from === 0n && kind === 'ram')) report.say(source, nodes[0] ?? node, 'no-low-ram');
}

/** RAM from guest-physical address 0 on, as far as it reaches without a gap. */
export function lowRam(slots: readonly Slot[]): bigint {
  let end = 0n;
  for (const slot of [...slots].sort((a, b) => (a.from < b.from ? -1 : 1))) {
    if (slot.kind === 'ram' && slot.from === end) end = slot.to;
  }
  return end;
}
