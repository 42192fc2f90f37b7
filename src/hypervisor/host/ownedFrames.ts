import type { HostFrames } from './hostFrames';

/** The host's frames as one VM has them: what it asks for is its own, and counted as its. */
export class OwnedFrames {
  constructor(
    readonly all: HostFrames,
    /** Number of the VM. */
    readonly owner: number,
  ) {}

  /** Gives a frame to `use`, or -1 when host memory is used up. Its contents are what they were. */
  allocate(use: number, detail: number, cpu: number): number {
    return this.all.allocate(use, detail, cpu, this.owner);
  }

  release(frame: number): void {
    this.all.release(frame);
  }

  useOf(frame: number): number {
    return this.all.useOf(frame);
  }

  /** True of a frame that this VM was given. */
  owns(frame: number): boolean {
    return this.all.ownerOf(frame) === this.owner;
  }

  /** What the user of the frame put beside it. */
  detailOf(frame: number): number {
    return this.all.detailOf(frame);
  }

  setDetail(frame: number, detail: number): void {
    this.all.setDetail(frame, detail);
  }

  /** How many frames `use` holds for this VM. */
  count(use: number): number {
    return this.all.count(use, this.owner);
  }
}
