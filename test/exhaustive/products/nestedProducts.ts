import { accesses, supervisorAccesses } from '../machine/accesses';
import { CaseRunner, type RunnerOptions } from '../machine/caseRunner';
import { allOff } from '../machine/hardware';
import type { Score } from '../machine/score';
import type { AnySlot, Candidate, NestedSlot, Shape } from '../machine/tableLayout';
import type { Structure } from '../oracle/bitTables';
import { BIT, pairsOf, unions } from './combinations';

const EPT_REGISTERS = { ...allOff, wp: true };

/** Every nested entry that some address of the access goes through, each once. */
function nestedSlots(runner: CaseRunner): NestedSlot[] {
  return [...new Set(runner.layout.paths.flat())];
}

const highBit = ({ maxphyaddr }: Shape): bigint => 1n << BigInt(Math.min(maxphyaddr, 51));

/**
 * Every combination of one EPT entry's flags, in every place that a two-dimensional walk goes through: R, W, X, the memory type,
 * IPAT, bit 7, A, D, a bit above MAXPHYADDR, XU, and as one bit those that mean nothing here. With A/D off and on.
 */
export function oneEptEntry(shape: Shape, options: RunnerOptions): Score {
  const runner = new CaseRunner(shape, options);
  const { R, W, X, XU, PS, EA, ED, SVE } = BIT;
  const modeBased = shape.modeBasedExecute === true ? [XU, BIT.ept11 | SVE] : [XU | BIT.ept11 | SVE];
  const masks = [R, W, X, 1n << 3n, 1n << 4n, 1n << 5n, 1n << 6n, PS, EA, ED, highBit(shape), ...modeBased];
  const flags = unions(masks);
  for (const eptFlags of ['off', 'on'] as const) {
    runner.use({ ...EPT_REGISTERS, pse: shape.paging === '32-bit' }, allOff, eptFlags);
    const known: KnownFacts = new Map();
    for (const slot of nestedSlots(runner)) {
      judgeAll(runner, slot, candidatesOf(slot, flags, known), supervisorAccesses);
    }
  }
  return runner.score;
}

/** NXE decides what XD is, SMEP and NXE whether a fetch is told from a read. WP and SMAP bind no user access. */
const hosts = [{}, { nxe: true }, { smep: true }].map((on) => ({ ...allOff, wp: true, smap: true, pse: true, ...on }));

/** Every combination of one nested entry's flags, in every place, by the host's NXE and SMEP. */
export function oneNptEntry(shape: Shape, options: RunnerOptions): Score {
  const runner = new CaseRunner(shape, options);
  const { P, RW, US, A, D, PS, G, XD } = BIT;
  const isLegacy = shape.nested?.kind === 'NPT' && shape.nested.paging === '32-bit';
  const high = isLegacy ? [] : [XD, highBit(shape)];
  const masks = [P, RW, US, BIT.PWT | BIT.PCD | BIT.ignored, A, D, PS, G, ...high];
  const flags = unions(masks);
  for (const host of hosts) {
    runner.use({ ...EPT_REGISTERS, pse: shape.paging === '32-bit' }, host);
    const known: KnownFacts = new Map();
    for (const slot of nestedSlots(runner)) {
      judgeAll(runner, slot, candidatesOf(slot, flags, known), supervisorAccesses);
    }
  }
  return runner.score;
}

/** What a pair of levels is varied in. */
function pairValues(slot: AnySlot, shape: Shape, isNested: boolean): bigint[] {
  const { P, RW, US, XD, R, W, X, XU, SVE } = BIT;
  const isLegacy = slot.structure.entryBytes === 4;
  if (isNested && shape.nested?.kind === 'EPT') {
    // Bit 63 goes with bit 3: it counts in an entry that is not present, and an entry with bit 3 is refused when it is.
    return unions([R, W, X, highBit(shape), shape.modeBasedExecute === true ? XU : 1n << 3n | SVE]).map((union) => (slot.open & ~0x40fn) | union);
  }
  const masks = slot.inRegister ? [P] : isLegacy ? [P, RW, US] : [P, RW, US, XD, highBit(shape)];
  return unions(masks).map((union) => (slot.open & ~0x7n) | union);
}

