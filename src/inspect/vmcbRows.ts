import { pairToBigInt } from '../engine/arithmetic';
import { svmExitCodeOf, svmExitCodes } from '../hardware/svm/svmExitCodes';
import { VMCB, vmcbFields, type VmcbField, type VmcbFieldName } from '../hardware/svm/vmcb';
import { halvesText, hex } from './addressText';
import { exceptionBitmapText, registerBitsText } from './controlBlockTexts';
import { eventInformationText } from './eventInformation';
import { named, type Row, type Rows } from './rows';

const STATE_SAVE_AREA = 0x400;
const WORD_BITS = 32;
const interceptWords = ['intercept_cr', 'intercept_dr', 'intercept_exceptions', 'intercept_misc1', 'intercept_misc2', 'intercept_misc3'] as const;

/** What a field's number is followed by, for a person. */
const texts: Partial<Record<VmcbFieldName, (lo: number) => string>> = {
  exitcode: (lo) => ` ${svmExitCodeOf(lo)?.name ?? ''}`,
  exitintinfo: (lo) => ` ${eventInformationText(lo)}`,
  eventinj: (lo) => ` ${eventInformationText(lo)}`,
  intercept_exceptions: exceptionBitmapText,
  guest_cr0: (lo) => registerBitsText('cr0', lo),
  guest_cr4: (lo) => registerBitsText('cr4', lo),
  guest_efer: (lo) => registerBitsText('efer', lo),
  guest_rflags: (lo) => registerBitsText('rflags', lo),
  nested_control: (lo) => ((lo & 1) === 0 ? '' : ' NP_ENABLE'),
};

/** Fields that hold an address, by its space. */
const addresses: Partial<Record<VmcbFieldName, 'gva' | 'hpa'>> = {
  n_cr3: 'hpa', iopm_base_pa: 'hpa', msrpm_base_pa: 'hpa', guest_rip: 'gva', guest_rsp: 'gva', guest_cr2: 'gva', nrip: 'gva',
};

/** All fields of a VMCB in its two areas, each by its name in the table of fields. APM Vol. 2, "Layout of VMCB". */
export function vmcbRows(words: Int32Array): Rows {
  const areaOf = (isSaveArea: boolean): Rows => named(() => rowsOf(words, isSaveArea));
  return named(() => [
    { name: 'control area', value: 'intercepts, controls and what #VMEXIT has written', below: areaOf(false) },
    { name: 'state-save area', value: 'saved at #VMEXIT, loaded by VMRUN', below: areaOf(true) },
  ]);
}

function rowsOf(words: Int32Array, isSaveArea: boolean): readonly Row[] {
  const fields: readonly (VmcbField & { readonly name: VmcbFieldName })[] = vmcbFields;
  return fields.filter(({ offset }) => offset >= STATE_SAVE_AREA === isSaveArea).map(({ name }) => {
    const lo = words[VMCB[name]]!;
    const hi = words[VMCB[name] + 1]!;
    const space = addresses[name];
    const value = `${space === undefined ? hex(pairToBigInt(lo, hi)) : halvesText(space, lo, hi)}${texts[name]?.(lo) ?? ''}`;
    const word = interceptWords.findIndex((each) => each === name);
    return word < 0 ? { name, value } : { name, value, below: named(() => interceptsOf(word, lo)) };
  });
}

/** The intercepts of one word that this machine can make exits of. */
function interceptsOf(word: number, lo: number): readonly Row[] {
  return svmExitCodes.filter(({ by, code }) => by === 'intercept' && Math.floor(code / WORD_BITS) === word)
    .map(({ name, code }) => ({ name, value: `${(lo >>> (code % WORD_BITS)) & 1}  bit ${code % WORD_BITS}` }));
}
