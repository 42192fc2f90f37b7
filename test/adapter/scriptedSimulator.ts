import { ACTOR, KIND, RECORD_WORDS, eventKinds, field, type EventName } from '../../src/hardware/events/eventTable';
import type {
  Debuggee, EditOutcome, EventBreakpoint, EventView, Frame, ChangeBreakpoint, ListingBreakpoint, LogPoint, Motion, Moment, OutputLine, Outcome, StatementBreakpoint, Stop,
} from '../../src/engine/debuggee';
import type { Fragment, Program, Statement } from '../../src/language/program';
import type { Inspector, Scenario, Simulator } from '../../src/adapter/simulator';

/**
 * A machine with a script instead of a mind: every line of the scenario is a statement, and what the
 * line says happens. It lets the protocol be tested alone, and what no real scenario does on request.
 *
 * Lines: `event KIND` · `print TEXT` · `fail TEXT` · `loop` (for ever) · `bug` (the engine throws) ·
 * `error TEXT` (does not compile) · `import "NAME"` · anything else does nothing.
 */
export const scriptedSimulator: Simulator = {
  compile: (path, text, readImport) => {
    const lines = text.split('\n');
    const diagnostics = lines.flatMap((line, number) => {
      const range = { file: 0, line: number, column: 0, endLine: number, endColumn: line.length };
      const wanted = /^import "(.*)"$/.exec(line)?.[1];
      if (wanted !== undefined && readImport(wanted, path) === undefined) {
        return [{ severity: 'error' as const, message: `"${wanted}" cannot be read.`, range, path }];
      }
      return line.startsWith('error ') ? [{ severity: 'error' as const, message: line.slice(6), range, path }] : [];
    });
    if (diagnostics.length > 0) return { diagnostics };
    return { diagnostics, scenario: scenarioOf(path, text) };
  },
  launch: (scenario, mmu) =>
    mmu === 'magic' ? { error: '"magic" is no technique.' } : { debuggee: new ScriptedDebuggee(scenario.program), inspector },
};

const inspector: Inspector = {
  readMemory: (_cpu, _space, address, count) =>
    Uint8Array.from({ length: Math.max(0, Math.min(count, Number(0x1010n - address))) }, (_, i) => i & 0xff),
  hostAddress: (_cpu, _space, address) => ({ address }),
  guestAddress: (_cpu, _space, address) => address,
  runningLines: () => [1, 3],
  listedValues: () => [],
  entriesAt: () => ({ isTable: true }),
  actorOn: (cpu) => cpu,
  actingCpu: () => 0,
  controlBlock: () => undefined,
  noteStop: () => undefined,
  noteEdit: () => undefined,
  tables: ({ space }) => ({ nodes: [], message: `No ${space} tables.` }),
  walk: () => ({ walks: [], message: 'No walk.' }),
  translation: () => [],
  story: () => ({ sentences: ['It is in the script.'], section: 'The Script' }),
  microSteps: () => [10n, 11n, 12n].map((address) => ({ address, text: address === 10n ? 'store' : `    event ${address}`, statement: 0 })),
  walkFor: () => [],
  mappers: () => ({ rows: [], more: 0 }),
  tableCounts: (space) => ({ message: `No ${space} tables.` }),
  cachedLines: () => [],
  decoded: () => ({ choices: [] }),
  settings: () => [],
  machineScopes: () => [],
  costs: () => [],
};

