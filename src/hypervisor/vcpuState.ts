import type { Registry } from '../hardware/state/registry';

const GUEST_CR3 = 0;
const ROOT_PAGE = 2;
const STOP = 3;
const WORDS = 4;

/** Why the hypervisor gave up: index into `stopReasons`. */
export const STOP_REASON = { none: 0, unhandledExit: 1, hostMemory: 2, cr3OutsideSlots: 3, tableOutsideSlots: 4 } as const;
export const stopReasons = [
  '',
  'a VM exit that its listing does not handle',
  'no free host frame is left; give the platform more RAM',
  'CR3 names a guest frame outside every memory slot',
  'a paging structure of the guest lies outside every memory slot',
] as const;

/** What the hypervisor keeps for one virtual CPU beside its VMCS. */
export class VcpuState {
  private readonly words: Int32Array;

  constructor(registry: Registry, cpu: number) {
    this.words = registry.block(`vcpu ${cpu}`, WORDS);
  }

  /** CR3 as the guest wrote it. */
  get cr3Lo(): number {
    return this.words[GUEST_CR3]!;
  }

  get cr3Hi(): number {
    return this.words[GUEST_CR3 + 1]!;
  }

  setCr3(lo: number, hi: number): void {
    this.words[GUEST_CR3] = lo;
    this.words[GUEST_CR3 + 1] = hi;
  }

  /** Number of the shadow page that is root. */
  get rootPage(): number {
    return this.words[ROOT_PAGE]!;
  }

  set rootPage(page: number) {
    this.words[ROOT_PAGE] = page;
  }

  get stop(): number {
    return this.words[STOP]!;
  }

  set stop(reason: number) {
    this.words[STOP] = reason;
  }
}