/** Every pair of nested entries that one guest-physical address goes through. */
export function pairsOfNestedEntries(shape: Shape, options: RunnerOptions): Score {
  return pairsOfEntries(shape, options, ({ layout }) => layout.paths.flatMap((path) => pairsOf(path)));
}

/**
 * Every pair of a guest's entry and a nested one: which event comes first, and that rights of one dimension never make up for the
 * other's.
 */
export function pairsAcross(shape: Shape, options: RunnerOptions): Score {
  return pairsOfEntries(shape, options, (runner) => {
    const nested = nestedSlots(runner);
    return runner.layout.linear.flatMap((slot) => nested.map((other) => [slot, other] as const));
  });
}

function pairsOfEntries(
  shape: Shape, options: RunnerOptions, choose: (runner: CaseRunner) => readonly (readonly [AnySlot, NestedSlot])[],
): Score {
  const runner = new CaseRunner(shape, options);
  const isEpt = shape.nested?.kind === 'EPT';
  const hosts = isEpt ? [allOff] : [false, true].map((nxe) => ({ ...allOff, pse: true, nxe }));
  for (const eptFlags of isEpt ? ['off', 'on'] as const : ['off'] as const) {
    for (const host of hosts) {
      runner.use({ ...EPT_REGISTERS, nxe: true, smep: true, pse: shape.paging === '32-bit' }, host, eptFlags);
      for (const [first, second] of choose(runner)) judgePair(runner, first, second);
    }
  }
  return runner.score;
}

function judgePair(runner: CaseRunner, first: AnySlot, second: NestedSlot): void {
  const isFirstNested = !(runner.layout.linear as AnySlot[]).includes(first);
  const seconds = pairValues(second, runner.shape, true).map((value) => second.candidate(value));
  for (const value of pairValues(first, runner.shape, isFirstNested)) {
    first.hold(first.candidate(value) as never);
    for (const candidate of seconds) {
      for (const access of accesses) {
        if (!runner.isDue()) continue;
        if (second.facts !== candidate.facts) second.hold(candidate);
        runner.run(access);
      }
    }
  }
  first.reopen();
  second.reopen();
}

/** What combinations of flags say in an entry of a structure that holds address 0: for one setting of the registers. */
type KnownFacts = Map<Structure, readonly NestedSlot['facts'][]>;

const FRAME_MASK = ~0xfffn;

/** Each combination of flags with the address that the open entry has. The oracle reads each once a structure, not once a place. */
function candidatesOf(slot: NestedSlot, flags: readonly bigint[], known: KnownFacts): Candidate<NestedSlot['facts']>[] {
  const facts = known.get(slot.structure) ?? flags.map((union) => slot.candidate(union).facts);
  known.set(slot.structure, facts);
  const frame = slot.open & FRAME_MASK;
  return flags.map((union, index) => {
    const value = frame | union;
    const [lo, hi] = [Number(BigInt.asIntN(32, value)), Number(BigInt.asIntN(32, value >> 32n))];
    return { value, lo, hi, facts: { ...facts[index]!, frame: facts[index]!.frame + Number(frame) } };
  });
}

/** Runs all values of an entry; one that maps a page where it should reference a table moves what its path leads to. */
function judgeAll(
  runner: CaseRunner, slot: NestedSlot, candidates: readonly Candidate<NestedSlot['facts']>[], by: typeof accesses,
): void {
  let placedAsPage = slot.facts.mapsPage;
  for (const candidate of candidates) {
    let isHeld = false;
    for (const access of by) {
      if (!runner.isDue()) continue;
      if (!isHeld) {
        slot.hold(candidate);
        if (candidate.facts.present && candidate.facts.mapsPage !== placedAsPage) {
          placedAsPage = candidate.facts.mapsPage;
          runner.layout.place();
        }
        isHeld = true;
      }
      runner.run(access);
    }
  }
  slot.reopen();
  runner.layout.place();
}
