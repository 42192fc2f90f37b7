import { ACCESS } from '../../hardware/paging/accessKinds';
import { PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { COUNTER } from '../../hardware/state/counters';
import { frameOfAddress } from '../../hardware/memory/frameNumber';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER, registerNames } from '../../hardware/processor/registers';
import type { TranslationSpace } from '../../hardware/paging/translationSpace';
import { useRefusedLeaf } from '../../hardware/paging/refusedLeaf';
import { walk } from '../../hardware/paging/walk';
import { EFFECTS, WALK, WHY } from '../../hardware/paging/walkOutcome';
import { ownerOfAddress, type AddressOwner } from '../../language/hostActions';
import { COUNTER_SCOPE, queries, SEGMENT_SELECTORS_AT } from '../../language/program';
import { setNumberAt, setPairAt } from '../arithmetic';
import { frameStateOf } from './frameState';
import { guestTablePages } from './guestTablePages';
import type { ProcessTable } from '../machine/processTable';
import { registerAside } from './registersAside';
import type { RunningVm } from '../machine/runningVm';

const PAGE_MASK = 0xfff;
/** Answer of an address question about what is not mapped. */
const NOWHERE = -1;

/** The VMs that questions are asked about. */
export interface QuestionedMachine {
  readonly vms: readonly RunningVm[];
  /** That of a CPU; of a host thread, which is of none, the first. */
  vmOf(actor: number): RunningVm;
}

/** Whose tables a question is about, when not those that the asking CPU's CR3 names. */
interface Asked {
  readonly vm: RunningVm;
  /** Guest frame of the root; undefined: what CR3 names. */
  readonly root: number | undefined;
  /** Of the address that is asked about. */
  readonly space: AddressOwner['space'];
}

/**
 * Questions about the machine that touch nothing: no access, no TLB line, no flag, no event, no
 * counter. All of them walk with the one walk, without effects.
 */
export class Questions {
  /** What `peek` and `register` found. */
  valueLo = 0;
  valueHi = 0;
  private asked: Asked | undefined;
  private readonly named = new Int32Array(2 * registerNames.length);
  /** Level of the entry at which the last `peek` ended without a translation, and the VM whose entry it was. */
  endLevel = 0;
  endVm = 0;

  constructor(
    private readonly memory: PhysicalMemory,
    private readonly processors: readonly Processor[],
    private readonly machine: QuestionedMachine,
    private readonly processes: ProcessTable,
  ) {}

  /** Answers query `query` about linear address (lo, hi), or one of the space that `askIn` was told of, into the pair at `at`. */
  ask(cpu: number, query: number, words: Int32Array, at: number, lo: number, hi: number): void {
    const name = queries[query]!;
    if (name === 'tlb.holds') return setPairAt(words, at, this.processors[cpu]!.caches.holds(lo, hi) ? 1 : 0, 0);
    if (name.startsWith('walk.')) return this.askWalk(cpu, name.slice('walk.'.length), words, at, lo, hi);
    if (name === 'state_of') return setPairAt(words, at, frameStateOf(this.memory, this.machine.vms, frameOfAddress(lo, hi)), 0);
    const { guestMemory, vm } = this.vmAsked(cpu).technique;
    let gpaLo = lo;
    let gpaHi = hi;
    if (this.asked?.space === 'hva') {
      const gfn = vm?.slots.gfnOfHva((hi >>> 0) * 0x100000 + (lo >>> 12)) ?? NOWHERE;
      if (gfn < 0) return setPairAt(words, at, NOWHERE, NOWHERE);
      gpaLo = (gfn << 12) | (lo & PAGE_MASK);
      gpaHi = gfn >>> 20;
    } else if (this.asked?.space !== 'gpa') {
      const isMapped = this.translate(cpu, lo, hi);
      ({ gpaLo, gpaHi } = this.tables(cpu).result);
      if (!isMapped) return setPairAt(words, at, NOWHERE, NOWHERE);
    }
    if (name === 'gpa_of') return setPairAt(words, at, gpaLo, gpaHi);
    const gfn = frameOfAddress(gpaLo, gpaHi);
    const page = name === 'hva_of' ? guestMemory.hvaPageOf(gfn) : guestMemory.frameOf(gfn);
    if (page < 0) return setPairAt(words, at, NOWHERE, NOWHERE);
    setPairAt(words, at, ((page % 0x100000) << 12) | (gpaLo & PAGE_MASK), Math.floor(page / 0x100000));
  }

