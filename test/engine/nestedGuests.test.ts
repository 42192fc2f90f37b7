import { strict as assert } from 'node:assert';
import { configure } from '../../src/engine/settings/configuration';
import { Machine } from '../../src/engine/machine/machine';
import { outcomeOf } from '../../src/engine/run/outcome';
import { ScenarioRun } from '../../src/engine/run/run';
import { ACTOR_STATE } from '../../src/engine/schedule/scheduler';
import { KIND } from '../../src/hardware/events/eventTable';
import { mapped, nestedScenario } from '../hypervisor/nested/nestedTexts';
import { compiled, launched, scenarioText } from './onMachine';

function machineOf(text: string): Machine {
  const program = compiled(text);
  const configuration = configure(program, undefined);
  assert.ok(!('error' in configuration), 'error' in configuration ? configuration.error : '');
  return new Machine(program, configuration);
}

/** What a scenario prints; it must end well. */
function printed(text: string): readonly string[] {
  const machine = machineOf(text);
  const said: string[] = [];
  machine.interpreter.say = (category, line) => { if (category === 'print') said.push(line); };
  while (machine.interpreter.run.status === 0) machine.interpreter.step();
  assert.equal(outcomeOf(machine).ok, true, outcomeOf(machine).message);
  return said;
}

describe('a nested guest', () => {
  it('runs when its hypervisor enters it, and at no other time', () => {
    const machine = machineOf(nestedScenario({ l2: 'print 2\nhlt()\nprint 4\nhlt()', l1: 'print 1\nr = vmlaunch(l2)\nprint 3\nvmcs.guest_rip += 1\nr = vmresume(l2)\nprint 5' }));
    const said: string[] = [];
    machine.interpreter.say = (category, line) => { if (category === 'print') said.push(line); };
    while (machine.interpreter.run.status === 0) {
      const { scheduler } = machine.interpreter;
      const inside = [0, 1].filter((actor) => scheduler.state(actor) === ACTOR_STATE.running);
      assert.ok(inside.length <= 1, 'one program on one processor');
      machine.interpreter.step();
    }
    assert.deepEqual(said, ['1', '2', '3', '4', '5'].map((digit) => `0x${digit}`));
    assert.equal(machine.processors[0], machine.processors[1], 'its CPU is its hypervisor\'s, in another mode');
  });

  it('executes the instruction that exited again, unless its hypervisor has moved RIP and left a result', () => {
    assert.deepEqual(printed(nestedScenario({
      l2Machine: 'paging 4-level, ram 64K', l2: 'x = cpuid(1)\nprint x\nhlt()',
      l1: `r = vmlaunch(l2)
      print r
      r = vmresume(l2)
      print r
      rax = 0x1234
      vmcs.guest_rip += vmcs.exit_instruction_length
      r = vmresume(l2)
      print r`,
    })), ['0xa', '0xa', '0x1234', '0xc']);
  });

  it('has its own handlers; what it has none for is a triple fault, which exits to its hypervisor', () => {
    assert.deepEqual(printed(nestedScenario({
      l2Machine: 'paging 4-level, ram 64K', l2Parts: 'on interrupt 0x21 { print 0x21 }', l2: 'int(0x21)\nint(0x22)',
      l1: 'r = vmlaunch(l2)\nprint r',
    })), ['0x21', '0x2']);
  });

  it('with events that L1 asked for exits by its exception bitmap, and takes those that L1 injects', () => {
    assert.deepEqual(printed(nestedScenario({
      l2Machine: 'paging 4-level, ram 64K', l2Parts: 'on page_fault(gva address, code) { print address\nrefuse }',
      l2: `entry [0x1000] = pml4e(gpa:0x2000, rwx)
      cr3 = gpa:0x1000
      cr0.PG = 1
      x = [0x5000]
      expect refused
      hlt()`,
      l1: `${mapped(1)}
      ${mapped(2)}
      vmcs.exception_bitmap = 1 << 14
      r = vmlaunch(l2)
      print r, vmcs.exit_qualification
      vmcs.entry_interruption_info = vmcs.exit_interruption_info
      vmcs.entry_exception_error_code = vmcs.exit_interruption_error_code
      cr2 = vmcs.exit_qualification
      r = vmresume(l2)
      print r`,
    })), ['0x0 0x5000', 'gva:0x5000', '0xc']);
  });

  it('walks two dimensions, its tables and EPT02: 24 references at most, as a guest of the host', () => {
    const text = nestedScenario({
      l2Machine: 'paging 4-level, ram 64K',
      l2: `entry [0x1000] = pml4e(gpa:0x2000, rwx)
      entry [0x2000] = pdpte(gpa:0x3000, rwx)
      entry [0x3000] = pde(gpa:0x4000, rwx)
      entry [0x4028] = pte(gpa:0x6000, rwx)
      cr3 = gpa:0x1000
      cr0.PG = 1
      x = [0x5000]
      invlpg(0x5000)
      x = [0x5000]
      expect walk_references == 24
      expect gpa_of(0x5000) == gpa:0x6000
      hlt()`,
      l1: `${[1, 2, 3, 4, 6].map((page) => mapped(page)).join('\n')}\nr = vmlaunch(l2)\nexpect r == exit_reason.hlt\nexpect l2.gpa_of(0x5000) == l2.gpa:0x6000`,
    });
    const machine = machineOf(text);
    while (machine.interpreter.run.status === 0) machine.interpreter.step();
    assert.deepEqual(outcomeOf(machine), { ok: true, passed: 4, failed: 0 });
  });

  it('has lines of its own in the guest log and the trace, with the VM around it numbering its CPUs apart', () => {
    const program = compiled(scenarioText('nested'));
    const configuration = configure(program, undefined);
    assert.ok(!('error' in configuration));
    const lines: Record<string, unknown>[] = [];
    const run = new ScenarioRun(program, configuration, { guestLog: (line: Record<string, unknown>) => lines.push(line) });
    while (!run.work(() => false)) { /* to its end */ }
    run.report();
    assert.deepEqual(lines.filter(({ vm, op }) => vm === 'l2' && op !== undefined), [{ vm: 'l2', cpu: 0, seq: 0, op: 'store', gva: '0x5000', size: 1, value: '0x7' }]);
    assert.deepEqual(lines.filter(({ vm, op }) => vm === 'l1' && op !== undefined).map(({ seq }) => seq), [0, 1, 2, 3, 4]);
  });

  it('stands in the debugger above the statement that entered it, and time goes back through its exits', () => {
    const timeline = launched(compiled(scenarioText('nested')), undefined);
    const { machine } = timeline;
    timeline.setEventBreakpoints([{ id: 1, kinds: [KIND.nested_vm_exit], matches: () => true }]);
    timeline.start('continue', 0);
    while (timeline.slice(() => false) === undefined) { /* until it stops */ }
    const texts = timeline.frames(1).flatMap((frame) => ('statement' in frame && frame.kind === 'cpu' ? [[frame.cpu ?? 1, machine.program.statements[frame.statement]!.range.line]] : []));
    const lines = scenarioText('nested').split('\n');
    assert.deepEqual(texts, [[1, lines.findIndex((line) => line.includes('byte [0x5000]'))], [0, lines.findIndex((line) => line.includes('vmlaunch'))]]);
    const before = timeline.moment();
    timeline.start('event', 1);
    while (timeline.slice(() => false) === undefined) { /* one event on */ }
    timeline.start('event-back', 1);
    while (timeline.slice(() => false) === undefined) { /* and back */ }
    assert.deepEqual(timeline.moment(), before);
  });

  it('has its memory parted, and its writes logged, as its hypervisor\'s', () => {
    assert.deepEqual(printed(nestedScenario({
      l2: 'x = byte [0x5000]\nbyte [0x5000] = 1\nhlt()\nbyte [0x6000] = 2\nhlt()',
      l1: `one = frame()
      two = frame()
      [direct(one)] = 7
      [direct(two)] = 7
      entry [direct(pt) + 5 * 8] = epte(one, rwx)
      entry [direct(pt) + 6 * 8] = epte(two, rwx)
      host merge(one, two)
      reason = vmlaunch(l2)
      x = [direct(one)]
      y = [direct(two)]
      print x, y
      host log_dirty(ram, true)
      vmcs.guest_rip += 1
      reason = vmresume(l2)
      host dirty = get_dirty_log(ram)
      print dirty[one], dirty[two]`,
    })), ['0x1 0x7', '0x0 0x1']);
  });

  const refused: readonly (readonly [text: string, sentence: RegExp])[] = [
    [nestedScenario({ l2: 'hlt()', l1: 'x = 1' }).replace('kernel none', 'kernel standard').replace('paging none, ram 64K', 'paging 4-level, ram 16M'), /l2 with a kernel library does not run under ept; .*write kernel none/],
    [nestedScenario({ l2: 'hlt()', l2Second: 'hlt()', l1: 'x = vmlaunch(l2)' }), /l2 with more CPUs than l1 has/],
    [nestedScenario({ l2: 'hlt()', machine: ', delivery memory', l1: 'x = vmlaunch(l2)' }), /delivery memory with nesting/],
  ];
  for (const [text, sentence] of refused) {
    it(`is refused where it cannot be: ${sentence.source}`, () => {
      const configuration = configure(compiled(text), undefined);
      assert.ok('error' in configuration);
      assert.match(configuration.error, sentence);
    });
  }

  it('whose VMCS is not the current one is told by a sentence', () => {
    const machine = machineOf(`vm l1 {
  machine { paging 4-level, ram 16M, mmu ept }
  vm l2 { machine { paging none, ram 64K, kernel none }
    cpu 0 { hlt() } }
  vm l3 { machine { paging none, ram 64K, kernel none }
    cpu 0 { hlt() } }
  cpu 0 {
    vmcs.eptp = eptp(frame())
    x = vmlaunch(l2)
    x = vmlaunch(l3)
  }
}`);
    while (machine.interpreter.run.status === 0) machine.interpreter.step();
    assert.match(outcomeOf(machine).message ?? '', /the current VMCS is not that of l3 on this CPU; write vmptrld\(l3\) above/);
  });
});
