import { KIND, ACTOR, field } from '../hardware/events/eventTable';
import type { EventBus } from '../hardware/events/eventBus';
import { LOG, type Claim, type Expectation, type Program, type ValueType } from '../language/program';
import { pairToBigInt } from './arithmetic';
import { LOG_LENGTH, type Happenings } from './happenings';
import { exitReasonKey, pageFaultText } from './names';
import { printValue } from './printValue';

/** What an expectation's claim is judged on: the running frame's registers and what happened. */
export interface Evidence {
  readonly words: Int32Array;
  readonly base: number;
  readonly happenings: Happenings;
  /** Why a load in the claim found nothing, as a sentence; undefined when all did. */
  readonly unmapped: string | undefined;
}

/** True when the expectation is judged under `technique`. */
export function appliesTo(program: Program, expectation: Expectation, technique: string): boolean {
  return expectation.techniques < 0 || program.techniqueSets[expectation.techniques]!.includes(technique);
}

/** Undefined when the claim holds, else what was found instead: `it is 0x3, and 2 was expected`. */
export function judge(claim: Claim, evidence: Evidence): string | undefined {
  if (evidence.unmapped !== undefined) return evidence.unmapped;
  switch (claim.kind) {
    case 'holds':
      return isTrue(evidence, claim.register) ? undefined : sides(claim, evidence);
    case 'page_fault':
      return judgeFault(claim, evidence);
    case 'no_page_fault': {
      const since = faultsSince(claim.mark, evidence);
      return since.length === 0 ? undefined : `the guest took ${since.join(', then ')}`;
    }
    case 'no_exits': {
      const since = exitsSince(claim.mark, evidence);
      return since.length === 0 ? undefined : `the VM exits were ${since.join(', ')}`;
    }
    case 'exits_are': {
      const wanted = claim.reasons.map(exitReasonKey);
      const since = exitsSince(claim.mark, evidence);
      if (since.length === wanted.length && since.every((reason, i) => reason === wanted[i])) return undefined;
      return since.length === 0 ? 'there was no VM exit' : `the VM exits were ${since.join(', ')}`;
    }
    case 'refused':
      return evidence.happenings.count(LOG.refusals) > number(evidence, claim.mark)
        ? undefined
        : 'no access was refused';
  }
}

/** Says that an expectation fails, to whoever listens. */
export function emitFailure(bus: EventBus, cpu: number, expectation: number): void {
  if (!bus.on[KIND.expectation_failed]) return;
  const record = bus.begin(KIND.expectation_failed, ACTOR.guest, cpu);
  record[field.index.at] = expectation;
  bus.commit();
}

function judgeFault(claim: Extract<Claim, { kind: 'page_fault' }>, evidence: Evidence): string | undefined {
  const { happenings } = evidence;
  const from = number(evidence, claim.mark);
  const faults = happenings.count(LOG.faults) - from;
  if (faults === 0) return 'no page fault was delivered to the guest';
  if (faults > 1) return `the guest took ${faultsSince(claim.mark, evidence).join(', then ')}`;
  const isCode = claim.code === undefined || claim.code === happenings.faultCode(from);
  const isPlace =
    claim.at === undefined ||
    (evidence.words[evidence.base + 2 * claim.at] === happenings.faultAddressLo(from) &&
      evidence.words[evidence.base + 2 * claim.at + 1] === happenings.faultAddressHi(from));
  return isCode && isPlace ? undefined : `the guest took ${faultsSince(claim.mark, evidence).join('')}`;
}

function faultsSince(mark: number, evidence: Evidence): string[] {
  const { happenings } = evidence;
  return since(number(evidence, mark), happenings.count(LOG.faults), (n) =>
    pageFaultText(happenings.faultCode(n), pairToBigInt(happenings.faultAddressLo(n), happenings.faultAddressHi(n))),
  );
}

function exitsSince(mark: number, evidence: Evidence): string[] {
  const { happenings } = evidence;
  return since(number(evidence, mark), happenings.count(LOG.exits), (n) => exitReasonKey(happenings.exit(n)));
}

/** Entries from `from` to `to` as text; of more than the log keeps only the kept ones, after a word about the rest. */
function since(from: number, to: number, text: (n: number) => string): string[] {
  const first = Math.max(from, to - LOG_LENGTH);
  const lines = first > from ? [`${first - from} earlier ones`] : [];
  for (let n = first; n < to; n++) lines.push(text(n));
  return lines;
}

function sides(claim: Extract<Claim, { kind: 'holds' }>, evidence: Evidence): string {
  if (claim.operands.length === 0) return 'it is false';
  return claim.operands
    .map((operand) => `${operand.text} is ${valueAt(evidence, operand.register, operand.type)}`)
    .join(', ');
}

function valueAt(evidence: Evidence, register: number, type: ValueType): string {
  const at = evidence.base + 2 * register;
  return printValue(pairToBigInt(evidence.words[at]!, evidence.words[at + 1]!), type);
}

function isTrue(evidence: Evidence, register: number): boolean {
  const at = evidence.base + 2 * register;
  return (evidence.words[at]! | evidence.words[at + 1]!) !== 0;
}

/** A count that `mark` left in a register: below 2^53. */
function number(evidence: Evidence, register: number): number {
  const at = evidence.base + 2 * register;
  return (evidence.words[at + 1]! >>> 0) * 4294967296 + (evidence.words[at]! >>> 0);
}
