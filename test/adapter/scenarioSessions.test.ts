import { strict as assert } from 'node:assert';
import { existsSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { scenarios } from '../language/samples';
import { TestClient } from './client';
import { Transcript } from './transcript';

const folder = path.join(__dirname, 'golden', 'scenarios');

/** The event at which a scenario shows what it is about, and the scenarios that it is so of, without their ending. */
const tellingEvents: Readonly<Record<string, readonly string[]>> = {
  vtlb_table_zapped: ['virtual-tlb'],
  shadow_page_zapped: ['eager-rebuild'],
  shadow_page_synced: ['unsync-burst', 'unsync'],
  shadow_page_unsynced: ['invlpg-needed', 'mmap-storm', 'myths/missing-invlpg-upgrade'],
  direct_slot_lookup: ['why-hva-direct'],
  ipi: ['not-virtualizable', 'shootdown-race'],
  page_modification_logged: ['dirty-log-pml', 'migrate', 'pml-full'],
  page_marked_dirty: ['dirty-log', 'npt'],
  ept_misconfiguration: ['memslots', 'mmio', 'slot-move'],
  swap_read: ['gup', 'host-swap', 'myths/ept-violation-without-exit', 'stale-fill', 'thp', 'why-hva'],
  page_copied: ['ksm-share', 'ksm', 'migrate-frame', 'myths/hva-by-mmu', 'pipeline'],
  nested_vm_exit: ['entry-states', 'first-touch-nested', 'launch-state', 'myths/eptp-is-a-register', 'myths/shadow-is-obsolete', 'nested-first-touch', 'nested-touches', 'nested'],
  mmu_notifier: ['balloon', 'myths/ept-maps-gva'],
  interrupt_delivered: ['int80-deprivileged', 'memory-map', 'myths/int80-exits', 'real-mode', 'system-call'],
  page_table_write_trapped: [
    'ad-emulation', 'changed-entry', 'deprivileged', 'fork-storm', 'guest-swap', 'isolation-two-vms', 'large-over-small', 'lazy-mapping', 'myths/reading-a-table-traps',
    'page-table-write', 'popek-goldberg', 'quadrants', 'self-map', 'shadow-wins', 'two-levels', 'wp-vs-hidden',
  ],
  true_fault: ['fork', 'interpret', 'wp0'],
  exception_delivered: ['demand-by-hand', 'guest-pf-ept', 'missing-invlpg', 'native-walk', 'realmode-walk', 'sensitive-instructions'],
  page_table_write: ['ept-cr3', 'leaky-ept', 'myths/gpa-by-malloc', 'pt-page-cold', 'rom'],
  invlpg: ['shadow-as-tlb', 'trap-emulate'],
  hidden_fault: ['first-touch', 'n-procs', 'raw-guest-cr3', 'shadow-memory'],
  cr_write: ['context-switch', 'cr3-ping-pong', 'cr3-swap'],
  ept_violation: ['large-pages', 'myths/every-access-exits', 'nested-operand', 'reset-vector'],
  system_instruction: ['io-bitmap'],
  tlb_fill: ['2d-walk'],
};
const telling = new Map(Object.entries(tellingEvents).flatMap(([event, names]) => names.map((name) => [`${name}.guest`, event])));

/** For a scenario that has no row: whatever of these comes first. */
const FILTERS = ['guest-page-fault', 'hidden-fault', 'page-table-write', 'ept-violation', 'vm-exit'];

/** What a screen has room for. */
const SCREEN = { frames: 2, rows: 6, width: 150, lineNumbers: 'own' } as const;

/** A transcript is to be read at a glance. */
const MOST_LINES = 60;

describe('a session on each shipped scenario, under its own technique, as a person sees it', () => {
  for (const [name, text] of scenarios) {
    it(`${name}: to what it is about, into it, back, and to the end`, async () => {
      const program = `/scenarios/${name}`;
      const client = new TestClient(simulator, { [program]: text });
      const t = new Transcript(client, { [program]: text }, SCREEN);
      const event = telling.get(name);
      await client.initialize();
      await client.ask('launch', { program, stopOnEntry: true });
      if (event !== undefined) await client.ask('setFunctionBreakpoints', { breakpoints: [{ name: event }] });
      await client.ask('setExceptionBreakpoints', { filters: event === undefined ? FILTERS : [] });
      await client.ask('configurationDone');
      await client.stopped();
      await t.arrival();

      await t.move('continue');
      assert.equal(client.events('terminated').length, 0, 'it comes to what it is about');
      t.note('what it is about');
      await t.scopes('Values of this line', 'Locals', 'Translation');
      await t.walk();

      t.note('into it, a step on, and back the same way');
      await t.move('stepIn');
      await t.move('next');
      await t.move('stepBack', { granularity: 'instruction' });
      await t.move('stepBack');

      t.note('to the end');
      await client.ask('setFunctionBreakpoints', { breakpoints: [] });
      await client.ask('setExceptionBreakpoints', { filters: ['expectation'] });
      await t.move('continue');
      assert.equal(client.events('terminated').length, 1, 'no expectation fails');
      assert.ok(t.length <= MOST_LINES, `${t.length} lines`);
      t.check(`scenarios/${name.replace(/\.guest$/, '')}`);
    });
  }

  it('has a golden transcript for each, and none for what is not there', () => {
    const goldens = existsSync(folder) ? readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.txt')) : [];
    assert.deepEqual(goldens.map((file) => file.replaceAll(path.sep, '/').replace(/\.txt$/, '.guest')).sort(), [...scenarios.keys()].sort());
    for (const name of telling.keys()) assert.ok(scenarios.has(name), `${name} has a telling event and is no scenario`);
  });
});
