import fc from 'fast-check';

/**
 * A random guest of several vCPUs without a data race: what one vCPU writes and another reads or walks is ordered by a barrier.
 * Pages and frames come in groups. In each phase, between two barriers, a group belongs to one vCPU, or all may read it. Which
 * statements that gives, and which invalidations they need, `raceFreeText` says.
 */
export interface RaceFreeProgram {
  readonly mode: ModeName;
  readonly cpus: 2 | 3;
  readonly seed: number;
  /** SMEP, SMAP and protection keys are used. */
  readonly isRich: boolean;
  /** Pages of the shared table may be global. */
  readonly hasGlobals: boolean;
  /** Each process has a PCID of its own, where tables have four levels or five. */
  readonly hasPcids: boolean;
  readonly platform: PlatformDraw;
  readonly phases: readonly Phase[];
  /** Draws the settings of each technique. */
  readonly settings: number;
  /** One access that is held inside itself; most programs have none. */
  readonly hold: Hold | undefined;
}

export type ModeName = '32-bit' | 'pae' | '4-level' | '5-level';

export interface PlatformDraw {
  readonly tlb: '64 entries 4 ways' | '8 entries 2 ways';
  readonly walkCaches: 'on' | 'off';
  readonly rewalk: 'on' | 'off';
  readonly tags: 'on' | 'off';
  readonly backing: '4K' | '2M';
}

/**
 * A vCPU is held inside an access, at the end of its work in a phase, while another one has the host do what no guest can see, and
 * edits an entry of its own. Which event holds it, and whether one does, depends on the technique.
 */
export interface Hold {
  readonly phase: number;
  /** The vCPU that is held, and how far behind it the other one comes. */
  readonly cpu: number;
  readonly other: number;
  readonly access: Access;
  readonly event: HoldEvent;
  readonly acts: readonly { readonly action: HostAction; readonly frame: number }[];
  readonly edit: Edit;
  /** In which turn of the other's waiting the entry is edited; 0: not at all. */
  readonly turn: number;
}

export type HoldEvent = 'table_read' | 'table_read 2' | 'table_read 3' | 'walk_done' | 'tlb_fill' | 'ad_update' | 'access_done' | 'vm_exit' | 'vm_entry' | 'mmu_lock';

export interface Phase {
  /** One vCPU has everything, entries above the last level too, and the others wait; undefined: groups are dealt out. */
  readonly solo: number | undefined;
  /** By group: the vCPU (modulo their number and one more, for: all read). */
  readonly owners: readonly number[];
  /** By vCPU. */
  readonly work: readonly (readonly Operation[])[];
  /** By vCPU: how it forgets what others have changed in this phase. */
  readonly forget: readonly Forget[];
}

export type Forget = 'invlpg' | 'cr3' | 'pge' | 'ipi';

/** `slot`, `frame` and `bits` are numbers that the text takes modulo what there is to choose from. */
export type Operation =
  | { readonly kind: 'access'; readonly access: Access }
  | { readonly kind: 'edit'; readonly edit: Edit }
  | { readonly kind: 'upper'; readonly entry: number; readonly bits: number; readonly isRaise: boolean; readonly look: Look }
  | { readonly kind: 'fork' | 'split' }
  | { readonly kind: 'reload' | 'switch' }
  | { readonly kind: 'control'; readonly which: number; readonly value: number; readonly look: Look }
  | { readonly kind: 'invlpg'; readonly slot: number }
  | { readonly kind: 'host'; readonly action: HostAction; readonly frame: number };

export type HostAction = 'swap_out' | 'swap_in' | 'migrate_frame' | 'split' | 'collapse' | 'invalidate' | 'merge_all' | 'log on' | 'log off' | 'get log';

export interface Access {
  readonly by: 'user' | 'kernel';
  readonly what: 'load' | 'store' | 'fetch' | '^=' | '|=' | '+=';
  readonly size: 1 | 2 | 4 | 8;
  readonly slot: number;
  /** The page by the large page over all frames, and not by its own entry. */
  readonly isLarge: boolean;
  readonly offset: number;
  readonly value: number;
}

/** An access of a page before something and after it, or after it alone. */
export interface Look {
  readonly when: 'no' | 'after' | 'around';
  readonly by: Access['by'];
  readonly what: readonly ('load' | 'store' | 'fetch')[];
  readonly slot: number;
}

export interface Edit {
  readonly slot: number;
  readonly how: 'flip' | 'raise' | 'frame' | 'lazy' | 'write' | 'low dword' | 'byte' | 'straddle';
  readonly through: 'direct' | 'window' | 'self';
  readonly bits: number;
  readonly frame: number;
  readonly forget: Exclude<Forget, 'ipi'>;
  /** Of the page whose entry it is, whatever slot is drawn there. */
  readonly look: Look;
}

/** Pages that come again and again are more likely to be cached. */
const slot = fc.oneof(fc.nat(63), fc.constantFrom(0, 1, 2));

const look: fc.Arbitrary<Look> = fc.record({
  when: fc.constantFrom<Look['when'][]>('no', 'after', 'around'),
  by: fc.constantFrom<Access['by'][]>('user', 'kernel'),
  what: fc.constantFrom<Look['what'][]>(['load'], ['store'], ['store'], ['fetch'], ['store', 'fetch']),
  slot,
});

