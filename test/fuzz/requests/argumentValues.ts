import * as fc from 'fast-check';
import type { ArgumentKind } from '../../../src/adapter/answer';

/** An argument that is chosen when it is sent, among what the session has been given so far: of now or of an earlier stop. */
export interface Live {
  readonly live: string;
  /** Counted from the newest. */
  readonly pick: number;
}

export function isLive(value: unknown): value is Live {
  return typeof value === 'object' && value !== null && 'live' in value;
}

const live = (pool: string): fc.Arbitrary<Live> => fc.record({ live: fc.constant(pool), pick: fc.oneof(fc.nat(3), fc.nat(60)) });

/** Mostly of the first kind. */
function mostly(good: fc.Arbitrary<unknown>, ...others: readonly unknown[]): fc.Arbitrary<unknown> {
  return fc.oneof({ weight: 5, arbitrary: good }, { weight: 1, arbitrary: fc.constantFrom(...others) });
}

export const programs = ['/lab/first-touch.guest', '/lab/page-table-write.guest', '/lab/two-cpus.guest', '/lab/isolation-two-vms.guest', '/lab/prints.guest', '/lab/fails.guest', '/lab/dies.guest'] as const;
/** Never ends by itself. */
export const ENDLESS = '/lab/endless.guest';

const numbers = [0, 1, 2, -1, 1.5, 99, 4096, 2 ** 31, 2 ** 53, -(2 ** 63), 1e300];
const texts = ['', 'x', 'gva:0x600000', '0x600000', 'n', '(', '__proto__', '\u0000', 'ü'.repeat(300), 'constructor'];
const expressions = [
  '1', 'n', 'cr3', 'cr0.WP', 'p', 'event', 'event.gva', 'gpa_of(0x600000)', 'hpa_of(0x600000)', 'pte_at(p, 0x600000)', '[0x600000]', 'walk(0x600000)',
  'user [0x600000]', '[0xffffffffffffffff]', '[gpa:0x1000]', '1 / 0', 'n + ', '(', '', 'help', '0x1ffffffffffffffff', '((((((((1))))))))', 'x'.repeat(5000), 'n = 5',
];
const conditions = ['1', '0', 'n > 3', 'event.gpa == gpa:0x3008', 'event.value >= 7', 'nothing here', '(', '[0x600000] == 1', '1 / 0'];
const addresses = ['gva:0x600000', 'gva:0x600ff8', 'gpa:0x1000', 'gpa:0x101000', 'hpa:0x0', 'hva:0x7f0000101000', 'gva:0xffffffffffffffff', 'gpa:0xfffffffffffffff8'];

/** What may stand as a source. */
const source = fc.oneof(
  live('source'),
  fc.constantFrom<unknown>(
    ...programs.map((path) => ({ path })), { path: ENDLESS }, { path: '/none.guest' }, { name: 'shadow-wp.vmm' }, { name: 'ept.vmm' }, { name: 'kernel.guest' },
    { sourceReference: 1 }, { sourceReference: 2 }, { sourceReference: -7 }, {}, { path: 7 }, { path: '' }, { path: 'file:///lab/%E0%A4%A' }, null, 'x',
  ),
);
const maybe = (good: readonly unknown[]): fc.Arbitrary<unknown> => fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.constantFrom(...good));
const line = mostly(fc.integer({ min: 1, max: 30 }), ...numbers, '3', null);