  /**
   * What `size` bytes at linear address (lo, hi) hold by the guest's tables as they stand, past the
   * TLB: false when a page is not mapped. Left in valueLo, valueHi. Rights are not asked for.
   */
  peek(cpu: number, lo: number, hi: number, size: number): boolean {
    this.valueLo = 0;
    this.valueHi = 0;
    let value = 0;
    for (let i = 0; i < size; i++) {
      if (i === 0 || ((lo + i) & PAGE_MASK) === 0) {
        const at = lo + i;
        if (!this.translate(cpu, at | 0, at > 0x7fffffff && lo < 0 ? hi + 1 : hi)) return false;
        const { gpaLo, gpaHi } = this.tables(cpu).result;
        value = this.vmAsked(cpu).technique.guestMemory.contentsOf(frameOfAddress(gpaLo, gpaHi));
      }
      const byte = this.byteOf(cpu, value, (lo + i) & PAGE_MASK);
      if (i < 4) this.valueLo |= byte << (i << 3);
      else this.valueHi |= byte << ((i - 4) << 3);
    }
    return true;
  }

  /** Why a `peek` found nothing, as a sentence; `vm`: the number of the VM whose tables it went through. */
  unmappedText(vm: number, level: number, lo: number, hi: number): string {
    const { technique, processors } = this.machine.vms[vm]!;
    const names = technique.guestTables(processors[0]!.cpu).format.levelNames;
    const address = `gva:0x${((BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0)).toString(16)}`;
    return `${address} is not mapped: the walk ends at the ${names[level] || 'root'}`;
  }

  /** As `ask`, and what else asks, of another VM or by another process's tables; `owner` is what `addressOwner` made of both. */
  askIn(owner: number, question: () => void): void {
    const { vm, process, space } = ownerOfAddress(owner);
    this.asked = { vm: this.machine.vms[vm]!, root: process === undefined ? undefined : this.processes.rootFrame(process), space };
    question();
    this.asked = undefined;
  }

  private tables(cpu: number): TranslationSpace {
    const { technique, processors } = this.vmAsked(cpu);
    const space = technique.guestTables((processors.find((processor) => processor === this.processors[cpu]) ?? processors[0]!).cpu);
    const root = this.asked?.root;
    if (root === undefined) return space;
    space.useTopEntriesInMemory();
    space.useRoot(root << 12, root >>> 20);
    return space;
  }

  private vmAsked(cpu: number): RunningVm {
    return this.asked?.vm ?? this.machine.vmOf(cpu);
  }

  /** Value of counter `counter` in `scope` (a `COUNTER_SCOPE`): for a CPU its VM's, for a host thread that of all VMs together. */
  counter(cpu: number, counter: number, scope: number): number {
    if (scope === COUNTER_SCOPE.now || isTablePages(counter)) return this.tablePages(cpu, counter);
    const processor = this.processors[cpu];
    // A host thread's own statement is judged by what it made all CPUs do.
    if (scope === COUNTER_SCOPE.cpu && processor !== undefined) return processor.counters[counter]!;
    return [...new Set(this.counted(cpu).flatMap((vm) => vm.processors))].reduce((sum, { counters }) => sum + counters[counter]!, 0);
  }

  /** All registers that have names, as the guest sees them: the halves of number n at 2n and 2n + 1, until the next call. */
  registers(cpu: number): Int32Array {
    for (let number = 0; number < registerNames.length; number++) {
      this.register(cpu, number);
      setPairAt(this.named, 2 * number, this.valueLo, this.valueHi);
    }
    return this.named;
  }

