import { compileEptPermissions, compilePagePermissions, PERMISSIONS } from './accessRights';
import { type CompiledFormat, compileFormat, type FormatFeatures } from './compiledFormat';
import { CR0, CR4, EFER } from './controlRegisters';
import type { EventBus } from './eventBus';
import { EPT4 } from './formats/ept4';
import { UNPAGED } from './formats/unpaged';
import { PFEC } from './pageFaultErrorCode';
import type { PagingFormat } from './pagingFormat';
import { pagingMode } from './pagingMode';
import type { PhysicalMemory } from './physicalMemory';
import { KEYS } from './protectionKeys';
import type { TableAddressing } from './tableAddressing';
import { EPTP } from './vmcs';
import { WalkResult } from './walkResult';

/** Who a space belongs to, fixed when it is made. */
export interface SpaceIdentity {
  readonly memory: PhysicalMemory;
  readonly bus: EventBus;
  /** `SPACE`: whose tables, for events. The processor changes it when guest tables give way to shadow tables. */
  readonly tableSpace: number;
  /** `ACTOR` that walks. */
  readonly actor: number;
  readonly cpu: number;
  readonly maxphyaddr: number;
  readonly tables: TableAddressing;
  /** Counters of the processor whose walker this is: `walk_references` counts there. Others count nowhere. */
  readonly counters?: Float64Array;
}

/** Registers that paging depends on, low halves. */
export interface PagingRegisters {
  readonly cr0: number;
  readonly cr4: number;
  readonly efer: number;
  readonly rflags: number;
  readonly pkru: number;
}

const FRAME_LO = ~0xfff;
const FRAME_HI = 0xfffff;

/**
 * All that a walk needs: format, root, rights, how its tables are reached, and the space that translates its
 * outcome once more. Everything here is derived from registers or the VMCS and is set by the `use…` methods, which
 * are not for the hot path. `result` is overwritten by each walk.
 */
export class TranslationSpace {
  readonly memory: PhysicalMemory;
  readonly bus: EventBus;
  readonly actor: number;
  readonly cpu: number;
  readonly maxphyaddr: number;
  readonly counters: Float64Array | undefined;
  tableSpace: number;
  tables: TableAddressing;
  compiled: CompiledFormat;
  rootLo = 0;
  rootHi = 0;
  readonly permissions = new Uint8Array(PERMISSIONS);
  /** `KEYS`, and the rights of each key. */
  keys: number = KEYS.off;
  pkru = 0;
  /** PFEC.ID where a fetch is told from a read in error codes, else 0. */
  reportsFetch = 0;
  /** 1: the walk sets accessed and dirty flags. */
  accessedDirty = 1;
  /** Translates the outcome of this space's walks, and (through `tables`) its table addresses. */
  nested: TranslationSpace | undefined;
  /** 1: this space is the `nested` of another, which says before each walk what it is made for. */
  isNested = 0;
  /** What the walk is made for: the linear address, and the level of the guest entry (0: the final address). */
  servedLo = 0;
  servedHi = 0;
  servedLevel = 0;
  readonly result = new WalkResult();
  private controlsKey = '';

  constructor(identity: SpaceIdentity) {
    this.memory = identity.memory;
    this.bus = identity.bus;
    this.actor = identity.actor;
    this.cpu = identity.cpu;
    this.maxphyaddr = identity.maxphyaddr;
    this.counters = identity.counters;
    this.tableSpace = identity.tableSpace;
    this.tables = identity.tables;
    this.compiled = compileFormat(UNPAGED, { maxphyaddr: identity.maxphyaddr, noExecute: 'on', executeOnly: 'on' });
  }

  get format(): PagingFormat {
    return this.compiled.format;
  }

  /**
   * Takes the paging mode and rights from registers. A sentence's worth of refusal comes back as the name of the
   * paging mode that this machine has no format for; the space is then unchanged.
   */
  usePaging(registers: PagingRegisters): string | undefined {
    const { cr0, cr4, efer, rflags, pkru } = registers;
    const mode = pagingMode(cr0, cr4, efer);
    if ('missing' in mode) return mode.missing;
    this.useFormat(mode.format, {
      maxphyaddr: this.maxphyaddr, noExecute: efer & EFER.NXE ? 'on' : 'off', executeOnly: 'on',
    });
    this.pkru = pkru;
    this.keys = (cr4 & CR4.PKE) === 0 ? KEYS.off : cr0 & CR0.WP ? KEYS.onWithWriteProtect : KEYS.on;
    this.reportsFetch = efer & EFER.NXE || cr4 & CR4.SMEP ? PFEC.ID : 0;
    this.accessedDirty = 1;
    const key = `${cr0}/${cr4}/${rflags}`;
    if (key !== this.controlsKey) compilePagePermissions(this.permissions, { cr0, cr4, rflags });
    this.controlsKey = key;
    return undefined;
  }

  /** Root of paging structures from CR3's value: the frame bits; PCID or cache bits are dropped. */
  useRoot(lo: number, hi: number): void {
    this.rootLo = lo & FRAME_LO;
    this.rootHi = hi & FRAME_HI;
  }

  /** Takes root and accessed/dirty flags from an EPT pointer. */
  useEpt(eptpLo: number, eptpHi: number): void {
    this.useFormat(EPT4, { maxphyaddr: this.maxphyaddr, noExecute: 'on', executeOnly: 'on' });
    this.useRoot(eptpLo, eptpHi);
    this.accessedDirty = eptpLo & EPTP.accessedDirty ? 1 : 0;
    if (this.controlsKey !== 'EPT') compileEptPermissions(this.permissions);
    this.controlsKey = 'EPT';
  }

  private useFormat(format: PagingFormat, features: FormatFeatures): void {
    const now = this.compiled;
    if (now.format !== format || now.features.noExecute !== features.noExecute) {
      this.compiled = compileFormat(format, features);
    }
  }
}
