import { vmcsFields } from '../../hardware/vmx/vmcs';
import type { Expr } from '../generated/ast';
import { OP } from '../program';
import type { Body, Operand } from './body';

/** `vmcs.FIELD`: VMREAD by the hypervisor that the guest is; a look in expectations. */
export function compileVmcsRead(body: Body, node: Expr, field: string, target?: number): Operand {
  const number = fieldNumber(body, node, field);
  if (number === undefined) return { type: 'number', constant: 0n };
  const register = target ?? body.allocate();
  body.unit.code.emit(OP.vmcsGet, register, number, body.purpose === 'guest' ? 0 : 1);
  return { type: 'number', register };
}

/** `vmcs.FIELD = E`: VMWRITE. */
export function compileVmcsWrite(body: Body, node: Expr, field: string, value: number): void {
  const number = fieldNumber(body, node, field);
  if (number !== undefined) body.unit.code.emit(OP.vmcsSet, number, value);
}

function fieldNumber(body: Body, node: Expr, field: string): number | undefined {
  if (body.vm.symbols.nested.size === 0) {
    body.fail(node, 'not-nested');
    return undefined;
  }
  const number = vmcsFields.findIndex(({ name }) => name === field);
  if (number >= 0) return number;
  body.failName(node, 'unknown-vmcs-field', field, vmcsFields.map(({ name }) => name), { field });
  return undefined;
}
