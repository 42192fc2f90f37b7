import fc from 'fast-check';
import { KernelModel, type Rights } from './kernelModel';

/** One thing that a random guest does. What it cannot do when its turn comes (map over a mapped page) is left out. */
export type KernelWork =
  | { readonly what: 'load' | 'unmap' | 'munmap' | 'pageOut'; readonly page: number }
  | { readonly what: 'store'; readonly page: number; readonly word: number }
  | { readonly what: 'map' | 'mmap' | 'protect'; readonly page: number; readonly rights: Rights }
  | { readonly what: 'switch' | 'fork' | 'exit'; readonly process: number };

const processes = ['p', 'q', 'r'] as const;
/** Two pages of one page table, and one that has its tables to itself. */
const addresses = [0x600000, 0x601000, 0x602000, 0x40000000, 0x40001000];

const page = fc.nat(addresses.length - 1);
const process = fc.nat(processes.length - 1);
const rights = fc.constantFrom<Rights>('ro', 'rw');

const work: fc.Arbitrary<KernelWork> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ what: fc.constant('store' as const), page, word: fc.integer({ min: 1, max: 0xffff }) }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom('load' as const, 'unmap' as const, 'munmap' as const, 'pageOut' as const), page }) },
  { weight: 3, arbitrary: fc.record({ what: fc.constantFrom('map' as const, 'mmap' as const, 'protect' as const), page, rights }) },
  { weight: 4, arbitrary: fc.record({ what: fc.constantFrom('switch' as const, 'fork' as const, 'exit' as const), process }) },
);

export const kernelWork: fc.Arbitrary<readonly KernelWork[]> = fc.array(work, { minLength: 5, maxLength: 25 });

/**
 * The scenario of some work: after each piece every page of the running process is looked at, and in the end those of all,
 * and must be what the model says: mapped or not, writable or not, and the word in it.
 */
export function scenarioOf(pieces: readonly KernelWork[]): string {
  const model = new KernelModel(processes.length, addresses);
  const [first, second, third, far] = addresses as [number, number, number, number];
  model.declare(0, first, 'rw', 'at boot');
  model.declare(0, second, 'ro', 'at boot');
  model.declare(0, third, 'rw', 'lazily');
  model.declare(0, far, 'rw', 'lazily');
  model.declare(1, first, 'rw', 'at boot');
  const lines = [
    `process p { ${range(first)} rw user, ${range(second)} ro user, ${range(third)} rw user lazy, ${range(far)} rw user lazy }`,
    `process q { ${range(first)} rw user }`,
    'process r { }',
    'cpu 0 {', 'x = 0', 'f = frame()', 'done = false', 'switch(p)',
  ];
  let running = 0;
  for (const piece of pieces) {
    const said = lines.length;
    running = write(piece, model, running, lines);
    if (lines.length > said) check(model, running, lines);
  }
  checkAll(model, lines);
  return [...lines, '}'].join('\n');
}

function range(address: number): string {
  return `${hex(address)} .. ${hex(address + 0x1000)}`;
}

function hex(value: number): string {
  return `0x${value.toString(16)}`;
}

/** Appends a piece of work of the process that runs. Gives the process that runs afterwards. */
function write(piece: KernelWork, model: KernelModel, running: number, lines: string[]): number {
  const name = processes[running]!;
  if ('page' in piece) {
    const address = addresses[piece.page]!;
    const at = hex(address);
    switch (piece.what) {
      case 'load': {
        const given = model.load(running, address);
        lines.push(`user x = [${at}]`, given === 'refused' ? 'expect refused' : `expect x == ${given}`);
        return running;
      }
      case 'store':
        lines.push(`user [${at}] = ${piece.word}`);
        if (model.store(running, address, piece.word) === 'refused') lines.push('expect refused');
        return running;
      case 'unmap':
        model.unmap(running, address);
        lines.push(`unmap(${name}, ${at})`);
        return running;
      case 'munmap':
        model.munmap(running, address);
        lines.push(`munmap(${name}, ${at}, 4K)`);
        return running;
      case 'pageOut':
        lines.push(`done = page_out(${name}, ${at})`, `expect done == ${model.pageOut(running, address)}`);
        return running;
      case 'protect':
        model.protect(running, address, piece.rights);
        lines.push(`protect(${name}, ${at}, ${piece.rights})`);
        return running;
      case 'mmap':
        // What was mapped there by hand would become the range's.
        if (model.page(running, address).area === undefined && model.page(running, address).mapped !== undefined) return running;
        lines.push(`done = mmap(${name}, ${at}, 4K, ${piece.rights})`, `expect done == ${model.mmap(running, address, piece.rights)}`);
        return running;
      case 'map': {
        const { area, mapped } = model.page(running, address);
        if (area !== undefined || mapped !== undefined) return running;
        model.map(running, address, piece.rights);
        lines.push('f = frame()', 'zero(f)', `map(${name}, ${at}, f, ${piece.rights})`);
        return running;
      }
    }
  }
  const other = processes[piece.process]!;
  switch (piece.what) {
    case 'switch':
      if (!model.alive[piece.process]) return running;
      lines.push(`switch(${other})`);
      return piece.process;
    case 'fork':
      if (piece.process === running || !model.isEmpty(piece.process)) return running;
      model.fork(running, piece.process);
      lines.push(`done = fork(${name}, ${other})`, 'expect done');
      return running;
    case 'exit': {
      const next = processes.findIndex((_, number) => number !== piece.process && model.alive[number]);
      if (!model.alive[piece.process] || next < 0) return running;
      model.exit(piece.process);
      lines.push(`exit(${other})`);
      if (piece.process !== running) return running;
      lines.push(`switch(${processes[next]!})`);
      return next;
    }
  }
}

/** Looks at what the running process has. No MOV to CR3 stands between, so that a flush that is missing shows. */
function check(model: KernelModel, running: number, lines: string[]): void {
  for (const address of addresses) {
    const { mapped } = model.page(running, address);
    const at = hex(address);
    lines.push(mapped === undefined
      ? `expect walk(${at}).fault`
      : `expect [${at}] == ${mapped.frame.word} and walk(${at}).writable == ${mapped.writable}`);
  }
}

function checkAll(model: KernelModel, lines: string[]): void {
  processes.forEach((name, number) => {
    if (!model.alive[number]) return;
    lines.push(`switch(${name})`);
    check(model, number, lines);
  });
}
