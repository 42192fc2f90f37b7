import type { EntryFormat } from '../compile/entryFormat';
import type { Call, Expr } from '../generated/ast';
import { numberOf } from '../syntax/literals';

const ALL_BITS = (1n << 64n) - 1n;

/**
 * The value of an expression that is made of literals, and of rights, bits and entry constructors of a format; undefined
 * for any other.
 */
export function constantValue(node: Expr, format: EntryFormat): bigint | undefined {
  switch (node.$type) {
    case 'NumberLiteral':
      return numberOf(node.value);
    case 'Cast':
      return constantValue(node.address, format);
    case 'NameRef':
      return format.rights.get(node.name) ?? format.bits.get(node.name) ?? format.words.get(node.name);
    case 'Unary': {
      const value = constantValue(node.of, format);
      return value === undefined || node.op !== '~' ? undefined : value ^ ALL_BITS;
    }
    case 'Binary': {
      const left = constantValue(node.left, format);
      const right = constantValue(node.right, format);
      return left === undefined || right === undefined ? undefined : combined(node.operator, left, right);
    }
    case 'Call':
      return callValue(node, format);
    default:
      return undefined;
  }
}

function combined(operator: string, left: bigint, right: bigint): bigint | undefined {
  switch (operator) {
    case '|': return left | right;
    case '&': return left & right;
    case '^': return left ^ right;
    case '+': return (left + right) & ALL_BITS;
    case '-': return (left - right) & ALL_BITS;
    case '*': return (left * right) & ALL_BITS;
    default: return undefined;
  }
}

/** `pte(gpa:0x5000, rw, user)`, `key(3)`, `bit(51)`. */
function callValue({ of, args }: Call, format: EntryFormat): bigint | undefined {
  if (of.$type !== 'NameRef') return undefined;
  const values = args.map((arg) => constantValue(arg, format));
  const known = values.filter((value) => value !== undefined);
  const [first] = known;
  if (first === undefined || known.length < values.length) return undefined;
  if (of.name === 'key') return format.keyShift === undefined ? undefined : (first & 15n) << BigInt(format.keyShift);
  if (of.name === 'bit') return first < 64n ? 1n << first : undefined;
  return format.constructors.has(of.name) ? known.reduce((all, value) => all | value, 0n) : undefined;
}
