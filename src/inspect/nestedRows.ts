import { Nested } from '../hypervisor/nested/level1/nested';
import { NestingEpt } from '../hypervisor/nested/nestingEpt';
import type { Technique } from '../hypervisor/technique';
import { frameText } from './addressText';
import type { Row } from './rows';
import { vmcsRows } from './vmcsRows';

/** L0's hypervisor, where the guest is one too or has one around it; undefined: nothing is nested. */
export function nestingOf(technique: Technique): NestingEpt | undefined {
  if (technique instanceof Nested) return technique.level0.nesting;
  return technique instanceof NestingEpt ? technique : undefined;
}

/** The VMCSs of CPU `cpu` by KVM's names: of which the processor has one, L1 has made one, and L0 has the others. Leaves no trace. */
export function nestedVmcsRows(nesting: NestingEpt, cpu: number): readonly Row[] {
  const { vmcs01, vmcs12, vmcs02 } = nesting.structures(cpu);
  const isInL2 = nesting.isInL2(cpu);
  const rows: Row[] = [{ name: 'is_guest_mode', value: isInL2 ? '1  the CPU runs L2' : '0  the CPU runs L1' }];
  const add = (name: string, value: string, words: Int32Array, physical: 'hpa' | 'gpa' = 'hpa'): void => {
    rows.push({ name, value, below: vmcsRows(words, physical) });
  };
  if (vmcs02 !== undefined) add('vmcs02', 'by which L0 runs L2: made of vmcs01 and vmcs12', vmcs02);
  if (vmcs12 !== undefined) add('vmcs12', `L1's for L2, in L1's memory at ${frameText('gpa', vmcs12.gfn)}`, vmcs12.words, 'gpa');
  add('vmcs01', `by which L0 runs L1${isInL2 ? ', kept while L2 runs' : ''}`, vmcs01);
  return rows;
}
