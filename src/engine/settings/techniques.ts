import { Deprivileged } from '../../hypervisor/deprivileged/deprivileged';
import { Ept } from '../../hypervisor/ept/ept';
import { Interpret } from '../../hypervisor/interpret/interpret';
import { Native } from '../../hypervisor/native';
import { GuestHost, Level0 } from '../../hypervisor/nested/level1/guestHost';
import { Nested } from '../../hypervisor/nested/level1/nested';
import { NestingEpt } from '../../hypervisor/nested/nestingEpt';
import { Npt } from '../../hypervisor/npt/npt';
import { VMXON_FRAME } from '../../hypervisor/nested/vmcsRegions';
import { ShadowRebuild } from '../../hypervisor/shadowRebuild/shadowRebuild';
import { ShadowUnsync } from '../../hypervisor/shadowUnsync/shadowUnsync';
import { ShadowVtlb } from '../../hypervisor/shadowVtlb/shadowVtlb';
import { ShadowWp } from '../../hypervisor/shadowWp/shadowWp';
import type { Technique } from '../../hypervisor/technique';
import type { Processor } from '../../hardware/processor/processor';
import type { HostSettings, PhysicalMachine } from '../../hypervisor/physicalHost';
import type { VirtualMachine, VmParts } from '../../hypervisor/virtualMachine';

/** What L0 needs beside L1's memory: its tables, and 1 MByte that is nobody's. */
const LEVEL0_FRAMES = 4096;
/** Frames of L1's for each that L0's reverse maps and tables take beside. */
const FRAMES_OF_A_TABLE = 64;

/** Settings of the machine that a technique reads. */
export interface TechniqueSettings {
  readonly update: 'eager' | 'zap';
  readonly shadowPages: number;
  readonly prefetch: number;
  readonly previousRoots: number;
  readonly earlyUnshadow: 'on' | 'off';
  readonly dirtyLog: 'wp' | 'pml';
  readonly unrestrictedGuest: 'on' | 'off';
  readonly violationExceptions: 'on' | 'off';
}

/** Whose processor. */
export type Vendor = 'intel' | 'amd';

interface TechniqueRow {
  readonly name: string;
  readonly documentation: string;
  /** `machine` settings that only some techniques know: these are this one's. */
  readonly settings: readonly string[];
  /** Whose processors it needs; left out: either's. */
  readonly vendor?: Vendor;
}

/** Without a hypervisor: the guest's RAM is the machine's own memory, and nothing lies between. */
interface BareTechnique extends TechniqueRow {
  readonly ownsMachine: true;
  make(machine: PhysicalMachine, guest: VmParts): Technique;
}

/** A hypervisor's, for one VM; its host may have others. */
interface HostedTechnique extends TechniqueRow {
  readonly vendor: Vendor;
  readonly ownsMachine: false;
  /** Where its host is a guest itself: what is below. */
  readonly below?: {
    /** Frames of the machine for so many of that host. */
    framesFor(frames: number): number;
    makeHost(machine: PhysicalMachine, settings: HostSettings, processors: readonly Processor[]): GuestHost;
  };
  make(vm: VirtualMachine, settings: TechniqueSettings): Technique;
  /** The same for a guest that is a hypervisor itself; left out: its guests can be none. */
  makeNesting?(vm: VirtualMachine, settings: TechniqueSettings): NestingEpt;
}

export type RunningTechnique = BareTechnique | HostedTechnique;

