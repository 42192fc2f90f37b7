import { ACTOR, KIND, field } from '../../hardware/events/eventTable';
import { setPair } from '../../hardware/events/eventBus';
import { frameOfAddress } from '../../hardware/memory/frameNumber';
import { pageHi, pageLo } from '../../hypervisor/memslots';
import type { Technique } from '../../hypervisor/technique';
import { ownerOfAddress, type HostActionRow } from '../../language/hostActions';
import { queries } from '../../language/program';
import type { SlotName } from '../../language/virtualMachines';
import { HOST_REFUSAL } from './hostRefusals';
import type { Machine } from '../machine/machine';

const NUMBER_WORDS = 2;
const GPA_OF = queries.indexOf('gpa_of');

/** A page that a host action is about. */
export interface HostPlace {
  /** Number of the VM, in Program.vms, and what it runs under. */
  readonly vm: number;
  readonly technique: Technique;
  /** Guest frame (GPA >> 12), and page of the VMM process (HVA >> 12; -1 when no host-virtual layer lies between). */
  readonly gfn: number;
  readonly hvaPage: number;
}

/** One call of a host action: who calls, and its operands, by their places in the action's row. */
export class HostCall {
  /** A `HOST_REFUSAL`, and what it is about. */
  refusal = 0;
  aboutLo = 0;
  aboutHi = 0;

  constructor(
    private readonly machine: Machine,
    /** The CPU whose `host` statement it is, or the host thread. */
    readonly actor: number,
    readonly row: HostActionRow,
    /** Number of the row. */
    readonly number: number,
    private readonly words: Int32Array,
    private readonly from: number,
    private readonly result: number,
  ) {}

  /** Operand `index`, a number: exact to 2^53. */
  value(index: number): number {
    const at = this.at(index);
    return (this.words[at + 1]! >>> 0) * 4294967296 + (this.words[at]! >>> 0);
  }

  valueLo(index: number): number {
    return this.words[this.at(index)]!;
  }

  valueHi(index: number): number {
    return this.words[this.at(index) + 1]!;
  }

  /** Operand `index`, a slot's name; `id`: its number among those of its VM. */
  slot(index: number): SlotName & { readonly id: number } {
    const number = this.words[this.at(index)]!;
    const { slotNames } = this.machine.program;
    const name = slotNames[number];
    if (name === undefined) throw new Error('invariant: a host action names a slot that the program has not');
    return { ...name, id: slotNames.slice(0, number).filter(({ vm }) => vm === name.vm).length };
  }

  /** Empties the table that operand `index` is. */
  emptyTable(index: number): void {
    this.machine.interpreter.tables.empty(this.words[this.at(index)]!);
  }

  /** Puts a pair into the table that operand `index` is, and that the call gives. */
  putIntoTable(index: number, keyLo: number, keyHi: number, lo: number, hi: number): void {
    this.machine.interpreter.tables.set(this.words[this.at(index)]!, keyLo, keyHi, lo, hi);
  }

  /** The call gives the table that operand `index` is. */
  giveTable(index: number): void {
    this.words[this.result] = this.words[this.at(index)]!;
    this.words[this.result + 1] = 0;
  }

  /** What VM `vm`, a number in Program.vms, runs under. */
  techniqueOf(vm: number): Technique {
    const found = this.machine.vms[vm];
    if (found === undefined) throw new Error('invariant: a host action names a VM that the program has not');
    return found.technique;
  }

  /** What the actor's VM runs under; of a host thread, the first VM. */
  get technique(): Technique {
    return this.machine.vmOf(this.actor).technique;
  }

  /** Does nothing, with the reason: a `HOST_REFUSAL`, about an address (lo, hi). */
  refuse(refusal: number, lo: number, hi: number): number {
    this.refusal = refusal;
    this.aboutLo = lo;
    this.aboutHi = hi;
    return refusal;
  }

  /** The same, about a guest frame. */
  refuseFrame(refusal: number, gfn: number): number {
    return this.refuse(refusal, gfn << 12, gfn >>> 20);
  }

