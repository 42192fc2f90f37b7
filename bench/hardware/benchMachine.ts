import { EventBus } from '../../src/hardware/events/eventBus';
import { PhysicalMemory } from '../../src/hardware/memory/physicalMemory';
import { CR0, CR4, EFER, RFLAGS } from '../../src/hardware/processor/controlRegisters';
import { Processor, type ProcessorSettings, RESUME, STATUS } from '../../src/hardware/processor/processor';
import { REGISTER } from '../../src/hardware/processor/registers';
import { Registry } from '../../src/hardware/state/registry';
import { NESTED_CONTROL, VMCB, type VmcbFieldName } from '../../src/hardware/svm/vmcb';
import { PRIMARY, SECONDARY, VMCS, type VmcsFieldName } from '../../src/hardware/vmx/vmcs';

/*
 * The machine of bench/kernel/kernel.asm, word for word: its tables lie where the kernel puts them and say the same.
 */
const FRAMES = 0x80_0000;
const TABLES = 0x100_0000;
const TEST_TABLES = 0x101_0000;
const NESTED = 0x200_0000;
const NESTED_LOW = 0x201_0000;
const NESTED_HIGH = 0x210_0000;
const PAGES = 262144;
/** The linear address of the region's first page. */
export const REGION = 0x4000_0000;

/** What translates guest-physical addresses. */
export type Behind = 'nothing' | 'EPT' | 'NPT';

export interface BenchMachineOptions {
  readonly behind: Behind;
  /** The region's pages are there; or every PTE of theirs is clear. */
  readonly pages?: 'present' | 'not present';
  readonly settings?: Partial<ProcessorSettings>;
}

export interface BenchMachine {
  readonly processor: Processor;
  readonly bus: EventBus;
  readonly memory: PhysicalMemory;
}

const CONTROLS = { cr0: CR0.PE | CR0.PG | CR0.WP | CR0.NE | CR0.ET, cr4: CR4.PAE, efer: EFER.LME | EFER.LMA | EFER.NXE } as const;

export function benchMachine({ behind, pages = 'present', settings }: BenchMachineOptions): BenchMachine {
  const registry = new Registry();
  const bus = new EventBus();
  const memory = new PhysicalMemory(registry, 2 ** 34);
  const processor = new Processor(registry, memory, bus, 0, {
    vendor: behind === 'NPT' ? 'amd' : 'intel', maxphyaddr: 46, tlbEntries: 64, tlbWays: 4, rewalkOnPermissionFault: 'off',
    ...settings,
  });
  processor.root = { handleExit: () => RESUME.stopped };
  for (let frame = 0; frame < 64; frame++) memory.store8(FRAMES + frame * 4096, 0, frame + 1);
  writeGuestTables(memory, behind, pages === 'present' ? 7 : 6);
  if (behind !== 'nothing') writeNestedTables(memory, behind === 'EPT' ? 0x37 : 7);
  enter(processor, behind);
  const right = pages === 'present' ? STATUS.done : STATUS.exception;
  // The kernel asks the same of itself: page 5 maps frame 5.
  if (processor.load(REGION + 5 * 4096, 0, 1) !== right || right === STATUS.done && processor.valueLo !== 6) {
    throw new Error('invariant: the machine of the bench does not map what it should');
  }
  return { processor, bus, memory };
}

function writeGuestTables(memory: PhysicalMemory, behind: Behind, leafFlags: number): void {
  put(memory, TABLES, (TABLES + 0x1000) | 7);
  put(memory, TABLES + 0x1000, (TABLES + 0x2000) | 7);
  put(memory, TABLES + 0x1008, (TABLES + 0x3000) | 7);
  for (let i = 0; i < 512; i++) {
    put(memory, TABLES + 0x2000 + i * 8, (i << 21) | 0x87);
    put(memory, TABLES + 0x3000 + i * 8, (TEST_TABLES + i * 4096) | 7);
  }
  for (let page = 0; page < PAGES; page++) {
    const frame = behind === 'nothing' ? FRAMES + (page & 63) * 4096 : page * 4096;
    put(memory, TEST_TABLES + page * 8, frame | leafFlags, behind === 'nothing' ? 0 : 1);
  }
}

function writeNestedTables(memory: PhysicalMemory, leafFlags: number): void {
  put(memory, NESTED, (NESTED + 0x1000) | 7);
  put(memory, NESTED + 0x1000, (NESTED + 0x2000) | 7);
  put(memory, NESTED + 0x1000 + 4 * 8, (NESTED + 0x3000) | 7);
  for (let i = 0; i < 32; i++) put(memory, NESTED + 0x2000 + i * 8, (NESTED_LOW + i * 4096) | 7);
  for (let page = 0; page < 32 * 512; page++) put(memory, NESTED_LOW + page * 8, (page * 4096) | leafFlags);
  for (let i = 0; i < 512; i++) put(memory, NESTED + 0x3000 + i * 8, (NESTED_HIGH + i * 4096) | 7);
  for (let page = 0; page < PAGES; page++) put(memory, NESTED_HIGH + page * 8, (FRAMES + (page & 63) * 4096) | leafFlags);
}

function enter(processor: Processor, behind: Behind): void {
  const { registers, vmcs, vmcb } = processor;
  for (const [name, value] of Object.entries({ ...CONTROLS, cr3: TABLES })) {
    registers[2 * REGISTER[name as keyof typeof REGISTER]] = value;
  }
  if (behind === 'EPT') {
    const fields: Partial<Record<VmcsFieldName, number>> = {
      guest_cr0: CONTROLS.cr0, guest_cr3: TABLES, guest_cr4: CONTROLS.cr4, guest_ia32_efer: CONTROLS.efer,
      guest_rflags: RFLAGS.fixed, primary_controls: PRIMARY.secondaryControls, secondary_controls: SECONDARY.enableEpt,
      eptp: NESTED | 0x1e,
    };
    for (const [name, value] of Object.entries(fields)) vmcs[VMCS[name as VmcsFieldName]] = value;
  }
  if (behind === 'NPT') {
    const fields: Partial<Record<VmcbFieldName, number>> = {
      intercept_misc2: 1, asid: 1, nested_control: NESTED_CONTROL.enable, n_cr3: NESTED,
      host_cr0: CONTROLS.cr0, host_cr4: CONTROLS.cr4, host_efer: CONTROLS.efer,
      guest_cr0: CONTROLS.cr0, guest_cr3: TABLES, guest_cr4: CONTROLS.cr4, guest_efer: CONTROLS.efer | EFER.SVME,
      guest_rflags: RFLAGS.fixed,
    };
    for (const [name, value] of Object.entries(fields)) vmcb[VMCB[name as VmcbFieldName]] = value;
  }
  if (behind === 'nothing') processor.reload();
  else processor.enterVirtualization();
}

function put(memory: PhysicalMemory, address: number, lo: number, hi = 0): void {
  memory.store32(address, 0, lo);
  memory.store32(address + 4, 0, hi);
}
