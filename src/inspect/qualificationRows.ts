import type { QualificationField } from '../hardware/vmx/exitQualification';
import { named, type Rows } from './rows';

/** The fields of an exit qualification, or of exit information of that form, each with its bits. `lo`: its low half. */
export function qualificationRows(fields: readonly QualificationField[], lo: number): Rows {
  return named(() => fields.map(({ name, bits: [high, low], values }) => {
    const value = (lo >>> low) & (high - low === 31 ? -1 : (1 << (high - low + 1)) - 1);
    const meaning = values?.[value];
    const at = high === low ? `bit ${high}` : `bits ${high}:${low}`;
    return { name, value: `${value}${meaning === undefined || meaning === '' ? '' : ` ${meaning}`}  ${at}` };
  }));
}
