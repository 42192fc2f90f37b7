import type { Catalog } from './catalog';
import { eagerBytes, readAreas } from './compile/areas';
import { compileCpu, compileProcedure } from './compile/bodies';
import { DEFAULT_RAM, bootGlobals, bootTables } from './compile/bootTables';
import { CodeBuffer } from './compile/codeBuffer';
import { declareNames, declareProcedures, type Numbering } from './compile/declarations';
import { globalValue, overriddenGlobals } from './compile/globalValues';
import { Report } from './compile/report';
import { scheduleOf } from './compile/schedule';
import { readSettings, settingOf } from './compile/settings';
import { noDeclarations, readSource, type Declarations, type ReadImport, type Sources } from './compile/sources';
import { Scope, type Symbols } from './compile/symbols';
import { warnOfUnused } from './compile/unused';
import type { Unit } from './compile/unit';
import { kernelText } from './library/kernelText';
import type { Area, Diagnostic, Program, SettingValue } from './program';
import { pagingModeOf } from './pagingModes';
import { leadingDocumentation, type SourceText } from './syntax/sourceText';

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
  readonly symbols?: Symbols;
  readonly diagnostics: readonly Diagnostic[];
}

/** Path of the kernel library in Program.files. */
export const KERNEL_PATH = 'kernel.guest';

/**
 * Compiles a scenario with its imports and the kernel library. All independent errors are reported at once, in the
 * order of the text; the program is there when none is an error. Never throws, whatever the text is.
 */
export function compileScenario(input: CompileInput): CompileResult {
  const report = new Report();
  const sources: Sources = { files: [], lost: new Set(), report, readImport: input.readImport };
  const scenario = noDeclarations();
  const main = readSource(sources, input.path, input.text, scenario);
  const settings = machineSettings(report, main, scenario, input.catalog);
  const library = readLibrary(sources, main, scenario, settings.machine);
  const isKernelless = settingOf(settings.machine, 'kernel') === 'none';

  const areas = allAreas(report, scenario, isKernelless, settings.ram);
  const { symbols, unit, globals, compilables, handler } = declareAll(sources, input, scenario, library, areas, settings);
  const cpus = usableCpus(report, main, scenario);
  const procedures = cpus.map(({ node, source }, index) => compileCpu(unit, node, source, index));
  for (const compilable of compilables) procedures.push(compileProcedure(unit, compilable));
  warnOfUnused(unit, scenario);
  const overridden = overriddenGlobals(globals.values, globals.firstOwn, input.globals ?? {});
  for (const name of overridden.unknown) {
    report.errorAt(main, 0, 0, `The scenario has no global \`${name}\` to set; declare it with \`global ${name} = …\`.`);
  }
  const schedule = scheduleOf(report, scenario);

  const diagnostics = sorted(report.diagnostics);
  if (report.hasErrors) return { diagnostics };
  const { code, constants } = unit.code.finish();
  const handlers = { exceptions: handler === undefined ? {} : { page_fault: handler.index }, interrupts: new Map<number, number>() };
  const program: Program = {
    name: input.path,
    files: sources.files.map(({ path, text }) => ({ path, text })),
    documentation: leadingDocumentation(main),
    code,
    constants,
    procedures,
    statements: unit.statements,
    expectations: unit.expectations,
    techniqueSets: unit.techniqueSets,
    prints: unit.prints,
    globals: overridden.globals,
    tables: globals.tables,
    processes: scenario.processes.map(({ node }) => ({ name: node.name, vm: 0 })),
    areas,
    machine: settings.machine,
    platform: settings.platform,
    schedule,
    cpus: cpus.map((_, index) => index),
    actors: cpus.map(({ node }, index) => ({ name: `cpu ${node.number}`, kind: 'cpu', procedure: index, vm: 0 })),
    meetings: [],
    slotNames: [],
    vms: [{
      name: '', parent: -1, machine: settings.machine, paging: '4-level', kernel: isKernelless ? 'none' : 'library', handlers,
      cpus: cpus.map((_, index) => index),
    }],
    paging: '4-level',
    handlers,
    pageFaultHandler: handler?.index ?? -1,
  };
  return { program, symbols, diagnostics };
}

/** Diagnostics of a scenario, for an editor. */
export function diagnose(path: string, text: string, catalog: Catalog, readImport: ReadImport): readonly Diagnostic[] {
  return compileScenario({ path, text, catalog, readImport }).diagnostics;
}

interface Settings {
  readonly machine: readonly SettingValue[];
  readonly platform: readonly SettingValue[];
  /** Guest RAM in bytes. */
  readonly ram: bigint;
}

function machineSettings(report: Report, main: SourceText, scenario: Declarations, catalog: Catalog): Settings {
  for (const extra of [...scenario.machines.slice(1), ...scenario.platforms.slice(1)]) {
    report.error(main, extra.node, 'A scenario has one `machine` and one `platform`; move these settings into the first one.');
  }
  const context = { source: main, report, catalog };
  const [machineNode] = scenario.machines;
  const [platformNode] = scenario.platforms;
  const machine = machineNode === undefined ? [] : readSettings(context, machineNode.node, 'machine');
  const platform = platformNode === undefined ? [] : readSettings(context, platformNode.node, 'platform');
  const ram = settingOf(machine, 'ram');
  return { machine, platform, ram: typeof ram === 'number' ? BigInt(ram) : DEFAULT_RAM };
}

