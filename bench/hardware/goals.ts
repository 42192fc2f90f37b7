/** A quantity of a measurement: nanoseconds net of the empty loop, or per iteration where it says so. */
export interface Goal {
  readonly title: string;
  /** What is divided, and by what: `MEASUREMENT.TIME`. */
  readonly of: string;
  readonly by: string;
  /** What the ratio should not exceed. */
  readonly atMost: number;
}

/** The goals, in the order of the table. */
export const goals: readonly Goal[] = [
  { title: 'native miss / Bochs', of: 'miss.net', by: 'bochs.miss', atMost: 0.6 },
  { title: 'native miss / QEMU TCG', of: 'miss.net', by: 'qemu.miss', atMost: 0.25 },
  { title: 'native miss / v86 (32-bit, 2 levels)', of: 'miss.net', by: 'v86.miss', atMost: 0.45 },
  { title: '4x4 miss / Bochs EPT', of: 'ept.net', by: 'bochs-ept.miss', atMost: 0.7 },
  { title: '4x4 miss / QEMU NPT', of: 'npt.net', by: 'qemu-npt.miss', atMost: 0.6 },
  { title: '4x4 miss with nested TLB / QEMU NPT', of: 'npt-nested-tlb.net', by: 'qemu-npt.miss', atMost: 0.45 },
  { title: '4x4 miss with a PDE-cache hit / Bochs EPT', of: 'ept-pde-cache.net', by: 'bochs-ept.miss', atMost: 0.3 },
  { title: 'TLB hit / Bochs', of: 'hit.net', by: 'bochs.hit', atMost: 2 },
  { title: 'native miss, references recorded / Bochs', of: 'miss-recorded.net', by: 'bochs.miss', atMost: 1 },
  { title: '4x4 miss, references recorded / Bochs EPT', of: 'ept-recorded.net', by: 'bochs-ept.miss', atMost: 1 },
  { title: 'native miss, events off / without events', of: 'miss.net', by: 'miss-without-events.net', atMost: 1.03 },
  { title: 'faulting walk / successful walk', of: 'walk-fault.net', by: 'walk.net', atMost: 1.3 },
  // The twin reads every entry.
  { title: 'walk that reads every entry / C twin, 4-level', of: 'walk-whole.net', by: 'c.net', atMost: 2.2 },
  { title: 'walk that reads every entry / C twin, 4x4', of: 'walk-ept-whole.net', by: 'c-ept.net', atMost: 1.9 },
];
