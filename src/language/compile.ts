import type { Catalog } from './catalog';
import { compileCpu, compileProcedure, compileThread } from './compile/bodies';
import { CodeBuffer } from './compile/codeBuffer';
import type { Numbering } from './compile/declarations';
import { globalValue, overriddenGlobals, type GlobalValue } from './compile/globalValues';
import { hostContext } from './compile/hostContext';
import { Meetings, meetingsOf } from './compile/meetings';
import { Report } from './compile/report';
import { scheduleOf } from './compile/schedule';
import { readSettings, settingOf } from './compile/settings';
import { addedSlots } from './compile/addedSlots';
import { noDeclarations, readSource, type Declarations, type ReadFile, type ReadImport, type Sources } from './compile/sources';
import type { ProgramSymbols } from './compile/symbols';
import { warnOfUnused } from './compile/unused';
import type { Unit } from './compile/unit';
import { usableCpus } from './compile/usableCpus';
import { areasOf, declareVm, machineOf, vmsOf, type DeclaredVm, type VmDeclarations, type VmMachine } from './compile/virtualMachine';
import { kernelText } from './library/kernelText';
import type { Area, Diagnostic, Procedure, Program, SettingValue } from './program';
import { leadingDocumentation, type SourceText } from './syntax/sourceText';
import type { Actor, ProcessRow, VirtualMachine } from './virtualMachines';

export interface CompileInput {
  /** As it should be shown; imports are found from it. */
  readonly path: string;
  readonly text: string;
  readonly readImport: ReadImport;
  readonly catalog: Catalog;
  /** Values for globals of the scenario, set before boot. */
  readonly globals?: Readonly<Record<string, bigint>>;
}

export interface CompileResult {
  /** Absent when there are errors. */
  readonly program?: Program;
  /** What names mean in the program, for `compileExpression`. Present with the program. */
  readonly symbols?: ProgramSymbols;
  readonly diagnostics: readonly Diagnostic[];
  /** The scenario, then its imports and its kernel library, with their trees: an editor needs no second parse. */
  readonly files: readonly ReadFile[];
}

/** Path of the kernel library in Program.files. */
export const KERNEL_PATH = 'kernel.guest';

/** A VM with everything that its bodies are compiled against. */
interface PreparedVm {
  readonly vm: VmDeclarations;
  readonly machine: VmMachine;
  readonly library: Declarations;
  readonly areas: readonly Area[];
  readonly cpus: Declarations['cpus'];
  readonly firstProcess: number;
}

/**
 * Compiles a scenario with its imports and the kernel library. All independent errors are reported at once, in the
 * order of the text; the program is there when none is an error. Never throws, whatever the text is.
 */
export function compileScenario(input: CompileInput): CompileResult {
  const report = new Report();
  const sources: Sources = { files: [], read: [], lost: new Set(), report, readImport: input.readImport, reading: [] };
  const scenario = noDeclarations();
  const main = readSource(sources, input.path, input.text, scenario);
  const platform = platformOf(report, main, scenario, input.catalog);
  const prepared = prepare(sources, main, scenario, input.catalog);
  const { unit, vms, globals, tables } = declareAll(sources, input, prepared, scenario, platform);
  const procedures = compileAll(unit, prepared, vms, scenario);
  const actors = actorsOf(prepared, scenario);
  const meetings = meetingsOf(unit, actors, procedures);
  vms.forEach(({ context }, number) => {
    const vm = prepared[number]?.vm;
    if (vm === undefined) return;
    vm.parent = vms[vm.parentNumber]?.context;
    warnOfUnused(unit, context, vm);
  });
  const overridden = overriddenGlobals(globals.values, globals.isOwn, input.globals ?? {});
  for (const name of overridden.unknown) report.say(main, { start: 0, end: 0 }, 'no-global-to-set', { name });
  const schedule = scheduleOf(report, scenario);

  const diagnostics = sorted(report.diagnostics);
  const first = prepared[0];
  if (report.hasErrors || first === undefined) return { diagnostics, files: sources.read };
  const { code, constants } = unit.code.finish();
  const machines = machinesOf(prepared, vms);
  const program: Program = {
    name: input.path,
    files: sources.files.map(({ path, text }) => ({ path, text })),
    documentation: leadingDocumentation(main),
    code,
    constants,
    procedures,
    statements: unit.statements,
    accesses: unit.accesses,
    expectations: unit.expectations,
    techniqueSets: unit.techniqueSets,
    prints: unit.prints,
    globals: overridden.globals,
    tables: [...tables, ...unit.madeTables.map((name) => ({ name, values: new Map<bigint, bigint>() }))],
    processes: prepared.flatMap(({ vm }) => vm.own.processes.map(({ node }): ProcessRow => ({ name: node.name, vm: vm.number }))),
    areas: prepared.flatMap((each) => each.areas),
    machine: first.machine.settings,
    platform,
    schedule,
    cpus: actors.filter(({ kind }) => kind === 'cpu').map(({ procedure }) => procedure),
    actors,
    meetings,
    slotNames: unit.slotNames,
    vms: machines,
    paging: first.machine.mode.name,
    handlers: machines[0]?.handlers ?? { exceptions: {}, interrupts: new Map() },
    pageFaultHandler: machines[0]?.handlers.exceptions.page_fault ?? -1,
  };
  const symbols: ProgramSymbols = { vms: vms.map(({ context }) => context.symbols), vmOfProcedure: vmOfProcedure(prepared, vms, scenario) };
  return { program, symbols, diagnostics, files: sources.read };
}

