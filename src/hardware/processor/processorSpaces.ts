import type { EventBus } from '../events/eventBus';
import { ACTOR, SPACE } from '../events/eventTable';
import { CR0, CR4 } from './controlRegisters';
import { ModificationLog } from '../vmx/modificationLog';
import { NestedAddressing } from '../paging/nestedAddressing';
import type { PhysicalMemory } from '../memory/physicalMemory';
import type { ProcessorFeatures } from './processorFeatures';
import { REGISTER } from './registers';
import { isIntercepted, SVM_EXIT } from '../svm/svmExitCodes';
import { usesNestedPaging } from '../svm/svmTransitions';
import { IdentityAddressing } from '../paging/tableAddressing';
import type { TranslationCaches } from '../caches/translationCaches';
import { TranslationSpace } from '../paging/translationSpace';
import { VMCB } from '../svm/vmcb';
import { SECONDARY, VMCS } from '../vmx/vmcs';
import { specializedWalkOf } from '../paging/specialized/specializedWalk';
import { secondaryControls } from '../vmx/vmxTransitions';

const PCID_MASK = 0xfff;
const VPID_MASK = 0xffff;

/** The processor that the spaces are derived from. */
export interface TranslatingProcessor {
  readonly vendor: 'intel' | 'amd';
  readonly registers: Int32Array;
  /** The PDPTE registers, a part of `registers`. */
  readonly pdptes: Int32Array;
  readonly vmcs: Int32Array;
  readonly vmcb: Int32Array;
  readonly caches: TranslationCaches;
  readonly memory: PhysicalMemory;
  readonly bus: EventBus;
  readonly cpu: number;
  readonly maxphyaddr: number;
  readonly features: ProcessorFeatures;
  readonly counters: Float64Array;
}

/** What stands behind the linear space. */
type Behind = 'nothing' | 'EPT' | 'nested paging';

/** A linear space and the nested space behind it. */
class SpacePair {
  readonly linear: TranslationSpace;
  private readonly nested: TranslationSpace;
  private readonly identity = new IdentityAddressing();
  private readonly throughNested: NestedAddressing;
  private readonly modificationLog: ModificationLog;

  constructor(private readonly processor: TranslatingProcessor, counts: 'counts' | 'counts nothing') {
    const { memory, bus, cpu, maxphyaddr, features, counters, pdptes, vmcs, caches } = processor;
    const shared = {
      memory, bus, cpu, maxphyaddr, features, actor: ACTOR.walker, tables: this.identity,
      ...(counts === 'counts' ? { counters } : {}),
    };
    this.linear = new TranslationSpace({ ...shared, tableSpace: SPACE.guest, topEntries: pdptes });
    this.nested = new TranslationSpace({ ...shared, tables: new IdentityAddressing(), tableSpace: SPACE.ept });
    this.nested.isNested = 1;
    if (counts === 'counts') {
      this.linear.walkCache = caches.linearWalk;
      this.nested.walkCache = caches.nestedWalk;
    }
    this.throughNested = new NestedAddressing(this.nested);
    this.modificationLog = new ModificationLog(vmcs, memory, bus, cpu);
  }

  refresh(behind: Behind, tableSpace: number): void {
    const { linear, nested } = this;
    const { registers } = this.processor;
    linear.usePaging({
      cr0: registers[2 * REGISTER.cr0]!,
      cr4: registers[2 * REGISTER.cr4]!,
      efer: registers[2 * REGISTER.efer]!,
      rflags: registers[2 * REGISTER.rflags]!,
      pkru: registers[2 * REGISTER.pkru]!,
      pkrs: registers[2 * REGISTER.pkrs]!,
    }, behind === 'nested paging' ? 'memory' : 'registers');
    linear.useRoot(registers[2 * REGISTER.cr3]!, registers[2 * REGISTER.cr3 + 1]!);
    linear.tableSpace = tableSpace;
    if (behind === 'EPT') this.useEpt();
    if (behind === 'nested paging') this.useNestedPaging();
    nested.tableSpace = behind === 'nested paging' ? SPACE.npt : SPACE.ept;
    linear.nested = behind === 'nothing' ? undefined : nested;
    linear.useTables(behind === 'nothing' ? this.identity : this.throughNested);
    linear.specialized = specializedWalkOf(linear);
    linear.remembered.useContext(linear);
    if (behind !== 'nothing') nested.remembered.useContext(nested);
  }

