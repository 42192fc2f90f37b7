import type { Controls } from '../oracle/accessRights';
import type { Verdict } from '../oracle/verdict';
import type { CodedAccess } from './accesses';
import type { TableLayout } from './tableLayout';

const hex = (value: number): string => `0x${value.toString(16)}`;
const entry = (lo: number, hi: number): string => hex((hi >>> 0) * 2 ** 32 + (lo >>> 0));

/** A case as one would tell it: the access, the controls that are on, the entries that are not permissive, what was expected. */
export function describeCase(layout: TableLayout, access: CodedAccess, controls: Controls, verdict: Verdict): string {
  const { shape, slots } = layout;
  const on = Object.entries(controls).filter(([, value]) => value !== false && value !== 0).map(([name, value]) => (
    typeof value === 'number' ? `${name}=${hex(value)}` : name));
  const odd = slots.filter((slot) => BigInt.asIntN(32, slot.open) !== BigInt(slot.lo) || BigInt.asIntN(32, slot.open >> 32n) !== BigInt(slot.hi));
  const entries = odd.map((slot) => `${slot.structure.name} at ${hex(slot.hpa)} = ${entry(slot.lo, slot.hi)}`);
  const nested = shape.nested === undefined ? '' : shape.nested.kind === 'EPT' ? ` under ${shape.nested.length}` : ` under nested ${shape.nested.paging}`;
  return `${access.name} in ${shape.paging}${nested} with ${on.join(' ')} and ${entries.join(', ')}; `
    + `the manual says ${verdict.outcome} level ${verdict.level} code ${hex(verdict.errorCode)} `
    + `qualification ${hex(verdict.qualificationHigh)}:${hex(verdict.qualification)} gpa ${hex(verdict.gpa)} hpa ${hex(verdict.hpa)} `
    + `references ${verdict.references}`;
}