function scenarioOf(path: string, text: string): Scenario {
  const lines = text.split('\n');
  const statements: Statement[] = lines.flatMap((line, number) =>
    line.trim() === '' || line.startsWith('import')
      ? []
      : [{
          range: { file: 0, line: number, column: 0, endLine: number, endColumn: line.length },
          procedure: 0, entry: number, end: number + 1, user: false, host: false, isExpect: false, refusedBelow: [], stoppedBelow: [],
        }],
  );
  const program: Program = {
    name: path.replace(/^.*\//, ''),
    files: [{ path, text }, { path: 'kernel.guest', text: 'procedure boot() { }\n' }],
    documentation: '', code: new Int32Array(0), constants: new Int32Array(0),
    procedures: [{
      name: 'cpu 0', kind: 'cpu', entry: 0, end: lines.length, parameters: [], variables: [], registers: 0, result: 'none',
      // The heading stands above the first line.
      range: { file: 0, line: -1, column: 0, endLine: lines.length - 1, endColumn: 0 }, documentation: '',
    }],
    accesses: [],
    statements, expectations: [], techniqueSets: [], prints: [], globals: [], tables: [], processes: [], areas: [],
    machine: [], platform: [], schedule: { kind: 'every', statements: 1000 }, cpus: [0], pageFaultHandler: -1,
    actors: [{ name: 'cpu 0', kind: 'cpu', procedure: 0, vm: 0 }], meetings: [], slotNames: [], vms: [], paging: '4-level',
    handlers: { exceptions: {}, interrupts: new Map() },
  };
  return {
    program,
    editTarget: (expression) => ({ error: `"${expression}" is no place.` }),
    completions: () => [{ label: 'here', kind: 'variable', detail: 'the only name', rank: 0 }],
    compileExpression: (expression) => {
      const value = /^(0x[0-9a-f]+|\d+)$/.test(expression) ? Number(expression) : expression === 'here' ? -1 : undefined;
      if (value === undefined) return { error: `"${expression}" is no name here.` };
      const fragment: Fragment = {
        code: new Int32Array(0), constants: Int32Array.of(value, 0), registers: 0, result: 0, type: value < 0 ? 'gva' : 'number',
      };
      return { fragment };
    },
  };
}

class ScriptedDebuggee implements Debuggee {
  readonly technique = 'scripted';
  readonly cpus = 1;
  readonly threads = ['cpu 0'];
  readonly actor = 0;
  readonly listings = new Map([['scripted.vmm', 'handle the exit\n\nresume the guest\n']]);
  private at = -1;
  private furthest = -1;
  private motion: Motion = 'continue';
  private pauseAsked = false;
  private breakpoints: readonly StatementBreakpoint[] = [];
  private events: readonly EventBreakpoint[] = [];
  private output: OutputLine[] = [];
  private seen: EventView | undefined;
  private failed = 0;

  constructor(readonly program: Program) {}

  setStatementBreakpoints(breakpoints: readonly StatementBreakpoint[]): void { this.breakpoints = breakpoints; }
  setEventBreakpoints(breakpoints: readonly EventBreakpoint[]): void { this.events = breakpoints; }
  setLogPoints(_points: readonly LogPoint[]): void { /* the script says nothing of its own */ }
  setListingBreakpoints(_breakpoints: readonly ListingBreakpoint[]): void { /* the script has no listing lines to stop at */ }

  setChangeBreakpoints(_breakpoints: readonly ChangeBreakpoint[]): void { /* nor registers */ }

  showBoot(): void { /* the script has no boot */ }

  start(motion: Motion): void {
    this.motion = motion;
    this.pauseAsked = false;
    this.seen = undefined;
  }

  slice(expired: () => boolean): Stop | undefined {
    for (;;) {
      if (this.pauseAsked) return { kind: 'pause' };
      const stop = this.advance();
      if (stop !== undefined) return stop;
      if (expired()) return undefined;
    }
  }

  private advance(): Stop | undefined {
    if (typeof this.motion !== 'string' || this.motion.includes('back') || this.motion === 'reverse-continue') {
      if (this.at <= 0) return { kind: 'start-of-history' };
      this.at--;
      return this.motion === 'reverse-continue' && !this.isBreakpoint() ? undefined : { kind: 'step' };
    }
    const line = this.line();
    if (line === 'bug') throw new Error('the script asked for a bug');
    if (line === 'loop') return undefined;
    this.at++;
    if (this.at > this.furthest) this.speak();
    this.furthest = Math.max(this.furthest, this.at);
    if (this.at >= this.program.statements.length) return { kind: 'ended' };
    const kind = /^event (\w+)/.exec(this.line())?.[1];
    const hit = kind === undefined ? undefined : this.happen(kind as EventName);
    if (hit !== undefined) return hit;
    if (this.isBreakpoint()) return { kind: 'breakpoint', ids: this.breakpoints.filter((b) => b.statement === this.at).map((b) => b.id) };
    return this.motion === 'continue' ? undefined : { kind: 'step' };
  }

  private happen(kind: EventName): Stop | undefined {
    const record = new Int32Array(RECORD_WORDS);
    record[0] = KIND[kind];
    record[field.vector.at] = 14;
    const ids = this.events.filter((b) => b.kinds.includes(KIND[kind]) && b.matches(record)).map(({ id }) => id);
    const text = eventKinds[KIND[kind]]?.text ?? kind;
    this.seen = { kind, actor: Object.keys(ACTOR)[0] ?? 'guest', cpu: 0, fields: { gva: 0x600000n, vector: 14n }, text };
    return ids.length === 0 ? undefined : { kind: 'event', ids, event: this.seen };
  }

  private speak(): void {
    const place = { path: this.program.files[0]?.path ?? '', line: this.lineNumber() + 1 };
    const [word, ...rest] = this.line().split(' ');
    if (word === 'print') this.output.push({ category: 'print', text: rest.join(' '), ...place });
    if (word === 'fail') {
      this.failed++;
      this.output.push({ category: 'failure', text: rest.join(' '), ...place });
    }
  }

  private isBreakpoint(): boolean { return this.breakpoints.some((b) => b.statement === this.at); }
  private lineNumber(): number { return this.program.statements[this.at]?.range.line ?? 0; }
  private line(): string {
    const range = this.program.statements[this.at]?.range;
    return range === undefined ? '' : (this.program.files[0]?.text.split('\n')[range.line] ?? '');
  }

  pause(): void { this.pauseAsked = true; }
  moment(): Moment { return { step: Math.max(0, this.at), event: 0 }; }
  history(): { first: Moment; latest: Moment } { return { first: { step: 0, event: 0 }, latest: { step: Math.max(0, this.furthest), event: 0 } }; }
  stepTargets(): readonly never[] { return []; }
  isInThePast(): boolean { return this.at < this.furthest; }

  frames(): readonly Frame[] {
    const statement = Math.max(0, this.at);
    const bottom: Frame = { kind: 'cpu', key: 'cpu', procedure: 0, statement, depth: 0 };
    if (this.seen === undefined) return [bottom];
    const values = [{ name: 'gfn', value: 3n, type: 'number' as const }];
    return [
      { kind: 'listing', key: 'vmm', opened: 2, actor: 'vmm', listing: 'scripted.vmm', procedure: 'handle_exit', reason: '',
      about: '', line: 1, values },
      { kind: 'access', key: 'access', opened: 1, text: 'user store [0x600000]', statement },
      bottom,
    ];
  }

  eventsOfStep(): readonly EventView[] { return this.seen === undefined ? [] : [this.seen]; }
  lastAccess(): undefined { return undefined; }
  statementSteps(): readonly never[] { return []; }
  knownStep(): undefined { return undefined; }

  lastWriter(): { readonly nobody: string } { return { nobody: 'The script writes no memory.' }; }
  registers(): undefined { return undefined; }
  variables(): [{ name: string; value: bigint; type: 'gva' }] { return [{ name: 'slot', value: 0x1000n, type: 'gva' }]; }
  evaluate(fragment: Fragment): { value: bigint; type: Fragment['type'] } {
    const constant = fragment.constants[0] ?? 0;
    return { value: BigInt(constant < 0 ? 0x1000 : constant), type: fragment.type };
  }
  readonly edits = 0;
  edit(): EditOutcome { return { refused: 'A script takes no edits: debug a scenario.' }; }
  whyNoEdit(): undefined { return undefined; }
  editableBytes(): { count: number } { return { count: 0 }; }
  whyNoJump(): undefined { return undefined; }
  takeOutput(): readonly OutputLine[] { return this.output.splice(0); }
  result(): Outcome { return { ok: this.failed === 0, passed: 1, failed: this.failed }; }
}
