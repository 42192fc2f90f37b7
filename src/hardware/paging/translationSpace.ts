import { ACCESS } from './accessKinds';
import { compileEptPermissions, compilePagePermissions, PERMISSIONS, rightsKey, type RightsControls } from './accessRights';
import { type CompiledFormat, compileFormat, type FormatFeatures } from './compiledFormat';
import { CR0, CR4, EFER } from '../processor/controlRegisters';
import type { EventBus } from '../events/eventBus';
import { EPT4 } from './formats/ept4';
import { EPT5 } from './formats/ept5';
import { nestedFormatOf } from './formats/nestedPaging';
import { UNPAGED } from './formats/unpaged';
import { PFEC } from './pageFaultErrorCode';
import type { PagingFormat } from './pagingFormat';
import { pagingMode } from './pagingMode';
import type { ModificationLogging } from '../vmx/modificationLogging';
import type { PhysicalMemory } from '../memory/physicalMemory';
import { featuresWith, type ProcessorFeatures } from '../processor/processorFeatures';
import { KEYS } from './protectionKeys';
import type { TableAddressing } from './tableAddressing';
import { RecordedTables } from './specialized/recordedTables';
import { RememberedTables } from './specialized/rememberedTables';
import type { WalkCache } from './walkCache';
import { EPTP } from '../vmx/vmcs';
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
  /** PDPTE registers (`PDPTE_WORDS`), which the walk reads as they stand; without them there is no PAE paging. */
  readonly topEntries?: Int32Array;
  /** What of the optional the processor has; by default as the table says. */
  readonly features?: ProcessorFeatures;
}

/** Registers that paging depends on, low halves. */
export interface PagingRegisters {
  readonly cr0: number;
  readonly cr4: number;
  readonly efer: number;
  readonly rflags: number;
  readonly pkru: number;
  /** IA32_PKRS; left out: 0, which refuses nothing. */
  readonly pkrs?: number;
}

/** VM-execution controls that an EPT translation depends on. */
export interface EptControls {
  readonly modeBasedExecute: 'on' | 'off';
  /** Where "enable PML" is 1: told of each dirty flag that is set. */
  readonly modificationLog: ModificationLogging | undefined;
}
/** Beside `rightsKey`: what permissions may be compiled of. */
const EPT_KEY = { plain: 16, modeBasedExecute: 17 } as const;
const NO_KEY = -1;
const PLAIN_EPT: EptControls = { modeBasedExecute: 'off', modificationLog: undefined };

/** Registers of the host at VMRUN that its nested tables are read by, low halves. */
export type HostPagingRegisters = Pick<PagingRegisters, 'cr0' | 'cr4' | 'efer'>;

