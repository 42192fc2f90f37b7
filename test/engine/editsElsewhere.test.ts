import { strict as assert } from 'node:assert';
import { REGISTER } from '../../src/hardware/processor/registers';
import { ACTOR_STATE } from '../../src/engine/schedule/scheduler';
import type { Timeline } from '../../src/engine/time/timeline';
import { readMemory } from '../../src/inspect/memory';
import { mapped, nestedScenario } from '../hypervisor/nested/nestedTexts';
import { compiled, fingerprint, launched, move, scenarioText, statementOf, toFirstStatement } from './onMachine';

function stoppedAt(text: string, mmu: string | undefined, line: string): Timeline {
  const program = compiled(text);
  const timeline = launched(program, mmu);
  timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(program, line) }]);
  assert.deepEqual(move(timeline, 'continue'), { kind: 'breakpoint', ids: [1] });
  timeline.setStatementBreakpoints([]);
  return timeline;
}

function variable(timeline: Timeline, actor: number, name: string): bigint | undefined {
  return timeline.variables(actor, 0).find((each) => each.name === name)?.value;
}

function said(timeline: Timeline): readonly string[] {
  assert.equal(move(timeline, 'continue').kind, 'ended');
  return timeline.takeOutput().map(({ text }) => text);
}

const write = (timeline: Timeline, cpu: number, space: 'gpa' | 'hpa', address: bigint, ...bytes: number[]): ReturnType<Timeline['edit']> => (
  timeline.edit({ kind: 'memory', cpu, space, address, bytes: Uint8Array.from(bytes) })
);

