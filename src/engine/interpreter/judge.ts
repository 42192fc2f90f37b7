import { KIND, ACTOR, field } from '../../hardware/events/eventTable';
import type { EventBus } from '../../hardware/events/eventBus';
import { LOG, stopCauses, type Claim, type Expectation, type Program, type ValueType } from '../../language/program';
import { pairToBigInt } from '../arithmetic';
import { LOG_LENGTH, type Happenings } from './happenings';
import { exceptionAt, exceptionName, exitReasonKey } from '../names';
import { printValue } from './printValue';

const PAGE_FAULT = 14;

/** What an expectation's claim is judged on: the running frame's registers and what happened. */
export interface Evidence {
  readonly words: Int32Array;
  readonly base: number;
  readonly happenings: Happenings;
  /** Why a load in the claim found nothing, as a sentence; undefined when all did. */
  readonly unmapped: string | undefined;
}

/** True when the expectation is judged under `techniques`: one, or for a host thread those of all VMs, which must all be meant. */
export function appliesTo(program: Program, expectation: Expectation, techniques: readonly string[]): boolean {
  return expectation.techniques < 0 || isUnder(program, expectation.techniques, techniques);
}

/** True when set `set` of the program's sets of techniques has all of these. */
export function isUnder(program: Program, set: number, techniques: readonly string[]): boolean {
  return techniques.every((technique) => program.techniqueSets[set]!.includes(technique));
}

/** Undefined when the claim holds, else what was found instead: `it is 0x3, and 2 was expected`. */
export function judge(claim: Claim, evidence: Evidence): string | undefined {
  if (evidence.unmapped !== undefined) return evidence.unmapped;
  switch (claim.kind) {
    case 'holds':
      return isTrue(evidence, claim.register) ? undefined : sides(claim, evidence);
    case 'page_fault':
      return judgeException(PAGE_FAULT, claim, evidence);
    case 'no_page_fault':
      return judgeNone(PAGE_FAULT, claim.mark, evidence);
    case 'exception':
      return judgeException(claim.vector, claim, evidence);
    case 'no_exception':
      return judgeNone(claim.vector, claim.mark, evidence);
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
    case 'stopped': {
      if (evidence.happenings.count(LOG.stops) === number(evidence, claim.mark)) return 'the VM goes on';
      const cause = stopCauses[evidence.happenings.stopCause];
      return claim.why === undefined || claim.why === cause ? undefined : `the VM stopped with ${cause}`;
    }
  }
}

/** Says that an expectation fails, to whoever listens. */
export function emitFailure(bus: EventBus, cpu: number, expectation: number): void {
  if (!bus.on[KIND.expectation_failed]) return;
  const record = bus.begin(KIND.expectation_failed, ACTOR.guest, cpu);
  record[field.index.at] = expectation;
  bus.commit();
}

/** Exactly one exception of `vector` since the mark, with the code and at the place that the claim names. */
function judgeException(vector: number, claim: { readonly mark: number; readonly code?: number; readonly at?: number }, evidence: Evidence): string | undefined {
  const { happenings } = evidence;
  const from = number(evidence, claim.mark);
  const found = exceptionsSince(vector, from, evidence);
  if (found.length === 0) return `no ${exceptionName(vector)} was delivered to the guest`.replace('page_fault', 'page fault');
  const took = `the guest took ${found.map((n) => exceptionText(happenings, n)).join(', then ')}`;
  if (found.length > 1) return took;
  const [n] = found as [number];
  const isCode = claim.code === undefined || claim.code === happenings.faultCode(n);
  const isPlace =
    claim.at === undefined ||
    (evidence.words[evidence.base + 2 * claim.at] === happenings.faultAddressLo(n) &&
      evidence.words[evidence.base + 2 * claim.at + 1] === happenings.faultAddressHi(n));
  return isCode && isPlace ? undefined : took;
}

function judgeNone(vector: number, mark: number, evidence: Evidence): string | undefined {
  const found = exceptionsSince(vector, number(evidence, mark), evidence);
  return found.length === 0 ? undefined : `the guest took ${found.map((n) => exceptionText(evidence.happenings, n)).join(', then ')}`;
}

/** Numbers of the exceptions of `vector` from number `from` on, of which the log keeps the last only. */
function exceptionsSince(vector: number, from: number, { happenings }: Evidence): number[] {
  const to = happenings.count(LOG.faults);
  const found: number[] = [];
  for (let n = Math.max(from, to - LOG_LENGTH); n < to; n++) if (happenings.faultVector(n) === vector) found.push(n);
  return found;
}

function exceptionText(happenings: Happenings, n: number): string {
  const vector = happenings.faultVector(n);
  const address = pairToBigInt(happenings.faultAddressLo(n), happenings.faultAddressHi(n));
  return exceptionAt(vector, happenings.faultCode(n), address);
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
