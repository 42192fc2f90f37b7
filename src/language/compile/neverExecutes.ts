import { AstUtils, type AstNode } from 'langium';
import { isBlock, type Expr, type Memory, type Statement } from '../generated/ast';
import { hex } from './areas';
import type { Body } from './body';

/** A write of a bit that the processor refuses whenever the mode is in force. */
interface RefusedWrite {
  readonly bit: string;
  readonly value: 0 | 1 | 'any';
  /** In modes whose entries lead to 64-bit addresses, or in the others. */
  readonly modes: 'long' | 'not long' | 'all';
  readonly why: string;
}

/** SDM Vol. 3, "Control Registers"; Vol. 2, "MOV—Move to/from Control Registers". */
const REFUSED: readonly RefusedWrite[] = [
  { bit: 'cr4.PCIDE', value: 1, modes: 'not long', why: 'PCIDs are for 4-level and 5-level paging' },
  { bit: 'cr4.PAE', value: 0, modes: 'long', why: 'PAE stays on as long as long mode does' },
  { bit: 'cr4.LA57', value: 'any', modes: 'long', why: 'the number of levels cannot change while paging is on' },
  { bit: 'cr0.PG', value: 0, modes: 'long', why: '64-bit mode cannot go on without paging' },
  { bit: 'cr0.PE', value: 0, modes: 'all', why: 'paging needs protected mode' },
];

/** Warns of `cr4.PCIDE = 1` and its like, where the mode has it end in #GP every time, and no expectation says that this is meant. */
export function warnOfRefusedWrite(body: Body, node: Expr, bit: string, value: bigint): void {
  const { paging, mode } = body.vm.symbols;
  if (body.kind !== 'cpu' || body.purpose !== 'guest' || paging !== 'on' || isMeant(node)) return;
  const modes = mode.wordBytes === 8 ? 'long' : 'not long';
  const row = REFUSED.find((each) => each.bit === bit && (each.value === 'any' || BigInt(each.value) === value) && (each.modes === 'all' || each.modes === modes));
  if (row !== undefined) body.fail(node, 'always-refused', { written: `${bit} = ${value}`, mode: mode.name, why: row.why });
}

/** Warns of a literal that is no linear address of the mode: every access there ends in #GP. */
export function warnOfStrangeAddress(body: Body, node: Memory, address: bigint): void {
  const { paging, mode } = body.vm.symbols;
  if (body.kind !== 'cpu' || body.purpose !== 'guest' || paging !== 'on' || isMeant(node)) return;
  if (address < mode.lowerEnd || (mode.upperStart !== undefined && address >= mode.upperStart)) return;
  const upper = mode.upperStart === undefined ? '' : `, and from ${hex(mode.upperStart)} on`;
  body.fail(node, 'address-outside-mode', { written: body.written(node.segment), mode: mode.name, last: hex(mode.lowerEnd - 1n), upper });
}

/** An expectation about a fault, a refusal or a stop is among those right below the statement. */
function isMeant(node: AstNode): boolean {
  const statement = AstUtils.getContainerOfType(node, (each): each is Statement => each.$container?.$type === 'Block');
  if (statement === undefined || !isBlock(statement.$container)) return false;
  const { statements } = statement.$container;
  for (const below of statements.slice(statements.indexOf(statement) + 1)) {
    if (below.$type !== 'Expect') return false;
    if (below.claim.$type === 'FaultClaim' || below.claim.$type === 'OutcomeClaim') return true;
  }
  return false;
}
