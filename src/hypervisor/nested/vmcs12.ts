import { VMCS_REVISION, vmcsFields } from '../../hardware/vmx/vmcs';
import type { GuestHypervisorMemory } from './guestHypervisorMemory';

/**
 * Layout of a VMCS region, which only the processor that L0 presents to L1 knows. SDM Vol. 3, "Format of the VMCS Region":
 *
 *     byte 0   revision identifier
 *          4   VMX-abort indicator
 *          8   VMCS data: the launch state, RIP as the last exit has saved it, then from byte 24 on 8 bytes for each field
 */
const REVISION = 0;
const LAUNCH_STATE = 8;
const SAVED_RIP = 16;
const FIELDS = 24;
const FIELD_BYTES = 8;

/** Bytes of a region from its start to the field whose low half is word `at` (a `VMCS`) of a processor's VMCS. */
function offsetOf(at: number): number {
  return FIELDS + (at >> 1) * FIELD_BYTES;
}

/**
 * A VMCS that a guest hypervisor has made, in its own memory (KVM's `struct vmcs12`). Nothing of it is kept anywhere else:
 * VMREAD and VMWRITE by L1 end here.
 */
export class Vmcs12 {
  /** What `read` has found, in the places of a processor's VMCS. */
  readonly words = new Int32Array(2 * vmcsFields.length);
  private base = 0;
  private baseHi = 0;

  constructor(private readonly memory: Pick<GuestHypervisorMemory, 'load32' | 'loadWords' | 'store32'>) {}

  /** The region in guest frame `gfn` is meant from here on. */
  use(gfn: number): void {
    this.base = gfn << 12;
    this.baseHi = gfn >>> 20;
  }

  get revision(): number {
    return this.word(REVISION);
  }

  /** `LAUNCH_STATE.clear` or `launched`. */
  get launchState(): number {
    return this.word(LAUNCH_STATE);
  }

  set launchState(state: number) {
    this.setWord(LAUNCH_STATE, state);
  }

  /** RIP of L2 as the last exit has saved it: when L1 has changed it since, L2 goes on behind the instruction that exited. */
  get savedRipLo(): number {
    return this.word(SAVED_RIP);
  }

  get savedRipHi(): number {
    return this.word(SAVED_RIP + 4);
  }

  saveRip(lo: number, hi: number): void {
    this.setWord(SAVED_RIP, lo);
    this.setWord(SAVED_RIP + 4, hi);
  }

  /** Half of a field: `VMCS.…` is that of the low one. */
  at(at: number): number {
    return this.word(offsetOf(at) + ((at & 1) << 2));
  }

  set(at: number, lo: number, hi: number): void {
    this.setWord(offsetOf(at), lo);
    this.setWord(offsetOf(at) + 4, hi);
  }

  /** Reads all fields into `words`. */
  read(): void {
    this.memory.loadWords(this.base | offsetOf(0), this.baseHi, this.words);
  }

  /** As a guest's software makes a region ready for VMCLEAR: the revision identifier, and all else zero. */
  initialize(): void {
    this.setWord(REVISION, VMCS_REVISION);
    this.setWord(REVISION + 4, 0);
    this.launchState = 0;
    this.saveRip(0, 0);
    for (let at = 0; at < this.words.length; at += 2) this.set(at, 0, 0);
  }

  private word(offset: number): number {
    return this.memory.load32(this.base | offset, this.baseHi);
  }

  private setWord(offset: number, value: number): void {
    this.memory.store32(this.base | offset, this.baseHi, value);
  }
}
