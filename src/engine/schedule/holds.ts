import { ACTOR, ACTOR_AT, CPU_AT, KIND, KIND_AT, eventKinds } from '../../hardware/events/eventTable';
import type { EventBus } from '../../hardware/events/eventBus';
import type { Checkpoint, Registry } from '../../hardware/state/registry';
import { ACTOR_STATE, ATTENTION_TO, type Scheduler } from './scheduler';

const KIND_PLUS_ONE = 0;
const COUNT = 1;
const MEETING = 2;
const DEPTH = 3;
const HAS_BEGUN = 4;
/** Meeting plus one of a hold whose statement ended before its event came. */
const MISSED = 5;
const WORDS = 6;

/** What a held access shows of itself is all of its events. */
const allKinds = eventKinds.map((_, kind) => kind);

/** A step that was stopped inside itself. */
interface HeldStep {
  /** The machine at the step's start. */
  readonly before: Checkpoint;
  /** Copies of the events up to where it stands. */
  readonly records: readonly Int32Array[];
  /** How often the host had changed a page of the VM by then. */
  readonly hostChanges: number;
  /** The instruction that the access is of. */
  readonly pc: number;
}

/** Events of an access before it is made: by what its walk has read by then, or found in the TLB, it would be. */
const beforeItIsMade: readonly number[] = [KIND.access, KIND.tlb_hit, KIND.tlb_miss, KIND.walk, KIND.table_read, KIND.ad_update, KIND.walk_done, KIND.tlb_fill];

/**
 * `hold NAME before EVENT [N]`: a statement that stops inside one of its accesses, at which other actors go on.
 *
 * An access is one call of the simulator, so to stop in it is to execute it from its start up to the event, take a
 * checkpoint there and throw away what the rest of it did. What it has done by then (flags set, lines made, exits handled)
 * stands for all to see, and the machine goes on from that checkpoint with the others. To go on with the access itself, its
 * start is written back over the machine, it is executed again up to the same event, which rebuilds all that it knew by
 * then, among it every entry it had read; at the event the machine as the others have left it is put in place, and whatever
 * the access does from there it does, and reads, in that. So nothing of it is guessed or replayed from a record.
 *
 * Only events of the processor hold: inside root mode the hypervisor has its structures half changed, which KVM keeps
 * others from seeing by its mmu_lock. So the one event of root mode that holds is the taking of it, when get_user_pages has
 * answered and nothing is filled yet.
 */
export class Holds {
  scheduler!: Scheduler;
  /** The number that events of an actor carry. */
  cpuOf: (actor: number) => number = (actor) => actor;
  /** What derives from a CPU's registers is made anew. */
  reload: (cpu: number) => void = () => undefined;
  /** Where an actor's program stands. */
  counterOf: (actor: number) => { pc: number } = () => ({ pc: 0 });
  /** How often the host has changed a page of an actor's VM. */
  hostChangesOf: (actor: number) => number = () => 0;
  /** 'tentatively': time may go back into the middle of this step, so starts of held steps are kept until `forgetPast`. */
  executes: 'for good' | 'tentatively' = 'for good';
  private readonly words: Int32Array;
  private readonly held = new Map<number, HeldStep>();
  private past: Checkpoint[] = [];
  /** The step that ended a hold last, and the events that had come before. */
  private resumed: { readonly clock: number; readonly records: readonly Int32Array[] } = { clock: -1, records: [] };

  constructor(private readonly registry: Registry, private readonly bus: EventBus, private readonly actors: number) {
    this.words = registry.block('holds', WORDS * actors);
  }

  /** Arms the next statement of `actor`, which runs in the frame at `depth`. `kind`: of event; `count`: which one, from 1. */
  arm(actor: number, meeting: number, kind: number, count: number, depth: number): void {
    this.words.set([kind + 1, count, meeting, depth, 0, 0], WORDS * actor);
    this.scheduler.attention[0]! |= ATTENTION_TO.holds;
  }

