import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import { setPair, type EventBus } from '../../hardware/events/eventBus';
import type { Registry } from '../../hardware/state/registry';
import type { TrackedWords } from '../../hardware/state/trackedWords';

/** What a host frame is used for. The number stands in the frame's state word. */
export const FRAME_USES = ['free', 'guest page', 'host table', 'shadow table', 'EPT table'] as const;
export const USE = { free: 0, guestPage: 1, hostTable: 2, shadowTable: 3, eptTable: 4 } as const;

/** Frames below 1 MiB belong to the host's firmware and kernel image. */
const FIRST_FRAME = 0x100;
const NEXT = 0;
const FREE_HEAD = 1;
const USED_AT = 2;

/** Words of one frame. */
const FRAME_WORDS = 4;
const FRAME_USE = 0;
const FRAME_DETAIL = 1;
const FRAME_OWNER = 2;

/**
 * The host's page frames: who uses each, and a free list. A frame number is host-physical address
 * >> 12. Words per frame: use, a detail the user of the frame keeps (a shadow page's index;
 * for a free frame the next free one), and the VM that owns it.
 */
export class HostFrames {
  /** next fresh frame, head of the free list, then frames in use by `USE`, for one VM after the other. */
  private readonly head: Int32Array;
  private readonly states: TrackedWords;

  /** `frames`: installed memory in frames; `owners`: number of VMs. */
  constructor(registry: Registry, private readonly frames: number, private readonly bus: EventBus, owners: number) {
    this.head = registry.block('host.frame_list', USED_AT + FRAME_USES.length * owners);
    this.states = registry.tracked('host.frames', 1024);
    this.head[NEXT] = FIRST_FRAME;
  }

  /** Gives a frame to `use` of VM `owner`, or -1 when host memory is used up. Its contents are what they were. */
  allocate(use: number, detail: number, cpu: number, owner: number): number {
    let frame = this.head[FREE_HEAD]!;
    if (frame !== 0) {
      this.head[FREE_HEAD] = this.states.words[FRAME_WORDS * frame + FRAME_DETAIL]!;
    } else {
      frame = this.head[NEXT]!;
      if (frame >= this.frames) return -1;
      this.head[NEXT] = frame + 1;
    }
    this.states.ensure(FRAME_WORDS * (frame + 1));
    this.states.write(FRAME_WORDS * frame + FRAME_USE, use);
    this.states.write(FRAME_WORDS * frame + FRAME_DETAIL, detail);
    this.states.write(FRAME_WORDS * frame + FRAME_OWNER, owner);
    this.head[countAt(use, owner)]!++;
    if (this.bus.on[KIND.frame_allocated]) {
      const record = this.bus.begin(KIND.frame_allocated, ACTOR.host, cpu);
      setPair(record, field.hpa.at, frame << 12, frame >>> 20);
      record[field.what.at] = use;
      this.bus.commit();
    }
    return frame;
  }

  release(frame: number): void {
    this.head[countAt(this.useOf(frame), this.ownerOf(frame))]!--;
    this.states.write(FRAME_WORDS * frame + FRAME_USE, USE.free);
    this.states.write(FRAME_WORDS * frame + FRAME_DETAIL, this.head[FREE_HEAD]!);
    this.head[FREE_HEAD] = frame;
  }

  useOf(frame: number): number {
    return this.states.words[FRAME_WORDS * frame + FRAME_USE] ?? USE.free;
  }

  /** Number of the VM that it was given to. Of a frame in use. */
  ownerOf(frame: number): number {
    return this.states.words[FRAME_WORDS * frame + FRAME_OWNER] ?? 0;
  }

  /** What the user of the frame put beside it. */
  detailOf(frame: number): number {
    return this.states.words[FRAME_WORDS * frame + FRAME_DETAIL] ?? 0;
  }

  setDetail(frame: number, detail: number): void {
    this.states.write(FRAME_WORDS * frame + FRAME_DETAIL, detail);
  }

  /** How many frames `use` holds for VM `owner`. */
  count(use: number, owner: number): number {
    return this.head[countAt(use, owner)]!;
  }
}

function countAt(use: number, owner: number): number {
  return USED_AT + FRAME_USES.length * owner + use;
}
