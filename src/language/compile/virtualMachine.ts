import type { GlobalValue } from './globalValues';
import type { Vm } from '../generated/ast';
import { pagingModeNames, pagingModeOf, type PagingModeRow } from '../pagingModes';
import type { Area, Program, SettingValue } from '../program';
import { warnOfAloneShared, eagerBytes, readAreas } from './areas';
import { DEFAULT_RAM, bootGlobals, bootTables } from './bootTables';
import { declareNames, declareProcedures, type Compilable, type DeclaredProcedures, type Numbering } from './declarations';
import { entryFormatOf } from './entryFormat';
import { layoutConstants } from './kernelLayout';
import { withoutPagingIn } from './withoutPaging';
import { Scope } from './scope';
import { readSettings, settingOf } from './settings';
import { lowRam, slotsOf, type Slot } from './slots';
import { noDeclarations, sortItem, wordOf, type Declarations, type Declared, type Sources } from './sources';
import type { Symbols } from './symbols';
import type { VmContext } from './unit';

/** What is declared of one VM: its own, and the library's. */
export interface VmDeclarations {
  readonly number: number;
  /** Empty when its parts stand at the top of the file. */
  readonly name: string;
  readonly node: Declared<Vm> | undefined;
  readonly own: Declarations;
  readonly parentNumber: number;
  /** Set once the parent is declared. */
  parent: VmContext | undefined;
}

/** The scenario's VMs in the order of the text, a nested guest behind the VM it is in. */
export function vmsOf(sources: Sources, scenario: Declarations): readonly VmDeclarations[] {
  if (scenario.vms.length === 0) {
    return [{ number: 0, name: '', node: undefined, own: scenario, parentNumber: -1, parent: undefined }];
  }
  sayOutside(sources, scenario);
  const found: VmDeclarations[] = [];
  const names = new Set<string>();
  const add = (vm: Declared<Vm>, parentNumber: number): void => {
    const { node, source } = vm;
    if (names.has(node.name)) {
      sources.report.say(source, node, 'vm-twice', { name: node.name });
      return;
    }
    names.add(node.name);
    const own = withImported(scenario);
    for (const item of node.items) sortItem(sources, source, item, own);
    const number = found.push({ number: found.length, name: node.name, node: vm, own, parentNumber, parent: undefined }) - 1;
    for (const nested of own.vms) add(nested, number);
  };
  for (const vm of scenario.vms) add(vm, -1);
  return found;
}

/** What imported files hold is every VM's. */
function withImported(scenario: Declarations): Declarations {
  const imported = <T>(all: readonly Declared<T>[]): Declared<T>[] => all.filter(({ source }) => source.file !== 0);
  return {
    ...noDeclarations(),
    processes: imported(scenario.processes), globals: imported(scenario.globals),
    procedures: imported(scenario.procedures), handlers: imported(scenario.handlers),
  };
}

function sayOutside({ report }: Sources, scenario: Declarations): void {
  const { machines, processes, globals, procedures, handlers, cpus } = scenario;
  for (const { node, source } of [...machines, ...processes, ...globals, ...procedures, ...handlers, ...cpus]) {
    if (source.file === 0) report.say(source, node, 'outside-vm', { word: wordOf(node) });
  }
}

/** The machine of a VM. */
export interface VmMachine {
  readonly settings: readonly SettingValue[];
  readonly mode: PagingModeRow;
  readonly isKernelless: boolean;
  readonly slots: readonly Slot[];
  /** RAM from guest-physical address 0 on. */
  readonly ram: bigint;
}

/** The least RAM that the loader and the library can do with. */
const LEAST_RAM = 4n << 20n;

export function machineOf(sources: Sources, { own }: VmDeclarations, catalog: Parameters<typeof readSettings>[0]['catalog']): VmMachine {
  const { report } = sources;
  const [machine, ...more] = own.machines;
  for (const { node, source } of more) report.say(source, node, 'machine-twice');
  const settings = machine === undefined ? [] : readSettings({ source: machine.source, report, catalog }, machine.node, 'machine');
  const paging = settingOf(settings, 'paging');
  const mode = pagingModeOf(pagingModeNames.find((name) => name === paging) ?? '4-level');
  const isKernelless = settingOf(settings, 'kernel') === 'none';
  const slots = slotsOf(report, machine, settings, DEFAULT_RAM);
  const ram = lowRam(slots);
  const setting = machine?.node.settings.settings.find(({ name }) => name === 'ram' || name === 'slot');
  const isSmall = !isKernelless && mode.format !== undefined && ram < LEAST_RAM && ram > 0n;
  if (isSmall && machine !== undefined) report.say(machine.source, setting ?? machine.node, 'ram-too-small', { least: LEAST_RAM >> 10n });
  return { settings, mode, isKernelless, slots, ram };
}

