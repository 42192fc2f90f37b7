import { strict as assert } from 'node:assert';
import { configure } from '../../../src/engine/settings/configuration';
import { Machine } from '../../../src/engine/machine/machine';
import { INTERRUPTIBILITY } from '../../../src/hardware/processor/registers';
import { VMCS } from '../../../src/hardware/vmx/vmcs';
import { compiled } from '../../engine/onMachine';
import { outcomeOf } from '../../../src/engine/run/outcome';
import { RUN } from '../../../src/engine/interpreter/runState';
import { allLines, watchListings, type WatchedRun } from '../listingWatch';
import { auditEpt02, nestingOf } from './nestedAudit';
import { leaveFrames, starveAt } from '../programs/hostPokes';
import { nestedOperands } from './nestedOperands';
import { interruptedDelivery, loggedByL1, mendable, nestedPrograms, rootInUse, undeliverable, unmendable } from './nestedPrograms';
import { mapped, nestedScenario } from './nestedTexts';

function machineFor(text: string): Machine {
  const program = compiled(text);
  const configuration = configure(program, undefined);
  assert.ok(!('error' in configuration), 'error' in configuration ? `${configuration.error}\n${text}` : '');
  return new Machine(program, configuration);
}

/** Does something when a statement of an actor (CPU 0, or the nested CPU) that reads so is next, the first time. */
function before(statement: string, act: (machine: Machine) => void, actor = 0): (machine: Machine) => void {
  let isDone = false;
  return (machine) => {
    const { interpreter, program } = machine;
    if (isDone || interpreter.scheduler.current !== actor || !interpreter.isAtStatement(actor)) return;
    const { file, line, column, endColumn } = program.statements[interpreter.statementAhead(actor)]!.range;
    if (program.files[file]!.text.split('\n')[line]!.slice(column, endColumn).trim() !== statement) return;
    isDone = true;
    act(machine);
  };
}

/** An operand whose second page, in ROM, is not there yet. */
const intoRom = nestedOperands.find(({ claim }) => claim.startsWith('is ROM'))!;

/** The host tells of a change of every page of L1's. */
function changeEveryPage(machine: Machine): void {
  const { slots, notifier } = machine.technique.vm!;
  const hvaPage = slots.hvaPage(0, slots.baseGfn(0));
  notifier.rangeStart(hvaPage, slots.pages(0), 0);
  notifier.rangeEnd(hvaPage, slots.pages(0), 0);
}

/** Dirty pages of L1's first slot are logged. */
function logDirty(machine: Machine): void {
  const contents = machine.registry.contents();
  contents.get('vm.memslots_used')![2] = 1;
  contents.get('vm.memslots')![4]! |= 2;
}

const touches = nestedScenario({
  l2: 'byte [0x5000] = 1\nbyte [0x6000] = 1\nbyte [0x7000] = 1\nhlt()\nbyte [0x5000] = 2\nhlt()',
  l1: `${mapped(5)}
    ${mapped(6)}
    entry [direct(pt) + 7 * 8] = epte(pt, rw)
    reason = vmlaunch(l2)
    vmcs.guest_rip += 1
    reason = vmresume(l2)`,
});

const romWrite = nestedScenario({
  ram: 'slot low 0 .. 16M ram, slot bios 16M .. 17M rom', l2: 'byte [0x5000] = 1\nbyte [0x7000] = 1',
  l1: `${mapped(5)}\n    entry [direct(pt) + 7 * 8] = epte(gpa:16M, rw)\n    reason = vmlaunch(l2)`,
});

/** Dirty pages of L1's RAM are logged while L2 writes them. */
const logged = nestedScenario({
  l2: 'byte [0x5000] = 1\nhlt()\nbyte [0x5000] = 2\nhlt()',
  l1: `page = frame()
    entry [direct(pt) + 5 * 8] = epte(page, rwx)
    reason = vmlaunch(l2)
    host log_dirty(ram, true)
    vmcs.guest_rip += 1
    reason = vmresume(l2)
    host dirty = get_dirty_log(ram)
    expect dirty[page]`,
});

/** The host has put two pages of L1's together, and L2 writes one of them: it is parted before EPT02 maps it. */
const shared = nestedScenario({
  l2: 'x = byte [0x5000]\nbyte [0x5000] = 1\nhlt()',
  l1: `one = frame()
    two = frame()
    [direct(one)] = 7
    [direct(two)] = 7
    entry [direct(pt) + 5 * 8] = epte(one, rwx)
    host merge(one, two)
    reason = vmlaunch(l2)
    expect reason == exit_reason.hlt`,
});

/** L1's frame where the slot begins that goes. */
const GOING_GFN = 0x1000;

/** EPT PTs of L1's lie in a slot that goes: what was made of them goes with it, and L2 finds nothing there. */
const goingTable = nestedScenario({
  ram: 'slot low 0 .. 16M ram, slot extra 16M .. 17M ram',
  l2: 'byte [0x5000] = 1\nhlt()\nx = byte [0x5000]\nhlt()',
  l1: `entry [direct(pd)] = epte(gpa:16M, rwx)
    entry [direct(gpa:16M) + 5 * 8] = epte(frame(), rwx)
    reason = vmlaunch(l2)
    host remove_slot(extra)
    vmcs.guest_rip += 1
    reason = vmresume(l2)`,
});