const sourceBreakpoint = fc.record({
  line, column: maybe([1, 3, 0, -1, 99]), condition: maybe([...conditions, 7]), hitCondition: maybe(['1', '>=2', '%3', 'often', '', 5]), logMessage: maybe(['n is {n}', '{', '{}', '{1/0}', 'hello', '']),
});
const eventNames = ['vm_exit', 'access_done', 'table_read', 'page_fault', 'cpu 0', 'map_page', 'exit:ept_violation', 'exit:ept_violation if event.address >= 0x3000', 'write:gpa:0x104000', 'write:gva:0x10', 'vm_exitt', 'exit:', ':', '', ' if ', '__proto__'];
const functionBreakpoint = fc.record({ name: fc.constantFrom<unknown>(...eventNames, 7), condition: maybe(conditions), hitCondition: maybe(['2', '%2', 'x']) });
const dataBreakpoint = fc.record({
  dataId: fc.oneof(live('dataId'), fc.constantFrom<unknown>('gva:0x600000:8', 'gpa:0x101000:8', 'hpa:0x1000:4096', 'gva:0x0:0', 'soup', '', 'gpa:0x1000:-1', 'gva:0xffffffffffffffff:8', 5)),
  accessType: maybe(['read', 'write', 'readWrite', 'execute', 'walk', 'x', 3]), condition: maybe(conditions), hitCondition: maybe(['2', 'x']),
});
const filterIds = ['vm-exit', 'cr3-write', 'ept-violation', 'page-table-write', 'guest-page-fault', 'hidden-fault', 'expectation', 'nonsense'];
const filterOption = fc.record({ filterId: fc.constantFrom<unknown>(...filterIds, 3), condition: maybe([...conditions, 4]) });
const list = (item: fc.Arbitrary<unknown>): fc.Arbitrary<unknown> => mostly(fc.array(item, { maxLength: 3 }), null, 'x', 5, {}, [null], [7]);

/** Lists that share a name, by what their request is about. */
const breakpointsOf: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  setBreakpoints: list(sourceBreakpoint), setFunctionBreakpoints: list(functionBreakpoint), setDataBreakpoints: list(dataBreakpoint),
  setInstructionBreakpoints: list(fc.record({
    instructionReference: mostly(live('instruction'), ...addresses, 'x', '0x0', '0xffffffffffffffff', 5), offset: maybe([0, 1, 4, -4, 1 << 20, -(1 << 20), 1.5, 1e300, 'x']),
    condition: maybe(conditions), hitCondition: maybe(['2', '%2', 'x']),
  })),
};

const mmu = fc.oneof({ weight: 3, arbitrary: fc.constant(undefined) }, fc.constantFrom<unknown>('ept', 'native', 'shadow-unsync', 'npt', 'nested', 'interpret', 'magic', 'ept:x=1', ':', 7));
/** What a restart may launch with; without `program` it launches nothing. */
const launched = fc.record({
  program: mostly(fc.constantFrom(...programs), '/none.guest', '', 5, '/lab/broken.guest'), mmu, stopOnEntry: fc.boolean(), stopAtBoot: fc.boolean(), noDebug: maybe([true]),
}, { requiredKeys: ['program'] });

