import fc from 'fast-check';
import { KernelModel, type Rights } from './kernelModel';

/** What one CPU does in a round. Pages are those of the process that it runs. */
export type CpuWork =
  | { readonly what: 'load' | 'munmap' | 'pageOut'; readonly page: number }
  | { readonly what: 'store'; readonly page: number; readonly word: number }
  | { readonly what: 'mmap' | 'protect'; readonly page: number; readonly rights: Rights }
  | { readonly what: 'switch' | 'fork' | 'exit'; readonly process: number }
  | { readonly what: 'pcids' };

/** Whether PCIDs may be used: outside of IA-32e mode there are none. */
export type Pcids = 'with PCIDs' | 'without PCIDs';

const processes = ['p', 'q', 'r', 's'] as const;
const CPUS = 3;
/** Page i is CPU i % CPUS's to change: so what the CPUs do in one round comes to the same in any order. */
const addresses = [0x600000, 0x601000, 0x602000, 0x40000000, 0x40001000, 0x40002000];
/** A CPU that runs no process: the one it ran has exited. */
const NOBODY = -1;

const page = fc.nat(addresses.length / CPUS - 1);
const process = fc.nat(processes.length - 1);
const rights = fc.constantFrom<Rights>('ro', 'rw');

const work: fc.Arbitrary<CpuWork> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ what: fc.constant('store' as const), page, word: fc.integer({ min: 1, max: 0xffff }) }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constantFrom('load' as const, 'munmap' as const, 'pageOut' as const), page }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constantFrom('mmap' as const, 'protect' as const), page, rights }) },
  { weight: 5, arbitrary: fc.record({ what: fc.constantFrom('switch' as const, 'fork' as const, 'exit' as const), process }) },
  { weight: 1, arbitrary: fc.constant({ what: 'pcids' as const }) },
);

export type Rounds = readonly (readonly CpuWork[])[];

/** Each CPU does something, or all do the same and so stand in each other's way. */
const round: fc.Arbitrary<readonly CpuWork[]> = fc.oneof(
  fc.array(work, { minLength: CPUS, maxLength: CPUS }), work.map((piece) => Array.from({ length: CPUS }, () => piece)),
);

export const rounds: fc.Arbitrary<Rounds> = fc.array(round, { minLength: 2, maxLength: 8 });

/** What is being written: the model, and by CPU its lines and the process that it runs. */
interface Writing {
  readonly model: KernelModel;
  readonly lines: string[][];
  readonly running: number[];
  hasPcids: boolean;
}

/**
 * A scenario in which several CPUs work at once, round by round. Behind each round every CPU loads every page of the process
 * that it runs, with no MOV to CR3 before it: what its TLB holds too long, or what another CPU's work has lost, shows.
 */
