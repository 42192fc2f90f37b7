import { strict as assert } from 'node:assert';
import type { Outcome } from '../../src/engine/debuggee';
import { run } from '../../src/engine/run/run';
import { RUN } from '../../src/engine/interpreter/runState';
import { compiled } from '../engine/onMachine';
import { audit, machineFor, runAudited } from './audit';
import { assertAgreement } from './programs/agreement';
import { changing, comeRound, slotted, WRAP_AT } from './programs/slotPrograms';

const hosted = ['deprivileged', 'shadow-wp', 'shadow-wp:update=zap', 'shadow-wp:shadow_pages=16', 'shadow-unsync', 'shadow-rebuild', 'shadow-vtlb', 'ept', 'ept:dirty_log=pml', 'npt', 'interpret', 'nested'] as const;

/** MMIO that is RAM from line `ADD_AT` on, from 0. What is stale is found out at the first access behind it, or in what that one faults for. */
const inPlaceOfMmio = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p); map(p, 0x700000, gpa:32M, rw)
  user [0x700000] = 1
  user [0x700000] = 2
  host add_slot(extra, gpa:32M, 1M)
  user [0x700000] = 5
  user [0x700000] = 6
  user x = [0x700000]
  expect exits.total == 0
  expect x == 6
}
`;
const ADD_AT = 6;

describe('memory slots', function () {
  this.timeout(240_000);

  for (const mmu of hosted) {
    it(`with ROM and MMIO: the audit finds nothing after any instruction under ${mmu}`, () => runAudited(machineFor(compiled(slotted), mmu)));

    it(`that come, move, are logged and go: the audit finds nothing after any statement under ${mmu}`, () => {
      for (const poke of ['none', 'generation'] as const) {
        const machine = machineFor(compiled(changing.replace('LOG', 'wp')), mmu);
        const { interpreter: { run: state }, program } = machine;
        while (state.status === RUN.running && !state.isCounting) machine.interpreter.step();
        while (state.status === RUN.running) {
          const ahead = machine.interpreter.isAtStatement(0) ? program.statements[machine.interpreter.statementAhead(0)] : undefined;
          if (poke === 'generation' && ahead?.range.line === WRAP_AT) comeRound(machine);
          machine.interpreter.step();
          if (!machine.interpreter.isAtStatement(0)) continue;
          const { range } = program.statements[machine.interpreter.stacks[0]!.statement]!;
          assert.deepEqual(audit(machine), [], `line ${range.line + 1}`);
        }
        assert.equal(state.status, RUN.ended);
      }
    });
  }

  it('with ROM and MMIO look alike to the guest under every technique', () => assertAgreement(compiled(slotted)));

  describe('that cannot be as the host wants them', () => {
    const HEAD = 'machine { paging 4-level, slot low 0 .. 16M ram, slot device 40M .. 41M mmio }\ncpu 0 {\n';
    const refused: Readonly<Record<string, readonly [statements: string, sentence: RegExp]>> = {
      'over another slot': ['host add_slot(extra, gpa:8M, 1M)', /test\.guest:3:\d+: gpa:0x800000 lies in another memslot, or is MMIO/],
      'over a device': ['host add_slot(extra, gpa:39M, 2M)', /gpa:0x2800000 lies in another memslot, or is MMIO/],
      'moved over another': ['host add_slot(extra, gpa:32M, 1M); host move_slot(extra, gpa:15M)', /gpa:0xf00000 lies in another memslot/],
      'twice': ['host add_slot(extra, gpa:32M, 1M); host add_slot(extra, gpa:48M, 1M)', /memslot of that name already/],
      'of no page': ['host add_slot(extra, gpa:32M + 1, 1M)', /gpa:0x2000001 is not the address of one/],
      'of half a page': ['host add_slot(extra, gpa:32M, 2K)', /0x800 bytes are no whole number of pages/],
      'past the end': ['host add_slot(extra, gpa:64G - 4K, 8K)', /would end at gpa:0x1000001000/],
      'gone before': ['host add_slot(extra, gpa:32M, 1M); host remove_slot(extra); host remove_slot(extra)', /no memslot of that name is there now/],
      'of a device': ['host log_dirty(device, true)', /it is MMIO, which no memory backs/],
    };
    for (const [what, [statements, sentence]] of Object.entries(refused)) {
      it(`${what}: refused with place and reason`, () => {
        for (const mmu of ['shadow-wp', 'ept']) {
          const report = run(compiled(`${HEAD}  ${statements}\n}\n`), mmu);
          if ('error' in report) assert.fail(report.error);
          assert.match(report.outcome.message ?? '', sentence, mmu);
        }
      });
    }
  });

  // Under interpret no entry says MMIO, and each access exits for ever.
  for (const mmu of hosted.filter((name) => name !== 'interpret')) {
    for (const generation of ['next', 'first again'] as const) {
      it(`take the place of MMIO, also in the generation that is the ${generation}: entries that said MMIO are stale, and an access soon needs no exit, under ${mmu}`, () => {
        const machine = machineFor(compiled(inPlaceOfMmio), mmu);
        const { interpreter, program } = machine;
        const failed: number[] = [];
        interpreter.judged = (_, verdict) => { if (verdict !== 'held') failed.push(interpreter.statementAhead(0)); };
        let isPoked = generation === 'next';
        while (interpreter.run.status === RUN.running) {
          const ahead = interpreter.isAtStatement(0) ? program.statements[interpreter.statementAhead(0)] : undefined;
          if (!isPoked && ahead?.range.line === ADD_AT) {
            isPoked = true;
            comeRound(machine);
          }
          interpreter.step();
        }
        assert.deepEqual([interpreter.run.status, failed, isPoked], [RUN.ended, [], true]);
      });
    }
  }

  it('go with the large pages behind them, also while the host has no frame for a table', () => {
    const text = `platform { backing 2M, ram 64M }