  /** The page that operand `index`, an address of any space, lies in; undefined, with the refusal set, when there is none. */
  place(index: number): HostPlace | undefined {
    const at = this.at(index);
    const lo = this.words[at]!;
    const hi = this.words[at + 1]!;
    const owner = this.words[at + NUMBER_WORDS]!;
    const { space, vm } = ownerOfAddress(owner);
    switch (space) {
      case 'gva': return this.ofLinear(vm, owner, lo, hi);
      case 'gpa': return this.ofGuestPhysical(vm, lo, hi);
      case 'hva': return this.ofHostVirtual(vm, lo, hi);
      case 'hpa': return this.ofHostPhysical(lo, hi);
    }
  }

  /** Says that the host acts (or, below `native`, that there is none to act). `place`: what it is about, if it is one page. */
  report(kind: number, place: HostPlace | undefined): void {
    const { bus } = this.machine;
    if (!bus.on[kind]) return;
    const record = bus.begin(kind, ACTOR.host, this.actor);
    record[field.what.at] = this.number;
    if (place !== undefined) setPair(record, field.gpa.at, place.gfn << 12, place.gfn >>> 20);
    if (place !== undefined && place.hvaPage >= 0 && kind === KIND.host_action) setPair(record, field.hva.at, pageLo(place.hvaPage), pageHi(place.hvaPage));
    bus.commit();
  }

  private ofLinear(vm: number, owner: number, lo: number, hi: number): HostPlace | undefined {
    const { questions } = this.machine;
    const gpa = new Int32Array(NUMBER_WORDS);
    questions.askIn(owner, () => { questions.ask(this.actor, GPA_OF, gpa, 0, lo, hi); });
    const [gpaLo = 0, gpaHi = 0] = gpa;
    return gpaHi < 0 ? this.nowhere(HOST_REFUSAL.unmapped, lo, hi) : this.ofGuestPhysical(vm, gpaLo, gpaHi);
  }

  private ofGuestPhysical(vm: number, lo: number, hi: number): HostPlace | undefined {
    const gfn = frameOfAddress(lo, hi);
    const { guestMemory } = this.techniqueOf(vm);
    const isMemory = guestMemory.hvaPageOf(gfn) >= 0 || guestMemory.frameOf(gfn) >= 0;
    return isMemory ? this.placeOf(vm, gfn) : this.nowhere(HOST_REFUSAL.noSlot, lo, hi);
  }

  private ofHostVirtual(vm: number, lo: number, hi: number): HostPlace | undefined {
    const gfn = this.techniqueOf(vm).vm?.slots.gfnOfHva((hi >>> 0) * 0x100000 + (lo >>> 12)) ?? -1;
    return gfn < 0 ? this.nowhere(HOST_REFUSAL.noHva, lo, hi) : this.placeOf(vm, gfn);
  }

  private ofHostPhysical(lo: number, hi: number): HostPlace | undefined {
    const frame = frameOfAddress(lo, hi);
    for (let vm = 0; vm < this.machine.program.vms.length; vm++) {
      const gfn = this.techniqueOf(vm).guestMemory.gfnOf(frame);
      if (gfn >= 0) return this.placeOf(vm, gfn);
    }
    return this.nowhere(HOST_REFUSAL.noGuestPage, lo, hi);
  }

  private placeOf(vm: number, gfn: number): HostPlace {
    const technique = this.techniqueOf(vm);
    return { vm, technique, gfn, hvaPage: technique.guestMemory.hvaPageOf(gfn) };
  }

  private nowhere(refusal: number, lo: number, hi: number): HostPlace | undefined {
    this.refuse(refusal, lo, hi);
    return undefined;
  }

  /** Index in `words` of operand `index`: an address has whose it is behind it. */
  private at(index: number): number {
    return this.from + this.row.operands.slice(0, index).reduce((sum, { kind }) => sum + (kind === 'address' ? 2 * NUMBER_WORDS : NUMBER_WORDS), 0);
  }
}