  private useEpt(): void {
    const { vmcs } = this.processor;
    const secondary = secondaryControls(vmcs);
    this.nested.useEpt(vmcs[VMCS.eptp]!, vmcs[VMCS.eptp + 1]!, {
      modeBasedExecute: secondary & SECONDARY.modeBasedExecute ? 'on' : 'off',
      modificationLog: secondary & SECONDARY.enablePml ? this.modificationLog : undefined,
    });
  }

  private useNestedPaging(): void {
    const { vmcb } = this.processor;
    this.nested.useNestedPaging(vmcb[VMCB.n_cr3]!, vmcb[VMCB.n_cr3 + 1]!, {
      cr0: vmcb[VMCB.host_cr0]!, cr4: vmcb[VMCB.host_cr4]!, efer: vmcb[VMCB.host_efer]!,
    });
  }
}

/**
 * The processor's translation as its registers and its VMCS or VMCB have it: derived state, so it is recomputed rather
 * than saved. The inspection pair is the same translation with results of its own, for questions.
 */
export class ProcessorSpaces {
  private readonly current: SpacePair;
  private readonly inspected: SpacePair;
  /** The translation in force. */
  readonly linear: TranslationSpace;
  readonly inspection: TranslationSpace;
  /** VPID or ASID in force: 0 outside non-root operation and without the control. */
  vpid = 0;

  constructor(private readonly processor: TranslatingProcessor) {
    this.current = new SpacePair(processor, 'counts');
    this.inspected = new SpacePair(processor, 'counts nothing');
    this.linear = this.current.linear;
    this.inspection = this.inspected.linear;
  }

  get pcid(): number {
    const { registers } = this.processor;
    return registers[2 * REGISTER.cr4]! & CR4.PCIDE ? registers[2 * REGISTER.cr3]! & PCID_MASK : 0;
  }

  /** Under nested paging the walk reads PDPTEs from memory, and no MOV loads them. */
  get readsPdptesFromMemory(): boolean {
    return this.linear.compiled.features.topEntries === 'memory';
  }

  /** Recomputes everything. */
  refresh(): void {
    const { registers, vmcs, vmcb, vendor, caches } = this.processor;
    const isGuest = registers[2 * REGISTER.nonRoot]! !== 0;
    const secondary = isGuest && vendor === 'intel' ? secondaryControls(vmcs) : 0;
    const behind = secondary & SECONDARY.enableEpt ? 'EPT'
      : isGuest && vendor === 'amd' && usesNestedPaging(vmcb) ? 'nested paging' : 'nothing';
    const tableSpace = isGuest && behind === 'nothing' ? SPACE.shadow : SPACE.guest;
    if (isGuest && vendor === 'amd') this.vpid = vmcb[VMCB.asid]! & VPID_MASK;
    else this.vpid = secondary & SECONDARY.enableVpid ? vmcs[VMCS.vpid]! & VPID_MASK : 0;
    caches.useContext({
      vpid: this.vpid,
      pcid: this.pcid,
      behind,
      rootLo: behind === 'EPT' ? vmcs[VMCS.eptp]! & ~0xfff : 0,
      rootHi: behind === 'EPT' ? vmcs[VMCS.eptp + 1]! : 0,
      paging: registers[2 * REGISTER.cr0]! & CR0.PG ? 'on' : 'off',
      globals: registers[2 * REGISTER.cr4]! & CR4.PGE ? 'on' : 'off',
      accesses: isGuest && vendor === 'amd' && isIntercepted(vmcb, SVM_EXIT.access) ? 'intercepted' : 'made',
    });
    this.inspected.refresh(behind, tableSpace);
    this.current.refresh(behind, tableSpace);
  }
}