function platformOf(report: Report, main: SourceText, scenario: Declarations, catalog: Catalog): readonly SettingValue[] {
  const [platform, ...more] = scenario.platforms;
  for (const { node, source } of more) report.say(source, node, 'machine-twice');
  return platform === undefined ? [] : readSettings({ source: main, report, catalog }, platform.node, 'platform');
}

function prepare(sources: Sources, main: SourceText, scenario: Declarations, catalog: Catalog): readonly PreparedVm[] {
  let firstProcess = 0;
  const vms = vmsOf(sources, scenario);
  return vms.map((vm) => {
    const machine = machineOf(sources, vm, catalog);
    const library = readLibrary(sources, main, vm, machine);
    const areas = areasOf(sources, vm, machine, firstProcess);
    const prepared: PreparedVm = { vm, machine, library, areas, firstProcess, cpus: usableCpus(sources, main, vm) };
    firstProcess += vm.own.processes.length;
    checkNesting(sources, vm, vms, machine);
    return prepared;
  });
}

/** A VM with a nested guest runs under EPT: the nested tables are built on it. */
function checkNesting({ report }: Sources, vm: VmDeclarations, vms: readonly VmDeclarations[], machine: VmMachine): void {
  const isOuter = vms.some(({ parentNumber }) => parentNumber === vm.number);
  const technique = settingOf(machine.settings, 'mmu');
  if (!isOuter || technique === 'ept' || vm.node === undefined) return;
  report.say(vm.node.source, vm.own.machines[0]?.node ?? vm.node.node, 'nested-technique', { parent: vm.name });
}

/** The kernel library: the standard one, a file of the scenario's own, or none. */
function readLibrary(sources: Sources, main: SourceText, { own }: VmDeclarations, { settings, isKernelless }: VmMachine): Declarations {
  const library = noDeclarations();
  if (isKernelless) return library;
  const which = settingOf(settings, 'kernel') ?? 'standard';
  const file = which === 'standard' ? { path: KERNEL_PATH, text: kernelText } : sources.readImport(String(which), main.path);
  if (file !== undefined) {
    readSource(sources, file.path, file.text, library);
    return library;
  }
  const [machine] = own.machines;
  const node = machine?.node.settings.settings.find((setting) => setting.name === 'kernel');
  if (machine !== undefined && node !== undefined) sources.report.say(machine.source, node, 'kernel-unreadable', { path: String(which) });
  return library;
}

interface Everything {
  readonly unit: Unit;
  readonly vms: readonly DeclaredVm[];
  readonly globals: { readonly values: readonly GlobalValue[]; readonly isOwn: (index: number) => boolean };
  readonly tables: Program['tables'];
}

function declareAll(sources: Sources, input: CompileInput, prepared: readonly PreparedVm[], scenario: Declarations, platform: Unit['platform']): Everything {
  const numbering: Numbering = { globals: 0, tables: 0, processes: 0 };
  let firstProcedure = prepared.reduce((sum, { cpus }) => sum + cpus.length, scenario.threads.length);
  const slotNames = prepared.flatMap(({ vm, machine }) => machine.slots.map(({ name }) => ({ name, vm: vm.number })));
  const tables: Program['tables'][number][] = [];
  const vms = prepared.map(({ vm, library, machine, areas, firstProcess }): DeclaredVm => {
    const nested = new Map(prepared.filter((each) => each.vm.parentNumber === vm.number).map((each) => [each.vm.name, each.vm.number]));
    const declared = declareVm(sources, { vm, library, machine, areas, firstProcess, firstProcedure, nested }, numbering);
    firstProcedure += declared.compilables.length;
    const declaredTables = [...library.globals, ...vm.own.globals].filter(({ node }) => node.$type === 'Table');
    tables.push(...declared.tables, ...declaredTables.map(({ node }) => ({ name: node.name, values: new Map<bigint, bigint>() })));
    return declared;
  });
  const unit: Unit = {
    report: sources.report, catalog: input.catalog, platform, code: new CodeBuffer(), vms: vms.map(({ context }) => context), lost: sources.lost,
    statements: [], accesses: [], expectations: [], techniqueSets: [], prints: [], meetings: new Meetings(),
    slotNames: addedSlots(slotNames, prepared.map(({ vm }) => vm), scenario), declaredSlots: new Set(slotNames.keys()),
    madeTables: [], declaredTables: tables.length,
  };
  return { unit, vms, globals: globalsOf(unit, prepared, vms), tables };
}

