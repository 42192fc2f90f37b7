import { ACCESS } from './accessKinds';
import { compileFormat, type CompiledFormat } from './compiledFormat';
import { PAE } from './formats/pae';
import { BUS_ACCESS } from '../memory/busAccess';
import type { PhysicalMemory } from '../memory/physicalMemory';
import type { ProcessorEvents } from '../events/processorEvents';
import { REGISTER } from '../processor/registers';
import { PDPTE_WORDS, type TranslationSpace } from './translationSpace';
import { walk } from './walk';
import { EFFECTS, NO_LINEAR, WALK } from './walkOutcome';

/** How loading the PDPTE registers ends. */
export const PDPTES = {
  loaded: 0,
  /** A PDPTE that is present has a reserved bit set: #GP(0), and nothing has changed. */
  illegal: 1,
  /** EPT refuses the guest-physical address of the four; the EPT space's result says how. */
  refused: 2,
} as const;

const FIRST = 2 * REGISTER.pdpte0;

/** The four PDPTE registers of a processor. SDM Vol. 3, "PDPTE Registers". */
export class PdpteRegisters {
  /** The registers themselves, as the walk reads them. */
  readonly words: Int32Array;
  private readonly compiled: CompiledFormat;
  private readonly read = new Int32Array(PDPTE_WORDS);

  constructor(
    registers: Int32Array, private readonly memory: PhysicalMemory, private readonly events: ProcessorEvents, maxphyaddr: number,
  ) {
    this.words = registers.subarray(FIRST, FIRST + PDPTE_WORDS);
    this.compiled = compileFormat(PAE, { maxphyaddr, noExecute: 'on', executeOnly: 'on' });
  }

  /**
   * Loads all four from the table that a value of CR3 names: a `PDPTES`. `ept` translates its address when there is
   * EPT, and the access is then a data read even with accessed and dirty flags, and has no linear address.
   */
  load(cr3Lo: number, ept: TranslationSpace | undefined): number {
    const { memory, read } = this;
    let lo = cr3Lo & this.compiled.rootLo;
    let hi = 0;
    if (ept !== undefined) {
      ept.servedLo = 0;
      ept.servedHi = 0;
      ept.servedLevel = NO_LINEAR;
      ept.result.references = 0;
      if (walk(ept, lo, hi, ACCESS.read, EFFECTS.hardware) !== WALK.mapped) return PDPTES.refused;
      lo = ept.result.hpaLo;
      hi = ept.result.hpaHi;
    }
    this.events.busError(memory, lo, hi, BUS_ACCESS.pdpteLoad);
    for (let i = 0; i < PDPTE_WORDS; i++) read[i] = memory.load32(lo + 4 * i, hi);
    for (let i = 0; i < PDPTE_WORDS; i += 2) if (this.isIllegal(read[i]!, read[i + 1]!)) return PDPTES.illegal;
    this.words.set(read);
    return PDPTES.loaded;
  }

  /** Does the table that a value of CR3 names, in host-physical memory, have a PDPTE that `load` would refuse? */
  namesIllegal(cr3Lo: number): boolean {
    const at = cr3Lo & this.compiled.rootLo;
    for (let i = 0; i < PDPTE_WORDS; i += 2) {
      if (this.isIllegal(this.memory.load32(at + 4 * i, 0), this.memory.load32(at + 4 * i + 4, 0))) return true;
    }
    return false;
  }

  /** Is a PDPTE present with a reserved bit? */
  isIllegal(lo: number, hi: number): boolean {
    const { compiled } = this;
    if ((lo & compiled.presentMask) === 0) return false;
    const use = PAE.levels << 1;
    return ((lo & compiled.reservedLo[use]!) | (hi & compiled.reservedHi[use]!)) !== 0;
  }
}
