import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { configure } from '../../src/engine/settings/configuration';
import { run, type RunReport, type TraceLine } from '../../src/engine/run/run';
import type { GuestLogLine } from '../../src/engine/run/guestLog';
import { COUNTER } from '../../src/hardware/state/counters';
import type { Motion, Stop } from '../../src/engine/debuggee';
import { RUN } from '../../src/engine/interpreter/runState';
import type { Timeline } from '../../src/engine/time/timeline';
import { compiled, fingerprint, launched } from './onMachine';

const TECHNIQUES = ['shadow-wp', 'ept'] as const;
const PARTS = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x604000 rw user }\n';

interface Ran {
  readonly report: RunReport;
  readonly said: readonly string[];
  readonly trace: readonly TraceLine[];
  readonly log: readonly GuestLogLine[];
}

function ran(text: string, mmu?: string): Ran {
  const said: string[] = [];
  const trace: TraceLine[] = [];
  const log: GuestLogLine[] = [];
  const report = run(compiled(text), mmu, { say: (line) => said.push(line.text), trace: (line) => trace.push(line), guestLog: (line) => log.push(line) });
  if ('error' in report) assert.fail(report.error);
  return { report, said, trace, log };
}

/** Two VMs of the same parts, with these lines on their CPU 0. */
const two = (alice: string, bob: string, more = ''): string => `vm alice {\n${PARTS}cpu 0 {\n${alice}\n}\n}\nvm bob {\n${PARTS}cpu 0 {\n${bob}\n}\n}\n${more}`;

