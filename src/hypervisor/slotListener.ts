/**
 * A hypervisor as the keeper of its VM's memory slots knows it: KVM's hooks of an architecture. Guest frames are
 * guest-physical addresses >> 12; `actor` is whose step it is, the number that events carry: a CPU, or a host thread.
 */
export interface SlotListener {
  /**
   * kvm_arch_flush_shadow_memslot: a slot with guest frames `gfn` to `gfn + pages - 1` is about to go. When this returns,
   * nothing is left that maps one of them, nor that was made of guest tables among them, and no TLB holds them.
   */
  flushShadowMemslot(gfn: number, pages: number, actor: number): void;
  /** kvm_mmu_invalidate_mmio_sptes: the generation has come round. No MMIO entry of an earlier one is left. */
  invalidateMmioEntries(actor: number): void;
  /**
   * kvm_arch_mmu_enable_log_dirty_pt_masked: the next write to each of these guest frames is noticed, once the TLBs are
   * flushed: it faults, or the processor logs it.
   */
  enableLogDirty(gfn: number, pages: number, actor: number): void;
  /** kvm_arch_sync_dirty_log: what processors have logged is in the dirty bitmap. */
  syncDirtyLog(actor: number): void;
  /** vmx_update_cpu_dirty_logging: processors log while a slot's dirty pages are logged, if this hypervisor has them do it. */
  updateCpuDirtyLogging(): void;
  /** kvm_flush_remote_tlbs: what the entries gave before is in no TLB of any vCPU. */
  flushTlbs(actor: number): void;
}

/** Logging of dirty pages as the VMM process, or whoever keeps the log, offers it. Slots go by their ids. */
export interface DirtyLogging {
  /** Begins with an empty log, or ends it. False when there is no slot of that id. */
  logDirty(id: number, to: 'on' | 'off', actor: number): boolean;
  /** The guest frames of the slot that were written since it was asked last, ascending; the log is empty then. Undefined: no such slot. */
  getDirtyLog(id: number, actor: number): readonly number[] | undefined;
}
