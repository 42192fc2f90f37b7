import { describeQualification, type QualificationField } from '../hardware/vmx/exitQualification';
import { accessNames } from '../hardware/paging/accessKinds';
import { ioInformation, NPF_INFO_HI } from '../hardware/svm/exitInformation';
import { SVM_EXIT, svmExitCodeOf } from '../hardware/svm/svmExitCodes';
import { VMCB } from '../hardware/svm/vmcb';
import { pairToBigInt } from '../engine/arithmetic';
import { halvesText, hex } from './addressText';
import { eventInformationText, pageFaultCodeText } from './eventInformation';
import { qualificationRows } from './qualificationRows';
import type { Row } from './rows';

const PAGE_FAULT = 14;

/** EXITINFO1 of a nested page fault, above bit 31. APM Vol. 2, "Nested versus Guest Page Faults, Fault Ordering". */
const faultingWalks = [
  { bit: NPF_INFO_HI.finalAddress, text: "of the guest's final address" }, { bit: NPF_INFO_HI.guestTable, text: "of an entry of the guest's tables" },
] as const;

/** What a VMCB tells of the last #VMEXIT: EXITCODE and its information decoded, the event that it broke into. */
export function svmExitRows(words: Int32Array): readonly Row[] {
  const code = words[VMCB.exitcode]!;
  const rows: Row[] = [{ name: 'EXITCODE', value: `0x${(code >>> 0).toString(16)} ${svmExitCodeOf(code)?.name ?? ''}`.trim() }, ...informationOf(words, code)];
  const vectoring = words[VMCB.exitintinfo]!;
  if (eventInformationText(vectoring) !== 'none') rows.push({ name: 'EXITINTINFO', value: eventInformationText(vectoring) });
  if (words[VMCB.nrip] !== 0 || words[VMCB.nrip + 1] !== 0) rows.push({ name: 'nRIP', value: halvesText('gva', words[VMCB.nrip]!, words[VMCB.nrip + 1]!) });
  return rows;
}

function informationOf(words: Int32Array, code: number): readonly Row[] {
  const info1 = words[VMCB.exitinfo1]!;
  const address = (space: 'gva' | 'gpa'): string => halvesText(space, words[VMCB.exitinfo2]!, words[VMCB.exitinfo2 + 1]!);
  switch (code) {
    case SVM_EXIT.npf: {
      const walks = faultingWalks.filter(({ bit }) => (words[VMCB.exitinfo1 + 1]! & bit) !== 0).map(({ text }) => text);
      const number = hex(pairToBigInt(info1, words[VMCB.exitinfo1 + 1]!));
      return [
        { name: 'EXITINFO1', value: `${number} nested walk ${walks.join(', ')}, error code ${pageFaultCodeText(info1)}` },
        { name: 'EXITINFO2', value: `${address('gpa')} the faulting guest-physical address` },
      ];
    }
    case SVM_EXIT.exception0 + PAGE_FAULT:
      return [
        { name: 'EXITINFO1', value: `error code ${pageFaultCodeText(info1)}` },
        { name: 'EXITINFO2', value: `${address('gva')} the faulting linear address` },
      ];
    case SVM_EXIT.access:
      return [
        { name: 'EXITINFO1', value: `${hex(BigInt(info1))} ${accessNames[info1] ?? ''}` },
        { name: 'EXITINFO2', value: `${address('gva')} the linear address` },
      ];
    case SVM_EXIT.ioio: {
      const fields: readonly QualificationField[] = ioInformation;
      return [
        { name: 'EXITINFO1', value: `0x${(info1 >>> 0).toString(16)} ${describeQualification(fields, info1)}`, below: qualificationRows(fields, info1) },
        { name: 'EXITINFO2', value: `${address('gva')} RIP of the next instruction` },
      ];
    }
    default:
      return [
        { name: 'EXITINFO1', value: hex(pairToBigInt(info1, words[VMCB.exitinfo1 + 1]!)) },
        { name: 'EXITINFO2', value: hex(pairToBigInt(words[VMCB.exitinfo2]!, words[VMCB.exitinfo2 + 1]!)) },
      ];
  }
}
