import { extentOf, type SourceText } from '../syntax/sourceText';
import { replacing } from './fixes';
import type { Declarations, Sources } from './sources';
import type { VmDeclarations } from './virtualMachine';

/** What a local APIC of 6 bits can name; more than anyone steps through. */
const MOST_CPUS = 64;

/** The `cpu` blocks of a VM: numbered from 0 on without a gap. */
export function usableCpus({ report, lost }: Pick<Sources, 'report' | 'lost'>, main: SourceText, { own, name, node: vm }: VmDeclarations): Declarations['cpus'] {
  if (own.cpus.length === 0) {
    // A file or a block that could not be read has been told of.
    if (vm === undefined && !lost.has('cpu') && !report.diagnostics.some(({ code }) => code === 'too-deep' || code === 'statement-too-long')) {
      report.say(main, { start: 0, end: 0 }, 'no-cpu');
    }
    if (vm !== undefined) report.say(vm.source, vm.node, 'vm-without-cpu', { name });
    return [];
  }
  own.cpus.forEach(({ node, source }, number) => {
    if (number === MOST_CPUS) report.say(source, node, 'too-many-cpus', { most: MOST_CPUS });
    if (node.number === String(number) || number >= MOST_CPUS) return;
    report.say(source, node, 'cpu-number', { number });
    const { start } = extentOf(node);
    const at = start + source.text.slice(start).indexOf(node.number);
    report.mend(source, node, 'cpu-number', replacing(source, { start: at, end: at + node.number.length }, String(number)));
  });
  return own.cpus.slice(0, MOST_CPUS);
}