/** The kernel library: the standard one, a file of the scenario's own, or none. */
function readLibrary(sources: Sources, main: SourceText, scenario: Declarations, machine: readonly SettingValue[]): Declarations {
  const library = noDeclarations();
  const kernel = machine.find((setting) => setting.name === 'kernel');
  const which = kernel?.values[0] ?? 'standard';
  if (which === 'none') return library;
  const file = which === 'standard' ? { path: KERNEL_PATH, text: kernelText } : sources.readImport(String(which), main.path);
  if (file === undefined) {
    const node = scenario.machines[0]?.node.settings.settings.find((setting) => setting.name === 'kernel');
    if (node !== undefined) sources.report.error(main, node, `The kernel "${which}" cannot be read; check its path, which starts at this scenario's folder.`);
    return library;
  }
  readSource(sources, file.path, file.text, library);
  return library;
}

function allAreas(report: Report, scenario: Declarations, isKernelless: boolean, ram: bigint): Area[] {
  const areas: Area[] = [];
  scenario.processes.forEach(({ node, source }, index) => {
    if (isKernelless) {
      report.error(source, node, 'With `kernel none` nothing maps a process; remove it, or use the standard kernel.');
      return;
    }
    areas.push(...readAreas(report, source, node, index));
    const bytes = eagerBytes(areas);
    if (bytes > ram - LOADER_BYTES) {
      report.error(source, node, `The processes' ranges take ${bytes >> 10n}K and the machine has ${ram >> 10n}K of RAM, 1M of it the loader's; set a larger \`ram\`, or make ranges lazy.`);
    }
  });
  return areas;
}

/** Frames below 1M are the loader's. */
const LOADER_BYTES = 1n << 20n;

interface Everything {
  readonly symbols: Symbols;
  readonly unit: Unit;
  readonly globals: { readonly values: Program['globals']; readonly firstOwn: number; readonly tables: Program['tables'] };
  readonly compilables: ReturnType<typeof declareProcedures>['compilables'];
  readonly handler: ReturnType<typeof declareProcedures>['handler'];
}

function declareAll(
  sources: Sources, input: CompileInput, scenario: Declarations, library: Declarations, areas: Area[], settings: Settings,
): Everything {
  const { report } = sources;
  const libraryScope = new Scope(undefined);
  const numbering: Numbering = { globals: 0, tables: 0 };
  const isKernelless = settingOf(settings.machine, 'kernel') === 'none';
  const given = isKernelless ? [] : bootGlobals(scenario.processes.length, areas, settings.ram, pagingModeOf('4-level'));
  const tables = isKernelless ? [] : bootTables(scenario.processes.length, areas);
  for (const { name, type } of given) libraryScope.declare({ kind: 'global', name, index: numbering.globals++, type });
  for (const { name, type } of tables) libraryScope.declare({ kind: 'table', name, index: numbering.tables++, values: type });
  declareNames(report, libraryScope, library, numbering);
  const firstOwn = numbering.globals;
  const ownScope = new Scope(libraryScope);
  declareNames(report, ownScope, scenario, numbering);

  const { procedures, compilables, handler } = declareProcedures(report, [library, scenario], Math.min(1, scenario.cpus.length));
  const libraryFiles = new Set([...library.procedures, ...library.handlers, ...library.globals].map(({ source }) => source.file));
  const symbols: Symbols = {
    scopes: sources.files.map((file) => (libraryFiles.has(file.file) ? libraryScope : ownScope)),
    procedures,
    paging: isKernelless ? 'off at first' : 'on',
  };
  const unit: Unit = {
    report, catalog: input.catalog, code: new CodeBuffer(), symbols, areas, lost: sources.lost, used: new Set(),
    processNames: scenario.processes.map(({ node }) => node.name),
    statements: [], expectations: [], techniqueSets: [], prints: [],
  };
  const values = [...library.globals, ...scenario.globals].flatMap(({ node, source }) => {
    const scope = symbols.scopes[source.file] ?? ownScope;
    const symbol = scope.own(node.name);
    if (node.$type !== 'Global' || symbol?.kind !== 'global') return [];
    return [{ name: node.name, type: symbol.type, value: globalValue(unit, source, scope, node, symbol.type), index: symbol.index }];
  });
  const declaredTables = [...library.globals, ...scenario.globals].filter(({ node }) => node.$type === 'Table');
  return {
    symbols, unit, compilables, handler,
    globals: {
      values: [...given, ...values.map(({ name, type, value }) => ({ name, type, value }))],
      firstOwn,
      tables: [...tables.map(({ name, values: filled }) => ({ name, values: filled })), ...declaredTables.map(({ node }) => ({ name: node.name, values: new Map<bigint, bigint>() }))],
    },
  };
}

function usableCpus(report: Report, main: SourceText, scenario: Declarations): Declarations['cpus'] {
  const [first, ...more] = scenario.cpus;
  for (const { node, source } of more) {
    report.error(source, node, 'More than one CPU is not supported yet; keep `cpu 0`.');
  }
  if (first === undefined) {
    report.errorAt(main, 0, 0, 'The scenario has no `cpu 0 { … }`, so nothing would run; add one.');
    return [];
  }
  if (first.node.number !== '0') report.error(first.source, first.node, `The first CPU is number 0; write \`cpu 0\`.`);
  return [first];
}

function sorted(diagnostics: readonly Diagnostic[]): readonly Diagnostic[] {
  return [...diagnostics].sort((a, b) => (
    a.range.file - b.range.file || a.range.line - b.range.line || a.range.column - b.range.column
  ));
}
