import { CR0, CR4, EFER, RFLAGS } from '../../src/hardware/processor/controlRegisters';
import { EventBus } from '../../src/hardware/events/eventBus';
import { ACTOR_AT, KIND_AT, RECORD_WORDS, actors, eventKinds } from '../../src/hardware/events/eventTable';
import { eventJson } from '../../src/hardware/events/eventText';
import { PhysicalMemory } from '../../src/hardware/memory/physicalMemory';
import { Processor, type ProcessorSettings, RESUME } from '../../src/hardware/processor/processor';
import { REGISTER, type RegisterName } from '../../src/hardware/processor/registers';
import { Registry } from '../../src/hardware/state/registry';
import { PRIMARY, SECONDARY, VMCS, type VmcsFieldName } from '../../src/hardware/vmx/vmcs';

/** Bits of a long-mode entry, written out here so that tests do not lean on the table under test. */
export const P = 1n;
export const RW = 2n;
export const US = 4n;
export const A = 1n << 5n;
export const D = 1n << 6n;
export const PS = 1n << 7n;
export const G = 1n << 8n;
export const XD = 1n << 63n;
/** EPT: R, W, X, write-back, accessed, dirty. */
export const R = 1n;
export const W = 2n;
export const X = 4n;
export const WB = 6n << 3n;
export const EA = 1n << 8n;
export const ED = 1n << 9n;

export const LONG_MODE = { cr0: CR0.PE | CR0.ET | CR0.NE | CR0.PG | CR0.WP, cr4: CR4.PAE, efer: EFER.LME | EFER.LMA | EFER.NXE } as const;
const GUEST_ROOT = 0x10_0000n;
export const EPT_ROOT = 0x80_0000n;

export interface ExitSeen {
  readonly reason: number;
  readonly qualification: bigint;
  readonly gpa: bigint;
  readonly gla: bigint;
}

/** A processor on sparse memory, with page tables written by hand. Addresses and values are bigints here. */
export class TestMachine {
  readonly registry = new Registry();
  readonly bus = new EventBus();
  readonly memory: PhysicalMemory;
  readonly processor: Processor;
  readonly exits: ExitSeen[] = [];
  readonly events: { readonly kind: string; readonly actor: string; readonly json: Record<string, string | number>; readonly record: Int32Array }[] = [];
  /** What root mode does at an exit. */
  onExit: (exit: ExitSeen) => number = () => RESUME.stopped;
  private nextTable = GUEST_ROOT + 0x1000n;
  private nextEptTable = EPT_ROOT + 0x1000n;

  constructor(settings: Partial<ProcessorSettings> = {}) {
    this.memory = new PhysicalMemory(this.registry, 2 ** 36);
    this.processor = new Processor(this.registry, this.memory, this.bus, 0, {
      vendor: 'intel', maxphyaddr: 46, tlbEntries: 64, tlbWays: 4, rewalkOnPermissionFault: 'off', ...settings,
    });
    this.set(LONG_MODE);
    this.set({ cr3: Number(GUEST_ROOT) });
    this.processor.root = { handleExit: () => this.handleExit() };
  }

  /** Sets registers behind the processor's back, as a loader does. */
  set(values: Partial<Record<RegisterName | 'cpl', number | bigint>>): this {
    for (const [name, value] of Object.entries(values)) {
      const number = REGISTER[name as RegisterName];
      [this.processor.registers[2 * number], this.processor.registers[2 * number + 1]] = halves(BigInt.asUintN(64, BigInt(value >= 0 ? value : Number(value) >>> 0)));
    }
    this.processor.reload();
    return this;
  }

  vmcs(values: Partial<Record<VmcsFieldName, number | bigint>>): this {
    for (const [name, value] of Object.entries(values)) {
      const at = VMCS[name as VmcsFieldName];
      [this.processor.vmcs[at], this.processor.vmcs[at + 1]] = halves(BigInt(value >= 0 ? value : Number(value) >>> 0));
    }
    return this;
  }

  field(name: VmcsFieldName): bigint {
    return whole(this.processor.vmcs[VMCS[name]]!, this.processor.vmcs[VMCS[name] + 1]!);
  }

  register(name: RegisterName): bigint {
    return whole(this.processor.registers[2 * REGISTER[name]]!, this.processor.registers[2 * REGISTER[name] + 1]!);
  }

  word(address: bigint): bigint {
    const [lo, hi] = halves(address);
    return whole(this.memory.load32(lo, hi), this.memory.load32(lo + 4, hi));
  }

  put(address: bigint, value: bigint): void {
    const [lo, hi] = halves(address);
    const [valueLo, valueHi] = halves(value);
    this.memory.store32(lo, hi, valueLo);
    this.memory.store32(lo + 4, hi, valueHi);
  }

  /** Address of the entry of `level` for a linear address in the tables at `root`; upper entries are made open (P RW US). */
  entryAt(gva: bigint, level: number, root = GUEST_ROOT): bigint {
    return this.descend(gva, level, root, P | RW | US, () => {
      this.nextTable += 0x1000n;
      return this.nextTable - 0x1000n;
    });
  }

