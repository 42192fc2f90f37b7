import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { configure } from '../../src/engine/settings/configuration';
import { catalog } from '../../src/engine/settings/catalog';
import { hostActionPerformers } from '../../src/engine/host/hostActions';
import { tableSets } from '../../src/inspect/tableSet';
import { translation } from '../../src/inspect/translation';
import { USE } from '../../src/hypervisor/host/hostFrames';
import { compileScenario } from '../../src/language/compile';
import { hostActionRows } from '../../src/language/hostActions';
import { compiled, scenarioText } from '../engine/onMachine';
import { machineFor, runAudited } from './audit';
import { watchListings } from './listingWatch';
import { auditOwnership } from './ownershipAudit';
import { seenByGuest } from './programs/agreement';
import { changing } from './programs/slotPrograms';

const hosted = ['shadow-wp', 'shadow-unsync', 'ept'] as const;
const direct = (text: string): string => text.replace(/^machine/m, 'platform { backing direct }\nmachine');
/** Arguments that each host action takes. */
const calls: Readonly<Record<string, string>> = {
  merge: '(0x600000, 0x601000)', merge_all: '()', balloon: '(gpa:8M, 4K)', invalidate: '(gpa:8M, 4K)',
};

describe('platform { backing direct }', function () {
  this.timeout(120_000);

  for (const name of ['first-touch', 'fork', 'rom']) {
    it(`leaves every count of ${name} as it is, and the audits find nothing`, () => {
      for (const mmu of hosted) {
        const program = compiled(direct(scenarioText(name)));
        const report = run(program, mmu);
        if ('error' in report) assert.fail(report.error);
        assert.deepEqual([report.outcome.ok, report.outcome.message], [true, undefined], mmu);
        const machine = machineFor(program, mmu);
        runAudited(machine);
        assert.deepEqual(auditOwnership(machine), [], mmu);
        assert.equal(machine.technique.tablePages('host'), 0);
      }
    });
  }

  it('lets slots come, move and go with their frames; every line changes what it declares, and the guest sees the same', () => {
    const layered = changing.replace('LOG', 'wp');
    const text = direct(layered);
    for (const mmu of ['shadow-wp', 'ept']) {
      assert.deepEqual(seenByGuest(compiled(text), mmu), seenByGuest(compiled(layered), mmu), mmu);
      const machine = machineFor(compiled(text), mmu);
      const { frames } = machine.technique.vm!;
      const before = frames.count(USE.guestPage);
      assert.deepEqual(watchListings(machine).undeclared, [], mmu);
      assert.equal(frames.count(USE.guestPage), before, `${mmu}: the frames of a slot that went are free`);
      runAudited(machineFor(compiled(text), mmu));
    }
  });

  it('tells no listing of host-virtual addresses, and shows none', () => {
    for (const mmu of hosted) {
      const machine = machineFor(compiled(direct(scenarioText('first-touch'))), mmu);
      for (const { listing } of machine.technique.listings) {
        if (listing.name === 'host.vmm') continue;
        const told = listing.lines.filter(({ text, runs }) => runs && /\bhva\b|get_user_pages|VMM process unmaps|range of the VMM|mmu_invalidate_(seq|retry)/.test(text));
        assert.deepEqual(told.map(({ text }) => text.trim()), [], listing.name);
      }
      assert.match(JSON.stringify(tableSets(machine, 'host')), /no host process and no host page table/);
      while (machine.interpreter.run.status === 0) machine.interpreter.step();
      assert.deepEqual(translation({ machine }, 0, 0x600000n).map(({ name: each }) => each).slice(0, 3), ['gva', 'gpa', 'hpa']);
    }
  });

  it('refuses what the host does by host-virtual addresses when the scenario is compiled, each with its reason', () => {
    const wanted = hostActionRows.filter(({ name }) => hostActionPerformers.some((each) => each.name === name && /swap|merge|migrate|split|collapse|balloon|invalidate/.test(name)));
    assert.equal(wanted.length, 9);
    for (const { name } of wanted) {
      const text = `platform { backing direct }\nmachine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x602000 rw user }\ncpu 0 {\n  switch(p)\n  host ${name}${calls[name] ?? '(0x600000)'}\n}\n`;
      const { diagnostics } = compileScenario({ path: 'test.guest', text, catalog, readImport: () => undefined });
      assert.equal(diagnostics.length, 1, name);
      assert.match(diagnostics[0]!.message, new RegExp(`^The host cannot \`${name}\` with \`backing direct\`: .{20,}; write \`backing 4K\``));
      assert.equal(diagnostics[0]!.range.line, 5);
      assert.deepEqual(compileScenario({ path: 'test.guest', text: text.replace('direct', '4K'), catalog, readImport: () => undefined }).diagnostics, []);
    }
  });

  it('takes all of the guests\' RAM at the start, so that a platform that is too small or has a swap device is refused', () => {
    const error = (platform: string): string => {
      const found = configure(compiled(`platform { ${platform} }\nmachine { ram 16M, kernel none }\ncpu 0 { x = 1 }\n`), 'ept');
      return 'error' in found ? found.error : '';
    };
    assert.match(error('backing direct, ram 17M'), /give the platform at least 18874368 bytes/);
    assert.equal(error('backing direct, ram 18M'), '');
    assert.match(error('backing direct, swap 1M'), /swap device serves nobody/);
    const full = run(compiled('platform { backing direct, ram 20M }\nmachine { ram 16M }\ncpu 0 {\n  host add_slot(extra, gpa:32M, 4M)\n}\n'), 'ept');
    assert.ok(!('error' in full));
    assert.match(full.outcome.message ?? '', /no run of host frames is free/);
  });
});
