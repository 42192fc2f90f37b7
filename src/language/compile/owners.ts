import type { AstNode } from 'langium';
import { addressOwner, type AddressOwner } from '../hostActions';
import type { ValueType } from '../program';
import type { Body, Operand, Owner } from './body';
import { isAddress } from './valueTypes';

/** Whose addresses `p`, `alice` and `alice.p` mean: a process of this VM, a VM, a process of another VM. */
export function ownerNamed(body: Body, node: AstNode, path: readonly string[]): Owner | undefined {
  const [first = '', second] = path;
  const written = path.join('.');
  const symbol = body.variable(first) === undefined ? body.scope.find(first) : undefined;
  if (symbol?.kind === 'process' && second === undefined) {
    body.vm.used.add(first);
    return { written, vm: body.vm.symbols.vm, process: symbol.index };
  }
  const vm = body.unit.vms.find(({ symbols }) => symbols.name === first && first !== '');
  if (vm === undefined || path.length > 2) {
    const names = ownerNames(body);
    body.failName(node, 'unknown-owner', first, names, { name: written, choices: names.length === 0 ? 'none' : names.join(', ') });
    return undefined;
  }
  if (second === undefined) return { written, vm: vm.symbols.vm };
  const process = [...vm.processNames].find(([, name]) => name === second)?.[0];
  if (process !== undefined) {
    vm.used.add(second);
    return { written, vm: vm.symbols.vm, process };
  }
  const names = [...vm.processNames.values()];
  const advice = names.length === 0 ? 'it has no process' : `its processes are ${names.join(', ')}`;
  body.failName(node, 'not-in-vm', second, names, { name: first, field: second, advice });
  return undefined;
}

/** True when the path's first word is a VM, or a process here, and nothing nearer. */
export function isOwner(body: Body, name: string): boolean {
  if (body.variable(name) !== undefined) return false;
  const symbol = body.scope.find(name);
  if (symbol !== undefined) return symbol.kind === 'process';
  return body.unit.vms.some(({ symbols }) => symbols.name === name && name !== '');
}

/** What may stand before `.gpa:` here. */
export function ownerNames(body: Body): readonly string[] {
  const processes = [...body.vm.processNames.values()];
  const others = body.unit.vms.filter(({ symbols }) => symbols.name !== '').flatMap(({ symbols, processNames }) => (
    [symbols.name, ...[...processNames.values()].map((name) => `${symbols.name}.${name}`)]
  ));
  return [...processes, ...others];
}

/** A host thread stands beside all VMs and has no CR3. */
export function sayWhose(body: Body, node: AstNode, { type, owner }: Operand): void {
  const vms = body.unit.vms.filter(({ symbols }) => symbols.name !== '');
  const names = ownerNames(body);
  if (type === 'gva' && owner?.process === undefined) {
    const processes = [...body.vm.processNames.values(), ...names.filter((each) => each.includes('.'))];
    body.fail(node, 'which-process', { choices: processes.length === 0 ? 'a process' : processes.map((each) => `${each}.gva:…`).join(', ') });
  } else if (type !== 'hpa' && owner === undefined && vms.length > 1) {
    body.fail(node, 'which-vm', { choices: vms.map(({ symbols }) => `${symbols.name}.${type}:…`).join(', ') });
  }
}

/** A look or a question in a host thread, of which several VMs could be meant; a bare number is a linear address there. */
export function sayWhoseOfSeveral(body: Body, node: AstNode, operand: Operand): void {
  const isOneOfSeveral = body.kind === 'host thread' && body.unit.vms.length > 1 && operand.owner === undefined;
  if (isOneOfSeveral) sayWhose(body, node, isAddress(operand.type) ? operand : { ...operand, type: 'gva' });
}

/** The number that says whose an address is, for the register behind it. */
export function ownerWord(body: Body, operand: Operand): bigint {
  const space: AddressOwner['space'] = isAddress(operand.type) ? operand.type : 'gva';
  const { owner } = operand;
  const vm = owner?.vm ?? Math.max(0, body.vm.symbols.vm);
  return BigInt(addressOwner(owner?.process === undefined ? { space, vm } : { space, vm, process: owner.process }));
}

/** How messages name whose an address is. */
export function ownerText(body: Body, owner: Owner | undefined, type: ValueType): string {
  if (owner !== undefined) return `\`${owner.written}\``;
  return type === 'gva' ? 'the running process' : body.vm.symbols.name === '' ? 'this VM' : `\`${body.vm.symbols.name}\``;
}

/** True when two addresses mean the same thing: of one VM, and for linear ones of one process. */
export function hasSameOwner(body: Body, left: Operand, right: Operand): boolean {
  const vm = ({ owner }: Operand): number => owner?.vm ?? body.vm.symbols.vm;
  return vm(left) === vm(right) && left.owner?.process === right.owner?.process;
}