  /** The same in the EPT. */
  eptEntryAt(gpa: bigint, level: number): bigint {
    return this.descend(gpa, level, EPT_ROOT, R | W | X, () => {
      this.nextEptTable += 0x1000n;
      return this.nextEptTable - 0x1000n;
    });
  }

  /** Maps a page by a leaf of `level`; gives the leaf's address. */
  map(gva: bigint, gpa: bigint, bits: bigint, level = 1, root = GUEST_ROOT): bigint {
    const at = this.entryAt(gva, level, root);
    this.put(at, gpa | bits | (level > 1 ? PS : 0n));
    return at;
  }

  mapEpt(gpa: bigint, hpa: bigint, bits: bigint, level = 1): bigint {
    const at = this.eptEntryAt(gpa, level);
    this.put(at, hpa | bits | (level > 1 ? PS : 0n));
    return at;
  }

  /** Non-root operation with EPT: guest tables are reached one to one (pages 0 to 8M), the rest is the test's. */
  enterWithEpt(options: { readonly accessedDirty?: 'on' | 'off'; readonly vpid?: number } = {}): this {
    for (let gpa = 0n; gpa < 0x80_0000n; gpa += 0x20_0000n) this.mapEpt(gpa, gpa, R | W | X | WB, 2);
    this.saveGuestToVmcs();
    this.vmcs({
      primary_controls: PRIMARY.secondaryControls >>> 0,
      secondary_controls: SECONDARY.enableEpt | (options.vpid === undefined ? 0 : SECONDARY.enableVpid),
      vpid: options.vpid ?? 0,
      eptp: EPT_ROOT | 0x1en | (options.accessedDirty === 'on' ? 0x40n : 0n),
    });
    this.processor.enterVirtualization();
    return this;
  }

  /** Non-root operation over shadow tables: no EPT. */
  enterShadowed(values: Partial<Record<VmcsFieldName, number | bigint>> = {}): this {
    this.saveGuestToVmcs();
    this.vmcs({ primary_controls: PRIMARY.secondaryControls >>> 0, secondary_controls: SECONDARY.enableVpid, vpid: 1, ...values });
    this.processor.enterVirtualization();
    return this;
  }

  /** The next table is the first again: for going back to before any was made. */
  forgetTables(): void {
    this.nextTable = GUEST_ROOT + 0x1000n;
    this.nextEptTable = EPT_ROOT + 0x1000n;
  }

  load(gva: bigint, size = 8): number {
    return this.processor.load(...halves(gva), size);
  }

  store(gva: bigint, value: bigint, size = 8): number {
    return this.processor.store(...halves(gva), size, ...halves(value));
  }

  fetch(gva: bigint): number {
    return this.processor.fetch(...halves(gva));
  }

  invlpg(gva: bigint): number {
    return this.processor.invlpg(...halves(gva));
  }

  move(name: RegisterName, value: number | bigint): number {
    return this.processor.writeRegister(REGISTER[name], ...halves(BigInt(value >= 0 ? value : Number(value) >>> 0)));
  }

  walk(gva: bigint, access: number): number {
    return this.processor.walkWithoutEffects(...halves(gva), access);
  }

  get value(): bigint {
    return whole(this.processor.valueLo, this.processor.valueHi);
  }

  get cr2(): bigint {
    return whole(this.processor.cr2Lo, this.processor.cr2Hi);
  }

  get hpa(): bigint {
    return whole(this.processor.performedLo, this.processor.performedHi);
  }

  /** Records events from here on. */
  listen(): void {
    this.events.length = 0;
    this.bus.listen((record) => {
      const copy = record.slice(0, RECORD_WORDS);
      this.events.push({
        kind: eventKinds[copy[KIND_AT]!]!.name, actor: actors[copy[ACTOR_AT]!]!, json: eventJson(copy), record: copy,
      });
    }, 'all');
  }

  kinds(): string[] {
    return this.events.map((event) => event.kind);
  }

  private saveGuestToVmcs(): void {
    this.vmcs({
      guest_cr0: this.register('cr0'), guest_cr3: this.register('cr3'), guest_cr4: this.register('cr4'),
      guest_ia32_efer: this.register('efer'), guest_rflags: this.register('rflags') | BigInt(RFLAGS.fixed),
      guest_ss_access_rights: this.processor.level << 5,
    });
  }

  private handleExit(): number {
    const exit: ExitSeen = {
      reason: Number(this.field('exit_reason')), qualification: this.field('exit_qualification'),
      gpa: this.field('guest_physical_address'), gla: this.field('guest_linear_address'),
    };
    this.exits.push(exit);
    return this.onExit(exit);
  }

  private descend(address: bigint, level: number, root: bigint, open: bigint, fresh: () => bigint): bigint {
    let table = root;
    for (let at = 4; ; at--) {
      const entry = table + ((address >> BigInt(12 + 9 * (at - 1))) & 0x1ffn) * 8n;
      if (at === level) return entry;
      if (this.word(entry) === 0n) this.put(entry, fresh() | open);
      table = this.word(entry) & 0xf_ffff_ffff_f000n;
    }
  }
}

export function halves(value: bigint): [lo: number, hi: number] {
  return [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
}

export function whole(lo: number, hi: number): bigint {
  return (BigInt(hi >>> 0) << 32n) | BigInt(lo >>> 0);
}
