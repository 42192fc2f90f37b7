import { CR0, CR4, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { EventBus } from '../../../src/hardware/events/eventBus';
import { KIND_AT, eventKinds } from '../../../src/hardware/events/eventTable';
import { eventJson } from '../../../src/hardware/events/eventText';
import { PhysicalMemory } from '../../../src/hardware/memory/physicalMemory';
import { Processor, type ProcessorSettings, RESUME } from '../../../src/hardware/processor/processor';
import { REGISTER, type RegisterName } from '../../../src/hardware/processor/registers';
import { Registry } from '../../../src/hardware/state/registry';
import { intercept, SVM_EXIT } from '../../../src/hardware/svm/svmExitCodes';
import { NESTED_CONTROL, VMCB, type VmcbFieldName } from '../../../src/hardware/svm/vmcb';
import { PRIMARY, SECONDARY, VMCS, type VmcsFieldName } from '../../../src/hardware/vmx/vmcs';
import { halves, P, R, RW, US, W, whole, WB, X } from '../testMachine';

/** Tables as the manuals draw them, written out here so that tests do not lean on the formats under test. */
export interface Shape {
  /** Lowest address bit of each index, from the top level down. */
  readonly shifts: readonly bigint[];
  readonly indexMask: bigint;
  readonly entryBytes: bigint;
  /** An open entry that references a table: by depth from the top, else the last one. */
  readonly open: readonly bigint[];
}

const page = P | RW | US;
export const TABLES = {
  '32-bit': { shifts: [22n, 12n], indexMask: 0x3ffn, entryBytes: 4n, open: [page] },
  'pae': { shifts: [30n, 21n, 12n], indexMask: 0x1ffn, entryBytes: 8n, open: [P, page] },
  '4-level': { shifts: [39n, 30n, 21n, 12n], indexMask: 0x1ffn, entryBytes: 8n, open: [page] },
  '5-level': { shifts: [48n, 39n, 30n, 21n, 12n], indexMask: 0x1ffn, entryBytes: 8n, open: [page] },
  'ept4': { shifts: [39n, 30n, 21n, 12n], indexMask: 0x1ffn, entryBytes: 8n, open: [R | W | X] },
  'ept5': { shifts: [48n, 39n, 30n, 21n, 12n], indexMask: 0x1ffn, entryBytes: 8n, open: [R | W | X] },
} as const satisfies Record<string, Shape>;

export const PAGING = {
  '32-bit': { cr0: CR0.PE | CR0.PG | CR0.WP, cr4: CR4.PSE, efer: 0 },
  'pae': { cr0: CR0.PE | CR0.PG | CR0.WP, cr4: CR4.PAE, efer: EFER.NXE },
  '4-level': { cr0: CR0.PE | CR0.PG | CR0.WP, cr4: CR4.PAE, efer: EFER.LME | EFER.LMA | EFER.NXE },
  '5-level': { cr0: CR0.PE | CR0.PG | CR0.WP, cr4: CR4.PAE | CR4.LA57, efer: EFER.LME | EFER.LMA | EFER.NXE },
} as const;
export type Mode = keyof typeof PAGING;

export const ROOT = 0x10_0000n;
export const NESTED_ROOT = 0x200_0000n;
type Values<Name extends string> = Partial<Record<Name, number | bigint>>;

/** A processor and memory whose tables, of any mode, are written word by word. Addresses and values are bigints. */
export class TablesByHand {
  readonly registry = new Registry();
  readonly bus = new EventBus();
  readonly memory = new PhysicalMemory(this.registry, 2 ** 40);
  readonly processor: Processor;
  readonly events: { readonly kind: string; readonly json: Record<string, string | number> }[] = [];
  /** How often root mode was entered, and what it does. */
  exits = 0;
  onExit: () => number = () => RESUME.stopped;
  private readonly fresh = new Map<bigint, bigint>();

  constructor(settings: Partial<ProcessorSettings> = {}) {
    this.processor = new Processor(this.registry, this.memory, this.bus, 0, {
      vendor: 'intel', maxphyaddr: 46, tlbEntries: 64, tlbWays: 4, rewalkOnPermissionFault: 'off', ...settings,
    });
    this.processor.root = {
      handleExit: () => {
        this.exits++;
        return this.onExit();
      },
    };
  }

  /** Sets registers as a loader does: nothing is checked, and PDPTE registers stay as they are. */
  set(values: Values<RegisterName | 'cpl'>): this {
    for (const [name, value] of Object.entries(values)) this.setPair(this.processor.registers, 2 * REGISTER[name as RegisterName], value);
    this.processor.reload();
    return this;
  }

  /** The mode with its root at `cr3`; `more` on top of what the mode asks for. */
  enter(mode: Mode, cr3 = ROOT, more: Values<RegisterName | 'cpl'> = {}): this {
    this.set({ ...PAGING[mode], cr3, ...more });
    if (mode === 'pae') this.processor.loadPdptes();
    return this;
  }

  register(name: RegisterName): bigint {
    return whole(this.processor.registers[2 * REGISTER[name]]!, this.processor.registers[2 * REGISTER[name] + 1]!);
  }

  pdpte(index: number): bigint {
    const at = 2 * (REGISTER.pdpte0 + index);
    return whole(this.processor.registers[at]!, this.processor.registers[at + 1]!);
  }

  move(name: RegisterName, value: number | bigint): number {
    return this.processor.writeRegister(REGISTER[name], ...halves(unsigned(value)));
  }

  /** VMX non-root operation with EPT at NESTED_ROOT and the guest as the registers have it. */
  enterVmx(eptp: bigint, values: Values<VmcsFieldName> = {}): this {
    this.setVmcs({
      guest_cr0: this.register('cr0'), guest_cr3: this.register('cr3'), guest_cr4: this.register('cr4'),
      guest_ia32_efer: this.register('efer'), guest_rflags: RFLAGS.fixed, guest_ss_access_rights: this.processor.level << 5,
      primary_controls: PRIMARY.secondaryControls, secondary_controls: SECONDARY.enableEpt, eptp, ...values,
    });
    this.processor.enterVirtualization();
    return this;
  }

  /** A guest of SVM, as the registers have it, behind nested tables of the host's mode at NESTED_ROOT. */
  enterSvm(host: Mode, values: Values<VmcbFieldName> = {}): this {
    const { cr0, cr4, efer } = PAGING[host];
    const fields: Values<VmcbFieldName> = {
      asid: 1, nested_control: NESTED_CONTROL.enable, n_cr3: NESTED_ROOT, host_cr0: cr0, host_cr4: cr4, host_efer: efer,
      guest_cr0: this.register('cr0'), guest_cr3: this.register('cr3'), guest_cr4: this.register('cr4'),
      guest_efer: this.register('efer') | BigInt(EFER.SVME), guest_rflags: RFLAGS.fixed, guest_cpl: this.processor.level, ...values,
    };
    for (const [name, value] of Object.entries(fields)) this.setPair(this.processor.vmcb, VMCB[name as VmcbFieldName], value);
    intercept(this.processor.vmcb, SVM_EXIT.vmrun);
    this.processor.enterVirtualization();
    return this;
  }

  setVmcs(values: Values<VmcsFieldName>): void {
    for (const [name, value] of Object.entries(values)) this.setPair(this.processor.vmcs, VMCS[name as VmcsFieldName], value);
  }

  vmcs(name: VmcsFieldName): bigint {
    return whole(this.processor.vmcs[VMCS[name]]!, this.processor.vmcs[VMCS[name] + 1]!);
  }

  vmcb(name: VmcbFieldName): bigint {
    return whole(this.processor.vmcb[VMCB[name]]!, this.processor.vmcb[VMCB[name] + 1]!);
  }

  word(address: bigint, bytes = 8n): bigint {
    const [lo, hi] = halves(address);
    return whole(this.memory.load32(lo, hi), bytes === 8n ? this.memory.load32(lo + 4, hi) : 0);
  }

  put(address: bigint, value: bigint, bytes = 8n): void {
    const [lo, hi] = halves(address);
    const [valueLo, valueHi] = halves(value);
    this.memory.store32(lo, hi, valueLo);
    if (bytes === 8n) this.memory.store32(lo + 4, hi, valueHi);
  }

  /** Address of the entry for `address` at `depth` from the top (0); tables on the way are made, open. */
  entryAt(tables: Shape, root: bigint, address: bigint, depth: number): bigint {
    let table = root;
    for (let at = 0; ; at++) {
      const entry = table + ((address >> tables.shifts[at]!) & tables.indexMask) * tables.entryBytes;
      if (at === depth) return entry;
      if (this.word(entry, tables.entryBytes) === 0n) {
        const next = (this.fresh.get(root) ?? root & ~0xfffn) + 0x1000n;
        this.fresh.set(root, next);
        this.put(entry, next | tables.open[Math.min(at, tables.open.length - 1)]!, tables.entryBytes);
      }
      table = this.word(entry, tables.entryBytes) & 0xf_ffff_ffff_f000n;
    }
  }

  /** Writes the entry for `address` at `depth` (the last by default) and gives its address. */
  map(tables: Shape, root: bigint, address: bigint, entry: bigint, depth = tables.shifts.length - 1): bigint {
    const at = this.entryAt(tables, root, address, depth);
    this.put(at, entry, tables.entryBytes);
    return at;
  }

  /** The first 16 MBytes one to one in tables at NESTED_ROOT, by 4-KByte pages. */
  mapLowMemory(tables: Shape, leaf: bigint): void {
    for (let gpa = 0n; gpa < 0x100_0000n; gpa += 0x1000n) this.map(tables, NESTED_ROOT, gpa, gpa | leaf);
  }

  load(gva: bigint, size = 1): number {
    return this.processor.load(...halves(gva), size);
  }

  store(gva: bigint, value: bigint, size = 1): number {
    return this.processor.store(...halves(gva), size, ...halves(value));
  }

  fetch(gva: bigint): number {
    return this.processor.fetch(...halves(gva));
  }

  walk(gva: bigint, access: number): number {
    return this.processor.walkWithoutEffects(...halves(gva), access);
  }

  get hpa(): bigint {
    return whole(this.processor.performedLo, this.processor.performedHi);
  }

  /** Vector, error code and CR2 of the exception delivered last. */
  get fault(): readonly [vector: number, code: number, cr2: bigint] {
    const { vector, errorCode, cr2Lo, cr2Hi } = this.processor;
    return [vector, errorCode, whole(cr2Lo, cr2Hi)];
  }

  /** Records events from here on. */
  listen(): void {
    this.events.length = 0;
    this.bus.listen((record) => this.events.push({ kind: eventKinds[record[KIND_AT]!]!.name, json: eventJson(record) }), 'all');
  }

  private setPair(words: Int32Array, at: number, value: number | bigint): void {
    [words[at], words[at + 1]] = halves(unsigned(value));
  }
}

/** Masks with bit 31 come as negative numbers. */
function unsigned(value: number | bigint): bigint {
  return BigInt(value >= 0 ? value : Number(value) >>> 0);
}

export const EPT_LEAF = R | W | X | WB;