/** Values by the argument's name: right, wrong, stale and huge ones. */
const byName: Readonly<Record<string, fc.Arbitrary<unknown>>> = {
  adapterID: fc.constant('pagewalk'), pathFormat: fc.constantFrom('path', 'uri', 'x'), linesStartAt1: fc.boolean(), columnsStartAt1: fc.boolean(),
  program: mostly(fc.constantFrom(...programs), '/none.guest', '', 5, '/lab/broken.guest'),
  mmu, arguments: mostly(launched, null, 'x', 5, {}, []),
  stopOnEntry: mostly(fc.constant(true), false, 'yes'), stopAtBoot: maybe([true]), noDebug: maybe([true]),
  threadId: mostly(fc.constant(1), 2, 2, 3, ...numbers, '1', null), singleThread: fc.boolean(), granularity: maybe(['statement', 'line', 'instruction', 'moon', 3]),
  frameId: mostly(live('frame'), ...numbers, 1000, null), variablesReference: mostly(live('reference'), ...numbers), targetId: mostly(live('target'), ...numbers),
  locationReference: mostly(live('location'), ...numbers), source, sourceReference: maybe([1, 2, -1, 99]), lines: list(line), line, endLine: maybe([5, 0, 1e9]), column: maybe([1, 5, -1, 1e9]), endColumn: maybe([1]),
  breakpoints: list(sourceBreakpoint), filters: list(fc.constantFrom(...filterIds)), filterOptions: fc.oneof(fc.constant(undefined), list(filterOption)),
  expression: mostly(fc.oneof(fc.constantFrom(...expressions), live('expression')), 5), context: maybe(['watch', 'hover', 'repl', 'clipboard', 'variables', 'moon']), text: mostly(fc.constantFrom(...expressions, 'cr', 'gp'), 5),
  name: fc.oneof(live('name'), fc.constantFrom<unknown>('n', 'rip', 'rax', 'cr3', 'gva:0x600000', 'gpa:0x104000', '', 5)), asAddress: maybe([true, false]), bytes: maybe([1, 8, 4096, 0, -1, 1.5, 1e18]),
  value: fc.constantFrom<unknown>('0x1', '5', '-1', 'true', 'gpa:0x5000', 'n + 1', 'zzz', '', '0x1ffffffffffffffff', 5),
  memoryReference: mostly(fc.oneof(live('memory'), live('instruction'), fc.constantFrom(...addresses)), 'x', '', 'gpa:-1', 'gva:', 'vm 7 gpa:0x0', 5), offset: maybe([0, 8, -8, 1.5, 1e15, -1e18]),
  count: fc.constantFrom<unknown>(0, 1, 8, 64, 4096, 1 << 20, (1 << 20) + 1, -1, 1.5, 1e18, '4'), start: maybe([0, 1, 100, -1, 1.5, 1e18]), filter: maybe(['indexed', 'named', 'x']),
  data: fc.constantFrom<unknown>('AQIDBAUGBwg=', 'AA==', '', '!!!', 'A', 'AAAA'.repeat(2000), 5), allowPartial: fc.boolean(),
  instructionOffset: maybe([0, -10, 1e9]), instructionCount: fc.constantFrom<unknown>(0, 1, 20, 5000, -1, 1e9), resolveSymbols: fc.boolean(),
  startFrame: maybe([0, 1, 5, -1, 1e9, 1.5]), levels: maybe([0, 1, 20, -1, 1e9]), format: maybe([{ hex: true }, {}, 5]),
  space: mostly(fc.constantFrom('guest', 'shadow', 'ept', 'npt', 'host'), 'moon', '', 5), root: fc.oneof(fc.constant(undefined), live('root'), fc.constantFrom<unknown>('gpa:0x100000', 'hpa:0x1000', '', 7, null)),
  path: fc.oneof(fc.constant(undefined), live('path'), fc.constantFrom<unknown>([], [0], [0, 0, 3], [511, 511, 511, 511], [-1], ['0'], 'x', null, {}, [0, 0, 0, 0, 0, 0], [1.5])),
  of: fc.constantFrom('thread', 'any', 'moon'), to: fc.constantFrom<unknown>('start', 'cursor', 'latest', 'end', 'moon', { step: 5, event: 0 }, { step: -1 }, {}, 7, undefined),
  step: fc.constantFrom<unknown>(0, 1, 20, 150, 1e6, -1, 1.5, 1e18, 'x'), event: maybe([0, 1, 3, 100, -1, 'x', 'vm_exit']), requestId: fc.nat(80), progressId: fc.constantFrom('1', 'x'), terminateDebuggee: fc.boolean(), restart: fc.boolean(),
};

const byKind: Readonly<Record<ArgumentKind, fc.Arbitrary<unknown>>> = {
  truth: fc.boolean(), number: fc.constantFrom(...numbers), text: fc.constantFrom(...texts), object: fc.constantFrom<unknown>({}, { step: 1, event: 0 }, { path: '/none.guest' }, { x: { y: [] } }), list: fc.constantFrom<unknown>([], [1], ['x'], [{}], [null]),
};

/** Values for an argument of `command`; `kind` is what it must be, when that is known. */
export function valuesOf(command: string, name: string, kind: ArgumentKind | undefined): fc.Arbitrary<unknown> {
  if (name === 'breakpoints') return breakpointsOf[command] ?? byName['breakpoints']!;
  const named = Object.hasOwn(byName, name) ? byName[name]! : undefined;
  const kinded = kind === undefined ? fc.oneof(...Object.values(byKind)) : byKind[kind];
  return named ?? mostly(kinded, ...numbers, ...texts, null, [], {});
}

/** Names that have values of their own. */
export const knownNames: readonly string[] = Object.keys(byName);