export function scenarioOfRounds(given: Rounds, seed: number, pcids: Pcids): string {
  const writing: Writing = {
    model: new KernelModel(processes.length, addresses), hasPcids: pcids === 'without PCIDs',
    lines: Array.from({ length: CPUS }, () => ['x = 0', 'done = false', 'switch(p)']), running: Array.from({ length: CPUS }, () => 0),
  };
  addresses.slice(0, CPUS).forEach((address) => writing.model.declare(0, address, 'rw', 'at boot'));
  writing.model.declare(1, addresses[0]!, 'rw', 'lazily');
  look(writing, 'start');
  given.forEach((round, number) => {
    // The work that is about whole processes goes first, and alone keeps others from what would depend on the order.
    const isAlone = round.findIndex((piece) => 'process' in piece && piece.what !== 'switch' || piece.what === 'pcids');
    const order = round.map((_, cpu) => cpu).sort((a, b) => Number(b === isAlone) - Number(a === isAlone));
    let kept: readonly number[] = [];
    for (const cpu of order) kept = [...kept, ...write(round[cpu]!, cpu, writing, kept)];
    look(writing, `${number}`);
  });
  const declared = [
    `schedule random ${seed}`,
    `process p { ${range(0, CPUS)} rw user }`, `process q { ${range(0, 1)} rw user lazy }`, 'process r { }', 'process s { }',
  ];
  return [...declared, ...writing.lines.flatMap((lines, cpu) => [`cpu ${cpu} {`, ...lines, '}'])].join('\n');
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** A range of some pages that lie side by side. */
function range(first: number, pages: number): string {
  return `${hex(addresses[first]!)} .. ${hex(addresses[first]! + 0x1000 * pages)}`;
}

/**
 * Appends a piece of work to the CPU's lines. `kept`: processes that nobody else may change or switch to in this round. Gives
 * those that this piece adds.
 */
function write(piece: CpuWork, cpu: number, writing: Writing, kept: readonly number[]): readonly number[] {
  const { model, running } = writing;
  const lines = writing.lines[cpu]!;
  const at = running[cpu]!;
  if (piece.what === 'pcids') {
    if (!writing.hasPcids) lines.push('use_pcids()');
    writing.hasPcids = true;
    return [];
  }
  if ('process' in piece) return writeOfProcess(piece.what, piece.process, cpu, writing, kept);
  if (at === NOBODY || (kept.includes(at) && piece.what !== 'load')) return [];
  const address = addresses[piece.page * CPUS + cpu]!;
  const name = processes[at]!;
  switch (piece.what) {
    case 'load': {
      const found = model.load(at, address);
      lines.push(`user x = [${hex(address)}]`, found === 'refused' ? 'expect refused' : `expect x == ${found}`);
      return [];
    }
    case 'store':
      lines.push(`user [${hex(address)}] = ${piece.word}`);
      if (model.store(at, address, piece.word) === 'refused') lines.push('expect refused');
      return [];
    case 'munmap':
      model.munmap(at, address);
      lines.push(`munmap(${name}, ${hex(address)}, 4K)`);
      return [];
    case 'pageOut':
      lines.push(`done = page_out(${name}, ${hex(address)})`, `expect done == ${model.pageOut(at, address)}`);
      return [];
    case 'protect':
      model.protect(at, address, piece.rights);
      lines.push(`protect(${name}, ${hex(address)}, ${piece.rights})`);
      return [];
    case 'mmap':
      lines.push(`done = mmap(${name}, ${hex(address)}, 4K, ${piece.rights})`, `expect done == ${model.mmap(at, address, piece.rights)}`);
      return [];
  }
}

function writeOfProcess(
  what: 'switch' | 'fork' | 'exit', process: number, cpu: number, { model, lines, running }: Writing, kept: readonly number[],
): readonly number[] {
  const at = running[cpu]!;
  const name = processes[process]!;
  if (kept.includes(process) || !model.alive[process] && what !== 'fork') return [];
  switch (what) {
    case 'switch':
      lines[cpu]!.push(`switch(${name})`);
      running[cpu] = process;
      return [];
    case 'fork':
      if (kept.length > 0 || at === NOBODY || process === at || running.includes(process) || !model.isEmpty(process)) return [];
      model.fork(at, process);
      lines[cpu]!.push(`done = fork(${processes[at]!}, ${name})`, 'expect done');
      return [at, process];
    case 'exit':
      if (kept.length > 0 || !model.alive.some((isAlive, other) => isAlive && other !== process)) return [];
      model.exit(process);
      lines[cpu]!.push(`exit(${name})`);
      running.forEach((runs, other) => { if (runs === process) running[other] = NOBODY; });
      return [process];
  }
}

function look({ model, lines, running }: Writing, name: string): void {
  lines.forEach((of, cpu) => {
    of.push(`barrier done_${name}`);
    for (const address of addresses) {
      const found = running[cpu] === NOBODY ? 'refused' : model.load(running[cpu]!, address);
      of.push(`user x = [${hex(address)}]`, found === 'refused' ? 'expect refused' : `expect x == ${found}`);
    }
    of.push(`barrier seen_${name}`);
  });
}
