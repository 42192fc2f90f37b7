import type { AddressSpace } from '../../inspect/addressText';
import { evaluateIn } from '../evaluation';
import { cannotEvaluate, noWalks, type Failure } from '../failures';
import { isAddressType } from '../valueText';
import type { CommandSite } from './command';

/** An address as a command was given it. */
export interface GivenAddress {
  readonly space: AddressSpace;
  readonly address: bigint;
  /** A CPU of the VM that it is of. */
  readonly cpu: number;
  /** That VM's name; empty where there is only one. */
  readonly vm: string;
}

/** Evaluates the address that a command is about, in the selected frame. A bare number is a linear address, as in memory references. */
export function addressArgument(site: CommandSite, command: string, text: string): GivenAddress | Failure {
  const { launched, held } = site;
  if (text === '') return cannotEvaluate(`\`${command}\` needs an address behind it, such as ${command} gva:0x600000.`);
  const result = evaluateIn(launched, held, text);
  if ('error' in result) return cannotEvaluate(result.error);
  const { value, type } = result;
  if (!isAddressType(type) && type !== 'number') return cannotEvaluate(`${text} is no address; write one such as gva:0x600000 or gpa:0x5000.`);
  const { program } = launched.scenario;
  const space = isAddressType(type) ? type : 'gva';
  const own = program.actors[held.cpu]?.vm ?? -1;
  const vm = program.vms[result.vm ?? own];
  const cpu = vm === undefined || vm === program.vms[own] ? held.cpu : vm.cpus[0] ?? held.cpu;
  if (cpu >= launched.debuggee.cpus) {
    // A host thread has no tables of a guest's; frames and host-virtual addresses are the first VM's.
    return space === 'hpa' ? { space, address: value, cpu: 0, vm: '' } : noWalks(launched.debuggee.threads[held.cpu] ?? 'this thread');
  }
  return { space, address: value, cpu, vm: vm?.name ?? '' };
}
