import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { configure } from '../../../src/engine/settings/configuration';
import { Machine } from '../../../src/engine/machine/machine';
import { outcomeOf } from '../../../src/engine/run/outcome';
import { CPU_AT, field, KIND, KIND_AT } from '../../../src/hardware/events/eventTable';
import { EXIT_REASON } from '../../../src/hardware/vmx/exitReasons';
import { VMCS } from '../../../src/hardware/vmx/vmcs';
import { compiled } from '../../engine/onMachine';
import { auditEpt02, Ept12, nestingOf } from './nestedAudit';
import { nestedScenario } from './nestedTexts';

const RIGHTS = ['ro', 'rw', 'rx', 'rwx', 'xo'] as const;
/** Pages of L2 that it touches: of a table, of a second one, and of what may be a large page. */
const PAGES = [0, 1, 5, 511, 512, 517, 1024, 1025] as const;

type Edit =
  | { readonly kind: 'page'; readonly page: number; readonly frame: number; readonly rights: string }
  | { readonly kind: 'gone'; readonly page: number }
  | { readonly kind: 'right'; readonly page: number; readonly bit: number }
  | { readonly kind: 'table'; readonly at: number; readonly which: number; readonly rights: string }
  | { readonly kind: 'large'; readonly at: number; readonly rights: string }
  | { readonly kind: 'upper'; readonly rights: string }
  | { readonly kind: 'flags'; readonly on: boolean }
  | { readonly kind: 'host'; readonly table: string }
  | { readonly kind: 'invept' };

interface Access { readonly page: number; readonly what: 'load' | 'store' | 'fetch' }

const rights = fc.constantFrom(...RIGHTS);
const page = fc.constantFrom(...PAGES);
const edit: fc.Arbitrary<Edit> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant('page' as const), page, frame: fc.nat(3), rights }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('gone' as const), page }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('right' as const), page, bit: fc.nat(2) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('table' as const), at: fc.nat(2), which: fc.nat(1), rights }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('large' as const), at: fc.nat(2), rights }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('upper' as const), rights }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('flags' as const), on: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant('host' as const), table: fc.constantFrom('pt', 'second', 'pd', 'f0') }) },
  { weight: 1, arbitrary: fc.constant({ kind: 'invept' as const }) },
);
const access: fc.Arbitrary<Access> = fc.record({ page, what: fc.constantFrom('load' as const, 'store' as const, 'fetch' as const) });
const round = fc.record({ edits: fc.array(edit, { maxLength: 4 }), accesses: fc.array(access, { minLength: 1, maxLength: 4 }) });

/** The entry of L1's two tables that maps a page of L2; page 1024 and above lie where only a large page may be. */
function entryOf(at: number): string {
  return `entry [direct(${at < 512 ? 'pt' : 'second'}) + ${at % 512} * 8]`;
}

function editText(each: Edit): string {
  switch (each.kind) {
    case 'page': return `${entryOf(each.page)} = epte(f${each.frame}, ${each.rights})`;
    case 'gone': return `${entryOf(each.page)} = 0`;
    case 'right': return `${entryOf(each.page)} &= ~${1 << each.bit}`;
    case 'table': return `entry [direct(pd) + ${each.at} * 8] = epte(${each.which === 0 ? 'pt' : 'second'}, ${each.rights})`;
    case 'large': return `entry [direct(pd) + ${each.at} * 8] = epte(gpa:8M, ${each.rights}) | 1 << 7`;
    case 'upper': return `entry [direct(pdpt)] = epte(pd, ${each.rights})`;
    case 'flags': return `vmcs.eptp = eptp(root)${each.on ? ' | 1 << 6' : ''}`;
    // The host forgets how the page is mapped; L1 reads it again.
    case 'host': return `host invalidate(${each.table}, 4K)\n    x = [direct(${each.table})]`;
    case 'invept': return 'invept(1, vmcs.eptp)';
  }
}

function accessText({ page: at, what }: Access): string {
  const address = `0x${(at * 4096 + 8).toString(16)}`;
  if (what === 'load') return `x = byte [${address}]`;
  return what === 'store' ? `byte [${address}] = ${at % 251}` : `fetch(${address})`;
}

/** L1 edits, enters, and skips whatever of L2 its EPT refuses; L2 halts at the end of a round. */
function scenarioOf(rounds: readonly { readonly edits: readonly Edit[]; readonly accesses: readonly Access[] }[]): string {
  return nestedScenario({
    l2Machine: 'paging 4-level, ram 64M',
    l2: rounds.map(({ accesses }) => `${accesses.map(accessText).join('\n')}\nhlt()`).join('\n'),
    l1Parts: `procedure enter() {
      reason = exit_reason.ept_violation
      while reason != exit_reason.hlt {
        reason = vmresume(l2)
        vmcs.guest_rip += 1
      }
    }`,
    l1: `second = frame()
    f0 = frame()
    f1 = frame()
    f2 = pt
    f3 = frame()
    vmcs.guest_rip = 0
    vmcs.primary_controls |= 0
    entry [direct(root)] = 0
    reason = vmlaunch(l2)
    entry [direct(root)] = epte(pdpt, rwx)
    ${rounds.map(({ edits }) => `${edits.map(editText).join('\n    ')}\n    enter()`).join('\n    ')}`,
  });
}

