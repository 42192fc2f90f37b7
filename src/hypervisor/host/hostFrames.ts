import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import { setPair, type EventBus } from '../../hardware/events/eventBus';
import type { StateClaims } from '../../hardware/state/registry';
import type { TrackedWords } from '../../hardware/state/trackedWords';

/** What a host frame is used for. The number stands in the frame's state word. */
export const FRAME_USES = ['free', 'guest page', 'host table', 'shadow table', 'EPT table', 'page-modification log'] as const;
export const USE = { free: 0, guestPage: 1, hostTable: 2, shadowTable: 3, eptTable: 4, modificationLog: 5 } as const;

/** Frames below 1 MiB belong to the host's firmware and kernel image. */
const FIRST_FRAME = 0x100;
const NEXT = 0;
const FREE_HEAD = 1;
const FREE_COUNT = 2;
const USED_AT = 3;

/** Words of one frame. */
const FRAME_WORDS = 4;
const FRAME_USE = 0;
const FRAME_DETAIL = 1;
const FRAME_OWNER = 2;
const FRAME_MAP_COUNT = 3;

/** Frames of a 2-MByte page. */
export const LARGE_FRAMES = 512;

/** Frames in a row, the first a multiple of `alignment`. */
export interface FrameRun {
  readonly frames: number;
  readonly alignment: number;
}

const LARGE_PAGE: FrameRun = { frames: LARGE_FRAMES, alignment: LARGE_FRAMES };

/**
 * The host's page frames: who uses each, and a free list. A frame number is host-physical address
 * >> 12. Words per frame: use, a detail the user of the frame keeps (a shadow page's index; for a guest
 * page the head of its reverse map; for a free frame the next free one), the VM that owns it, and for a
 * guest page how many host page-table entries map it (Linux' mapcount).
 */
export class HostFrames {
  /** next fresh frame, head of the free list and its length, then frames in use by `USE`, for one VM after the other. */
  private readonly head: Int32Array;
  private readonly states: TrackedWords;

  /** `frames`: installed memory in frames; `owners`: number of VMs. */
  constructor(registry: StateClaims, private readonly frames: number, private readonly bus: EventBus, owners: number) {
    this.head = registry.block('host.frame_list', USED_AT + FRAME_USES.length * owners);
    this.states = registry.tracked('host.frames', 1024);
    this.head[NEXT] = FIRST_FRAME;
  }

  /** Gives a frame to `use` of VM `owner`, or -1 when host memory is used up. Its contents are what they were. */
  allocate(use: number, detail: number, cpu: number, owner: number): number {
    let frame = this.head[FREE_HEAD]!;
    if (frame !== 0) {
      this.head[FREE_HEAD] = this.states.words[FRAME_WORDS * frame + FRAME_DETAIL]!;
      this.head[FREE_COUNT]!--;
    } else {
      frame = this.head[NEXT]!;
      if (frame >= this.frames) return -1;
      this.head[NEXT] = frame + 1;
    }
    this.give(frame, use, detail, owner);
    this.report(KIND.frame_allocated, frame, use, cpu);
    return frame;
  }

  /** Gives the frames of a large page to `use` of VM `owner`: `LARGE_FRAMES` in a row; the first, or -1. */
  allocateLarge(use: number, cpu: number, owner: number): number {
    return this.allocateRun(LARGE_PAGE, use, cpu, owner);
  }

  /** Gives so many frames in a row to `use` of VM `owner`; the first, or -1. */
  allocateRun(run: FrameRun, use: number, cpu: number, owner: number): number {
    const first = this.findRun(run);
    if (first < 0) return -1;
    // Fresh frames that are left out on the way are free like those that were given back.
    for (let frame = this.head[NEXT]!; frame < first; frame++) this.putOnFreeList(frame);
    if (first >= this.head[NEXT]!) this.head[NEXT] = first + run.frames;
    else this.takeFromFreeList(first, run.frames);
    for (let frame = first; frame < first + run.frames; frame++) this.give(frame, use, 0, owner);
    this.report(KIND.frame_allocated, first, use, cpu);
    return first;
  }

  /** Frames that nobody has. */
  get free(): number {
    return this.frames - this.head[NEXT]! + this.head[FREE_COUNT]!;
  }

  /** End of the frames that have ever been given: for listing them. */
  get end(): number {
    return this.head[NEXT]!;
  }

