import type { EventBus } from './eventBus';
import { ACTOR, SPACE } from './eventTable';
import { CR4 } from './controlRegisters';
import { NestedAddressing } from './nestedAddressing';
import type { PhysicalMemory } from './physicalMemory';
import { REGISTER } from './registers';
import { IdentityAddressing } from './tableAddressing';
import type { Tlb } from './tlb';
import { TranslationSpace } from './translationSpace';
import { EPTP, PRIMARY, SECONDARY, VMCS } from './vmcs';

const PCID_MASK = 0xfff;
const VPID_MASK = 0xffff;
const EPT_WALK_LENGTH = 4;

/** A linear space and the EPT space behind it. */
class SpacePair {
  readonly linear: TranslationSpace;
  readonly ept: TranslationSpace;
  private readonly identity = new IdentityAddressing();
  private readonly throughEpt: NestedAddressing;

  constructor(memory: PhysicalMemory, bus: EventBus, cpu: number, maxphyaddr: number, counters: Float64Array | undefined) {
    const shared = {
      memory, bus, cpu, maxphyaddr, actor: ACTOR.walker, tables: this.identity,
      ...(counters === undefined ? {} : { counters }),
    };
    this.linear = new TranslationSpace({ ...shared, tableSpace: SPACE.guest });
    this.ept = new TranslationSpace({ ...shared, tables: new IdentityAddressing(), tableSpace: SPACE.ept });
    this.ept.isNested = 1;
    this.throughEpt = new NestedAddressing(this.ept);
  }

  /** The name of a paging mode without a format, or undefined. */
  refresh(registers: Int32Array, vmcs: Int32Array, ept: 'on' | 'off', tableSpace: number): string | undefined {
    const missing = this.linear.usePaging({
      cr0: registers[2 * REGISTER.cr0]!,
      cr4: registers[2 * REGISTER.cr4]!,
      efer: registers[2 * REGISTER.efer]!,
      rflags: registers[2 * REGISTER.rflags]!,
      pkru: registers[2 * REGISTER.pkru]!,
    });
    this.linear.useRoot(registers[2 * REGISTER.cr3]!, registers[2 * REGISTER.cr3 + 1]!);
    this.linear.tableSpace = tableSpace;
    if (ept === 'on') this.ept.useEpt(vmcs[VMCS.eptp]!, vmcs[VMCS.eptp + 1]!);
    this.linear.nested = ept === 'on' ? this.ept : undefined;
    this.linear.tables = ept === 'on' ? this.throughEpt : this.identity;
    return missing;
  }
}

/**
 * The processor's translation as its registers and its VMCS have it: derived state, so it is recomputed rather than
 * saved. The inspection pair is the same translation with results of its own, for questions.
 */
export class ProcessorSpaces {
  private readonly current: SpacePair;
  private readonly inspected: SpacePair;
  /** VPID in force: 0 outside non-root operation and without the control. */
  vpid = 0;

  constructor(
    private readonly registers: Int32Array, private readonly vmcs: Int32Array, private readonly tlb: Tlb,
    memory: PhysicalMemory, bus: EventBus, cpu: number, maxphyaddr: number, counters: Float64Array,
  ) {
    this.current = new SpacePair(memory, bus, cpu, maxphyaddr, counters);
    this.inspected = new SpacePair(memory, bus, cpu, maxphyaddr, undefined);
  }

  get linear(): TranslationSpace {
    return this.current.linear;
  }

  get inspection(): TranslationSpace {
    return this.inspected.linear;
  }

  get pcid(): number {
    const { registers } = this;
    return registers[2 * REGISTER.cr4]! & CR4.PCIDE ? registers[2 * REGISTER.cr3]! & PCID_MASK : 0;
  }

  /** Recomputes everything. The name of a paging mode that the machine has no format for, or undefined. */
  refresh(): string | undefined {
    const { registers, vmcs, tlb } = this;
    const nonRoot = registers[2 * REGISTER.nonRoot]! !== 0;
    const secondary = nonRoot && vmcs[VMCS.primary_controls]! & PRIMARY.secondaryControls
      ? vmcs[VMCS.secondary_controls]! : 0;
    const ept = secondary & SECONDARY.enableEpt ? 'on' : 'off';
    const eptpLo = vmcs[VMCS.eptp]!;
    if (ept === 'on' && ((eptpLo >>> EPTP.walkLengthShift) & EPTP.walkLengthMask) !== EPT_WALK_LENGTH - 1) {
      throw new Error(`invariant: EPTP 0x${(eptpLo >>> 0).toString(16)} asks for a walk length that is not ${EPT_WALK_LENGTH}`);
    }
    const tableSpace = nonRoot && ept === 'off' ? SPACE.shadow : SPACE.guest;
    this.vpid = secondary & SECONDARY.enableVpid ? vmcs[VMCS.vpid]! & VPID_MASK : 0;
    tlb.useContext(this.vpid, this.pcid);
    if (ept === 'on') tlb.useEptRoot(eptpLo & ~0xfff, vmcs[VMCS.eptp + 1]!);
    else tlb.useNoEpt();
    this.inspected.refresh(registers, vmcs, ept, tableSpace);
    return this.current.refresh(registers, vmcs, ept, tableSpace);
  }
}