/** Runs it; after every step EPT02 is audited, and each access of L2 held to what EPT12 says of it. */
function runAndJudge(text: string): void {
  const program = compiled(text);
  const configuration = configure(program, undefined);
  assert.ok(!('error' in configuration));
  const machine = new Machine(program, configuration);
  const hypervisor = nestingOf(machine);
  const ept12 = new Ept12(hypervisor);
  const problems: string[] = [];
  const needed = new Map([[0, 1], [1, 2], [3, 4]]);
  machine.bus.listen((record) => {
    if (!hypervisor.isInL2(record[CPU_AT]!)) return;
    const done = record[KIND_AT] === KIND.access_done;
    if (!done && (record[KIND_AT] !== KIND.nested_vm_exit || record[field.reason.at] !== EXIT_REASON.ept_violation)) return;
    const at = done ? record[field.gva.at]! : record[field.gpa.at]!;
    const eptp = hypervisor.field12(0, VMCS.eptp);
    const { rights: given, gfn } = ept12.at(eptp, at >>> 12);
    const want = done ? needed.get(record[field.what.at]!)! : record[field.qualification.at]! & 7;
    const allows = (given & want) === want;
    if (done && !allows) problems.push(`L2 reached gpa:0x${at.toString(16)}, which EPT12 refuses`);
    if (!done && allows) problems.push(`L1 was told of gpa:0x${at.toString(16)}, which its EPT allows`);
    const frame = vmFrame(gfn);
    if (done && allows && frame !== record[field.hpa.at]! >>> 12) problems.push(`L2 reached host frame ${record[field.hpa.at]! >>> 12} at gpa:0x${at.toString(16)}, not ${frame}`);
  }, [KIND.access_done, KIND.nested_vm_exit]);
  while (machine.interpreter.run.status === 0) {
    machine.interpreter.step();
    if (machine.interpreter.run.isCounting) auditEpt02(machine);
    assert.deepEqual(problems, []);
  }
  assert.equal(outcomeOf(machine).ok, true, outcomeOf(machine).message);

  function vmFrame(gfn: number): number {
    return gfn < 0 ? -1 : hypervisor.vm.memory.frameOf(gfn);
  }
}

/** L2 may write a page that becomes a table of EPT12 only then. */
const pageThenTable: Parameters<typeof scenarioOf>[0] = [
  {
    edits: [{ kind: 'table', at: 1, which: 1, rights: 'rwx' }, { kind: 'page', page: 512, frame: 2, rights: 'rw' }],
    accesses: [{ page: 512, what: 'load' }],
  },
  { edits: [{ kind: 'page', page: 0, frame: 0, rights: 'rwx' }], accesses: [{ page: 0, what: 'load' }, { page: 512, what: 'store' }] },
];
/** A right taken away without INVEPT, while the TLB holds the page. */
const rightTaken: Parameters<typeof scenarioOf>[0] = [
  { edits: [{ kind: 'page', page: 0, frame: 0, rights: 'rw' }], accesses: [{ page: 0, what: 'store' }] },
  { edits: [{ kind: 'right', page: 0, bit: 1 }], accesses: [{ page: 0, what: 'store' }] },
];
/** Read, and written only then, with dirty flags in EPT12. */
const cleanThenDirty: Parameters<typeof scenarioOf>[0] = [
  { edits: [{ kind: 'flags', on: true }, { kind: 'page', page: 0, frame: 0, rights: 'rw' }], accesses: [{ page: 0, what: 'load' }, { page: 0, what: 'store' }] },
];
/** One large page by two entries of other rights. */
const largeTwice: Parameters<typeof scenarioOf>[0] = [
  {
    edits: [{ kind: 'large', at: 0, rights: 'rwx' }, { kind: 'large', at: 2, rights: 'ro' }],
    accesses: [{ page: 0, what: 'store' }, { page: 1024, what: 'load' }, { page: 1024, what: 'store' }, { page: 1, what: 'store' }],
  },
];
/** EPT01 is filled anew for a table that is shadowed. */
const hostForgets: Parameters<typeof scenarioOf>[0] = [
  { edits: [{ kind: 'page', page: 0, frame: 0, rights: 'rwx' }], accesses: [{ page: 0, what: 'load' }] },
  { edits: [{ kind: 'host', table: 'pt' }, { kind: 'right', page: 0, bit: 1 }], accesses: [{ page: 0, what: 'store' }] },
];
/** Two tables' worth of rights: above both entries, and by one of them alone. */
const rightsAbove: Parameters<typeof scenarioOf>[0] = [
  {
    edits: [{ kind: 'table', at: 1, which: 0, rights: 'ro' }, { kind: 'page', page: 0, frame: 0, rights: 'rwx' }],
    accesses: [{ page: 512, what: 'load' }, { page: 0, what: 'store' }, { page: 512, what: 'store' }],
  },
];

describe('EPT02, while L1 edits its EPT as it likes', function () {
  this.timeout(120_000);

  it('maps what EPT12 and the host give, at every step, and refuses what EPT12 refuses', () => {
    fc.assert(fc.property(fc.array(round, { minLength: 1, maxLength: 4 }), (rounds) => runAndJudge(scenarioOf(rounds))), {
      numRuns: 25, seed: 20260, examples: [[pageThenTable], [rightTaken], [cleanThenDirty], [largeTwice], [hostForgets], [rightsAbove]],
    });
  });
});
