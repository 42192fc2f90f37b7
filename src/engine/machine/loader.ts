import { PAGE_RIGHTS } from '../../hardware/paging/accessRights';
import { CR0, CR4, EFER, RFLAGS } from '../../hardware/processor/controlRegisters';
import type { PagingFormat } from '../../hardware/paging/pagingFormat';
import type { PhysicalMemory } from '../../hardware/memory/physicalMemory';
import type { Processor } from '../../hardware/processor/processor';
import { REGISTER } from '../../hardware/processor/registers';
import { SEGMENT, SEGMENT_RIGHTS, SEGMENT_TYPE, type SegmentValue } from '../../hardware/segments/segmentRegisters';
import { EntryMaker } from '../../hypervisor/entryMaker';
import type { GuestMemory } from '../../hypervisor/guestMemory';
import { pagingModeOf, type PagingModeName, type PagingModeRow } from '../../language/pagingModes';

/** Guest frame of the loader's root table; its other tables follow. Frames below 1 MiB are the loader's. */
const ROOT_FRAME = 1;
const PAGE_SHIFT = 12;
const PDPTES = 4;
/** Level whose entries map the large pages of the direct map. */
const LARGE = 2;

/** What a guest begins with. */
export interface GuestImage {
  readonly paging: PagingModeName;
  /** `none`: paging is off, and nothing is mapped. */
  readonly kernel: 'library' | 'none';
  /** End of guest RAM, in bytes. */
  readonly ram: number;
}

interface ControlRegisters {
  readonly cr4: number;
  readonly efer: number;
}

/** What each mode needs of CR4 and EFER. SDM Vol. 3, "Paging Modes and Control Bits". */
const controls: Readonly<Record<PagingModeName, ControlRegisters>> = {
  'none': { cr4: 0, efer: 0 },
  '32-bit': { cr4: CR4.PSE, efer: 0 },
  'pae': { cr4: CR4.PAE, efer: EFER.NXE },
  '4-level': { cr4: CR4.PAE, efer: EFER.LME | EFER.NXE },
  '5-level': { cr4: CR4.PAE | CR4.LA57, efer: EFER.LME | EFER.NXE },
};

const CODE_AND_DATA = SEGMENT_RIGHTS.codeOrData | SEGMENT_RIGHTS.present;
const DATA_RIGHTS = SEGMENT_TYPE.accessed | SEGMENT_TYPE.writable | CODE_AND_DATA;
const CODE_RIGHTS = DATA_RIGHTS | SEGMENT_TYPE.code;
/** As RESET leaves them but for CS, whose base a far jump has made 0. SDM Vol. 3, "Processor State After Reset". */
const realMode: SegmentValue = { selector: 0, rights: DATA_RIGHTS, limit: 0xffff, baseLo: 0, baseHi: 0 };
const flatCode32: SegmentValue = {
  selector: 0x10, rights: CODE_RIGHTS | SEGMENT_RIGHTS.big | SEGMENT_RIGHTS.granularity, limit: -1, baseLo: 0, baseHi: 0,
};

/**
 * Loads the guest as a boot loader would. A guest with a kernel begins with paging on, and first tables that map RAM at the
 * kernel's direct map with large pages, supervisor, writable, not executable, and in 32-bit and PAE mode the page table of
 * its window. They are written from outside, before the guest's first instruction; everything after is the guest's own.
 */
export function loadGuest(
  memory: PhysicalMemory, guestMemory: GuestMemory, processors: readonly Pick<Processor, 'registers' | 'segments'>[], image: GuestImage,
): void {
  const mode = pagingModeOf(image.paging);
  const tables = image.kernel === 'library' && mode.format !== undefined ? new FirstTables(memory, guestMemory, mode.format) : undefined;
  if (tables !== undefined) mapKernel(tables, mode, image.ram);
  const isPaged = tables !== undefined;
  const { cr4, efer } = controls[image.paging];
  const isReal = image.paging === 'none';
  for (const { registers, segments } of processors) {
    const set = (register: number, value: number): void => { registers[2 * register] = value; };
    set(REGISTER.cr0, CR0.ET | CR0.NE | (isReal ? 0 : CR0.PE) | (isPaged ? CR0.WP | CR0.PG : 0));
    set(REGISTER.cr3, isPaged ? ROOT_FRAME << PAGE_SHIFT : 0);
    set(REGISTER.cr4, cr4);
    set(REGISTER.efer, efer | (isPaged && (efer & EFER.LME) !== 0 ? EFER.LMA : 0));
    set(REGISTER.rflags, RFLAGS.fixed | (image.kernel === 'library' ? RFLAGS.IF : 0));
    if (isReal) {
      for (const segment of [SEGMENT.es, SEGMENT.ss, SEGMENT.ds, SEGMENT.fs, SEGMENT.gs]) segments.set(segment, realMode);
      segments.set(SEGMENT.cs, { ...realMode, rights: CODE_RIGHTS });
    } else if (!(isPaged && (efer & EFER.LME) !== 0)) {
      segments.set(SEGMENT.cs, flatCode32);
    }
    // MOV to CR3 has loaded the PDPTE registers. SDM Vol. 3, "PDPTE Registers".
    if (tables?.format.registerLevel !== undefined) {
      for (let i = 0; i < PDPTES; i++) {
        registers[2 * (REGISTER.pdpte0 + i)] = tables.entryLo(ROOT_FRAME, i);
        registers[2 * (REGISTER.pdpte0 + i) + 1] = tables.entryHi(ROOT_FRAME, i);
      }
    }
  }
}

