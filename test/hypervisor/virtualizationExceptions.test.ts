import { strict as assert } from 'node:assert';
import { outcomeOf } from '../../src/engine/run/outcome';
import { RUN } from '../../src/engine/interpreter/runState';
import type { Machine } from '../../src/engine/machine/machine';
import { SECONDARY, VMCS } from '../../src/hardware/vmx/vmcs';
import { compiled, scenarioText } from '../engine/onMachine';
import { audit, machineFor } from './audit';
import { allLines, watchListings } from './listingWatch';
import { runToLine, starveAt } from './programs/hostPokes';
import { ENTRIES, entryAt, hex } from './tableWords';

/** Bit 63. */
const SUPPRESSED = 1 << 31;
const ANY_RIGHT = 7;
const MMIO = 6;
const LARGE = 0x80;

/** A guest whose handler says ready and refuses, with its area named; `rest`: what it does then. */
const withArea = (rest: string, more = ''): string => `platform { ram 64M, swap 4M }
machine { paging 4-level, slot low 0 .. 16M ram, slot extra 16M .. 17M ram, slot bios 32M .. 33M rom, mmu ept, ept_violation_ve on }
process p { 0x600000 .. 0x602000 rw user }
global area = gpa:0
global seen = 0
on virtualization_exception(gpa address, code) { seen += 1; dword [direct(area) + 4] = 0; refuse }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  area = frame(); [direct(area)] = 0
  rbx = area >> 12
  answer = vmcall(25)
  expect answer == 0
  ${rest}
}
${more}`;

const inLostSlot = withArea(`area = gpa:16M
  rbx = area >> 12
  answer = vmcall(25)
  host remove_slot(extra)
  host set_epte(0x600000, 0)
  user x = [0x600000]
  expect exits are ept_violation
  expect seen == 0`);

const refusedAreas = withArea(`rbx = 40M >> 12
  answer = vmcall(25)
  expect answer == ~21
  rbx = 32M >> 12
  answer = vmcall(25)
  expect answer == ~21
  rbx = area << 32
  answer = vmcall(25)
  expect answer == ~21
  user answer = vmcall(25)
  expect answer == ~0
  answer = vmcall(26)
  expect answer == ~999`);

/** The last touch is where the host has no frame left, and the area's page has gone to swap. */
const starvedLater = withArea('host swap_out(area)\n  user x = [0x600000]\n  host invalidate(0x600000, 4K)\n  user x = [0x600000]');
const STARVED_LINE = 16;

const loggedArea = withArea(`host log_dirty(low, true)
  host dirty = get_dirty_log(low)
  host set_epte(0x600000, 0)
  user x = [0x600000]
  expect refused
  host dirty = get_dirty_log(low)
  expect dirty[area]`);

const eachItsOwn = withArea(`barrier named
  host set_epte(0x600000, 0)
  user x = [0x600000]
  expect refused
  expect no exits
  host migrate_frame(area)
  barrier moved
  barrier done`, `cpu 1 {
  switch(p)
  barrier named
  barrier moved
  host set_epte(0x601000, 0)
  user x = [0x601000]
  expect exits are ept_violation
  barrier done
}
`);

const programs: readonly string[] = [scenarioText('ve'), inLostSlot, refusedAreas, loggedArea, eachItsOwn];

/** What the hypervisor has made has bit 63 set; a VMCS that names an area names what backs it, alone to be written. */
function auditSuppression(machine: Machine): readonly string[] {
  const { technique: { vm } } = machine;
  assert.ok(vm);
  const wrong: string[] = [];
  const visit = (table: number, level: number): void => {
    for (let index = 0; index < ENTRIES; index++) {
      const { lo, hi, frame } = entryAt(vm.host.reach, table, index);
      if ((lo & ANY_RIGHT) === MMIO) continue;
      const leads = level > 1 && (lo & ANY_RIGHT) !== 0 && (lo & LARGE) === 0;
      if (leads) visit(frame, level - 1);
      else if ((hi & SUPPRESSED) === 0) wrong.push(`entry ${index} of level ${level} at hpa ${hex(table)} lets violations become exceptions`);
    }
  };
  for (const root of machine.technique.roots(0)) visit(root.frame, 4);
  for (const { cpu, vmcs } of machine.processors) {
    if ((vmcs[VMCS.secondary_controls]! & SECONDARY.eptViolationVe) === 0) continue;
    const { informationGfn } = vm.vcpus.of(cpu);
    const named = vmcs[VMCS.virtualization_exception_information_address]! >>> 12;
    if (vm.memory.frameOf(informationGfn) !== named) wrong.push(`CPU ${cpu} writes hpa ${hex(named)}, which does not back its area`);
    if (!vm.memory.isWritable(informationGfn)) wrong.push(`CPU ${cpu} writes a page that others have too`);
  }
  return wrong;
}

describe('EPT-violation #VE', function () {
  this.timeout(60_000);

  it('converts what the entry lets it, into an area that is the guest\'s page as it is now', () => {
    for (const text of programs) {
      const machine = machineFor(compiled(text), undefined);
      while (machine.interpreter.run.status === RUN.running) machine.interpreter.step();
      const { ok, message } = outcomeOf(machine);
      assert.deepEqual({ ok, message }, { ok: true, message: undefined }, text);
    }
  });

  it('leaves no entry of the hypervisor\'s own without bit 63, whatever the host and the slots do', () => {
    for (const text of programs.map((each) => each.replace(/host set_epte\(.*\n/g, 'host invalidate(0x600000, 4K)\n').replace(/expect .*\n/g, '\n'))) {
      const machine = machineFor(compiled(text), undefined);
      const { interpreter, interpreter: { run } } = machine;
      let statements = 0;
      while (run.status === RUN.running) {
        interpreter.step();
        if (!run.isCounting || !interpreter.isAtStatement(0)) continue;
        statements++;
        assert.deepEqual([...auditSuppression(machine), ...audit(machine)], [], `before statement ${statements}`);
      }
      assert.ok(statements > 5);
    }
  });

  it('is a listing of which every line is reached, and changes only what it declares', () => {
    const reached = new Set<string>();
    const undeclared = new Set<string>();
    let lines: readonly string[] = [];
    const watch = (text: string, onStep?: (machine: Machine) => void, before?: (machine: Machine) => void): void => {
      const machine = machineFor(compiled(text), undefined);
      before?.(machine);
      lines = allLines(machine).filter((line) => /information area|exception information|vcpu_enable|RBX|RAX = (-KVM_EINVAL|0)|a slot still|such page any more|#VE|of the area|hva of gfn/.test(line));
      const run = watchListings(machine, onStep);
      for (const line of run.reached) reached.add(line);
      for (const each of run.undeclared) undeclared.add(each);
    };
    for (const text of programs) watch(text);
    watch(starvedLater, undefined, (machine) => {
      runToLine(machine, STARVED_LINE);
      starveAt(machine, 0);
    });
    assert.ok(lines.length >= 15, `${lines.length} lines`);
    assert.deepEqual(lines.filter((line) => !reached.has(line)), []);
    assert.deepEqual([...undeclared], []);
  });
});