/** All globals in the order of their numbers. */
function globalsOf(unit: Unit, prepared: readonly PreparedVm[], vms: readonly DeclaredVm[]): Everything['globals'] {
  const values: GlobalValue[] = [];
  const own = new Set<number>();
  prepared.forEach(({ vm, library }, number) => {
    const declared = vms[number];
    if (declared === undefined) return;
    values.push(...declared.given);
    for (const [origin, { globals }] of [library, vm.own].entries()) {
      for (const { node, source } of globals) {
        const scope = declared.context.symbols.scopes[source.file];
        const symbol = scope?.own(node.name);
        if (node.$type !== 'Global' || scope === undefined) continue;
        const type = symbol?.kind === 'global' ? symbol.type : 'number';
        if (origin === 1) own.add(values.length);
        values.push({ name: node.name, type, value: globalValue(unit, declared.context, source, scope, node, type) });
      }
    }
  });
  return { values, isOwn: (index) => own.has(index) };
}

/** The bodies in the order of their numbers: CPUs, host threads, then procedures and handlers of each VM. */
function compileAll(unit: Unit, prepared: readonly PreparedVm[], vms: readonly DeclaredVm[], scenario: Declarations): Procedure[] {
  const procedures: Procedure[] = [];
  prepared.forEach(({ cpus }, number) => {
    const context = vms[number]?.context;
    if (context === undefined) return;
    cpus.forEach((cpu, turn) => procedures.push(compileCpu(unit, context, cpu, procedures.length, turn === 0 ? 'first' : 'other')));
  });
  const host = hostContext(unit);
  for (const thread of scenario.threads) procedures.push(compileThread(unit, host, thread, procedures.length));
  for (const { context, compilables } of vms) {
    for (const compilable of compilables) procedures.push(compileProcedure(unit, context, compilable));
  }
  return procedures;
}

function actorsOf(prepared: readonly PreparedVm[], scenario: Declarations): readonly Actor[] {
  const actors: Actor[] = [];
  for (const { vm, cpus } of prepared) {
    for (const { node } of cpus) {
      const name = vm.name === '' ? `cpu ${node.number}` : `${vm.name} cpu ${node.number}`;
      actors.push({ name, kind: 'cpu', procedure: actors.length, vm: vm.number });
    }
  }
  for (const { node } of scenario.threads) actors.push({ name: `host thread ${node.name}`, kind: 'host thread', procedure: actors.length, vm: -1 });
  return actors;
}

function machinesOf(prepared: readonly PreparedVm[], vms: readonly DeclaredVm[]): readonly VirtualMachine[] {
  let next = 0;
  return prepared.map(({ vm, machine, cpus }, number) => {
    const declared = vms[number]?.declared;
    return {
      name: vm.name,
      parent: vm.parentNumber,
      machine: machine.settings,
      paging: machine.mode.name,
      kernel: machine.isKernelless ? 'none' : 'library',
      handlers: { exceptions: declared?.exceptions ?? {}, interrupts: declared?.interrupts ?? new Map<number, number>() },
      cpus: cpus.map(() => next++),
    };
  });
}

function vmOfProcedure(prepared: readonly PreparedVm[], vms: readonly DeclaredVm[], scenario: Declarations): readonly number[] {
  return [
    ...prepared.flatMap(({ vm, cpus }) => cpus.map(() => vm.number)),
    ...scenario.threads.map(() => -1),
    ...vms.flatMap(({ context, compilables }) => compilables.map(() => context.symbols.vm)),
  ];
}

function sorted(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...diagnostics].sort((a, b) => (
    a.range.file - b.range.file || a.range.line - b.range.line || a.range.column - b.range.column
  ));
}