/** The four PDPTE registers as pairs of halves. */
export const PDPTE_WORDS = 8;

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
  /** The PDPTE registers, for a format whose top entries are in registers; undefined: this space has none. */
  readonly topEntries: Int32Array | undefined;
  readonly features: ProcessorFeatures;
  tableSpace: number;
  /** How tables are reached; `direct`, its 1 or 0, spares a walk the question. */
  tables: TableAddressing;
  direct: number;
  compiled: CompiledFormat;
  rootLo = 0;
  rootHi = 0;
  readonly permissions = new Uint8Array(PERMISSIONS);
  /** Another one whenever `permissions` may be. */
  permissionsVersion = 0;
  /** `KEYS`, and the rights of each key: of user-mode and of supervisor-mode addresses. */
  keys: number = KEYS.off;
  pkru = 0;
  pkrs = 0;
  /** PFEC.ID where a fetch is told from a read in error codes, else 0. */
  reportsFetch = 0;
  /** 1: the walk sets accessed and dirty flags. */
  accessedDirty = 1;
  /** Translates the outcome of this space's walks, and (through `tables`) its table addresses. */
  nested: TranslationSpace | undefined;
  /** 1: this space is the `nested` of another, which says before each walk what it is made for. */
  isNested = 0;
  /** As `nested`: the access that it is when a walk reads one of its tables, and what is added to the final one. */
  tableAccess: number = ACCESS.read;
  finalAccess = 0;
  /** As `nested`: ACCESS.user where the final access is told whether the linear address is a user-mode one, else 0. */
  userAddressMask = 0;
  /** EPT with page-modification logging: where dirty flags are logged. */
  modificationLog: ModificationLogging | undefined;
  /**
   * What the walk is made for: the linear address, and the level of the guest entry (0: the final address; NO_LINEAR:
   * there is no linear address).
   */
  servedLo = 0;
  servedHi = 0;
  servedLevel = 0;
  /** For the final address: the rights (PAGE_RIGHTS) that the guest's own tables gave. */
  servedRights = 0;
  /** What walks of this space may take from earlier ones; undefined: they read every entry. */
  walkCache: WalkCache | undefined;
  /** `SPECIALIZED`: the generated walk that may stand for `walk` here. */
  specialized = 0;
  /** For the generated walks: what entries above the last level said of late. */
  readonly remembered = new RememberedTables();
  /** For the recorded ones: what the ring was told of late, region by region. */
  readonly recorded = new RecordedTables();
  readonly result = new WalkResult();
  /** What `permissions` were compiled of: `rightsKey`, or an `EPT_KEY`. */
  private controlsKey: number = NO_KEY;

  constructor(identity: SpaceIdentity) {
    this.memory = identity.memory;
    this.bus = identity.bus;
    this.actor = identity.actor;
    this.cpu = identity.cpu;
    this.maxphyaddr = identity.maxphyaddr;
    this.counters = identity.counters;
    this.topEntries = identity.topEntries;
    this.features = identity.features ?? featuresWith();
    this.tableSpace = identity.tableSpace;
    this.tables = identity.tables;
    this.direct = identity.tables.direct ?? 0;
    this.compiled = compileFormat(UNPAGED, { maxphyaddr: identity.maxphyaddr, noExecute: 'on', executeOnly: 'on' });
  }

  get format(): PagingFormat {
    return this.compiled.format;
  }

  useTables(tables: TableAddressing): void {
    this.specialized = 0;
    this.tables = tables;
    this.direct = tables.direct ?? 0;
  }

  /**
   * Takes the paging mode and rights from registers. `topEntries`: where PDPTEs are in PAE paging. Comes back with the
   * name of a paging mode that this space cannot walk (PAE without PDPTE registers), and is then unchanged.
   */
  usePaging(registers: PagingRegisters, topEntries: 'registers' | 'memory' = 'registers'): string | undefined {
    const { cr0, cr4, efer, rflags, pkru, pkrs } = registers;
    const format = pagingMode(cr0, cr4, efer);
    if (format.registerLevel !== undefined && topEntries === 'registers' && this.topEntries === undefined) return format.name;
    this.useFormat(format, this.pagingFeatures(registers, topEntries));
    this.pkru = pkru;
    this.pkrs = pkrs ?? 0;
    const keyed = format.keyBit === undefined ? KEYS.off : (cr4 & CR4.PKE ? KEYS.user : 0) | (cr4 & CR4.PKS ? KEYS.supervisor : 0);
    this.keys = keyed === KEYS.off ? KEYS.off : keyed | (cr0 & CR0.WP ? KEYS.writeProtect : 0);
    // SDM Vol. 3, "Determination of Access Rights" speaks of linear addresses under paging: SMEP and SMAP are nothing without it.
    this.useControls({ cr0, cr4: format === UNPAGED ? 0 : cr4, rflags }, efer);
    return undefined;
  }

  /** Of a format whose top entries are in registers: they are read from the root's table, as a MOV to CR3 would find them. */
  useTopEntriesInMemory(): void {
    const { format, features } = this.compiled;
    if (format.registerLevel !== undefined) this.useFormat(format, { ...features, topEntries: 'memory' });
  }

  /** Root of paging structures from CR3's value: the bits that the format has there; PCID or cache bits are dropped. */
  useRoot(lo: number, hi: number): void {
    this.rootLo = lo & this.compiled.rootLo;
    this.rootHi = hi & this.compiled.rootHi;
  }

  /** Takes walk length, root and accessed/dirty flags from an EPT pointer: a length of 4 or 5. */
  useEpt(eptpLo: number, eptpHi: number, { modeBasedExecute, modificationLog } = PLAIN_EPT): void {
    const length = ((eptpLo >>> EPTP.walkLengthShift) & EPTP.walkLengthMask) + 1;
    const format = length === EPT5.levels ? EPT5 : EPT4;
    if (length !== format.levels) throw new Error(`invariant: EPTP 0x${(eptpLo >>> 0).toString(16)} asks for a walk length of ${length}`);
    const { eptExecuteOnly, ept2Mb, ept1Gb } = this.features;
    this.useFormat(format, {
      maxphyaddr: this.maxphyaddr, noExecute: 'on', executeOnly: eptExecuteOnly, pages2M: ept2Mb, pages1G: ept1Gb, modeBasedExecute,
    });
    this.useRoot(eptpLo, eptpHi);
    this.accessedDirty = eptpLo & EPTP.accessedDirty ? 1 : 0;
    // SDM Vol. 3, "Accessed and Dirty Flags for EPT": with them every access to a guest paging structure is a write.
    this.tableAccess = this.accessedDirty === 0 ? ACCESS.read : ACCESS.readWrite;
    this.finalAccess = 0;
    this.userAddressMask = modeBasedExecute === 'on' ? ACCESS.user : 0;
    this.modificationLog = modificationLog;
    const key = modeBasedExecute === 'on' ? EPT_KEY.modeBasedExecute : EPT_KEY.plain;
    if (this.controlsKey !== key) {
      compileEptPermissions(this.permissions, modeBasedExecute);
      this.permissionsVersion++;
    }
    this.controlsKey = key;
  }

  /**
   * Takes nested tables from nCR3 and the host's registers. Every nested access is a user access, and one to a guest
   * table is a write as well. APM Vol. 2, "Nested Paging".
   */
  useNestedPaging(ncr3Lo: number, ncr3Hi: number, host: HostPagingRegisters): void {
    const format = nestedFormatOf(pagingMode(host.cr0, host.cr4, host.efer));
    if (format === undefined) throw new Error('invariant: nested paging with a host that has paging off');
    this.useFormat(format, this.pagingFeatures(host, 'memory'));
    this.useRoot(ncr3Lo, ncr3Hi);
    this.tableAccess = ACCESS.write | ACCESS.user;
    this.finalAccess = ACCESS.user;
    this.userAddressMask = 0;
    this.modificationLog = undefined;
    this.useControls({ cr0: host.cr0, cr4: host.cr4, rflags: 0 }, host.efer);
  }

  private pagingFeatures({ cr4, efer }: HostPagingRegisters, topEntries: 'registers' | 'memory'): FormatFeatures {
    return {
      maxphyaddr: this.maxphyaddr, noExecute: efer & EFER.NXE ? 'on' : 'off', executeOnly: 'on',
      largePages: cr4 & CR4.PSE ? 'on' : 'off', topEntries, pages1G: this.features.page1Gb, pse36: this.features.pse36,
    };
  }

  /** What of CR0, CR4, RFLAGS and EFER every kind of paging structure depends on. */
  private useControls(controls: RightsControls, efer: number): void {
    const { cr4 } = controls;
    const canRefuseFetch = (efer & EFER.NXE) !== 0 && (cr4 & CR4.PAE) !== 0 || (cr4 & CR4.SMEP) !== 0;
    this.reportsFetch = canRefuseFetch ? PFEC.ID : 0;
    this.accessedDirty = 1;
    const key = rightsKey(controls);
    if (key === this.controlsKey) return;
    compilePagePermissions(this.permissions, controls);
    this.permissionsVersion++;
    this.controlsKey = key;
  }

  private useFormat(format: PagingFormat, features: FormatFeatures): void {
    const now = this.compiled.features;
    const isSame = this.compiled.format === format && now.noExecute === features.noExecute && now.largePages === features.largePages
      && now.topEntries === features.topEntries && now.modeBasedExecute === features.modeBasedExecute;
    if (!isSame) this.compiled = compileFormat(format, features);
  }
}