  /** Register `number` as the guest sees it, left in valueLo, valueHi. */
  register(cpu: number, number: number): void {
    const processor = this.processors[cpu]!;
    const aside = this.machine.vmOf(cpu).technique.registersAside?.(processor.cpu);
    const lo = aside === undefined ? undefined : registerAside(aside, number, 0);
    if (aside !== undefined && lo !== undefined) {
      this.valueLo = lo;
      this.valueHi = registerAside(aside, number, 1) ?? 0;
      return;
    }
    if (number >= SEGMENT_SELECTORS_AT) {
      this.valueLo = processor.segments.selector(number - SEGMENT_SELECTORS_AT);
      this.valueHi = 0;
      return;
    }
    if (number === REGISTER.cr3) {
      const { technique } = this.machine.vmOf(cpu);
      this.valueLo = technique.guestCr3Lo(processor.cpu);
      this.valueHi = technique.guestCr3Hi(processor.cpu);
      return;
    }
    this.valueLo = number === REGISTER.efer ? this.machine.vmOf(cpu).technique.guestEfer(processor.cpu) : processor.visibleLo(number);
    this.valueHi = processor.registers[2 * number + 1]!;
  }

  /** Walks the guest's tables for a linear address, rights aside; true when a page is mapped. Leaves the space's result. */
  translate(cpu: number, lo: number, hi: number): boolean {
    const space = this.tables(cpu);
    const outcome = walk(space, lo, hi, ACCESS.read | ACCESS.implicit, EFFECTS.none);
    if (outcome === WALK.mapped) return true;
    this.endLevel = space.result.level;
    this.endVm = this.vmAsked(cpu).number;
    if (space.result.why !== WHY.rights && space.result.why !== WHY.protectionKey) return false;
    useRefusedLeaf(space, lo);
    return true;
  }

  private askWalk(cpu: number, field: string, words: Int32Array, at: number, lo: number, hi: number): void {
    const space = this.tables(cpu);
    const isMapped = this.translate(cpu, lo, hi);
    const { result } = space;
    const rights = isMapped ? result.rights : 0;
    switch (field) {
      case 'fault': return setPairAt(words, at, isMapped ? 0 : 1, 0);
      case 'references': return setNumberAt(words, at, result.references);
      case 'size': return setNumberAt(words, at, isMapped ? 2 ** space.compiled.shifts[result.level]! : 0);
      case 'frame': return setPairAt(words, at, isMapped ? result.gpaLo & ~PAGE_MASK : NOWHERE, isMapped ? result.gpaHi : NOWHERE);
      case 'user': return setPairAt(words, at, rights & PAGE_RIGHTS.user ? 1 : 0, 0);
      case 'writable': return setPairAt(words, at, rights & PAGE_RIGHTS.writable ? 1 : 0, 0);
      case 'executable': return setPairAt(words, at, rights & PAGE_RIGHTS.executable ? 1 : 0, 0);
      default: {
        const level = space.format.levelNames.findIndex((name) => name.toLowerCase() === field);
        const isReached = level >= result.level && level <= result.top;
        setPairAt(words, at, isReached ? result.entryLo[level]! : 0, isReached ? result.entryHi[level]! : 0);
      }
    }
  }

  /** Byte of a guest page behind host frame `frame`: unbacked RAM holds zeros, and where no memory is there are ones. */
  private byteOf(cpu: number, frame: number, offset: number): number {
    if (frame >= 0) return this.memory.load8((frame << 12) | offset, frame >>> 20);
    const { gpaLo, gpaHi } = this.tables(cpu).result;
    return this.vmAsked(cpu).technique.guestMemory.hvaPageOf(frameOfAddress(gpaLo, gpaHi)) < 0 ? 0xff : 0;
  }

  private tablePages(cpu: number, counter: number): number {
    return this.counted(cpu).reduce((sum, vm) => sum + this.tablePagesOf(vm, cpu, counter), 0);
  }

  private tablePagesOf({ technique, processors }: RunningVm, cpu: number, counter: number): number {
    if (counter === COUNTER['table_pages.guest']) {
      return guestTablePages(this.memory, technique, (processors.find((processor) => processor === this.processors[cpu]) ?? processors[0]!).cpu).size;
    }
    if (counter === COUNTER['table_pages.shadow']) return technique.tablePages('shadow');
    if (counter === COUNTER['table_pages.ept']) return technique.tablePages('ept');
    return technique.tablePages('host');
  }

  /** The VMs that counters without a CPU are of. */
  private counted(actor: number): readonly RunningVm[] {
    return this.processors[actor] === undefined ? this.machine.vms : [this.machine.vmOf(actor)];
  }
}

function isTablePages(counter: number): boolean {
  return counter >= COUNTER['table_pages.guest'] && counter <= COUNTER['table_pages.host'];
}