describe('an edit of what another has', () => {
  const nested = nestedScenario({
    l2: 'byte [0x5000] = 2\nbyte [0x5000] = 3\nx = byte [0x5000]\nbyte [0x5000] = x + 1\nprint "stored", x\nhlt()',
    l1: `${mapped(5)}\nr = vmlaunch(l2)\nprint "exit", r`,
  });

  it('memory of a nested guest is written where its hypervisor keeps it', () => {
    assert.deepEqual(said(stoppedAt(nested, undefined, 'x = byte')), ['stored 0x3', 'exit 0xc']);
    const timeline = stoppedAt(nested, undefined, 'x = byte');
    assert.deepEqual(write(timeline, 1, 'gpa', 0x5000n, 9), {});
    assert.deepEqual([...readMemory(timeline, 1, 'gpa', 0x5000n, 1)], [9]);
    assert.deepEqual(said(timeline), ['stored 0x9', 'exit 0xc']);
    const refused = write(stoppedAt(nested, undefined, 'x = byte'), 1, 'gpa', 0x6000n, 9);
    assert.deepEqual(refused, { refused: 'No memslot holds gpa:0x6000: name an address that is memory.' });
  });

  it('tables of a guest hypervisor are shadowed, and EPT02 follows an edit of them', () => {
    for (const space of ['gpa', 'hpa'] as const) {
      const timeline = stoppedAt(nested, undefined, 'x = byte');
      const entry = variable(timeline, 0, 'pt')! + 5n * 8n;
      const [low] = readMemory(timeline, 0, 'gpa', entry, 1);
      const frame = BigInt(timeline.machine.vms[0]!.technique.guestMemory.frameOf(Number(entry >> 12n)));
      assert.deepEqual(write(timeline, 0, space, space === 'gpa' ? entry : (frame << 12n) | (entry & 0xfffn), low! & ~2), {});
      assert.deepEqual(said(timeline), ['exit 0x30'], `without W the store is an EPT violation, by ${space}`);
    }
  });

  it('a register that exits to a guest hypervisor is refused, and any other is set', () => {
    const exits = nestedScenario({
      l2Machine: 'paging 4-level, ram 64K', l2: 'x = 1\ny = 2\nhlt()',
      l1: `${mapped(5)}\nvmcs.cr0_guest_host_mask = 1 << 16\nvmcs.cr0_read_shadow = vmcs.guest_cr0\nr = vmlaunch(l2)\nprint "exit", r`,
    });
    const timeline = stoppedAt(exits, undefined, 'y = 2');
    const before = fingerprint(timeline);
    const outcome = timeline.edit({ kind: 'register', cpu: 1, register: REGISTER.cr0, value: 0x10031n });
    assert.match('refused' in outcome ? outcome.refused : '', /^A MOV to cr0 exits to the guest hypervisor of .*, whose program an edit does not run/);
    assert.equal(fingerprint(timeline), before);
    assert.deepEqual(timeline.edit({ kind: 'register', cpu: 1, register: REGISTER.rbx, value: 7n }), {});
    assert.deepEqual(said(timeline), ['exit 0xc']);
  });

  it('registers that lie in a VMCS are refused', () => {
    const timeline = stoppedAt(nested, undefined, 'x = byte');
    const before = fingerprint(timeline);
    const outcome = timeline.edit({ kind: 'register', cpu: 0, register: REGISTER.cr3, value: 0n });
    assert.match('refused' in outcome ? outcome.refused : '', /^The processor of .* runs another program, and its registers lie in a VMCS/);
    assert.equal(fingerprint(timeline), before);
  });

  it('while a CPU is held inside an access, its registers stay, and what is edited stands when it goes on', () => {
    for (const mmu of ['ept', 'shadow-wp', 'nested']) {
      const text = scenarioText('stale-fill');
      const timeline = launched(compiled(text), mmu);
      toFirstStatement(timeline);
      const { scheduler } = timeline.machine.interpreter;
      timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(timeline.program, 'migrate_frame') }]);
      assert.deepEqual(move(timeline, 'continue'), { kind: 'breakpoint', ids: [1] });
      assert.equal(scheduler.state(0), ACTOR_STATE.held, mmu);
      const outcome = timeline.edit({ kind: 'register', cpu: 0, register: REGISTER.rax, value: 1n });
      assert.deepEqual(outcome, { refused: 'cpu 0 is held inside an access, under which its registers cannot change: release it, and edit then.' });
      assert.deepEqual(timeline.edit({ kind: 'memory', cpu: 0, space: 'gva', address: 0x600000n, bytes: Uint8Array.of(5) }), {}, mmu);
      const here = { moment: timeline.moment(), state: fingerprint(timeline) };
      for (const motion of ['over-back', 'reverse-continue'] as const) {
        move(timeline, motion);
        assert.notEqual(fingerprint(timeline), here.state);
        move(timeline, { kind: 'seek', moment: here.moment });
        assert.equal(fingerprint(timeline), here.state, `${mmu} after ${motion}`);
      }
      timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(timeline.program, 'user [0x600000] = 8') }]);
      move(timeline, 'continue');
      assert.equal(variable(timeline, 0, 'x'), 5n, mmu);
    }
  });

  it('inside an access that is held, or goes on from there, nothing is edited, wherever it was held', () => {
    for (const held of ['access', 'mmu_lock', 'tlb_fill']) {
      const timeline = launched(compiled(scenarioText('stale-fill').replace('hold moved before mmu_lock', `hold moved before ${held}`)), 'ept');
      toFirstStatement(timeline);
      timeline.setStatementBreakpoints([{ id: 1, statement: statementOf(timeline.program, 'release moved') }]);
      assert.deepEqual(move(timeline, 'continue'), { kind: 'breakpoint', ids: [1] });
      const { holds } = timeline.machine.interpreter;
      while (timeline.moment().event === 0 || !holds.isGoingOn(timeline.moment().step)) move(timeline, 'event');
      assert.equal(timeline.actor, 0, held);
      const before = fingerprint(timeline);
      const { step } = timeline.moment();
      const outcome = write(timeline, 0, 'gpa', 0x0n, 1);
      assert.match('refused' in outcome ? outcome.refused : '', /^This instruction is one that is held inside itself: step out/, held);
      assert.equal(fingerprint(timeline), before);
      // Another future: the step of that number is no part of the access any more.
      move(timeline, 'to-start');
      assert.ok(!('refused' in write(timeline, 0, 'gpa', 0x0n, 1)));
      assert.equal(holds.isGoingOn(step), false);
    }
  });

  it('each VM has memory of its own, and its own variables', () => {
    const vm = (name: string): string => `vm ${name} {\nmachine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user }\nglobal kept = 1\ncpu 0 {\nswitch(p)\nuser [0x600000] = 1\nuser ${name}s = [0x600000]\nprint "${name}", ${name}s, kept\n}\n}\n`;
    for (const mmu of ['ept', 'shadow-wp']) {
      const timeline = stoppedAt(vm('alice') + vm('bob'), mmu, 'user bobs = [0x600000]');
      const bob = timeline.program.actors.findIndex(({ vm: number }) => number === 1);
      assert.deepEqual(timeline.edit({ kind: 'memory', cpu: bob, space: 'gva', address: 0x600000n, bytes: Uint8Array.of(7) }), {}, mmu);
      assert.deepEqual(timeline.edit({ kind: 'global', global: timeline.program.globals.map(({ name }) => name).lastIndexOf('kept'), value: 9n }), {});
      assert.deepEqual([...said(timeline)].sort(), ['alice 0x1 0x1', 'bob 0x7 0x9']);
    }
  });
});