machine { paging 4-level, slot low 0 .. 16M ram }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p); map(p, 0x700000, gpa:32M, rw)
  host add_slot(extra, gpa:32M, 2M)
  user [0x700000] = 1
  host remove_slot(extra)
  x = [direct(gpa:1M)]
}
`;
    const machine = machineFor(compiled(text), 'ept');
    const { interpreter, technique: { vm }, configuration } = machine;
    for (let isStarved = false; interpreter.run.status === RUN.running;) {
      const ahead = interpreter.isAtStatement(0) ? machine.program.statements[interpreter.statementAhead(0)] : undefined;
      if (!isStarved && ahead?.range.line === 7) {
        const { process } = vm!.memory.host!;
        assert.equal(process.levelOf(vm!.slots.hvaPage(vm!.slots.find(0x2000), 0x2000)), 2);
        machine.registry.contents().get('host.frame_list')!.set([configuration.hostRam / 4096, 0, 0]);
        isStarved = true;
      }
      interpreter.step();
    }
    assert.equal(interpreter.run.status, RUN.ended);
    assert.deepEqual(audit(machine), []);
    assert.equal(vm!.host.frames.free, 512, 'the frames of the large page');
  });

  it('leave no host table behind where a large page takes the place of small ones that are gone', () => {
    const text = `platform { backing 2M, ram 64M }
machine { paging 4-level, ram 16M }
cpu 0 {
  [direct(gpa:8M)] = 1
  host balloon(gpa:8M, 2M)
  [direct(gpa:8M)] = 2
  x = [direct(gpa:8M)]
  expect x == 2
}
`;
    runAudited(machineFor(compiled(text), 'ept'));
  });

  it('move with all that processors have logged of them, and begin a log with nothing of what was written before', () => {
    const text = `machine { paging 4-level, dirty_log pml, slot low 0 .. 16M ram, slot extra 32M .. 33M ram }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p); map(p, 0x700000, gpa:32M, rw); map(p, 0x701000, gpa:48M, rw)
  user x = [0x700000]
  host log_dirty(extra, true)
  user [0x700000] = 1
  host move_slot(extra, gpa:48M)
  host moved = get_dirty_log(extra)
  expect moved[gpa:48M]
  user x = [0x701000]
  user [0x701000] = 2
  host log_dirty(extra, true)
  host begun = get_dirty_log(extra)
  expect not begun[gpa:48M]
}
`;
    const report = run(compiled(text), 'ept');
    if ('error' in report) assert.fail(report.error);
    assert.deepEqual([report.outcome.message, report.outcome.passed, report.outcome.failed], [undefined, 2, 0]);
  });

  it('have entries that set_epte overwrites: one that is gone is made again, and an entry that no processor takes stops the VM', () => {
    const head = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user }\ncpu 0 {\n  switch(p)\n  user [0x600000] = 1\n';
    const outcome = (statements: string, mmu: string): Outcome => {
      const report = run(compiled(`${head}  ${statements}\n}\n`), mmu);
      if ('error' in report) assert.fail(report.error);
      return report.outcome;
    };
    for (const mmu of ['ept', 'nested']) {
      const emptied = outcome('host set_epte(0x600000, 0)\n  user x = [0x600000]\n  expect under ept: exits are ept_violation\n  expect x == 1', mmu);
      assert.deepEqual([emptied.message, emptied.failed], [undefined, 0]);
      assert.match(outcome('host set_epte(0x600000, 2)\n  user x = [0x600000]', mmu).message ?? '', /at VM exit ept_misconfiguration: an EPT entry is misconfigured/);
    }
  });

  it('have no EPT PTE to overwrite where a large entry maps them, until the host page is split', () => {
    const text = `platform { backing 2M }
machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  SPLIT
  host set_epte(0x600000, 0)
  user x = [0x600000]
  expect x == 1
}
`;
    const outcome = (split: string): Outcome => {
      const report = run(compiled(text.replace('SPLIT', split)), 'ept');
      if ('error' in report) assert.fail(report.error);
      return report.outcome;
    };
    assert.match(outcome('').message ?? '', /an EPT entry of 2 MBytes maps gpa:0x101000, which has no EPT PTE; write `host split\(a\)` before it/);
    const split = outcome('host split(0x600000)');
    assert.deepEqual([split.message, split.passed, split.failed], [undefined, 1, 0]);
  });
});
