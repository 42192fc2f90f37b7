import { strict as assert } from 'node:assert';
import type { Machine } from '../../../src/engine/machine/machine';
import { RUN } from '../../../src/engine/interpreter/runState';
import { TLB_CONTROL } from '../../../src/hardware/svm/vmcb';
import { PIN, PRIMARY, VMCS } from '../../../src/hardware/vmx/vmcs';

/** Runs to where the first CPU comes to a statement on this line of the scenario, from 0. */
export function runToLine({ interpreter, program }: Machine, line: number): void {
  while (interpreter.run.status === RUN.running) {
    const ahead = interpreter.isAtStatement(0) ? program.statements[interpreter.statementAhead(0)] : undefined;
    if (ahead?.range.file === 0 && ahead.range.line === line) return;
    interpreter.step();
  }
}

/** Leaves the host this many frames that were never given, and none that were given back. */
export function leaveFrames(machine: Machine, frames: number): void {
  const list = machine.registry.contents().get('host.frame_list');
  assert.ok(list);
  list.set([machine.configuration.hostRam / 4096 - frames, 0, 0]);
}

/** No host frame is free, and the clock's hand of reclaim stands at the one that backs guest frame `gfn`, or before all. */
export function starveAt(machine: Machine, gfn: number): void {
  leaveFrames(machine, 0);
  const clock = machine.registry.contents().get('host.clock');
  assert.ok(clock);
  clock[0] = Math.max(0, machine.technique.guestMemory.frameOf(gfn));
}

/** Dirty pages are logged from now on, and the large page that maps gva:0x600000 has lost its W for that. */
export function protectLargePage(machine: Machine): void {
  machine.technique.vm?.slots.setLogging(0, 'on');
  const [processor] = machine.processors;
  processor!.walkWithoutEffects(0x600000, 0, 4);
  const { result } = processor!.inspection.nested!;
  assert.equal(result.level, 2);
  machine.memory.store32(result.entryHpaLo[2]!, result.entryHpaHi[2]!, result.entryLo[2]! & ~2);
  if (processor!.settings.vendor === 'amd') processor!.svm.flushByTlbControl(TLB_CONTROL.guest);
  else processor!.invept(processor!.vmcs[VMCS.eptp]!, processor!.vmcs[VMCS.eptp + 1]!);
}

/** Has the host tell of a change of all pages that back the guest. */
export function changeEveryPage(machine: Machine): void {
  const { vm } = machine.technique;
  assert.ok(vm);
  const hvaPage = vm.slots.hvaPage(0, vm.slots.baseGfn(0));
  vm.notifier.rangeStart(hvaPage, vm.slots.pages(0), 0);
  vm.notifier.rangeEnd(hvaPage, vm.slots.pages(0), 0);
}

/** NMI-window exiting, which no handler here expects. */
export function waitForNmis(machine: Machine): void {
  const { vmcs } = machine.processors[0]!;
  vmcs[VMCS.pin_controls]! |= PIN.nmiExiting | PIN.virtualNmis;
  vmcs[VMCS.primary_controls]! |= PRIMARY.nmiWindowExiting;
}
