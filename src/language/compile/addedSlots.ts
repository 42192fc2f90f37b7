import { isCall } from '../generated/ast';
import { nodesOf } from '../syntax/nodes';
import type { SlotName } from '../virtualMachines';
import type { Declarations } from './sources';
import type { VmDeclarations } from './virtualMachine';

/** Names of slots: the declared ones, then those that `add_slot` brings, wherever it stands: another actor may name them before. */
export function addedSlots(declared: readonly SlotName[], vms: readonly VmDeclarations[], scenario: Declarations): SlotName[] {
  const slots = [...declared];
  const add = (name: string, vm: number): void => {
    if (vm >= 0 && !slots.some((slot) => slot.name === name && slot.vm === vm)) slots.push({ name, vm });
  };
  const onlyVm = vms.length === 1 ? 0 : -1;
  const bodies = [
    ...vms.flatMap(({ own, number }) => own.cpus.map(({ node }) => ({ node, vm: number }))),
    ...scenario.threads.map(({ node }) => ({ node, vm: onlyVm })),
  ];
  for (const { node: body, vm } of bodies) {
    for (const call of nodesOf(body).filter(isCall)) {
      if (call.of.$type !== 'NameRef' || call.of.name !== 'add_slot') continue;
      const [name] = call.args;
      if (name?.$type === 'NameRef') add(name.name, vm);
      else if (name?.$type === 'Field' && name.of.$type === 'NameRef') add(name.field, numberNamed(vms, name.of.name));
    }
  }
  return slots;
}

function numberNamed(vms: readonly VmDeclarations[], name: string): number {
  return vms.find((vm) => vm.name === name)?.number ?? -1;
}
