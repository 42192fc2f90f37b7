/** A part of an operand that lies in one page: its first byte as linear and as L1's guest-physical address. */
export interface OperandPart {
  readonly gvaLo: number;
  readonly gvaHi: number;
  readonly gpaLo: number;
  readonly gpaHi: number;
}

/**
 * Guest frames whose writes another part of the hypervisor must see (KVM's page_track): the tables of a guest hypervisor's
 * EPT, while they are shadowed. An entry of EPT that maps one has no W.
 */
export interface WriteTracking {
  /** kvm_gfn_is_write_tracked */
  isTracked(gfn: number): boolean;
  /** The pending operation of `cpu` is about to be performed for the guest, and writes this part of a tracked frame. */
  writes(cpu: number, part: OperandPart): void;
  /** kvm_page_track_write: `cpu` has written `bytes` bytes there. */
  written(cpu: number, part: OperandPart, bytes: number): void;
  /** kvm_mmu_unprotect_page: a write of `cpu` that cannot be emulated. Nothing of `gfn` is tracked afterwards. */
  unprotect(cpu: number, gfn: number): void;
}
