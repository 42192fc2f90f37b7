import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { run } from '../../src/engine/run/run';
import { configure } from '../../src/engine/settings/configuration';
import { RUN } from '../../src/engine/interpreter/runState';
import { runningTechniques } from '../../src/engine/settings/techniques';
import { COUNTER } from '../../src/hardware/state/counters';
import { compiled, scenarioText } from '../engine/onMachine';
import { machineFor } from './audit';
import { auditOwnership, sharedFrames } from './ownershipAudit';
import { guestPrograms } from './programs/guestOperation';
import { guestText } from './programs/guestText';

/** What one guest saw, and what it came to an end of. */
interface Seen {
  readonly lines: readonly string[];
  readonly died: string | undefined;
}

/** A scenario's text without the platform, which belongs to no VM. */
function guestParts(text: string): { readonly platform: string; readonly parts: string } {
  const lines = text.split('\n');
  return { platform: lines.filter((line) => line.startsWith('platform')).join('\n'), parts: lines.filter((line) => !line.startsWith('platform')).join('\n') };
}

/** Runs it, and tells what each VM's guest saw, by name. */
function seenByEach(text: string, mmu: string | undefined): ReadonlyMap<string, Seen> {
  const lines = new Map<string, string[]>();
  const program = compiled(text);
  const report = run(program, mmu, {
    guestLog: ({ vm = '', spurious, seq: _, ...rest }) => {
      if (spurious === true) return;
      const own = lines.get(String(vm)) ?? [];
      own.push(JSON.stringify(rest));
      lines.set(String(vm), own);
    },
  });
  if ('error' in report) assert.fail(report.error);
  const deaths = (report.outcome.message ?? '').split('\n');
  return new Map(report.vms.map(({ name }) => {
    const death = deaths.find((each) => each.includes(name === '' ? ': ' : `: ${name} cpu`));
    // Places are other lines of another text.
    return [name, { lines: lines.get(name) ?? [], died: death?.replace(/^[^ ]*: (\w+ cpu \d+: )?/, '') }];
  }));
}

/** The guests ask for nothing that the technique hides from them. */
function fits(text: string, mmu: string | undefined): boolean {
  return !('error' in configure(compiled(text), mmu));
}

const SCHEDULES = ['', 'schedule every 1', 'schedule random 11'] as const;
/** Every one with a host below the guest. */
const TECHNIQUES = [...runningTechniques.filter(({ ownsMachine }) => !ownsMachine).map(({ name }) => name), 'shadow-wp:update=zap'];
/** Those that are on one host with shadow-wp: a processor is one vendor's, and a host is a guest itself or is not. */
const BESIDE_SHADOW_WP = TECHNIQUES.filter((mmu) => mmu !== 'npt' && mmu !== 'interpret' && mmu !== 'nested');
/** What the host does to pages reaches deprivileged as it reaches shadow-wp. */
const MERGED = TECHNIQUES.filter((mmu) => mmu !== 'deprivileged');

describe('several VMs on one host', function () {
  this.timeout(240_000);

  it('give each guest the machine that it has alone: random guests side by side', () => {
    fc.assert(fc.property(
      guestPrograms, guestPrograms, fc.constantFrom(...SCHEDULES), fc.constantFrom(...TECHNIQUES),
      (first, second, schedule, mmu) => {
        const { platform, parts: alice } = guestParts(guestText(first));
        const { parts: bob } = guestParts(guestText(second));
        const text = `${schedule}\n${platform}\nvm alice {\n${alice}}\nvm bob {\n${bob}}\n`;
        fc.pre(fits(text, mmu));
        const together = seenByEach(text, mmu);
        assert.deepEqual(together.get('alice'), seenByEach(`${platform}\n${alice}`, mmu).get(''));
        assert.deepEqual(together.get('bob'), seenByEach(`${platform}\n${bob}`, mmu).get(''));
      },
    ), { numRuns: 20, seed: 20261122 });
  });

  it('keep each guest to frames of its own: random guests side by side, each under its technique', () => {
    fc.assert(fc.property(guestPrograms, guestPrograms, fc.constantFrom(...BESIDE_SHADOW_WP), (first, second, technique) => {
      const { platform, parts: alice } = guestParts(guestText(first));
      const { parts: bob } = guestParts(guestText(second).replace('ram 16M }', `ram 16M, mmu ${technique.split(':')[0]!} }`));
      const text = `schedule every 1\n${platform}\nvm alice {\n${alice}}\nvm bob {\n${bob}}\n`;
      fc.pre(fits(text, undefined));
      const machine = machineFor(compiled(text), undefined);
      const { interpreter, processors } = machine;
      for (let before = 0; interpreter.run.status === RUN.running;) {
        interpreter.step();
        const exits = processors.reduce((sum, { counters }) => sum + counters[COUNTER['exits.total']]!, 0);
        if (exits === before) continue;
        before = exits;
        assert.deepEqual(auditOwnership(machine), [], `after step ${interpreter.run.step}`);
      }
    }), { numRuns: 6, seed: 20261123 });
  });

  it('see nothing of each other through pages that the host merges, and write none that is shared', () => {
    let shared = 0;
    fc.assert(fc.property(guestPrograms, guestPrograms, fc.constantFrom('schedule every 7', 'schedule random 5'), fc.constantFrom(...MERGED), (first, second, schedule, mmu) => {
      const { platform, parts: alice } = guestParts(guestText(first));
      const { parts: bob } = guestParts(guestText(second));
      const text = `${schedule}\n${platform}\nvm alice {\n${alice}}\nvm bob {\n${bob}}\nhost thread ksm { repeat 6 { merge_all() } }\n`;
      fc.pre(fits(text, mmu));
      const together = seenByEach(text, mmu);
      assert.deepEqual(together.get('alice'), seenByEach(`${platform}\n${alice}`, mmu).get(''));
      assert.deepEqual(together.get('bob'), seenByEach(`${platform}\n${bob}`, mmu).get(''));
      const machine = machineFor(compiled(text), mmu);
      const { interpreter, processors } = machine;
      for (let before = 0; interpreter.run.status === RUN.running;) {
        interpreter.step();
        const exits = processors.reduce((sum, { counters }) => sum + counters[COUNTER['exits.total']]!, 0);
        if (exits === before || !interpreter.run.isCounting) continue;
        before = exits;
        shared = Math.max(shared, sharedFrames(machine));
        assert.deepEqual({ after: interpreter.run.step, under: mmu, found: auditOwnership(machine) }, { after: interpreter.run.step, under: mmu, found: [] });
      }
    }), { numRuns: 6, seed: 20261124 });
    assert.ok(shared > 1, 'pages were merged');
  });

  for (const mmu of ['shadow-wp', 'ept', 'nested'] as const) {
    it(`${mmu}: are not kept apart where the hypervisor maps all memory into its guests, which the audit finds`, () => {
      const machine = machineFor(compiled(scenarioText('leaky-ept')), mmu);
      const { interpreter } = machine;
      while (interpreter.run.status === RUN.running) interpreter.step();
      assert.equal(interpreter.run.failed, 0);
      const found = auditOwnership(machine);
      assert.ok(found.some((line) => /^spy may write hpa 0x[0-9a-f]+, a page of VM 1$/.test(line)), found.join('\n'));
      assert.deepEqual(found.filter((line) => line.startsWith('victim')), []);
    });
  }
});
