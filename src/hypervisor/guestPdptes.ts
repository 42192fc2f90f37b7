import type { PhysicalMemory } from '../hardware/memory/physicalMemory';
import { compileFormat, type CompiledFormat } from '../hardware/paging/compiledFormat';
import { PAE } from '../hardware/paging/formats/pae';
import { PDPTE_WORDS } from '../hardware/paging/translationSpace';

/** The four PDPTEs that a load of CR3 finds in guest memory, before they are the guest's. Meaningful within one exit only. */
export class GuestPdptes {
  readonly words = new Int32Array(PDPTE_WORDS);
  private readonly compiled: CompiledFormat;

  constructor(maxphyaddr: number) {
    this.compiled = compileFormat(PAE, { maxphyaddr, noExecute: 'on', executeOnly: 'on' });
  }

  /** Reads them from byte `offset` of host frame `frame`; -1: the host has not backed the page, which holds zeros. */
  read(memory: PhysicalMemory, frame: number, offset: number): void {
    const at = (frame << 12) | offset;
    for (let i = 0; i < PDPTE_WORDS; i++) this.words[i] = frame < 0 ? 0 : memory.load32(at + 4 * i, frame >>> 20);
  }

  /** Has one that is present a reserved bit set? SDM Vol. 3, "PDPTE Registers". */
  get hasIllegal(): boolean {
    const { presentMask, reservedLo, reservedHi } = this.compiled;
    const use = PAE.levels << 1;
    for (let i = 0; i < PDPTE_WORDS; i += 2) {
      const lo = this.words[i]!;
      if ((lo & presentMask) !== 0 && ((lo & reservedLo[use]!) | (this.words[i + 1]! & reservedHi[use]!)) !== 0) return true;
    }
    return false;
  }
}
