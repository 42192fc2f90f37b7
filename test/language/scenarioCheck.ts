import { catalog as engineCatalog } from '../../src/engine/settings/catalog';
import type { Catalog, SettingRow } from '../../src/language/catalog';
import { compileScenario, type CompileResult } from '../../src/language/compile';
import type { Program } from '../../src/language/program';
import { disassemble } from '../../src/language/disassemble';

const fine = (): undefined => undefined;
const row = (section: SettingRow['section'], name: string, check: SettingRow['check'] = fine): SettingRow => (
  { name, section, form: name, documentation: '', check }
);

/** A catalog as the engine gives one, with a setting whose values it checks. */
export const catalog: Catalog = {
  techniques: [{ name: 'native', documentation: '' }, { name: 'shadow-wp', documentation: '' }, { name: 'ept', documentation: '' }],
  techniqueNames: [
    'native', 'interpret', 'deprivileged', 'shadow-rebuild', 'shadow-vtlb', 'shadow-wp', 'shadow-unsync', 'ept', 'npt', 'nested',
  ],
  settings: [
    row('machine', 'mmu', ([name]) => (name === 'shadow-wp' || name === 'ept' || name === 'shadow-vtlb' ? undefined : `There is no technique \`${name}\`; write mmu ept.`)),
    row('machine', 'slot'),
    row('machine', 'delivery'),
    row('machine', 'dirty_log'),
    row('platform', 'tlb'),
    row('platform', 'ram'),
    row('platform', 'maxphyaddr'),
    row('platform', 'backing'),
  ],
  hostActionRefusal: engineCatalog.hostActionRefusal,
};

function fileOf(files: Readonly<Record<string, string>>, path: string): { path: string; text: string } | undefined {
  const text = files[path];
  return text === undefined ? undefined : { path, text };
}

export function compile(text: string, files: Readonly<Record<string, string>> = {}): CompileResult {
  return compileScenario({ path: 'test.guest', text, catalog, readImport: (path) => fileOf(files, path) });
}

/** The same with the engine's own catalog, whose settings the project's scenarios use. */
export function compileForEngine(text: string): CompileResult {
  return compileScenario({ path: 'test.guest', text, catalog: engineCatalog, readImport: fine });
}

/** Diagnostics of a text as `LINE:COLUMN-COLUMN message`, warnings marked; the path only of other files. */
export function problems(text: string, files: Readonly<Record<string, string>> = {}): string[] {
  return compile(text, files).diagnostics.map(({ severity, message, range, path }) => {
    const place = `${range.line + 1}:${range.column + 1}-${range.endColumn + 1}`;
    return `${path === 'test.guest' ? '' : `${path}:`}${place} ${severity === 'warning' ? 'warning: ' : ''}${message}`;
  });
}

/** A scenario that has two processes and runs these lines on its CPU, from line 3 on. */
export function onCpu(lines: string): string {
  return `machine { paging 4-level, ram 16M }; process p { 0x600000 .. 0x602000 rw user }; process q { 0x700000 .. 0x701000 ro kernel }
cpu 0 { switch(p); switch(q)
${lines}
}`;
}

/** Diagnostics of these lines on a CPU, without the position's line. */
export function cpuProblems(lines: string): string[] {
  return problems(onCpu(lines)).map((each) => each.replace(/^\d+:/, ''));
}

export function programOf(text: string, files: Readonly<Record<string, string>> = {}): Program {
  const { program, diagnostics } = compile(text, files);
  if (program === undefined) throw new Error(diagnostics.map((each) => `${each.range.line + 1}: ${each.message}`).join('\n'));
  return program;
}

/** The code of these lines as a `cpu` block of a `kernel none` machine, one instruction a line, without numbers. */
export function listing(lines: string, declarations = ''): string[] {
  const program = programOf(`machine { kernel none }\n${declarations}\ncpu 0 {\n${lines}\n}`);
  const cpu = program.procedures[0];
  return disassemble(program, cpu?.entry, cpu?.end).split('\n').slice(1, -1).map((each) => each.replace(/^\d+: /, ''));
}