describe('several VMs', () => {
  it('draw by chance each for itself: what one draws does not depend on the other, nor on who runs when', () => {
    const draws = (count: number): string => `switch(p)\nrepeat ${count} { x = random(1000000)\n print "WHO", x }`;
    const drawn = (schedule: string, alices: number): readonly string[] => (
      ran(`${schedule}\n${two(draws(alices).replace('WHO', 'alice'), draws(5).replace('WHO', 'bob'))}`, 'ept').said
    );
    const of = (said: readonly string[], who: string): readonly string[] => said.filter((line) => line.startsWith(who));
    const bobs = of(drawn('', 5), 'bob');
    assert.equal(new Set(bobs).size, 5);
    assert.notDeepEqual(of(drawn('', 5), 'alice').map((line) => line.slice(6)), bobs.map((line) => line.slice(4)), 'not the same numbers in both');
    for (const said of [drawn('schedule every 1', 5), drawn('', 0), drawn('schedule every 1', 9)]) assert.deepEqual(of(said, 'bob'), bobs);
    assert.notDeepEqual(of(drawn('schedule random 2', 5), 'bob'), bobs, 'the seed decides');
    assert.deepEqual(of(drawn('schedule random 2', 9), 'bob'), of(drawn('schedule random 2', 5), 'bob'));
  });

  for (const mmu of TECHNIQUES) {
    it(`${mmu}: have the same guest addresses, and memory apart`, () => {
      const text = two(
        'switch(p)\nuser [0x600000] = 0xa11ce\nbarrier written\nuser x = [0x600000]\nexpect x == 0xa11ce',
        'switch(p)\nuser [0x600000] = 0xb0b\nbarrier written\nuser x = [0x600000]\nexpect x == 0xb0b',
        `host thread watch {
  barrier written
  expect alice.p.gpa_of(0x600000) != alice.gpa:0
  expect bob.p.gpa_of(0x600000) != bob.gpa:0
  expect alice.p.hpa_of(0x600000) != bob.p.hpa_of(0x600000)
  expect [alice.p.gva:0x600000] == 0xa11ce
  expect [bob.p.gva:0x600000] == 0xb0b
}`,
      );
      const { report, said } = ran(text, mmu);
      assert.deepEqual([said, report.outcome], [[], { ok: true, passed: 7, failed: 0 }]);
    });

    it(`${mmu}: each CPU counts for itself, total.… for its VM, a host thread for all`, () => {
      const { report, said } = ran(two(
        'switch(p)\nuser [0x600000] = 1\nuser [0x601000] = 2\nexpect total.accesses == 2\nbarrier done',
        'switch(p)\nuser [0x600000] = 1\nexpect total.accesses == 1\nbarrier done',
        'host thread sum { barrier done\n expect total.accesses == 3 }',
      ), mmu);
      assert.deepEqual([said, report.outcome.ok], [[], true]);
      const [alice, bob] = report.vms.map(({ name, counters }) => [name, counters[COUNTER.accesses]]);
      assert.deepEqual([alice, bob, report.counters[COUNTER.accesses]], [['alice', 2], ['bob', 1], 3]);
    });

    it(`${mmu}: an IPI goes to the CPU of that number in the same VM`, () => {
      const vm = (name: string, sends: string): string => `vm ${name} {\n${PARTS}global taken = 0
on interrupt 0x40 { taken += 1\n wrmsr(0x80b, 0) }
cpu 0 {\n switch(p)\n ${sends}\n barrier sent\n barrier taken\n}
cpu 1 {\n switch(p)\n barrier sent\n x = taken\n expect x == ${sends === '' ? 0 : 1}\n expect rdmsr(0x802) == 1\n barrier taken\n}\n}`;
      const text = `${vm('alice', '')}\n${vm('bob', 'ipi(1, 0x40)')}`.replaceAll('expect rdmsr(0x802) == 1', 'id = rdmsr(0x802)\n expect id == 1');
      const { report, said } = ran(text, mmu);
      assert.deepEqual([said, report.outcome], [[], { ok: true, passed: 4, failed: 0 }]);
    });
  }

  it('run under a technique each, and expectations go by it', () => {
    const text = two(
      'switch(p)\nuser [0x600000] = 1\nexpect under shadow-wp: exits are exception_nmi\nexpect under ept: no exits',
      'switch(p)\nuser [0x600000] = 1\nexpect under ept: exits.exception_nmi == 0\nexpect under shadow-wp: no exits',
      'host thread both { expect under ept: 1 == 2\n expect under ept or shadow-wp: 1 == 1 }',
    ).replace('ram 16M }', 'ram 16M, mmu shadow-wp }').replace('ram 16M }', 'ram 16M, mmu ept }');
    const { report, said } = ran(text);
    assert.deepEqual([said, report.technique, report.outcome.passed], [[], 'shadow-wp, ept', 3]);
    assert.deepEqual(ran(text, 'ept').report.vms.map(({ technique }) => technique), ['ept', 'ept'], '--mmu is for every VM');
  });

  it('are told apart in trace and guest log, where CPUs are numbered as the guest numbers its own', () => {
    const { trace, log } = ran(two('switch(p)\nuser [0x600000] = 1', 'switch(p)\nuser [0x600000] = 2'), 'ept');
    const stores = trace.filter(({ kind }) => kind === 'access_done').map(({ cpu, vm, value }) => [cpu, vm, value]);
    assert.deepEqual(stores, [[0, 'alice', '0x1'], [1, 'bob', '0x2']]);
    assert.deepEqual(log.filter(({ op }) => op === 'store').map(({ cpu, vm, value }) => [cpu, vm, value]), [[0, 'alice', '0x1'], [0, 'bob', '0x2']]);
    assert.deepEqual([...new Set(log.filter(({ table }) => table !== undefined).map(({ vm }) => vm))], ['alice', 'bob']);
  });

  it('log the tables at a barrier of those VMs only whose CPUs meet there', () => {
    const text = two('switch(p)\nbarrier mine', 'switch(p)', 'host thread t { barrier mine }');
    const tables = ran(text, 'ept').log.filter(({ table }) => table === 'PML4E page').map(({ vm }) => vm);
    assert.equal(tables.filter((vm) => vm === 'alice').length, 2 * tables.filter((vm) => vm === 'bob').length);
  });

  it('log no table of a process that is another VM\'s', () => {
    const roots = (vm: string): readonly unknown[] => {
      const text = two('switch(p)', 'switch(p)').replace('process p {', 'process first { 0x900000 .. 0x901000 rw user }\nprocess p {');
      return ran(text, 'ept').log.filter((line) => line['table'] === 'PML4E page' && line['vm'] === vm).map(({ gpa }) => gpa);
    };
    assert.deepEqual(roots('alice'), ['0x100000', '0x101000'], 'two processes, one after the other');
    assert.deepEqual(roots('bob'), ['0x100000']);
  });

  it('may have a paging mode and a delivery each', () => {
    const text = two('switch(p)\nuser [0x600000] = 1\nexpect [0x600000] == 1', 'switch(p)\nint(0x80)\nuser [0x600000] = 2\nexpect [0x600000] == 2')
      .replace('paging 4-level', 'paging 32-bit').replace('paging 4-level, ram 16M', 'paging 4-level, ram 16M, delivery memory')
      .replace('vm bob {\n', 'vm bob {\non interrupt 0x80 { print "system call" }\n');
    const { report, said } = ran(text, 'ept');
    assert.deepEqual([said, report.outcome], [['system call'], { ok: true, passed: 2, failed: 0 }]);
  });

  it('are refused without a hypervisor, and where their RAM does not fit together', () => {
    const text = two('x = 1', 'x = 1');
    const errorOf = (program: string, mmu: string): string | undefined => {
      const configuration = configure(compiled(program), mmu);
      return 'error' in configuration ? configuration.error : undefined;
    };
    assert.match(errorOf(text, 'native') ?? '', /^a host of 2 virtual machines does not run under native; run it under .*shadow-wp or .*ept/);
    assert.equal(errorOf(`platform { ram 20M }\n${text}`, 'ept'), 'the guests together have more RAM (33554432 bytes) than the platform (20971520 bytes); give the platform more');
  });
});

