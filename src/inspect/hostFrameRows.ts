import type { Machine } from '../engine/machine/machine';
import { FRAME_USES, USE } from '../hypervisor/host/hostFrames';
import type { PhysicalHost } from '../hypervisor/physicalHost';
import { frameIn, frameText, qualified, sizeText } from './addressText';
import { RankedMembers } from './rankedMembers';
import { indexed, named, numberIn, ranked, type Row } from './rows';

const PAGE_BYTES = 4096n;
/** What a frame in use is used for. */
const USES = FRAME_USES.map((_, use) => use).filter((use) => use !== USE.free);

/** What the physical host has: its frames with use, owner and references, and its swap device. */
export function hostRows(machine: Machine, host: PhysicalHost): readonly Row[] {
  return [...usesOf(machine, host), framesRow(machine, host), ...swapRows(host)];
}

/** The host below the VMs; undefined under `native`. */
export function hostOf({ vms }: Machine): PhysicalHost | undefined {
  return vms.find(({ technique }) => technique.vm !== undefined)?.technique.vm?.host;
}

function usesOf(machine: Machine, { frames, installed }: PhysicalHost): readonly Row[] {
  const owners = machine.vms.flatMap(({ technique, name }) => (technique.vm === undefined ? [] : [{ number: technique.vm.number, name }]));
  const uses = FRAME_USES.map((text, use) => ({ text, use })).filter(({ use }) => use !== USE.free);
  return [
    { name: 'installed memory', value: `${sizeText(BigInt(installed) * PAGE_BYTES)}, ${installed} frames` },
    { name: 'free frames', value: `${frames.free}` },
    ...owners.flatMap(({ number, name }) => uses.filter(({ use }) => frames.count(use, number) > 0)
      .map(({ text, use }) => ({ name: `${plural(text)}${owners.length > 1 ? ` of ${name}` : ''}`, value: `${frames.count(use, number)} frames` }))),
  ];
}

/** Every frame that somebody has, in order. */
function framesRow(machine: Machine, host: PhysicalHost): Row {
  const { frames } = host;
  // How many there are is counted as they come and go; which they are is looked for when some are asked for.
  const owners = machine.vms.flatMap(({ technique }) => (technique.vm === undefined ? [] : [technique.vm.number]));
  const count = owners.reduce((sum, owner) => sum + USES.reduce((of, use) => of + frames.count(use, owner), 0), 0);
  let members: RankedMembers | undefined;
  const isUsed = (frame: number): boolean => frames.useOf(frame) !== USE.free;
  const slice = (start: number, length: number): readonly number[] => {
    members ??= new RankedMembers(frames.end, isUsed);
    return members.slice(start, length);
  };
  const has = (frame: number): boolean => frame >= 0 && frame < frames.end && isUsed(frame);
  return {
    name: 'frames in use',
    value: `${count}`,
    below: ranked({ count, slice, has }, (frame) => ({ name: frameText('hpa', frame), ...frameState(machine, host, frame) }), frameIn),
  };
}

function frameState(machine: Machine, { frames, pages: { rmap, managers } }: PhysicalHost, frame: number): Omit<Row, 'name'> {
  const use = frames.useOf(frame);
  const owner = machine.vms.find(({ technique }) => technique.vm?.number === frames.ownerOf(frame));
  const whose = machine.vms.length > 1 && owner !== undefined ? ` of ${owner.name}` : '';
  if (use !== USE.guestPage) return { value: `${FRAME_USES[use] ?? ''}${whose}` };
  const mappers: Row[] = [];
  for (let link = rmap.first(frame); link !== 0; link = rmap.next(link)) {
    const vm = machine.vms.find(({ technique }) => technique.vm?.number === rmap.vmOf(link));
    const hvaPage = rmap.hvaPageOf(link);
    const gfn = vm?.technique.vm?.slots.gfnOfHva(hvaPage) ?? -1;
    const rights = managers[rmap.vmOf(link)]?.process.isWritable(hvaPage) === 1 ? 'writable' : 'read-only';
    if (vm === undefined) continue;
    const guest = gfn < 0 ? '' : `, ${qualified(machine, vm, frameText('gpa', gfn))}`;
    mappers.push({ name: `[${mappers.length}]`, value: `${qualified(machine, vm, frameText('hva', hvaPage))} ${rights}${guest}` });
  }
  const count = frames.mapCountOf(frame);
  const state = count === 0 ? 'not mapped by the host' : count === 1 ? 'mapped' : `shared, mapped ${count} times`;
  const first = mappers.length === 1 ? ` ${mappers[0]!.value}` : '';
  return { value: `guest page${whose}, ${state}${first}`, ...(mappers.length === 0 ? {} : { below: named(() => mappers) }) };
}

/** The swap device, where the platform has one: its pages in use, and how many host page-table entries name each. */
function swapRows({ pages: { swap } }: PhysicalHost): readonly Row[] {
  if (swap.pages === 0) return [];
  const used = Array.from({ length: swap.highest }, (_, index) => index + 1).filter((page) => swap.countOf(page) > 0);
  return [{
    name: 'swap device',
    value: `${swap.used} of ${swap.pages} pages in use`,
    below: indexed(used, (page) => {
      const names = swap.countOf(page);
      return { name: `page ${page}`, value: `${frameText('hpa', swap.frameOf(page))} named by ${names} host page-table ${names === 1 ? 'entry' : 'entries'}` };
    }, (name) => used.indexOf(numberIn(name))),
  }];
}

function plural(use: string): string {
  return `${use}s`;
}
