import { segmentNames } from '../hardware/segments/segmentRegisters';
import { vmcsFields } from '../hardware/vmx/vmcs';
import { hostActionRows } from './hostActions';
import { instructionRows } from './instructions';
import {
  COUNTER_SCOPE, EXIT_COUNTERS_AT, INSTRUCTION_WORDS, LOG, OP, RMW, SEGMENT_SELECTORS_AT, counterNames, eventFieldNames, queries,
  registerNames,
} from './program';
import type { Program } from './program';
import { exitReasonOf } from '../hardware/vmx/exitReasons';

type Shown = Pick<Program, 'code' | 'constants'> & Partial<Pick<Program, 'procedures' | 'globals' | 'tables' | 'techniqueSets'>>;

const names = new Map<number, string>(Object.entries(OP).map(([name, number]) => [number, name]));
const nameIn = (table: Readonly<Record<string, number>>, number: number): string => (
  Object.entries(table).find(([, each]) => each === number)?.[0] ?? String(number)
);

/** Which of a, b and c are registers (r), jump targets (@) or names looked up in a table; `-` is not used. */
const SHAPES: Readonly<Record<string, string>> = {
  statement: '#', constant: 'rk', move: 'rr', not: 'rr', complement: 'rr', truth: 'rr', jump: '@', jumpIf: 'r@',
  jumpUnless: 'r@', jumpUnlessTechnique: 'T@', globalGet: 'rg', globalSet: 'gr', tableGet: 'rtr', tableSet: 'trr',
  processGet: 'rpr', processSet: 'prr', load: 'rr#', store: 'rr#', readModifyWrite: 'rrm', fetch: 'r', registerGet: 'rR',
  registerSet: 'Rr', invlpg: 'r', enterLevel: 'r#', leaveLevel: 'r', stac: '', clac: '', call: 'crr', return: 'r',
  iret: '', refuse: '', end: '', query: 'rqr', peek: 'rr#', counter: 'rns', mark: 'rl', expect: '#', print: '#',
  eventField: 'rf', startCounting: '', peekRegister: 'rR',
  instruction: 'irr', meet: '##', hold: '###', hostAction: 'hrr', tableGetOf: 'rrr', tableSetOf: 'rrr', tableNext: 'rrr',
  queryOf: 'rqr', vmcsGet: 'rv', vmcsSet: 'vr', peekOf: 'rr#', segmentLimit: 'r##',
};

/** The code as lines `number: operation operands`, for tests and for people. `from` to `to` are instructions. */
export function disassemble(program: Shown, from = 0, to = program.code.length / INSTRUCTION_WORDS): string {
  const lines: string[] = [];
  for (let at = from; at < to; at++) {
    const words = program.code.subarray(at * INSTRUCTION_WORDS, (at + 1) * INSTRUCTION_WORDS);
    const name = names.get(words[0] ?? -1) ?? `operation ${words[0]}`;
    const shape = SHAPES[name] ?? 'rrr';
    const operands = Array.from(shape, (kind, i) => shown(program, kind, words[i + 1] ?? 0));
    lines.push(`${at}: ${[name, ...operands].join(' ')}`);
  }
  return lines.join('\n');
}

function shown(program: Shown, kind: string, word: number): string {
  switch (kind) {
    case 'r':
      return `r${word}`;
    case '@':
      return `@${word}`;
    case 'k':
      return constant(program.constants, word);
    case 'g':
      return program.globals?.[word]?.name ?? `global${word}`;
    case 't':
      return program.tables?.[word]?.name ?? `table${word}`;
    case 'p':
      return word === 0 ? 'root' : 'pcid';
    case 'R':
      return registerNames[word] ?? segmentNames[word - SEGMENT_SELECTORS_AT] ?? String(word);
    case 'T':
      return program.techniqueSets?.[word]?.join('|') ?? String(word);
    case 'i':
      return instructionRows[word]?.name ?? String(word);
    case 'h':
      return hostActionRows[word]?.name ?? String(word);
    case 'v':
      return vmcsFields[word]?.name ?? String(word);
    case 'c':
      return program.procedures?.[word]?.name ?? `procedure${word}`;
    case 'q':
      return queries[word] ?? String(word);
    case 'm':
      return `${word & 0xff} ${nameIn(RMW, word >> 8)}`;
    case 'n':
      return word < EXIT_COUNTERS_AT ? (counterNames[word] ?? String(word)) : `exits.${exitReasonOf(word - EXIT_COUNTERS_AT)?.key ?? word}`;
    case 's':
      return nameIn(COUNTER_SCOPE, word);
    case 'l':
      return nameIn(LOG, word);
    case 'f':
      return eventFieldNames[word] ?? String(word);
    default:
      return String(word);
  }
}

function constant(constants: Int32Array, number: number): string {
  const low = BigInt((constants[2 * number] ?? 0) >>> 0);
  const high = BigInt((constants[2 * number + 1] ?? 0) >>> 0);
  const value = (high << 32n) | low;
  return value < 10n ? String(value) : `0x${value.toString(16)}`;
}
