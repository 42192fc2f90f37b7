import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { compiled, scenarioText } from '../../engine/onMachine';
import { configure } from '../../../src/engine/settings/configuration';
import { run } from '../../../src/engine/run/run';
import { interruptedDelivery } from './nestedPrograms';
import { audit, machineFor, runAudited } from '../audit';
import { seenByGuest } from '../programs/agreement';
import { claims } from '../programs/claims';
import { guestPrograms } from '../programs/guestOperation';
import { guestText } from '../programs/guestText';

/** One claim of so many is audited after every step: an audit reads all tables of three levels. */
const AUDITED = 5;

function assertAgrees(text: string): void {
  const program = compiled(text);
  assert.deepEqual(seenByGuest(program, 'nested'), seenByGuest(program, 'native'));
}

describe('ept as a guest hypervisor, technique nested', function () {
  this.timeout(240_000);

  it('shows the guest what native does', () => {
    for (const { text } of claims) assertAgrees(text);
    fc.assert(fc.property(guestPrograms, (guest) => assertAgrees(guestText(guest))), { numRuns: 20, seed: 20261121 });
  });

  it('keeps EPT02 the composition of EPT12 and L0\'s host, and every table as it should be, after every step', () => {
    const texts = claims.filter((_, index) => index % AUDITED === 0).map(({ text }) => text);
    for (const text of [scenarioText('first-touch-nested'), scenarioText('context-switch'), scenarioText('dirty-log-pml'), ...texts]) runAudited(machineFor(compiled(text), 'nested'));
    fc.assert(fc.property(guestPrograms, (guest) => runAudited(machineFor(compiled(guestText(guest)), 'nested'))), { numRuns: 6, seed: 20261121 });
  });

  it('loses no interrupt whose delivery an EPT violation breaks into, at either level', () => {
    const program = compiled(interruptedDelivery);
    assertAgrees(interruptedDelivery);
    const report = run(program, 'nested');
    assert.ok(!('error' in report) && report.outcome.ok, JSON.stringify(report));
  });

  it('is audited: a bit that is flipped in a leaf of EPT02 is found', () => {
    const machine = machineFor(compiled(scenarioText('first-touch-nested')), 'nested');
    while (machine.interpreter.run.status === 0) machine.interpreter.step();
    assert.deepEqual(audit(machine), []);
    const { inspection } = machine.processors[0]!;
    machine.processors[0]!.walkWithoutEffects(0x600000, 0, 0);
    const { result } = inspection.nested!;
    const [lo, hi] = [result.entryHpaLo[1]!, result.entryHpaHi[1]!];
    machine.memory.store32(lo, hi, machine.memory.load32(lo, hi) ^ 0x1000);
    assert.notDeepEqual(audit(machine), []);
  });

  it('is on no host with another technique: one is a guest, the other has the machine', () => {
    const program = compiled('vm a {\n  machine { ram 4M, mmu nested }\n  cpu 0 { x = 1 }\n}\nvm b {\n  machine { ram 4M, mmu ept }\n  cpu 0 { x = 1 }\n}');
    const configuration = configure(program, undefined);
    assert.ok('error' in configuration);
    assert.equal(configuration.error, 'the host of nested is a guest itself, and that of ept has the machine; run all VMs under nested, or none');
    assert.ok(!('error' in configure(program, 'nested')));
  });
});
