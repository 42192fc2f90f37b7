import type { Declarations } from './sources';
import type { Unit } from './unit';

/** Warns of declarations of the scenario that nothing uses: often a slip in a name elsewhere. */
export function warnOfUnused(unit: Unit, scenario: Declarations): void {
  if (unit.report.hasErrors) return;
  for (const { node, source } of scenario.globals) {
    if (source.file !== 0 || unit.used.has(node.name)) continue;
    const kind = node.$type === 'Table' ? 'table' : 'global';
    unit.report.warning(source, node, `The ${kind} \`${node.name}\` is never used; remove it.`);
  }
  for (const { node, source } of scenario.procedures) {
    if (source.file !== 0 || unit.used.has(node.name) || node.override) continue;
    unit.report.warning(source, node, `The procedure \`${node.name}\` is never called; remove it, or call it.`);
  }
  for (const { node, source } of scenario.processes) {
    if (source.file === 0 && !unit.used.has(node.name)) {
      unit.report.warning(source, node, `The process \`${node.name}\` is never used; switch to it with switch(${node.name}).`);
    }
  }
}
