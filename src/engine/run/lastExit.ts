import { ACCESS } from '../../hardware/paging/accessKinds';
import type { Processor } from '../../hardware/processor/processor';
import { walk } from '../../hardware/paging/walk';
import { EFFECTS, WALK } from '../../hardware/paging/walkOutcome';
import { EXIT_REASON } from '../../hardware/vmx/exitReasons';
import { VMCS } from '../../hardware/vmx/vmcs';
import { Nested } from '../../hypervisor/nested/level1/nested';
import { LOG } from '../../language/program';
import { pairToBigInt } from '../arithmetic';
import type { Machine } from '../machine/machine';
import { exitReasonKey } from '../names';

const BASIC_REASON = 0xffff;

/**
 * The last VM exit of `cpu`, at which its hypervisor gave up, and where that was about a linear address the entry of the
 * guest's tables that leads nowhere: ` at VM exit ept_violation (the PML4E at gpa:0x100000 is 0x4000007)`. Touches nothing.
 */
export function lastExitText(machine: Machine, cpu: number): string {
  const happenings = machine.interpreter.happenings[cpu]!;
  const exits = happenings.count(LOG.exits);
  if (exits === 0) return '';
  // A hypervisor that is a guest has exits of its own behind the guest's.
  const isNested = machine.vmOf(cpu).technique instanceof Nested;
  const reason = isNested ? machine.processors[cpu]!.vmcs[VMCS.exit_reason]! & BASIC_REASON : happenings.exit(exits - 1);
  const entry = addressIn.has(reason) ? lastEntry(machine, cpu, reason) : undefined;
  return ` at VM exit ${exitReasonKey(reason)}${entry === undefined ? '' : ` (${entry})`}`;
}

/**
 * The linear address that an exit is about. SDM Vol. 3, "Basic VM-Exit Information"; a nested page fault tells of none, and the
 * instruction has it.
 */
const addressIn: ReadonlyMap<number, (processor: Processor) => readonly [lo: number, hi: number]> = new Map([
  [EXIT_REASON.exception_nmi, ({ vmcs }) => [vmcs[VMCS.exit_qualification]!, vmcs[VMCS.exit_qualification + 1]!]],
  [EXIT_REASON.ept_violation, ({ vmcs }) => [vmcs[VMCS.guest_linear_address]!, vmcs[VMCS.guest_linear_address + 1]!]],
  [EXIT_REASON.npf, ({ pending }) => [pending.gvaLo, pending.gvaHi]],
]);

/** The last entry that a walk of the guest's own tables can read, when it comes to no page. */
function lastEntry(machine: Machine, cpu: number, reason: number): string | undefined {
  const [lo, hi] = addressIn.get(reason)?.(machine.processors[cpu]!) ?? [0, 0];
  const { technique } = machine.vmOf(cpu);
  const space = technique.guestTables(cpu);
  const outcome = walk(space, lo, hi, ACCESS.read | ACCESS.implicit, EFFECTS.none);
  if (outcome !== WALK.tableUnreachable) return undefined;
  const { result, format } = space;
  const level = result.level + 1;
  if (level > result.top) return `CR3 is gpa:0x${pairToBigInt(technique.guestCr3Lo(cpu), technique.guestCr3Hi(cpu)).toString(16)}`;
  const address = pairToBigInt(result.entryAddressLo[level]!, result.entryAddressHi[level]!);
  const value = pairToBigInt(result.entryLo[level]!, result.entryHi[level]!);
  return `the ${format.levelNames[level] ?? 'entry'} at gpa:0x${address.toString(16)} is 0x${value.toString(16)}`;
}
