import type { AstNode } from 'langium';
import { addressParts } from '../../hardware/paging/addressParts';
import type { CompiledFormat } from '../../hardware/paging/compiledFormat';
import { decodeEntry } from '../../hardware/paging/decodeEntry';
import { entryFormatOf } from '../compile/entryFormat';
import type { Call, Expr } from '../generated/ast';
import { numberOf } from '../syntax/literals';
import { callableNamed } from './callables';
import { constantValue } from './constantValue';
import type { EditedScenario } from './editedScenario';
import type { NameIndex } from './nameIndex';
import { formatAt } from './pagingOfPlace';
import { signatureOf } from './signature';
import type { Token } from './words';

/** What a number is where it stands. */
type Use = 'linear address' | 'physical address' | 'entry' | 'number';

/** Of a number without a meaning of its own, only one that looks like an address is split into indices. */
const LEAST_ADDRESS = 0x1000n;

/** A literal as hexadecimal, decimal and size; an address split into its indices; an entry read bit by bit. */
export function numberHover(scenario: EditedScenario, index: NameIndex, token: Token): string | undefined {
  const value = numberOf(token.image);
  if (value === undefined) return undefined;
  const use = useOf(index, token.node, token.property);
  const lines = [`\`${hex(value)}\` = ${value}${sizeText(value)}`];
  const format = formatAt(scenario, token.node);
  const isHex = token.image.startsWith('0x');
  const isAddress = format !== undefined && isLinear(format, value);
  if (format !== undefined && (use === 'linear address' || (isAddress && use === 'number' && isHex && value >= LEAST_ADDRESS))) {
    lines.push(addressTable(format, value));
    if (!isAddress) lines.push(`It is no linear address of ${format.format.name} paging: an access there ends in #GP.`);
  }
  // A number that is no address, and more than a size: most often an entry with XD.
  if (format !== undefined && (use === 'entry' || (use === 'number' && isHex && !isAddress))) lines.push(entryTable(format, value, 1, 'as'));
  if (use === 'physical address') lines.push(`frame ${hex(value >> 12n)}, offset ${hex(value & 0xfffn)}`);
  return lines.join('\n\n');
}

/** The entry that a constructor with constant arguments makes, read bit by bit; undefined for any other call. */
export function constructedEntry(scenario: EditedScenario, node: AstNode): string | undefined {
  if (node.$type !== 'NameRef' || node.$container?.$type !== 'Call') return undefined;
  const call = node.$container as Call;
  const format = formatAt(scenario, node);
  if (format === undefined) return undefined;
  const entryFormat = entryFormatOf(format.format);
  const level = entryFormat.constructors.get('name' in node ? String(node.name) : '');
  const value = constantValue(call, entryFormat);
  return level === undefined || value === undefined ? undefined : `\`${hex(value)}\`\n\n${entryTable(format, value, level, 'is')}`;
}

/** Canonical, or within the 32 bits that there are. SDM Vol. 1, "Canonical Addressing". */
function isLinear(format: CompiledFormat, address: bigint): boolean {
  const width = (addressParts(format, address, 1)[0]?.bits[0] ?? 31) + 1;
  const half = 1n << BigInt(width - 1);
  return width <= 32 ? address < 2n * half : address < half || address >= (1n << 64n) - half;
}

function addressTable(format: CompiledFormat, address: bigint): string {
  const rows = addressParts(format, address, 1).map(({ name, bits: [high, low], value }) => (
    `| ${name} | ${high}:${low} | \`${name === 'offset' ? hex(BigInt(value)) : value}\` |`
  ));
  return `As a linear address, by ${format.format.name} paging:\n\n| index into | bits | value |\n| --- | --- | --- |\n${rows.join('\n')}`;
}

/** `as`: which level it is of is not written there, so it is read as the entry that maps a 4-KByte page. */
function entryTable(format: CompiledFormat, value: bigint, level: number, says: 'as' | 'is'): string {
  const decoded = decodeEntry(format, level, Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n)), 'gpa');
  const rows = decoded.fields.map(({ name, bits: [high, low], text, meaning }) => (
    `| ${high === low ? high : `${high}:${low}`} | ${name} | \`${text}\` | ${meaning.replaceAll('|', '\\|')} |`
  ));
  const title = says === 'as' ? `As a ${decoded.name}` : decoded.name;
  const fault = decoded.fault === undefined ? [] : [`A walk refuses it: ${decoded.fault}.`];
  return [`${title}, ${format.format.name} format:`, ['| bits | field | value | meaning |', '| --- | --- | --- | --- |', ...rows].join('\n'), ...fault].join('\n\n');
}

function useOf(index: NameIndex, node: AstNode, property: string): Use {
  if (node.$type === 'AreaLine') return property === 'from' || property === 'to' ? 'linear address' : 'number';
  if (node.$type !== 'NumberLiteral') return 'number';
  let inner: AstNode = node;
  for (let outer = inner.$container; outer !== undefined; inner = outer, outer = outer.$container) {
    const found = useWithin(index, inner, outer);
    if (found !== undefined) return found;
  }
  return 'number';
}

/** What `outer` makes of `inner`, or undefined where a node further out decides. */
function useWithin(index: NameIndex, inner: AstNode, outer: AstNode): Use | undefined {
  switch (outer.$type) {
    case 'Cast':
    case 'In':
      return 'space' in outer && outer.space === 'gva' ? 'linear address' : 'physical address';
    case 'Memory':
      return 'linear address';
    case 'FaultClaim':
      return 'linear address';
    case 'Call':
      return argumentUse(index, outer as Call, inner);
    case 'Binary':
      return isEntryExpression(otherSide(outer, inner)) ? 'entry' : undefined;
    case 'Update':
      return 'target' in outer && isEntryExpression(outer.target as Expr) ? 'entry' : 'number';
    case 'Unary':
      return undefined;
    default:
      return 'number';
  }
}

function otherSide(node: AstNode, side: AstNode): Expr | undefined {
  if (!('left' in node) || !('right' in node)) return undefined;
  return (node.left === side ? node.right : node.left) as Expr;
}

function isEntryExpression(node: Expr | undefined): boolean {
  return node?.$type === 'Memory' && node.size === 'entry';
}

function argumentUse(index: NameIndex, call: Call, argument: AstNode): Use {
  const at = call.args.indexOf(argument as Expr);
  if (at < 0 || call.of.$type !== 'NameRef') return 'number';
  const declared = index.procedureFor(call.of.name, call);
  const written = (declared === undefined ? undefined : signatureOf(declared))?.parameters[at]?.written;
  const type = written?.split(' ')[0] ?? callableNamed(call.of.name)?.parameters[at]?.type;
  if (type === 'gva') return 'linear address';
  return type === 'gpa' || type === 'hpa' || type === 'hva' ? 'physical address' : 'number';
}

const UNITS = ['', 'K', 'M', 'G', 'T'] as const;

/** ` = 16M`, where a size says it shorter. */
function sizeText(value: bigint): string {
  let unit = 0;
  let count = value;
  for (; count >= 1024n && count % 1024n === 0n && unit < UNITS.length - 1; unit++) count /= 1024n;
  return unit === 0 ? '' : ` = ${count}${UNITS[unit] ?? ''}`;
}

function hex(value: bigint): string {
  return `0x${value.toString(16)}`;
}
