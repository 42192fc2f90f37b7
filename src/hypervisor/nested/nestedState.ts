import type { StateClaims } from '../../hardware/state/registry';
import { LAUNCH_STATE } from '../../hardware/vmx/vmcs';

const CURRENT = 0;
const GUEST_MODE = 1;
const LAUNCH_STATE_02 = 2;
const LAST_VPID = 3;
const ROOT_PAGE = 4;
const SKIPS = 5;
const WORDS = 6;

/**
 * What L0 keeps for a virtual CPU whose guest is a hypervisor itself (KVM's `struct nested_vmx`): which VMCS that hypervisor
 * has made current, and the VMCS of L1 itself (vmcs01) while the processor has the one that runs L2 (vmcs02).
 */
export class NestedState {
  /** vmcs01 while L2 runs: the words of a processor's VMCS. */
  readonly vmcs01: Int32Array;
  private readonly words: Int32Array;

  constructor(registry: StateClaims, cpu: number, vmcsWords: number) {
    this.words = registry.block(`cpu${cpu}.nested`, WORDS);
    this.vmcs01 = registry.block(`cpu${cpu}.nested.vmcs01`, vmcsWords);
    this.words[LAUNCH_STATE_02] = LAUNCH_STATE.clear;
  }

  /** L1's guest frame with the current VMCS (vmcs12); -1: there is none. */
  get current(): number {
    return this.words[CURRENT]! - 1;
  }

  set current(gfn: number) {
    this.words[CURRENT] = gfn + 1;
  }

  /** 1: the processor runs L2 (KVM's is_guest_mode). */
  get guestMode(): number {
    return this.words[GUEST_MODE]!;
  }

  set guestMode(mode: number) {
    this.words[GUEST_MODE] = mode;
  }

  /** Launch state of vmcs02. */
  get launchState02(): number {
    return this.words[LAUNCH_STATE_02]!;
  }

  set launchState02(state: number) {
    this.words[LAUNCH_STATE_02] = state;
  }

  /** VPID that vmcs12 had at the last entry; 0: none. */
  get lastVpid(): number {
    return this.words[LAST_VPID]!;
  }

  set lastVpid(vpid: number) {
    this.words[LAST_VPID] = vpid;
  }

  /** Number of the shadow page that is the root of EPT02; 0: none. */
  get rootPage(): number {
    return this.words[ROOT_PAGE]!;
  }

  set rootPage(page: number) {
    this.words[ROOT_PAGE] = page;
  }

  /** 1: L1 has moved L2's RIP before the last entry, so that the instruction that had exited is not executed again. */
  get skips(): number {
    return this.words[SKIPS]!;
  }

  set skips(value: number) {
    this.words[SKIPS] = value;
  }
}
