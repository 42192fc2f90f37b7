import { strict as assert } from 'node:assert';
import { COUNTER } from '../../src/hardware/state/counters';
import { Deprivileged } from '../../src/hypervisor/deprivileged/deprivileged';
import { Ept } from '../../src/hypervisor/ept/ept';
import { Nested } from '../../src/hypervisor/nested/level1/nested';
import { Npt } from '../../src/hypervisor/npt/npt';
import { ShadowVtlb } from '../../src/hypervisor/shadowVtlb/shadowVtlb';
import { ShadowWp } from '../../src/hypervisor/shadowWp/shadowWp';
import { configure } from '../../src/engine/settings/configuration';
import { Machine } from '../../src/engine/machine/machine';
import { RUN } from '../../src/engine/interpreter/runState';
import type { Program } from '../../src/language/program';
import { CounterAudit } from './counterAudit';
import { auditDeprivileged } from './deprivilegedAudit';
import { auditEpt } from './eptAudit';
import { auditHost, auditHostOf } from './hostAudit';
import { auditEpt02 } from './nested/nestedAudit';
import { auditNpt } from './nptAudit';
import { auditShadow } from './shadowAudit';
import { auditFills, auditVtlb } from './vtlbAudit';

/** A machine with a program, at the start of boot; without `mmu` each VM is under its own technique. */
export function machineFor(program: Program, mmu: string | undefined): Machine {
  const configuration = configure(program, mmu);
  if ('error' in configuration) assert.fail(configuration.error);
  return new Machine(program, configuration);
}

/** What is wrong with the tables and lists that the machine's hypervisor keeps, as they stand; nothing when all is well. */
export function audit(machine: Machine): readonly string[] {
  const { technique } = machine;
  const host = auditHost(machine);
  if (technique instanceof ShadowVtlb) return [...host, ...auditVtlb(machine, technique)];
  if (technique instanceof Deprivileged) return [...host, ...auditDeprivileged(machine, technique)];
  if (technique instanceof ShadowWp) return [...host, ...auditShadow(machine, technique)];
  if (technique instanceof Npt) return [...host, ...auditNpt(machine, technique)];
  if (technique instanceof Nested) return [...host, ...auditNested(machine, technique)];
  return technique instanceof Ept ? [...host, ...auditEpt(machine, technique)] : host;
}

/** L1's EPT in L1's memory, L0's in the machine's, and the one that L0 composes of both. */
function auditNested(machine: Machine, { ept, level0: { vm, nesting } }: Nested): readonly string[] {
  const below = [...auditEpt(machine, ept), ...auditHostOf([vm]), ...auditEpt(machine, nesting.ept, (gfn) => nesting.isTracked(gfn))];
  try {
    auditEpt02(machine);
  } catch (error) {
    if (!(error instanceof assert.AssertionError)) throw error;
    return [...below, error.message];
  }
  return below;
}

/**
 * Runs a machine to its end and audits it after every instruction that can have changed what the hypervisor keeps
 * or what it is made from: one with a VM exit, or one that wrote. At the end the counters are held to the events.
 */
export function runAudited(machine: Machine): void {
  const { interpreter, processors, technique } = machine;
  const { run } = interpreter;
  const fills = technique instanceof ShadowVtlb ? auditFills(machine, technique) : [];
  const { counters } = processors[0]!;
  while (run.status === RUN.running && !run.isCounting) interpreter.step();
  assert.deepEqual(audit(machine), [], 'after boot');
  const events = new CounterAudit(machine);
  events.listen();
  let exits = counters[COUNTER['exits.total']]!;
  while (run.status === RUN.running) {
    const before = run.step;
    interpreter.step();
    if (counters[COUNTER['exits.total']] === exits) continue;
    exits = counters[COUNTER['exits.total']]!;
    const { range } = machine.program.statements[interpreter.stacks[0]!.statement]!;
    assert.deepEqual(audit(machine), [], `after step ${before}, on line ${range.line + 1}`);
  }
  machine.bus.silence();
  assert.deepEqual(audit(machine), [], 'at the end');
  assert.deepEqual(events.findings(), []);
  assert.deepEqual(fills, []);
}
