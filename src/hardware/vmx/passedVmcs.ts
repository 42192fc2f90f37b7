import { VMCS, vmcsFields } from './vmcs';
import { isReadOnly } from './vmcsEncoding';

/** Words of a VMCS block that rules of VM entry can be about: of all fields but those that report an exit. */
const words: readonly number[] = vmcsFields.flatMap(({ name, encoding }) => (isReadOnly(encoding) ? [] : [VMCS[name], VMCS[name] + 1]));

/**
 * The fields by which a VM entry was last found to be right: the next one with the same values breaks no rule either that is about
 * fields alone. Derived: it is compared with the VMCS as it stands, whatever has become of that.
 */
export class PassedVmcs {
  private readonly values = new Int32Array(words.length);
  private hasPassed = false;

  isStill(vmcs: Int32Array): boolean {
    if (!this.hasPassed) return false;
    const { values } = this;
    for (let i = 0; i < values.length; i++) if (values[i] !== vmcs[words[i]!]) return false;
    return true;
  }

  keep(vmcs: Int32Array): void {
    this.hasPassed = true;
    for (let i = 0; i < words.length; i++) this.values[i] = vmcs[words[i]!]!;
  }
}
