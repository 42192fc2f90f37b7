import { accesses } from '../machine/accesses';
import { CaseRunner, type RunnerOptions } from '../machine/caseRunner';
import type { Score } from '../machine/score';
import type { Candidate, LinearSlot, Shape } from '../machine/tableLayout';
import type { Controls } from '../oracle/accessRights';
import type { EntryFacts } from '../oracle/entryFacts';
import { BIT, pairsOf, settings, unions } from './combinations';

const CONTROLS = ['wp', 'smep', 'smap', 'ac', 'nxe'] as const;

/** What PSE does is part of the shape of 32-bit tables: elsewhere it changes nothing. */
function allControls({ paging }: Shape, pse: boolean): Controls[] {
  return settings(CONTROLS).map((controls) => ({ ...controls, pse: pse && paging === '32-bit' }));
}

/** A bit that is reserved in every entry of a format; 32-bit paging has one in 4-MByte pages only. */
function reservedBit({ paging, maxphyaddr }: Shape): bigint {
  return paging === '32-bit' ? 1n << 21n : 1n << BigInt(Math.min(maxphyaddr, 51));
}

/** Bits that mean nothing, as one: they count as a flag that must not matter. */
function inertBits({ paging }: Shape): bigint {
  return paging === '4-level' || paging === '5-level' ? BIT.ignored | 0x7fn << 52n : BIT.ignored;
}

/**
 * Every combination of one entry's flags, at each level in turn with the other levels permissive: P, R/W, U/S, PWT, PCD, A, D
 * (bit 6), PS or PAT (bit 7), G, XD, a reserved bit and the ignored bits, under every setting of WP, SMEP, SMAP, AC and NXE, for every
 * access. `pse`: CR4.PSE, for 32-bit paging.
 */
export function oneEntry(shape: Shape, pse: boolean, options: RunnerOptions): Score {
  const runner = new CaseRunner(shape, options);
  const { P, RW, US, PWT, PCD, A, D, PS, G, XD } = BIT;
  const wide = shape.paging === '32-bit' ? [] : [XD];
  for (const slot of runner.layout.linear) {
    const masks = slot.inRegister ? [P, PWT, PCD, BIT.ignored]
      : [P, RW, US, PWT, PCD, A, D, PS, G, ...wide, reservedBit(shape), inertBits(shape)];
    const frame = slot.open & ~0xfffn;
    // A reserved bit of a large page that belongs to the table's address would lead elsewhere: `singleBits` has those.
    const values = unions(masks).map((flags) => frame ^ flags)
      .filter((value) => shape.paging !== '32-bit' || slot.level === 1 || pse && (value & PS) !== 0n || (value & reservedBit(shape)) === 0n);
    forEachControl(runner, allControls(shape, pse), slot, values, (candidates) => {
      for (const candidate of candidates) judge(runner, slot, candidate);
    });
  }
  return runner.score;
}

/** Every combination of present, write, user, NX and reserved in each pair of levels, under the same controls. */
export function pairsOfLevels(shape: Shape, pse: boolean, options: RunnerOptions): Score {
  const runner = new CaseRunner(shape, options);
  const { P, RW, US, XD } = BIT;
  const flags = shape.paging === '32-bit' ? [P, RW, US] : [P, RW, US, XD, reservedBit(shape)];
  const valuesOf = (slot: LinearSlot): bigint[] => unions(slot.inRegister ? [P] : flags).map((union) => (slot.open & ~0x7n) | union);
  for (const [upper, lower] of pairsOf(runner.layout.linear)) {
    forEachControl(runner, allControls(shape, pse), upper, valuesOf(upper), (uppers) => {
      const lowers = valuesOf(lower).map((value) => lower.candidate(value));
      for (const candidate of uppers) {
        upper.hold(candidate);
        for (const other of lowers) judge(runner, lower, other);
      }
      lower.reopen();
    });
  }
  return runner.score;
}

/**
 * Protection keys: every key, every pair of rights for it with all other keys' rights clear or set, by the leaf's R/W, U/S and XD, under
 * every setting of PKE, PKS, WP, SMAP and AC. PKRS says the opposite of PKRU. Bits 62:59 of entries that reference a table are no key.
 */
export function protectionKeys(shape: Shape, options: RunnerOptions): Score {
  const runner = new CaseRunner(shape, options);
  const leaf = runner.layout.linear.at(-1)!;
  for (let key = 0; key < 16; key++) {
    const values = unions([BIT.RW, BIT.US, BIT.XD]).map((union) => (leaf.open & ~0x7n) | BIT.P | union | BigInt(key) << BIT.keyLow);
    for (const pkru of rightsOfKey(key)) {
      const all = settings(['pke', 'pks', 'wp', 'smap', 'ac']).map((controls) => ({ ...controls, nxe: true, pkru, pkrs: 2 ** 32 - 1 - pkru }));
      forEachControl(runner, all, leaf, values, (candidates) => {
        for (const slot of runner.layout.linear) if (slot !== leaf) slot.hold(slot.candidate(slot.open | BigInt(15 - key) << BIT.keyLow));
        for (const candidate of candidates) judge(runner, leaf, candidate);
      });
    }
  }
  return runner.score;
}

/** The four rights of a key, each with the other keys' bits all clear and all set. */
function rightsOfKey(key: number): number[] {
  const own = 3 * 2 ** (2 * key);
  return [0, 1, 2, 3].flatMap((rights) => [0, 2 ** 32 - 1 - own].map((others) => others + rights * 2 ** (2 * key)));
}

/** For each setting: registers, then the entry's values as they read under it. */
function forEachControl(
  runner: CaseRunner, all: readonly Controls[], slot: LinearSlot, values: readonly bigint[],
  run: (candidates: readonly Candidate<EntryFacts>[]) => void,
): void {
  const known = new Map<string, readonly Candidate<EntryFacts>[]>();
  for (const controls of all) {
    runner.use(controls);
    const key = `${String(controls.nxe)} ${String(controls.pse)}`;
    const candidates = known.get(key) ?? values.map((value) => slot.candidate(value));
    known.set(key, candidates);
    run(candidates);
    slot.reopen();
  }
}

function judge(runner: CaseRunner, slot: LinearSlot, candidate: Candidate<EntryFacts>): void {
  for (const access of accesses) {
    if (!runner.isDue()) continue;
    if (slot.facts !== candidate.facts) slot.hold(candidate);
    runner.run(access);
  }
}