  isArmed(actor: number): boolean {
    return this.words[WORDS * actor + KIND_PLUS_ONE] !== 0;
  }

  /** True while some actor stands inside an access: a machine that no checkpoint alone can take up. */
  get isHolding(): boolean {
    for (let actor = 0; actor < this.actors; actor++) {
      const state = this.scheduler.state(actor);
      if (state === ACTOR_STATE.held || state === ACTOR_STATE.released) return true;
    }
    return false;
  }

  /** The meeting of a hold of `actor` that never came to its event, or -1. */
  missed(actor: number): number {
    return this.words[WORDS * actor + MISSED]! - 1;
  }

  /** Events of the step that `actor` is held in, up to where it stands. */
  eventsOf(actor: number): readonly Int32Array[] {
    return this.scheduler.state(actor) === ACTOR_STATE.held ? this.held.get(actor)?.records ?? [] : [];
  }

  /** Events of the access that step `clock` goes on with, from before it was held; none when it begins one of its own. */
  eventsBefore(clock: number): readonly Int32Array[] {
    return this.resumed.clock === clock ? this.resumed.records : [];
  }

  /** True of a step that goes on with an access that was held. */
  isGoingOn(clock: number): boolean {
    return this.resumed.clock === clock;
  }

  /** What steps from `clock` on have been is no more. */
  forgetFrom(clock: number): void {
    if (this.resumed.clock >= clock) this.resumed = { clock: -1, records: [] };
  }

  /** A statement of `actor` begins in the frame at `depth`: the armed one, or one behind it. */
  noteStatement(actor: number, depth: number): void {
    const at = WORDS * actor;
    const { words } = this;
    if (words[at + KIND_PLUS_ONE] === 0 || depth > words[at + DEPTH]!) return;
    if (words[at + HAS_BEGUN] === 0) {
      words[at + HAS_BEGUN] = 1;
      return;
    }
    words[at + KIND_PLUS_ONE] = 0;
    words[at + MISSED] = words[at + MEETING]! + 1;
  }

  /** Does one step of an armed actor; true when it was stopped inside it. */
  run(actor: number, execute: () => void): boolean {
    const { registry, bus, words } = this;
    const at = WORDS * actor;
    const before = registry.checkpoint();
    const { pc } = this.counterOf(actor);
    const records: Int32Array[] = [];
    const search = new EventSearch(this.cpuOf(actor), words[at + KIND_PLUS_ONE]! - 1, words[at + COUNT]!);
    let inside: Checkpoint | undefined;
    bus.divert((record, pass) => {
      if (inside !== undefined) return;
      if (search.isAt(record)) {
        inside = registry.checkpoint();
        return;
      }
      records.push(record.slice());
      pass(record);
    }, allKinds);
    execute();
    bus.undivert();
    if (inside === undefined) {
      if (words[at + KIND_PLUS_ONE] !== 0) words[at + COUNT]! -= search.seen;
      registry.forget(before);
      return false;
    }
    registry.restore(inside);
    registry.forget(inside);
    this.reload(actor);
    this.held.set(actor, { before, records, hostChanges: this.hostChangesOf(actor), pc });
    this.scheduler.wait(actor, ACTOR_STATE.held, words[at + MEETING]!, 0);
    return true;
  }

  /** Does the rest of the step that a released actor was stopped in, as step `clock`. */
  resume(actor: number, execute: () => void, clock: number): void {
    const { registry, bus, words } = this;
    const step = this.held.get(actor);
    if (step === undefined || !registry.isLive(step.before)) throw new Error('invariant: an access goes on whose beginning is forgotten');
    const at = WORDS * actor;
    const kind = words[at + KIND_PLUS_ONE]! - 1;
    const search = new EventSearch(this.cpuOf(actor), kind, words[at + COUNT]!);
    this.scheduler.setState(actor, ACTOR_STATE.running);
    words[at + KIND_PLUS_ONE] = 0;
    if (this.hostChangesOf(actor) !== step.hostChanges && beforeItIsMade.includes(kind)) return this.beginAnew(actor, step, execute);
    const world = registry.checkpoint();
    registry.rewrite(step.before);
    this.reload(actor);
    const reached = { isThere: false };
    bus.divert((record, pass) => {
      if (!reached.isThere && search.isAt(record)) {
        registry.restore(world);
        reached.isThere = true;
      }
      if (reached.isThere) pass(record);
    }, allKinds);
    execute();
    bus.undivert();
    if (!reached.isThere) throw new Error('invariant: a held access executed again does not do again what it did');
    registry.forget(world);
    this.reload(actor);
    this.resumed = { clock, records: step.records };
    this.past.push(step.before);
    if (this.executes === 'for good') this.forgetPast();
  }

