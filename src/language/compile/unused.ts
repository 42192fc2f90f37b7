import { extentOf } from '../syntax/sourceText';
import { replacing } from './fixes';
import type { VmDeclarations } from './virtualMachine';
import type { Unit, VmContext } from './unit';

/** Warns of declarations of the scenario that nothing uses: often a slip in a name elsewhere. */
export function warnOfUnused(unit: Unit, vm: VmContext, { own: scenario, node: vmNode, parent }: VmDeclarations): void {
  const { report } = unit;
  if (report.hasErrors) return;
  for (const { node, source } of scenario.globals) {
    if (source.file !== 0 || vm.used.has(node.name)) continue;
    report.say(source, node, 'unused', { kind: node.$type === 'Table' ? 'table' : 'global', name: node.name });
    report.mend(source, node, 'unused', replacing(source, extentOf(node), ''));
  }
  for (const { node, source } of scenario.procedures) {
    if (source.file !== 0 || vm.used.has(node.name) || node.override) continue;
    report.say(source, node, 'unused-procedure', { name: node.name });
    report.mend(source, node, 'unused-procedure', replacing(source, extentOf(node), ''));
  }
  for (const { node, source } of scenario.processes) {
    if (source.file === 0 && !vm.used.has(node.name)) report.say(source, node, 'unused-process', { name: node.name });
  }
  if (parent !== undefined && vmNode !== undefined && !parent.used.has(vmNode.node.name)) {
    report.say(vmNode.source, vmNode.node, 'vm-never-entered', { name: vmNode.node.name, parent: parent.symbols.name });
  }
}
