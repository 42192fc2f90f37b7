import type { Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';
import { RESUME } from '../hardware/processor/rootMode';
import { setField } from '../hardware/svm/svmTransitions';
import type { VmcbFieldName } from '../hardware/svm/vmcb';
import { line, type ListingProcedure, type ListingRunner } from './listing';

/** Registers that VMRUN loads from the VMCB, and that handlers change where they are kept between exits. */
const loadedByVmrun: readonly (readonly [number, VmcbFieldName])[] = [
  [REGISTER.rax, 'guest_rax'], [REGISTER.rsp, 'guest_rsp'], [REGISTER.rip, 'guest_rip'], [REGISTER.cr2, 'guest_cr2'],
];

/** What comes before each VMRUN, for the listing of a hypervisor `V`. */
export function svmVcpuRun<V extends { readonly processor: Processor }>(): ListingProcedure<V> {
  return {
    name: 'svm_vcpu_run',
    purpose: 'Back into the guest. RAX, RSP, RIP and CR2 are loaded by VMRUN, from the VMCB; the other registers stay in the processor.',
    values: [],
    parameters: 0,
    body: [
      line('VMCB RAX, RSP, RIP, CR2 = the vCPU\'s', { writes: ['vmcb'] }, ({ processor: { registers, vmcb } }) => {
        for (const [register, name] of loadedByVmrun) setField(vmcb, name, registers[2 * register]!, registers[2 * register + 1]!);
      }),
    ],
  };
}

/** What a #VMEXIT of `cpu` runs: its handler, which gives a `RESUME`, and what comes before the next VMRUN. */
export function handleSvmExit<V extends { readonly processor: Processor }>(
  runner: ListingRunner<V>, handler: ListingProcedure<V>, vcpuRun: ListingProcedure<V>, vmm: V,
): number {
  const { cpu } = vmm.processor;
  const answer = runner.run(handler, vmm, cpu);
  if (answer !== RESUME.stopped) runner.run(vcpuRun, vmm, cpu);
  return answer;
}
