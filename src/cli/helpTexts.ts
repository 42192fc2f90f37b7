/** What stands below the options in each command's `--help`: examples, then what its exit statuses mean. */
interface HelpText {
  readonly examples: readonly string[];
  readonly statuses: readonly (readonly [number, string])[];
}

const UNUSABLE = 'the arguments are off, or a file cannot be read';
const INTERRUPTED = 'stopped by Ctrl-C, after the counts so far';

const helpTexts: Readonly<Record<string, HelpText>> = {
  pagewalk: {
    examples: [
      'pagewalk run scenarios/first-touch.guest',
      'pagewalk run scenarios --reporter spec',
      'pagewalk compare scenarios/page-table-write.guest',
      'pagewalk trace scenarios/first-touch.guest --actor vmm',
      'pagewalk check scenarios',
      'pagewalk dap --port 4711',
    ],
    statuses: [
      [0, 'all is well'],
      [1, 'an expectation or a vector failed, the guest died, a check found errors'],
      [2, 'the arguments are off, a file cannot be read, a scenario does not compile, or the technique does not fit it'],
      [130, INTERRUPTED],
    ],
  },
  run: {
    examples: [
      'pagewalk run scenarios/first-touch.guest',
      'pagewalk run scenarios --mmu ept --json',
      'pagewalk run course/ --reporter junit > results.xml',
      'pagewalk run scenarios/page-table-write.guest --mmu shadow-wp:update=zap --trace events.jsonl',
    ],
    statuses: [
      [0, 'every scenario came to its end, and every expectation held'],
      [1, 'an expectation failed, or a guest died'],
      [2, 'a scenario does not compile, the technique does not fit it, or the arguments are off'],
      [130, INTERRUPTED],
    ],
  },
  compare: {
    examples: [
      'pagewalk compare scenarios/first-touch.guest',
      'pagewalk compare scenarios/page-table-write.guest --mmu shadow-wp:update=eager --mmu shadow-wp:update=zap --mmu ept',
      'pagewalk compare sweep.guest --sweep n=1..4096:x2 --svg n.svg',
      'pagewalk compare scenarios/first-touch.guest --costs nehalem:walk_reference=200',
    ],
    statuses: [
      [0, 'every run came to its end, and every expectation held'],
      [1, 'under some technique an expectation failed, or the guest died'],
      [2, 'the scenario does not compile, no technique fits it, or the arguments are off'],
      [130, INTERRUPTED],
    ],
  },
  conform: {
    examples: ['pagewalk conform vectors.jsonl', 'pagewalk conform vectors.jsonl.gz --json'],
    statuses: [[0, 'every vector passed or was skipped'], [1, 'a vector failed'], [2, UNUSABLE], [130, INTERRUPTED]],
  },
  check: {
    examples: ['pagewalk check scenarios', 'pagewalk check first.guest --json', 'pagewalk check - < first.guest'],
    statuses: [[0, 'no error'], [1, 'an error, or with --warnings fail a warning'], [2, UNUSABLE]],
  },
  format: {
    examples: ['pagewalk format scenarios', 'pagewalk format --check scenarios', 'pagewalk format - < first.guest'],
    statuses: [[0, 'all is laid out'], [1, 'with --check: a file is not'], [2, `${UNUSABLE}, written or parsed`]],
  },
  trace: {
    examples: [
      'pagewalk trace scenarios/first-touch.guest --mmu ept --kind vm_exit,ept_violation',
      'pagewalk trace scenarios/first-touch.guest --where "event.kind == entry_written and event.level == 1"',
      'pagewalk trace scenarios/first-touch.guest --count',
      'pagewalk trace events.jsonl --actor walker --limit 20',
    ],
    statuses: [[0, 'the run came to its end or to the limit'], [1, 'an expectation failed, or the guest died'], [2, `${UNUSABLE}, or it does not compile`], [130, INTERRUPTED]],
  },
  dap: {
    examples: ['pagewalk dap', 'pagewalk dap --port 4711'],
    statuses: [[0, 'the client has left'], [2, 'the port cannot be used']],
  },
  lsp: {
    examples: ['pagewalk lsp'],
    statuses: [[0, 'the client has left']],
  },
};

export function helpAfter(command: string): string {
  const text = helpTexts[command];
  if (text === undefined) throw new Error(`invariant: the command ${command} has no examples`);
  const statuses = text.statuses.map(([status, meaning]) => `  ${String(status).padEnd(3)}  ${meaning}`);
  return `\nExamples:\n${text.examples.map((line) => `  ${line}`).join('\n')}\n\nExit status:\n${statuses.join('\n')}`;
}