describe('a VM that cannot go on', () => {
  /** Without a handler for #GP the guest's own is the double fault's, and the triple fault's. */
  const dies = 'switch(p)\nuser [0x600000] = 1\nuser cr0.WP = 0';

  for (const mmu of TECHNIQUES) {
    it(`${mmu}: leaves the others at work, and its end is told with line, CPU and cause`, () => {
      const { report, said } = ran(two(dies, 'switch(p)\nfor a in 0x600000 .. 0x604000 step 4K { user [a] = 7 }\nexpect [0x603000] == 7'), mmu);
      assert.deepEqual([said, report.outcome.ok, report.outcome.passed], [[], false, 1]);
      assert.match(report.outcome.message ?? '', /^test\.guest:7:\d+: alice cpu 0: triple fault: .*no handler for #GP/);
      assert.equal(report.vms[1]!.counters[COUNTER.accesses], 4);
    });

    it(`${mmu}: is waited for at no barrier, before or after`, () => {
      const one = ran(two(`${dies}\nbarrier never`, 'switch(p)\nbarrier never\nx = 1\nexpect x == 1', 'host thread h { barrier never }'), mmu);
      assert.deepEqual([one.said, one.report.outcome.passed], [[], 1]);
      const late = ran(two(`switch(p)\nbarrier start\n${dies}\nbarrier never`, 'switch(p)\nbarrier start\nbarrier never\nx = 1\nexpect x == 1').replace('barrier start\nbarrier never', 'barrier start\nfor i in 0 .. 3000 { x = i }\nbarrier never'), mmu);
      assert.deepEqual([late.said, late.report.outcome.passed], [[], 1]);
    });

    it(`${mmu}: ends all when it was meant to, and nobody is left to wait for it`, () => {
      const { report, said } = ran(two(`${dies}\nexpect stopped(triple_fault)`, 'switch(p)\nbarrier b\nx = 2\nexpect x == 2', 'host thread h { barrier b }'), mmu);
      assert.deepEqual([said, report.outcome], [[], { ok: true, passed: 2, failed: 0 }]);
    });
  }

  it('is one that overwrites its own tables: the other guest does not notice', () => {
    const { report, said } = ran(two(
      'switch(p)\nentry [direct(p.root) + 511 * 8] = 0\nentry [direct(p.root) + 273 * 8] = 0\ninvlpg(direct(p.root))\nx = [direct(p.root)]',
      'switch(p)\nuser [0x600000] = 1\nexpect [0x600000] == 1',
    ), 'ept');
    assert.deepEqual([said, report.outcome.ok, report.outcome.passed], [[], false, 1]);
    assert.match(report.outcome.message ?? '', /alice cpu 0: /);
  });

  it('may die in its boot: the next one boots, and counts from its own first line', () => {
    const text = two('x = 1', 'switch(p)\nuser [0x600000] = 1\nexpect total.accesses == 1')
      .replace('vm alice {\n', 'vm alice {\noverride procedure boot() { y = 0\n x = 1 / y }\n');
    const { report, said } = ran(text, 'ept');
    assert.deepEqual([said, report.outcome.passed], [[], 1]);
    assert.match(report.outcome.message ?? '', /alice cpu 0: division by zero/);
  });

  it('ends the run when it is the last one, and all of them are told', () => {
    const { report } = ran(two(dies, dies), 'ept');
    const lines = (report.outcome.message ?? '').split('\n');
    assert.deepEqual(lines.map((line) => /(\w+ cpu 0)/.exec(line)?.[1]), ['alice cpu 0', 'bob cpu 0']);
  });

  it('stands in a deadlock\'s sentence beside those who wait', () => {
    const { report } = ran(two(dies, 'switch(p)\nawait gone', ''
      ).replace('user cr0.WP = 0', 'user cr0.WP = 0\nrelease gone'), 'ept');
    assert.match(report.outcome.message ?? '', /alice cpu 0: triple fault/);
    assert.match(report.outcome.message ?? '', /deadlock: bob cpu 0 awaits gone/);
  });

  it('stops the debugger there; the next motion goes on with the others', () => {
    const timeline = launched(compiled(two(dies, 'switch(p)\nfor i in 0 .. 3000 { x = i }\nuser [0x600000] = 7\nexpect [0x600000] == 7')), 'ept');
    const stop = move(timeline, 'continue', 0);
    assert.ok(stop.kind === 'died');
    assert.deepEqual([stop.others, stop.cpu], ['go on', 0]);
    const [top] = timeline.frames(0);
    assert.ok(top !== undefined && 'statement' in top);
    assert.equal(timeline.program.statements[top.statement]!.range.line, 6, 'it stands at the statement that it died of');
    assert.equal(move(timeline, 'continue', 1).kind, 'ended');
    assert.deepEqual([timeline.result().ok, timeline.result().passed], [false, 1]);
  });
});

function move(timeline: Timeline, motion: Motion, cpu: number): Stop {
  timeline.start(motion, cpu);
  for (;;) {
    const stop = timeline.slice(() => true);
    if (stop !== undefined) return stop;
  }
}

describe('time travel with several VMs', function () {
  this.timeout(120_000);
  const text = two(
    'switch(p)\nuser [0x600000] = 1\nbarrier b\nuser [0x601000] = 2\nuser cr0.WP = 0',
    'switch(p)\nuser [0x602000] = 3\nbarrier b\nunmap(p, 0x602000)\nuser x = [0x600000]',
    'host thread h { barrier b }',
  ).replace('ram 16M }', 'ram 16M, mmu shadow-wp }').replace('ram 16M }', 'ram 16M, mmu ept }');
  const motions: readonly Motion[] = ['over', 'over', 'in', 'out', 'event', 'event', 'event-back', 'over-back', 'reverse-continue', 'continue'];

  for (const schedule of ['', 'schedule every 1', 'schedule random 3']) {
    it(`${schedule || 'schedule every 1000'}: any walk through time finds at a moment what a straight run finds there`, () => {
      fc.assert(fc.property(fc.array(fc.tuple(fc.constantFrom(...motions), fc.constantFrom(0, 1)), { minLength: 8, maxLength: 24 }), (walk) => {
        const program = compiled(`${schedule}\n${text}`);
        const timeline = launched(program, undefined);
        const seen = new Map<string, string>();
        for (const [motion, cpu] of walk) {
          move(timeline, motion, cpu);
          const { step, event } = timeline.moment();
          const at = `${step}/${event}`;
          const found = fingerprint(timeline);
          assert.equal(found, seen.get(at) ?? found, at);
          seen.set(at, found);
        }
        const straight = launched(program, undefined);
        const { interpreter } = straight.machine;
        while (interpreter.run.status === RUN.running) {
          const state = seen.get(`${interpreter.run.step}/0`);
          if (state !== undefined) assert.equal(fingerprint(straight), state, `step ${interpreter.run.step} differs from a straight run`);
          interpreter.step();
        }
      }), { numRuns: 12, seed: 4 });
    });
  }
});
