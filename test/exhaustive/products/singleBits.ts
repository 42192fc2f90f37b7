import { accesses, supervisorAccesses } from '../machine/accesses';
import { CaseRunner, type RunnerOptions } from '../machine/caseRunner';
import type { Score } from '../machine/score';
import type { AnySlot, Shape } from '../machine/tableLayout';
import { allOff } from '../machine/hardware';
import { settings } from './combinations';

/**
 * Each single bit of each entry turned over, wherever it leads: an address bit moves the next table or the page, and the walk must
 * find it there. This is what says of every bit, at every MAXPHYADDR, what it is for.
 */
export function singleBits(shape: Shape, pse: boolean, options: RunnerOptions): Score {
  const runner = new CaseRunner(shape, options);
  const { layout } = runner;
  for (const controls of settings(['nxe', 'wp', 'smap'], { ...allOff, pse })) {
    runner.use(controls);
    for (const slot of layout.linear) turnOver(runner, slot, slot.inRegister ? heldBits(shape.maxphyaddr) : allBits(slot), accesses);
  }
  return runner.score;
}

/** The same of every entry of the nested tables. `eptFlags`: EPTP bit 6. */
export function singleNestedBits(shape: Shape, options: RunnerOptions): Score {
  const runner = new CaseRunner(shape, options);
  // A host with 32-bit paging has no XD; whether it has large pages is CR4.PSE's to say, and with NXE off here PSE is too.
  for (const nxe of [false, true]) {
    for (const eptFlags of ['off', 'on'] as const) {
      const pse = nxe || shape.nested?.leaf !== undefined;
      runner.use({ ...allOff, pse: shape.paging === '32-bit' }, { ...allOff, nxe, pse }, eptFlags);
      for (const path of runner.layout.paths) for (const slot of path) turnOver(runner, slot, allBits(slot), supervisorAccesses);
    }
  }
  return runner.score;
}

const PS_BIT = 7;

function turnOver(runner: CaseRunner, slot: AnySlot, bits: readonly number[], by: typeof accesses): void {
  for (const bit of bits) {
    if (!runner.isDue()) continue;
    slot.hold(slot.candidate(slot.open ^ 1n << BigInt(bit)) as never);
    runner.layout.relink();
    for (const access of by) runner.run(access);
  }
  slot.reopen();
  runner.layout.relink();
}

/** Not PS of an entry that maps a large page here: the layout has no table behind it. The shape with the next smaller page has that. */
const allBits = ({ structure, open }: AnySlot): number[] => Array.from({ length: 8 * structure.entryBytes }, (_, bit) => bit)
  .filter((bit) => bit !== PS_BIT || structure.table === undefined || (open >> BigInt(PS_BIT)) % 2n === 0n);

/** A PDPTE register takes no reserved bit: MOV to CR3 refuses it. */
const heldBits = (maxphyaddr: number): number[] => (
  Array.from({ length: maxphyaddr }, (_, bit) => bit).filter((bit) => ![1, 2, 5, 6, 7, 8].includes(bit)));
