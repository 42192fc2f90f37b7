import type { AstNode } from 'langium';
import type { Expr, If, Procedure } from '../generated/ast';
import { pagingModeOf } from '../pagingModes';
import { numberOf } from '../syntax/literals';
import { childrenOf } from '../syntax/nodes';
import { entryBits, entryConstructors, rightsWords } from './entryFormat';
import { layoutConstants } from './kernelLayout';
import type { Declarations } from './sources';

const constants = new Map(layoutConstants(pagingModeOf('none'), 1).map(({ name, value }) => [name, value]));
const PAGING_NAMES: ReadonlySet<string> = new Set([...entryConstructors.keys(), ...rightsWords.keys(), ...entryBits.keys(), 'cr3', 'invlpg', 'invpcid']);

/** Procedures of the library that mean nothing without page tables: they make entries, or call what does. */
export function withoutPagingIn(library: Declarations): ReadonlySet<string> {
  const needing = new Set<string>();
  for (let before = -1; before !== needing.size; ) {
    before = needing.size;
    for (const { node } of library.procedures) if (needs(node, needing)) needing.add(node.name);
  }
  return needing;
}

function needs(procedure: Procedure, needing: ReadonlySet<string>): boolean {
  return procedure.type === 'process' || procedure.params.some(({ type }) => type === 'process') || living(procedure.body).some((node) => (
    (node.$type === 'Memory' && 'size' in node && node.size === 'entry') ||
    (node.$type === 'Field' && 'field' in node && node.field === 'frame') ||
    (node.$type === 'NameRef' && 'name' in node && typeof node.name === 'string' && (PAGING_NAMES.has(node.name) || needing.has(node.name)))
  ));
}

/** The nodes that are compiled without paging: branches that the mode rules out are left out. */
function living(root: AstNode): readonly AstNode[] {
  const found: AstNode[] = [root];
  for (const child of childrenOf(root)) {
    if (root.$type === 'If' && isDead(root as If, child)) continue;
    found.push(...living(child));
  }
  return found;
}

function isDead(node: If, child: AstNode): boolean {
  const value = valueOf(node.condition);
  if (value === undefined || child === node.condition) return value !== undefined;
  return value === 0n ? child === node.then : child === node.else || child === node.elseIf;
}

/** Value of a condition that the layout's constants decide. */
function valueOf(node: Expr): bigint | undefined {
  if (node.$type === 'NumberLiteral') return numberOf(node.value);
  if (node.$type === 'NameRef') return constants.get(node.name);
  if (node.$type === 'Unary') {
    const of = valueOf(node.of);
    return of === undefined || node.op !== 'not' ? undefined : BigInt(of === 0n);
  }
  if (node.$type !== 'Binary') return undefined;
  const left = valueOf(node.left);
  if (node.operator === 'and' && left === 0n) return 0n;
  if (node.operator === 'or' && left !== undefined && left !== 0n) return 1n;
  const right = valueOf(node.right);
  if (left === undefined || right === undefined) return undefined;
  switch (node.operator) {
    case '==': return BigInt(left === right);
    case '!=': return BigInt(left !== right);
    case '<': return BigInt(left < right);
    case '<=': return BigInt(left <= right);
    case '>': return BigInt(left > right);
    case '>=': return BigInt(left >= right);
    case 'and': case 'or': return BigInt(right !== 0n);
    default: return undefined;
  }
}