/** Frames below 1M are the loader's. */
const LOADER_BYTES = 1n << 20n;

/** Areas of a VM's processes, which are numbered from `firstProcess` on. */
export function areasOf(sources: Sources, { own }: VmDeclarations, machine: VmMachine, firstProcess: number): Area[] {
  const { report } = sources;
  const context = { report, mode: machine.mode, shared: new Map() };
  const areas: Area[] = [];
  own.processes.forEach(({ node, source }, index) => {
    if (machine.isKernelless) return report.say(source, node, 'process-without-kernel');
    if (machine.mode.format === undefined) return report.say(source, node, 'process-without-paging');
    areas.push(...readAreas(context, source, node, firstProcess + index));
    const bytes = eagerBytes(areas);
    if (bytes > machine.ram - LOADER_BYTES) {
      report.say(source, node, 'ram-does-not-fit', { bytes: bytes >> 10n, ram: machine.ram >> 10n });
    }
  });
  warnOfAloneShared(context);
  return areas;
}

/** A VM with all its names, ready for its bodies to be compiled. */
export interface DeclaredVm {
  readonly context: VmContext;
  readonly declared: DeclaredProcedures;
  readonly compilables: readonly Compilable[];
  /** Globals that the loader hands over; the declared ones follow them. */
  readonly given: readonly GlobalValue[];
  readonly tables: Program['tables'];
}

export interface VmInput {
  readonly vm: VmDeclarations;
  readonly library: Declarations;
  readonly machine: VmMachine;
  readonly areas: readonly Area[];
  readonly firstProcess: number;
  readonly firstProcedure: number;
  readonly nested: ReadonlyMap<string, number>;
}

/** Declares the names of a VM. Globals, tables and processes are numbered with those of the VMs before it. */
export function declareVm(sources: Sources, input: VmInput, numbering: Numbering): DeclaredVm {
  const { vm, library, machine, areas, firstProcess } = input;
  const { report } = sources;
  const { own } = vm;
  const entries = machine.mode.format === undefined ? undefined : entryFormatOf(machine.mode.format);
  const libraryScope = new Scope(undefined);
  for (const { name, value } of layoutConstants(machine.mode, own.cpus.length)) libraryScope.declare({ kind: 'constant', name, type: 'number', value });
  const processes = own.processes.map((_, index) => firstProcess + index);
  const given = machine.isKernelless ? [] : bootGlobals(processes.length, areas, machine.ram, machine.slots);
  const tables = machine.isKernelless ? [] : bootTables(processes, areas, entries, machine.slots);
  for (const { name, type } of given) libraryScope.declare({ kind: 'global', name, index: numbering.globals++, type });
  for (const { name, type } of tables) libraryScope.declare({ kind: 'table', name, index: numbering.tables++, values: type });
  declareNames(report, libraryScope, library, numbering);
  const ownScope = new Scope(libraryScope);
  declareNames(report, ownScope, own, numbering);

  const without: ReadonlySet<string> = entries === undefined ? withoutPagingIn(library) : new Set<string>();
  const usable = entries === undefined
    ? { ...library, procedures: library.procedures.filter(({ node }) => !without.has(node.name)), handlers: library.handlers.filter(({ node }) => node.exception === undefined) }
    : library;
  const declared = declareProcedures(report, [usable, own], input.firstProcedure);
  const libraryFiles = new Set([...library.procedures, ...library.handlers, ...library.globals].map(({ source }) => source.file));
  const symbols: Symbols = {
    vm: vm.number,
    name: vm.name,
    scopes: sources.files.map((file) => (libraryFiles.has(file.file) ? libraryScope : ownScope)),
    procedures: declared.procedures,
    paging: machine.mode.format === undefined ? 'never on' : machine.isKernelless ? 'off at first' : 'on',
    mode: machine.mode,
    entries,
    nested: input.nested,
    withoutPaging: without,
  };
  const processNames = new Map(own.processes.map(({ node }, index) => [firstProcess + index, node.name]));
  return {
    context: { symbols, areas, processNames, used: new Set() },
    declared,
    compilables: declared.compilables,
    given,
    tables: tables.map(({ name, values }) => ({ name, values })),
  };
}