function mapKernel(tables: FirstTables, { directMap, window }: PagingModeRow, ram: number): void {
  const bytes = Math.min(ram, Number(directMap.bytes));
  for (let at = 0; at < bytes; at += tables.largeBytes) tables.mapLarge(directMap.base + BigInt(at), at / 2 ** PAGE_SHIFT);
  if (window !== undefined) tables.tableFor(window, 1);
}

/** The loader's tables, in any format. */
class FirstTables {
  /** Bytes of a large page. */
  readonly largeBytes: number;
  private readonly maker: EntryMaker;
  private nextFrame = ROOT_FRAME + 1;

  constructor(
    private readonly memory: PhysicalMemory, private readonly guestMemory: GuestMemory, readonly format: PagingFormat,
  ) {
    this.maker = new EntryMaker(format);
    this.largeBytes = 2 ** this.shiftOf(LARGE);
  }

  /** Maps the large page at linear `address` to guest frame `frame`. */
  mapLarge(address: bigint, frame: number): void {
    const { maker } = this;
    const table = this.tableFor(address, LARGE);
    maker.make(frame, PAGE_RIGHTS.writable);
    maker.markAccessed();
    maker.markDirty();
    maker.markLarge();
    this.write(table, this.indexOf(address, LARGE));
  }

  /** Guest frame of the table of `level` for an address, with those above it made where they are missing. */
  tableFor(address: bigint, level: number): number {
    const { format, maker } = this;
    let table = ROOT_FRAME;
    for (let above = format.levels; above > level; above--) {
      const index = this.indexOf(address, above);
      const found = this.entryLo(table, index);
      if ((found & format.presentMask) !== 0) {
        table = found >>> PAGE_SHIFT;
        continue;
      }
      const made = this.nextFrame++;
      // An entry that only points has no rights to give: PAE's PDPTEs.
      maker.make(made, format.pointerLevels?.includes(above) === true ? NO_RIGHTS : PAGE_RIGHTS.writable | PAGE_RIGHTS.executable);
      if (format.pointerLevels?.includes(above) !== true) maker.markAccessed();
      this.write(table, index);
      table = made;
    }
    return table;
  }

  entryLo(table: number, index: number): number {
    const at = this.place(table, index);
    return this.memory.load32(at.lo, at.hi);
  }

  entryHi(table: number, index: number): number {
    const at = this.place(table, index);
    return this.format.entryBytes === 4 ? 0 : this.memory.load32(at.lo | 4, at.hi);
  }

  private write(table: number, index: number): void {
    const at = this.place(table, index);
    this.memory.store32(at.lo, at.hi, this.maker.lo);
    if (this.format.entryBytes === 8) this.memory.store32(at.lo | 4, at.hi, this.maker.hi);
  }

  /** Host-physical address of an entry of the table in guest frame `table`. */
  private place(table: number, index: number): { readonly lo: number; readonly hi: number } {
    const frame = this.guestMemory.back(table);
    return { lo: (frame << PAGE_SHIFT) | (index * this.format.entryBytes), hi: frame >>> 20 };
  }

  private shiftOf(level: number): number {
    return PAGE_SHIFT + this.format.indexBits * (level - 1);
  }

  private indexOf(address: bigint, level: number): number {
    return Number((address >> BigInt(this.shiftOf(level))) & BigInt(2 ** this.format.indexBits - 1));
  }
}

/** Every right of `PAGE_RIGHTS` that a bit of 0 gives: a pointer sets none. */
const NO_RIGHTS = PAGE_RIGHTS.executable;