const access: fc.Arbitrary<Access> = fc.record({
  by: fc.constantFrom<Access['by'][]>('user', 'user', 'kernel'),
  what: fc.constantFrom<Access['what'][]>('load', 'load', 'load', 'store', 'store', 'store', '^=', '|=', '+=', 'fetch'),
  size: fc.constantFrom<Access['size'][]>(8, 4, 2, 1),
  slot,
  isLarge: fc.constantFrom(false, false, false, false, true),
  offset: fc.constantFrom(0, 0, 8, 4, 2, 1, 0x10, 0xff8, 0xffc, 0xffe, 0xfff),
  value: fc.nat(0xffff),
});

const edit: fc.Arbitrary<Edit> = fc.record({
  slot,
  how: fc.constantFrom<Edit['how'][]>('flip', 'flip', 'flip', 'flip', 'raise', 'raise', 'frame', 'frame', 'frame', 'lazy', 'write', 'low dword', 'byte', 'straddle'),
  through: fc.constantFrom<Edit['through'][]>('direct', 'direct', 'direct', 'window', 'self'),
  bits: fc.nat(0xffff),
  frame: fc.nat(63),
  forget: fc.constantFrom<Edit['forget'][]>('invlpg', 'invlpg', 'invlpg', 'cr3', 'pge'),
  look,
});

const host: fc.Arbitrary<{ readonly action: HostAction; readonly frame: number }> = fc.record({
  action: fc.constantFrom<HostAction[]>('swap_out', 'swap_out', 'swap_in', 'migrate_frame', 'split', 'collapse', 'invalidate', 'merge_all', 'log on', 'log off', 'get log'),
  frame: fc.nat(63),
});

const control: fc.Arbitrary<Operation> = fc.record({ which: fc.nat(63), value: fc.nat(15), look }).map((of): Operation => ({ kind: 'control', ...of }));

const operation: fc.Arbitrary<Operation> = fc.oneof(
  { weight: 12, arbitrary: access.map((of): Operation => ({ kind: 'access', access: of })) },
  { weight: 6, arbitrary: edit.map((of): Operation => ({ kind: 'edit', edit: of })) },
  { weight: 2, arbitrary: control },
  { weight: 2, arbitrary: fc.constantFrom<Operation[]>({ kind: 'switch' }, { kind: 'switch' }, { kind: 'reload' }) },
  { weight: 2, arbitrary: fc.record({ entry: fc.nat(63), bits: fc.nat(0xff), isRaise: fc.boolean(), look }).map((of): Operation => ({ kind: 'upper', ...of })) },
  { weight: 1, arbitrary: fc.constantFrom<Operation[]>({ kind: 'fork' }, { kind: 'split' }) },
  { weight: 1, arbitrary: fc.nat(63).map((slot): Operation => ({ kind: 'invlpg', slot })) },
  { weight: 2, arbitrary: host.map((of): Operation => ({ kind: 'host', ...of })) },
);

const phase: fc.Arbitrary<Phase> = fc.record({
  solo: fc.constantFrom(undefined, 0, 1, undefined),
  owners: fc.array(fc.nat(3), { minLength: 3, maxLength: 3 }),
  work: fc.array(fc.array(operation, { minLength: 1, maxLength: 8 }), { minLength: 3, maxLength: 3 }),
  forget: fc.array(fc.constantFrom<Forget[]>('invlpg', 'invlpg', 'cr3', 'pge', 'ipi'), { minLength: 3, maxLength: 3 }),
});

const hold: fc.Arbitrary<Hold> = fc.record({
  phase: fc.nat(3),
  cpu: fc.nat(2),
  other: fc.nat(1),
  access,
  event: fc.constantFrom<HoldEvent[]>(
    'table_read', 'table_read 2', 'table_read 3', 'walk_done', 'tlb_fill', 'ad_update', 'access_done', 'vm_exit', 'vm_entry', 'mmu_lock', 'mmu_lock', 'mmu_lock',
  ),
  acts: fc.array(host, { minLength: 1, maxLength: 2 }),
  edit,
  turn: fc.nat(2),
});

export const raceFreePrograms: fc.Arbitrary<RaceFreeProgram> = fc.record({
  mode: fc.constantFrom<ModeName[]>('4-level', '4-level', '4-level', 'pae', '32-bit', '5-level'),
  cpus: fc.constantFrom<RaceFreeProgram['cpus'][]>(2, 2, 2, 3),
  seed: fc.nat(99),
  isRich: fc.boolean(),
  hasGlobals: fc.constantFrom(false, false, true),
  hasPcids: fc.constantFrom(false, false, false, true),
  platform: fc.record({
    tlb: fc.constantFrom<PlatformDraw['tlb'][]>('64 entries 4 ways', '8 entries 2 ways'),
    walkCaches: fc.constantFrom('off', 'on'),
    rewalk: fc.constantFrom('off', 'on'),
    tags: fc.constantFrom('on', 'off'),
    backing: fc.constantFrom<PlatformDraw['backing'][]>('4K', '4K', '2M'),
  }),
  phases: fc.array(phase, { minLength: 1, maxLength: 4 }),
  settings: fc.nat(0xffff),
  hold: fc.oneof({ weight: 22, arbitrary: fc.constant(undefined) }, { weight: 1, arbitrary: hold }),
});
