import type { Program } from '../../language/program';
import { addressText } from '../../inspect/addressText';
import { cpusOf } from '../memoryReference';
import type { Inspector } from '../simulator';
import { dataModes } from './breakpointModes';
import type { DataWatch, MemoryWatch, WatchedSpace } from './dataBreakpoint';

/**
 * The watch in the space that a mode asks for: where its first byte lies now, as the tables stand; it stays there from then on.
 * Without a mode it is what it was. An error is a sentence.
 */
export function inMode(watch: DataWatch, mode: string | undefined, program: Program, inspector: Inspector): DataWatch | { readonly error: string } {
  if (mode === undefined || watch.kind === 'value' || mode === watch.space) return watch;
  const wanted = dataModes.find(({ id }) => id === mode)?.id;
  if (wanted === undefined) return { error: `"${mode}" is no mode of a data breakpoint: there are ${dataModes.map(({ id }) => id).join(', ')}.` };
  const cpu = cpusOf(program, watch.vm)?.[0] ?? 0;
  return translated(watch, wanted, cpu, inspector);
}

/** The watch by another address of the same memory. */
function translated(watch: MemoryWatch, wanted: WatchedSpace, cpu: number, inspector: Inspector): MemoryWatch | { readonly error: string } {
  const from = addressText(watch.space, watch.address);
  if (wanted === 'gva' || watch.space === 'hpa') {
    return { error: `${from} has no ${wanted} of its own: several addresses may lead there. Watch it by ${watch.space === 'hpa' ? 'HPA' : 'GPA or HPA'}.` };
  }
  if (wanted === 'gpa') {
    const address = inspector.guestAddress(cpu, 'gva', watch.address);
    return address === undefined ? { error: `${from} is not mapped now, so it has no gpa: watch it by GVA.` } : { ...watch, space: 'gpa', address };
  }
  const found = inspector.hostAddress(cpu, watch.space, watch.address);
  if ('nobody' in found) return { error: `${from} has no hpa now: ${found.nobody}` };
  const { kind, length, use } = watch;
  return { kind, space: 'hpa', address: found.address, length, ...(use === undefined ? {} : { use }) };
}