/** The techniques that run: adding one is its folder in `hypervisor/` and its row here. */
export const runningTechniques: readonly RunningTechnique[] = [
  {
    name: 'native',
    documentation: 'No hypervisor: the guest has the machine to itself.',
    settings: [],
    ownsMachine: true,
    make: (machine, { processors, slots }) => new Native(machine.memory, machine.bus, processors, machine.maxphyaddr, slots, machine.registry),
  },
  {
    name: 'interpret',
    documentation: 'Interpretation: every access of the guest exits, and is emulated by a walk of its tables in software.',
    settings: ['dirty_log'],
    vendor: 'amd',
    ownsMachine: false,
    make: (vm) => new Interpret(vm),
  },
  {
    name: 'deprivileged',
    documentation: 'No mode for guests: the guest\'s kernel runs at CPL 3 too, under the hypervisor\'s IDT, on shadow tables as of shadow-wp.',
    settings: ['update', 'shadow_pages', 'dirty_log'],
    vendor: 'intel',
    ownsMachine: false,
    make: (vm, settings) => new Deprivileged(vm, settings),
  },
  {
    name: 'shadow-rebuild',
    documentation: 'Shadow paging that composes the whole shadow at each load of CR3, keeps it in step, and forgets it at the next.',
    settings: ['shadow_pages', 'dirty_log'],
    vendor: 'intel',
    ownsMachine: false,
    make: (vm, settings) => new ShadowRebuild(vm, settings),
  },
  {
    name: 'shadow-vtlb',
    documentation: 'Shadow paging as a virtual TLB: no table is protected; filled on faults, emptied by INVLPG and loads of CR3.',
    settings: ['shadow_pages', 'dirty_log'],
    vendor: 'intel',
    ownsMachine: false,
    make: (vm, settings) => new ShadowVtlb(vm, settings),
  },
  {
    name: 'shadow-wp',
    documentation: 'Shadow paging: cached shadow pages, guest page tables write-protected, each store to one trapped and emulated.',
    settings: ['update', 'shadow_pages', 'dirty_log'],
    vendor: 'intel',
    ownsMachine: false,
    make: (vm, settings) => new ShadowWp(vm, settings),
  },
  {
    name: 'shadow-unsync',
    documentation: 'Shadow paging as KVM does it: last-level tables may leave step with their shadow until INVLPG or a load of CR3.',
    settings: ['shadow_pages', 'prefetch', 'previous_roots', 'early_unshadow', 'dirty_log'],
    vendor: 'intel',
    ownsMachine: false,
    make: (vm, settings) => new ShadowUnsync(vm, settings),
  },
  {
    name: 'ept',
    documentation: 'Extended page tables: the processor translates guest-physical addresses by a second set of tables.',
    settings: ['shadow_pages', 'dirty_log', 'unrestricted_guest', 'ept_violation_ve'],
    vendor: 'intel',
    ownsMachine: false,
    make: (vm, settings) => new Ept(vm, settings),
    makeNesting: (vm, { shadowPages }) => new NestingEpt(vm, { shadowPages, vmxonFrame: VMXON_FRAME }),
  },
  {
    name: 'npt',
    documentation: 'Nested paging of AMD\'s SVM: as ept, by tables in the format of the host\'s own; what they refuse is a nested page fault.',
    settings: ['dirty_log'],
    vendor: 'amd',
    ownsMachine: false,
    make: (vm) => new Npt(vm),
  },
  {
    name: 'nested',
    documentation: 'EPT on EPT: the handlers of ept run as a hypervisor that is a guest itself, of another one below.',
    settings: ['dirty_log'],
    vendor: 'intel',
    ownsMachine: false,
    below: {
      framesFor: framesBelow,
      makeHost: (machine, settings, processors) => {
        const frames = framesBelow(settings.frames);
        return new GuestHost(machine, settings, new Level0(machine, processors, frames, settings.frames), frames);
      },
    },
    make: (vm, settings) => new Nested(vm, settings),
  },
];

/** Every technique the language knows by name, running yet or not. */
export const techniqueNames = [
  'native', 'interpret', 'deprivileged', 'shadow-rebuild', 'shadow-vtlb', 'shadow-wp', 'shadow-unsync', 'ept', 'npt', 'nested',
] as const;

function framesBelow(frames: number): number {
  return frames + Math.ceil(frames / FRAMES_OF_A_TABLE) + LEVEL0_FRAMES;
}

/** The technique of that name; `shadow` means `shadow-wp`. A sentence when it does not exist. */
export function findTechnique(name: string): RunningTechnique | string {
  const wanted = name === 'shadow' ? 'shadow-wp' : name;
  const found = runningTechniques.find((technique) => technique.name === wanted);
  if (found !== undefined) return found;
  return `there is no technique ${wanted}; choose one of ${runningTechniques.map((technique) => technique.name).join(', ')}`;
}
