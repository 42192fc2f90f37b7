import { EPT4 } from '../../hardware/paging/formats/ept4';
import type { Call, Expr } from '../generated/ast';
import { OP } from '../program';
import { numberOf } from '../syntax/literals';
import type { Body, Operand } from './body';
import { maskBetween } from './entryFormat';
import { compileAs } from './expressions';

/** Rights of an EPT entry, as values. SDM Vol. 3, "EPT Translation Mechanism". */
export const extendedRights: ReadonlyMap<string, bigint> = new Map(
  ['ro', 'wo', 'xo', 'rw', 'rx', 'wx', 'rwx'].map((name) => [name, rightsMask(name)]),
);

function rightsMask(name: string): bigint {
  const letters = name.replace('o', '').toUpperCase();
  return EPT4.fields.reduce((mask, { name: field, bits }) => (
    field.length === 1 && letters.includes(field) ? mask | maskBetween(bits[0], bits[1]) : mask
  ), 0n);
}

/** Memory types by the manual's names. SDM Vol. 3, "Memory Cache Control". */
export const memoryTypes: ReadonlyMap<string, bigint> = new Map([['uc', 0n], ['wc', 1n], ['wt', 4n], ['wp', 5n], ['wb', 6n]]);
const WRITE_BACK = 6n;
const MEMORY_TYPE_SHIFT = 3n;
/** EPTP: memory type in bits 2:0, page-walk length minus 1 in bits 5:3. SDM Vol. 3, "Extended-Page-Table Pointer (EPTP)". */
const WALK_LENGTH = BigInt(EPT4.levels - 1) << 3n;
const FRAME = maskBetween(EPT4.frame[0], EPT4.frame[1]);

const extendedWords: ReadonlyMap<string, bigint> = new Map([
  ['large', 1n << BigInt(EPT4.leafBit)], ['accessed', 1n << BigInt(EPT4.accessedBit)], ['dirty', 1n << BigInt(EPT4.dirtyBit)],
]);

/**
 * `epte(frame, RIGHTS, MEMTYPE, WORDS…)`. Without a memory type its bits are 0: an entry that references a table has none,
 * and a page is uncacheable. SDM Vol. 3, "EPT Translation Mechanism".
 */
export function compileExtendedEntry(body: Body, node: Call, target?: number): Operand {
  const [frame, rights, ...words] = node.args;
  if (frame === undefined || rights === undefined) {
    return body.fail(node, 'entry-arguments', { name: 'epte', parts: 'a frame and rights', shape: 'epte(frame, rw) or epte(frame, rw, wb)' });
  }
  let bits = 0n;
  let type: bigint | undefined;
  const parts: Operand[] = [];
  for (const argument of [rights, ...words]) {
    const name = argument.$type === 'NameRef' && body.variable(argument.name) === undefined ? argument.name : '';
    const meant = (argument === rights ? extendedRights : extendedWords).get(name);
    const memoryType = argument === rights ? undefined : memoryTypes.get(name) ?? literalType(body, argument);
    if (meant !== undefined) bits |= meant;
    else if (memoryType !== undefined) type = memoryType;
    else parts.push(compileAs(body, argument, 'number'));
  }
  if (type !== undefined) bits |= type << MEMORY_TYPE_SHIFT;
  return combined(body, [compileAs(body, frame, 'gpa'), ...parts], bits, target);
}

/** `eptp(root)`: write-back, four levels. */
export function compileEptPointer(body: Body, node: Call, target?: number): Operand {
  const [root] = node.args;
  if (root === undefined || node.args.length !== 1) {
    return body.fail(node, 'entry-arguments', { name: 'eptp', parts: 'the address of the EPT PML4', shape: 'eptp(root)' });
  }
  return combined(body, [compileAs(body, root, 'gpa')], WRITE_BACK | WALK_LENGTH, target);
}

function literalType(body: Body, argument: Expr): bigint | undefined {
  if (argument.$type !== 'NumberLiteral') return undefined;
  const value = numberOf(argument.value) ?? -1n;
  if ([...memoryTypes.values()].includes(value)) return value;
  body.fail(argument, 'memory-type', { written: argument.value });
  return 0n;
}

function combined(body: Body, parts: readonly Operand[], bits: bigint, target?: number): Operand {
  let constant = bits;
  const inRegisters = parts.filter((part) => part.constant === undefined);
  for (const part of parts) if (part.constant !== undefined) constant |= part === parts[0] ? part.constant & FRAME : part.constant;
  const [first, ...more] = inRegisters;
  if (first === undefined) return { type: 'number', constant };
  const result = target ?? body.allocate();
  const sum = body.inRegister({ type: 'number', constant });
  body.unit.code.emit(OP.or, sum, sum, body.inRegister(first));
  for (const part of more) body.unit.code.emit(OP.or, sum, sum, body.inRegister(part));
  body.unit.code.emit(OP.move, result, sum);
  return { type: 'number', register: result };
}