  /**
   * The host has changed a page. Before it does, the hypervisor has every CPU flush its TLB, and waits; none answers within an access. So
   * this one cannot have been under way when the host went on, and what its walk has read by then is nothing to go by: it is made anew.
   */
  private beginAnew(actor: number, step: HeldStep, execute: () => void): void {
    this.counterOf(actor).pc = step.pc;
    this.reload(actor);
    execute();
    this.past.push(step.before);
    if (this.executes === 'for good') this.forgetPast();
  }

  /** Takes aside what is known of steps that are held, for executing others in between; the result puts it back. */
  setAside(): () => void {
    const held = [...this.held];
    const { past, resumed, executes } = this;
    this.past = [];
    this.executes = 'for good';
    return () => {
      this.held.clear();
      for (const [actor, step] of held) this.held.set(actor, step);
      Object.assign(this, { past, resumed, executes });
    };
  }

  /** Gives up what only a way back into the middle of a held step needs. */
  forgetPast(): void {
    for (const checkpoint of this.past) if (this.registry.isLive(checkpoint)) this.registry.forget(checkpoint);
    this.past = [];
  }
}

/** What has the actor's processor. A hypervisor that is a guest itself and a program of ours runs within one step of its guest's. */
type Executing = 'the guest' | 'the hypervisor' | 'a guest hypervisor' | 'the hypervisor, for it';

/** What has it after a VM exit. */
const afterExit: Readonly<Record<Executing, Executing>> = {
  'the guest': 'the hypervisor', 'the hypervisor': 'the hypervisor', 'a guest hypervisor': 'the hypervisor, for it', 'the hypervisor, for it': 'the hypervisor, for it',
};

/**
 * Looks for the n-th event of a kind that the processor of an actor brings about (or its taking of mmu_lock), in a step executed from its
 * start. What a guest hypervisor does that is a program of ours is a hypervisor's doing, with its own structures half changed: neither
 * its exits hold, nor a mmu_lock that is taken on account of them.
 */
class EventSearch {
  seen = 0;
  private executing: Executing = 'the guest';
  /** The VM entry that comes is one of the guest hypervisor. */
  private entersL1 = false;

  constructor(private readonly actor: number, private readonly kind: number, private readonly count: number) {}

  isAt(record: Int32Array): boolean {
    if (record[CPU_AT] !== this.actor) return false;
    const kind = record[KIND_AT]!;
    if (kind === KIND.nested_vm_exit) this.entersL1 = true;
    if (kind === KIND.nested_vm_entry) this.entersL1 = false;
    const isWanted = kind === this.kind && this.holds(kind, record[ACTOR_AT]!);
    if (kind === KIND.vm_exit) this.executing = afterExit[this.executing];
    if (kind === KIND.vm_entry) this.executing = this.entersL1 ? 'a guest hypervisor' : 'the guest';
    return isWanted && ++this.seen === this.count;
  }

  private holds(kind: number, actor: number): boolean {
    const { executing } = this;
    if (kind === KIND.mmu_lock) return executing !== 'the hypervisor, for it';
    if (kind === KIND.vm_entry) return executing === 'the hypervisor' || !this.entersL1;
    return executing === 'the guest' && actor !== ACTOR.host && actor !== ACTOR.vmm;
  }
}
