import { EFER } from '../hardware/processor/controlRegisters';
import type { Processor } from '../hardware/processor/processor';
import { REGISTER } from '../hardware/processor/registers';
import { RESUME } from '../hardware/processor/rootMode';
import type { TranslationSpace } from '../hardware/paging/translationSpace';
import { setField } from '../hardware/svm/svmTransitions';
import { VMCB, type VmcbFieldName } from '../hardware/svm/vmcb';
import { line, type ListingProcedure } from './listing';

/** EFER as a guest under SVM has it, low half: the processor's has SVME then, which the guest has not. */
export function svmGuestEfer({ registers }: Processor): number {
  return registers[2 * REGISTER.efer]! & ~EFER.SVME;
}

/** The guest has written EFER. Gives a `RESUME`. */
export function setSvmGuestEfer({ registers, vmcb }: Processor, lo: number): number {
  vmcb[VMCB.guest_efer] = lo | EFER.SVME;
  registers[2 * REGISTER.efer] = lo | EFER.SVME;
  return RESUME.completed;
}

/** Makes walks of the guest's tables read PDPTEs from memory, since no MOV has loaded them. APM Vol. 2, "Nested Paging". */
export function usePdptesInMemory(space: TranslationSpace, { registers }: Processor): TranslationSpace {
  space.useTopEntriesInMemory();
  space.useRoot(registers[2 * REGISTER.cr3]!, registers[2 * REGISTER.cr3 + 1]!);
  return space;
}

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
