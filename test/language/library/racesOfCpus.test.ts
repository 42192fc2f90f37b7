import { strict as assert } from 'node:assert';
import { run } from '../../../src/engine/run/run';
import { compiled } from '../../engine/onMachine';
import { inMode } from './onEveryMachine';

const CPUS = [0, 1, 2];
const SEEDS = [1, 2, 3, 4, 5];

/** What three CPUs do at the same time. */
interface Race {
  readonly claim: string;
  /** Declarations. */
  readonly given: string;
  /** The lines of a CPU. */
  readonly does: (cpu: number) => string;
}

const page = (from: number, cpu: number): string => `0x${(from + 0x1000 * cpu).toString(16)}`;

const races: readonly Race[] = [
  {
    claim: 'mmap forgets nobody\'s range',
    given: 'process p { }',
    does: (cpu) => `switch(p)
  barrier ready
  done = mmap(p, ${page(0x600000, cpu)}, 4K, rw)
  user [${page(0x600000, cpu)}] = ${cpu + 1}
  expect done and [${page(0x600000, cpu)}] == ${cpu + 1}`,
  },
  {
    claim: 'protect cuts a range for each page, and leaves the others',
    given: 'process p { 0x600000 .. 0x609000 rw user lazy }',
    does: (cpu) => `switch(p)
  barrier ready
  protect(p, ${page(0x601000, 3 * cpu)}, ro)
  barrier cut
  user { [${page(0x600000, 3 * cpu)}] = 1; [${page(0x602000, 3 * cpu)}] = 2 }
  user [${page(0x601000, 3 * cpu)}] = 3
  expect page_fault(user, write) at ${page(0x601000, 3 * cpu)}
  expect refused`,
  },
  {
    claim: 'munmap cuts a range for each page, and mmap fills the hole',
    given: 'process p { 0x600000 .. 0x609000 rw user lazy }',
    does: (cpu) => `switch(p)
  barrier ready
  munmap(p, ${page(0x601000, 3 * cpu)}, 4K)
  barrier cut
  user { [${page(0x600000, 3 * cpu)}] = 1; [${page(0x602000, 3 * cpu)}] = 2 }
  user [${page(0x601000, 3 * cpu)}] = 3
  expect page_fault(user, write) at ${page(0x601000, 3 * cpu)}
  expect refused
  done = mmap(p, ${page(0x601000, 3 * cpu)}, 4K, rw)
  expect done
  user [${page(0x601000, 3 * cpu)}] = 4
  expect [${page(0x600000, 3 * cpu)}] == 1 and [${page(0x601000, 3 * cpu)}] == 4 and [${page(0x602000, 3 * cpu)}] == 2`,
  },
  {
    claim: 'unmap cuts a range for each page',
    given: 'process p { 0x600000 .. 0x609000 rw user lazy }',
    does: (cpu) => `switch(p)
  barrier ready
  unmap(p, ${page(0x601000, 3 * cpu)})
  barrier cut
  user { [${page(0x600000, 3 * cpu)}] = 1; [${page(0x602000, 3 * cpu)}] = 2 }
  user [${page(0x601000, 3 * cpu)}] = 3
  expect refused`,
  },
  {
    claim: 'map makes a paging structure once',
    given: 'process p { }',
    does: (cpu) => `switch(p)
  f = frame()
  barrier ready
  map(p, ${page(0x40000000, cpu)}, f, rw)
  user [${page(0x40000000, cpu)}] = ${cpu + 1}
  barrier mapped
  expect [0x40000000] == 1 and [0x40001000] == 2 and [0x40002000] == 3`,
  },
  {
    claim: 'frame gives each frame to one, also those that came back',
    given: 'process p { }',
    does: (cpu) => `barrier ready
  repeat 8 {
    f = frame()
    g = frame()
    free(f)
    free(g)
  }
  f = frame()
  g = frame()
  [direct(f)] = ${cpu + 1}
  [direct(g)] = ${cpu + 11}
  barrier given
  x = [direct(f)]
  y = [direct(g)]
  expect x == ${cpu + 1} and y == ${cpu + 11}`,
  },
  {
    claim: 'exit gives each place in the swap back once',
    given: CPUS.map((cpu) => `process p${cpu} { 0x600000 .. 0x608000 rw user }\nprocess q${cpu} { 0x600000 .. 0x608000 rw user }`).join('\n'),
    does: (cpu) => `switch(q${cpu})
  for a in 0x600000 .. 0x608000 step 4K {
    user [a] = a + ${cpu}
    done = page_out(p${cpu}, a)
  }
  barrier ready
  exit(p${cpu})
  barrier over
  expect swapped_pages == 0
  barrier looked
  for a in 0x600000 .. 0x608000 step 4K { done = page_out(q${cpu}, a) }
  barrier out
  for a in 0x600000 .. 0x608000 step 4K {
    user x = [a]
    expect x == a - gva:0 + ${cpu}
  }`,
  },
  {
    claim: 'processes that end and are forked again keep their pages apart',
    given: CPUS.map((cpu) => `process p${cpu} { 0x600000 .. 0x602000 rw user }\nprocess c${cpu} { }`).join('\n'),
    does: (cpu) => `switch(p${cpu})
  barrier ready
  repeat 2 {
    user { [0x600000] = ${cpu + 1}; [0x601000] = ${cpu + 11} }
    done = fork(p${cpu}, c${cpu})
    expect done
    user [0x600000] = ${cpu + 21}
    switch(c${cpu})
    user { x = [0x600000]; y = [0x601000]; [0x601000] = 7 }
    expect x == ${cpu + 1} and y == ${cpu + 11}
    exit(c${cpu})
    switch(p${cpu})
    user { x = [0x600000]; y = [0x601000] }
    expect x == ${cpu + 21} and y == ${cpu + 11}
  }`,
  },
];

describe('three CPUs in the kernel library at once', () => {
  for (const { claim, given, does } of races) {
    it(claim, () => {
      for (const seed of SEEDS) {
        const cpus = CPUS.map((cpu) => `cpu ${cpu} {\n  done = 0\n  ${does(cpu)}\n}`).join('\n');
        const said: string[] = [];
        const report = run(compiled(inMode('4-level', `schedule random ${seed}\n${given}\n${cpus}`)), 'native', {
          say: (line) => said.push(`line ${line.line}: ${line.text}`),
        });
        if ('error' in report) assert.fail(report.error);
        const { message, ok } = report.outcome;
        assert.deepEqual({ message, said, ok }, { message: undefined, said: [], ok: true }, `schedule random ${seed}`);
      }
    });
  }
});
