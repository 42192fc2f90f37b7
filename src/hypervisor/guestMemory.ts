/**
 * Guest-physical memory as host-physical frames. Under `native` they are the same; under a
 * hypervisor a memslot and the host process's page table lie between.
 */
export interface GuestMemory {
  /** Host frame behind guest frame `gfn`, or -1: no slot, or not backed yet. Touches nothing. */
  frameOf(gfn: number): number;
  /**
   * Frame at which the contents of `gfn` can be read: that behind it, or where the host's swap device has them; -1: no slot, or
   * nothing but zeros yet. For inspection, which touches nothing.
   */
  contentsOf(gfn: number): number;
  /** Host-virtual page number of `gfn`, or -1: no slot, or no host-virtual layer. Touches nothing. */
  hvaPageOf(gfn: number): number;
  /** Host frame behind `gfn`, backed if it was not, as for a write of the VMM process itself; -1: no slot. */
  back(gfn: number): number;
  /** Guest frame that host frame `frame` backs, one of them if there are several, or -1. */
  gfnOf(frame: number): number;
  /** Guest frames from 0 to the end of the last slot. */
  readonly frames: number;
}
