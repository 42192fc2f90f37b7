import { OP, type ProcedureKind, type ValueType } from '../program';
import type { Body } from './body';

export interface HandlerParameter {
  readonly name: string;
  readonly type: ValueType;
}

/** What a handler may be for. */
export type HandlerKind = Exclude<ProcedureKind, 'cpu' | 'host thread' | 'procedure'>;

/** What the processor hands to a handler, in its first registers. SDM Vol. 3, "Exception and Interrupt Reference". */
export const handlerParameters: Readonly<Record<HandlerKind, readonly HandlerParameter[]>> = {
  page_fault: [{ name: 'address', type: 'gva' }, { name: 'code', type: 'number' }],
  general_protection: [{ name: 'code', type: 'number' }],
  double_fault: [{ name: 'code', type: 'number' }],
  virtualization_exception: [{ name: 'address', type: 'gpa' }, { name: 'code', type: 'number' }],
  interrupt: [],
};

/** Kinds whose handler may refuse: those about an access. */
const ABOUT_AN_ACCESS: ReadonlySet<ProcedureKind> = new Set(['page_fault', 'general_protection', 'virtualization_exception']);

export function mayRefuse(kind: ProcedureKind | undefined): boolean {
  return kind !== undefined && ABOUT_AN_ACCESS.has(kind);
}

/** Ends a handler: IRET. A handler that another one stands before was called by it, and returns to it. */
export function emitHandlerEnd(body: Body): void {
  const { code } = body.unit;
  if (body.kind !== 'procedure') {
    code.emit(OP.iret);
    return;
  }
  const register = body.allocate();
  code.loadConstant(register, 0n);
  code.emit(OP.return, register);
}