  /** Takes a frame back, in a step of `cpu`. Nothing may map it any more. */
  takeBack(frame: number, cpu: number): void {
    this.report(KIND.frame_freed, frame, this.useOf(frame), cpu);
    this.release(frame);
  }

  release(frame: number): void {
    this.head[countAt(this.useOf(frame), this.ownerOf(frame))]!--;
    this.putOnFreeList(frame);
  }

  private putOnFreeList(frame: number): void {
    this.states.ensure(FRAME_WORDS * (frame + 1));
    this.states.write(FRAME_WORDS * frame + FRAME_USE, USE.free);
    this.states.write(FRAME_WORDS * frame + FRAME_DETAIL, this.head[FREE_HEAD]!);
    this.head[FREE_HEAD] = frame;
    this.head[FREE_COUNT]!++;
  }

  private give(frame: number, use: number, detail: number, owner: number): void {
    this.states.ensure(FRAME_WORDS * (frame + 1));
    this.states.write(FRAME_WORDS * frame + FRAME_USE, use);
    this.states.write(FRAME_WORDS * frame + FRAME_DETAIL, detail);
    this.states.write(FRAME_WORDS * frame + FRAME_OWNER, owner);
    this.states.write(FRAME_WORDS * frame + FRAME_MAP_COUNT, 0);
    this.head[countAt(use, owner)]!++;
  }

  /** First of so many free frames in a row, and aligned: among the fresh ones if it can be, else among those given back; or -1. */
  private findRun({ frames, alignment }: FrameRun): number {
    const fresh = Math.ceil(this.head[NEXT]! / alignment) * alignment;
    if (fresh + frames <= this.frames) return fresh;
    for (let first = Math.ceil(FIRST_FRAME / alignment) * alignment; first + frames <= this.head[NEXT]!;) {
      let frame = first;
      while (frame < first + frames && this.useOf(frame) === USE.free) frame++;
      if (frame === first + frames) return first;
      first = Math.ceil((frame + 1) / alignment) * alignment;
    }
    return -1;
  }

  private takeFromFreeList(first: number, frames: number): void {
    const kept: number[] = [];
    for (let frame = this.head[FREE_HEAD]!; frame !== 0; frame = this.detailOf(frame)) {
      if (frame < first || frame >= first + frames) kept.push(frame);
    }
    this.head[FREE_HEAD] = 0;
    this.head[FREE_COUNT] = 0;
    for (const frame of kept.reverse()) this.putOnFreeList(frame);
  }

  private report(kind: number, frame: number, use: number, cpu: number): void {
    if (!this.bus.on[kind]) return;
    const record = this.bus.begin(kind, ACTOR.host, cpu);
    setPair(record, field.hpa.at, frame << 12, frame >>> 20);
    record[field.what.at] = use;
    this.bus.commit();
  }

  useOf(frame: number): number {
    return this.states.words[FRAME_WORDS * frame + FRAME_USE] ?? USE.free;
  }

  /** Number of the VM that it was given to. Of a frame in use. */
  ownerOf(frame: number): number {
    return this.states.words[FRAME_WORDS * frame + FRAME_OWNER] ?? 0;
  }

  /** VM `owner` has the frame from now on, which others had with it. */
  setOwner(frame: number, owner: number): void {
    this.head[countAt(this.useOf(frame), this.ownerOf(frame))]!--;
    this.head[countAt(this.useOf(frame), owner)]!++;
    this.states.write(FRAME_WORDS * frame + FRAME_OWNER, owner);
  }

  /** What the user of the frame put beside it. */
  detailOf(frame: number): number {
    return this.states.words[FRAME_WORDS * frame + FRAME_DETAIL] ?? 0;
  }

  setDetail(frame: number, detail: number): void {
    this.states.write(FRAME_WORDS * frame + FRAME_DETAIL, detail);
  }

  /** How many host page-table entries map it. Of a guest page. */
  mapCountOf(frame: number): number {
    return this.states.words[FRAME_WORDS * frame + FRAME_MAP_COUNT] ?? 0;
  }

  setMapCount(frame: number, count: number): void {
    this.states.write(FRAME_WORDS * frame + FRAME_MAP_COUNT, count);
  }

  /** How many frames `use` holds for VM `owner`. */
  count(use: number, owner: number): number {
    return this.head[countAt(use, owner)]!;
  }
}

function countAt(use: number, owner: number): number {
  return USED_AT + FRAME_USES.length * owner + use;
}