/** The same of the root itself. */
const goingRoot = nestedScenario({
  ram: 'slot low 0 .. 16M ram, slot extra 16M .. 17M ram',
  l2: 'byte [0x5000] = 1\nhlt()\nx = byte [0x5000]\nhlt()',
  l1: `${mapped(5)}
    entry [direct(gpa:16M)] = entry [direct(root)]
    vmcs.eptp = eptp(gpa:16M)
    reason = vmlaunch(l2)
    host remove_slot(extra)
    vmcs.guest_rip += 1
    reason = vmresume(l2)`,
});

/** Every run of a program or poke; the lines met, and changes that no line declares. */
function runAll(): { readonly missed: readonly string[]; readonly undeclared: readonly string[] } {
  const runs: WatchedRun[] = [];
  let lines: readonly string[] = [];
  const watch = (text: string, onStep?: (machine: Machine) => void): void => {
    const machine = machineFor(text);
    lines = allLines(machine).filter((line) => line.startsWith('nested.vmm'));
    runs.push(watchListings(machine, onStep));
  };
  for (const text of nestedPrograms) watch(text);
  watch(touches, before('reason = vmlaunch(l2)', ({ processors: [processor] }) => {
    // Encodings that no name of the language has.
    for (const encoding of [0x7fff, 0x2001]) {
      processor!.vmx.vmread(encoding, 0);
      processor!.vmx.vmwrite(encoding, 0, 5, 0);
    }
  }));
  watch(touches, before('reason = vmlaunch(l2)', ({ processors: [processor] }) => {
    processor!.vmcs[VMCS.guest_interruptibility]! |= INTERRUPTIBILITY.blockingByMovSs;
    processor!.registers[2 * 32] = INTERRUPTIBILITY.blockingByMovSs;
  }));
  watch(touches, before('reason = vmresume(l2)', changeEveryPage));
  watch(intoRom.text, before('dword [0x5ffe] = 0x11223344', (machine) => starveAt(machine, 0x800), 1));
  watch(shared);
  watch(interruptedDelivery);
  watch(undeliverable);
  watch(logged);
  watch(goingTable);
  watch(goingRoot);
  watch(touches, before('reason = vmlaunch(l2)', logDirty));
  for (let frames = 0; frames < 8; frames++) watch(touches, before('reason = vmlaunch(l2)', (machine) => leaveFrames(machine, frames)));
  watch(rootInUse, before('byte [0x6000] = 2', (machine) => leaveFrames(machine, 0), 3));
  watch(romWrite, before('byte [0x7000] = 1', (machine) => leaveFrames(machine, 0), 1));
  const reached = new Set(runs.flatMap((run) => [...run.reached]));
  return { missed: lines.filter((line) => !reached.has(line)), undeclared: [...new Set(runs.flatMap((run) => run.undeclared))] };
}

describe('the listing of nested VMX', function () {
  this.timeout(240_000);

  it('leaves nothing of the tables of EPT12 in a memory slot that goes', () => {
    for (const text of [goingTable, goingRoot]) {
      const machine = machineFor(text);
      const { interpreter, technique: { vm } } = machine;
      const { ept02, ept02: { pages } } = nestingOf(machine);
      let entered = 0;
      while (interpreter.run.status === RUN.running) {
        interpreter.step();
        if (vm!.slots.find(GOING_GFN) >= 0) continue;
        for (let page = 1; page < pages.end; page++) {
          if (!pages.isInUse(page) || pages.gfnOf(page) !== GOING_GFN) continue;
          for (let index = 0; index < 512; index++) assert.equal(ept02.isPresent(page, index), false, `entry ${index} of shadow page ${page}`);
        }
        if (entered++ === 0) auditEpt02(machine);
      }
      assert.ok(entered > 0, text);
    }
  });

  it('keeps the root that a vCPU runs L2 with, whatever becomes of its table', () => {
    const machine = machineFor(rootInUse);
    const { pages } = nestingOf(machine).ept02;
    let wasObsolete = false;
    while (machine.interpreter.run.status === RUN.running) {
      machine.interpreter.step();
      if (machine.interpreter.run.isCounting) auditEpt02(machine);
      for (let page = 1; page < pages.end; page++) wasObsolete ||= pages.isObsolete(page);
    }
    assert.ok(wasObsolete);
    assert.equal(outcomeOf(machine).message, undefined);
    assert.equal(outcomeOf(machine).ok, true);
    for (let page = 1; page < pages.end; page++) assert.equal(pages.isObsolete(page) && pages.rootCount(page) === 0, false, 'an obsolete root that nobody has is left');
  });

  it('ends what no entry can let the processor do in a sentence, and mends what one can', () => {
    for (const text of unmendable) {
      const machine = machineFor(text);
      while (machine.interpreter.run.status === RUN.running) machine.interpreter.step();
      assert.match(outcomeOf(machine).message ?? '', /a flag of a paging structure of the nested guest/);
    }
    const machine = machineFor(mendable);
    while (machine.interpreter.run.status === RUN.running) machine.interpreter.step();
    assert.equal(outcomeOf(machine).message, undefined);
  });

  it('writes the page-modification log of L1, and leaves it to L1 when that is full', () => {
    const machine = machineFor(loggedByL1);
    while (machine.interpreter.run.status === RUN.running) machine.interpreter.step();
    const { ok, passed, message } = outcomeOf(machine);
    assert.deepEqual({ ok, passed, message }, { ok: true, passed: 4, message: undefined });
  });

  it('has no line that no scenario reaches, and none changes what it does not declare', () => {
    const { missed, undeclared } = runAll();
    assert.deepEqual(undeclared, []);
    assert.deepEqual(missed, []);
  });
});
