import { pageFaultErrorCodeNames } from '../../hardware/paging/pageFaultErrorCode';
import { EXIT_REASON, exitReasons } from '../../hardware/vmx/exitReasons';
import type { Binary, Expect, Expr, FaultClaim, ListClaim, NoClaim, OutcomeClaim, Statement } from '../generated/ast';
import { COUNTER_SCOPE, LOG, OP, stopCauses, type Claim, type Operand as Side } from '../program';
import { nodesOf } from '../syntax/nodes';
import { EXCEPTION_VECTORS } from '../virtualMachines';
import type { Body, Judged } from './body';
import { counterOf } from './counters';
import { compileAs, compileCondition, compileExpression } from './expressions';
import { dottedPath, isDeclared } from './names';
import { isComparison, compileComparison } from './operators';
import { beginStatement, endStatement, statementRange } from './statementRows';
import { techniqueSet } from './techniques';

/** Expectations, and prints among them, are about the statement above. */
export function isJudgement(node: Statement | undefined): boolean {
  return node?.$type === 'Expect' || node?.$type === 'Print';
}

/** Notes, right before a statement, what the expectations `below` it compare with. */
export function markBefore(body: Body, below: readonly Statement[]): Judged {
  const { code } = body.unit;
  const marks = new Map<number, number>();
  const counters = new Map<number, number>();
  for (const log of below.flatMap(logsOf)) {
    if (marks.has(log)) continue;
    const register = body.allocate();
    marks.set(log, register);
    code.emit(OP.mark, register, log);
  }
  for (const node of below.flatMap(nodesOf)) {
    if (node.$type !== 'NameRef' && node.$type !== 'Field') continue;
    const path = dottedPath(node as Expr);
    const counter = path === undefined || isDeclared(body, path[0] ?? '') ? undefined : counterOf(path);
    if (counter?.counts !== 'statement' || counters.has(counter.number)) continue;
    const register = body.allocate();
    counters.set(counter.number, register);
    code.emit(OP.counter, register, counter.number, COUNTER_SCOPE.cpu);
  }
  return { marks, counters };
}

function logsOf(node: Statement): readonly number[] {
  if (node.$type !== 'Expect') return [];
  const { claim } = node;
  switch (claim.$type) {
    case 'FaultClaim':
      return [LOG.faults];
    case 'NoClaim':
      return [claim.what === 'exits' ? LOG.exits : LOG.faults];
    case 'ListClaim':
      return [LOG.exits];
    case 'OutcomeClaim':
      return [claim.what === 'stopped' ? LOG.stops : LOG.refusals];
    case 'HoldsClaim':
      return [];
  }
}

/** Number of an expectation that decides what becomes of the statement above when its access is refused, or the VM stops. */
export interface Outcome {
  readonly kind: 'refused' | 'stopped';
  readonly expectation: number;
}

/** Compiles an expectation. */
export function compileExpectation(body: Body, node: Expect): Outcome | undefined {
  const { unit } = body;
  const mark = body.mark;
  const outer = body.purpose;
  const row = beginStatement(body, statementRange(body, node), 'expect');
  const statement = unit.statements.length - 1;
  const techniques = techniqueSet(body, node.under);
  const out = unit.code.newLabel();
  if (techniques >= 0) unit.code.jumpOn(OP.jumpUnlessTechnique, techniques, out);
  body.purpose = 'judge';
  const claim = compileClaim(body, node);
  body.purpose = outer;
  let outcome: Outcome | undefined;
  if (claim !== undefined) {
    const number = unit.expectations.push({ statement, text: body.written(node.claim), techniques, claim }) - 1;
    unit.code.emit(OP.expect, number);
    if (claim.kind === 'refused' || claim.kind === 'stopped') outcome = { kind: claim.kind, expectation: number };
  }
  unit.code.place(out);
  endStatement(body, row);
  body.releaseTo(mark);
  return outcome;
}

function compileClaim(body: Body, node: Expect): Claim | undefined {
  const { claim } = node;
  switch (claim.$type) {
    case 'HoldsClaim':
      return compileHolds(body, claim.value);
    case 'FaultClaim':
      return compileFault(body, claim);
    case 'ListClaim':
      return compileExitList(body, claim);
    case 'NoClaim':
      return compileNothing(body, claim);
    case 'OutcomeClaim':
      return compileOutcome(body, claim);
  }
}

function compileNothing(body: Body, claim: NoClaim): Claim | undefined {
  const { what } = claim;
  if (what === 'exits') {
    const mark = markOf(body, claim, LOG.exits);
    return mark === undefined ? undefined : { kind: 'no_exits', mark };
  }
  const vector = (EXCEPTION_VECTORS as Readonly<Record<string, number>>)[what];
  if (vector === undefined || !Object.hasOwn(EXCEPTION_VECTORS, what)) {
    body.failName(claim, 'unknown-no-claim', what, [...Object.keys(EXCEPTION_VECTORS), 'exits'], { what });
    return undefined;
  }
  const mark = markOf(body, claim, LOG.faults);
  if (mark === undefined) return undefined;
  return what === 'page_fault' ? { kind: 'no_page_fault', mark } : { kind: 'no_exception', vector, mark };
}

function compileOutcome(body: Body, claim: OutcomeClaim): Claim | undefined {
  if (claim.what === 'refused') {
    if (claim.why !== undefined) body.fail(claim, 'refused-reason');
    const mark = markOf(body, claim, LOG.refusals);
    return mark === undefined ? undefined : { kind: 'refused', mark };
  }
  const why = stopCauses.find((cause) => cause === claim.why);
  if (claim.why !== undefined && why === undefined) {
    body.failName(claim, 'unknown-stop', claim.why, stopCauses, { why: claim.why });
    return undefined;
  }
  const mark = markOf(body, claim, LOG.stops);
  return mark === undefined ? undefined : { kind: 'stopped', mark, ...(why === undefined ? {} : { why }) };
}

function markOf(body: Body, node: Expect['claim'], log: number): number | undefined {
  const mark = body.judged?.marks.get(log);
  if (mark === undefined) body.fail(node, 'nothing-above', { what: `\`${body.written(node)}\` judges` });
  return mark;
}

/** A condition. The sides of its comparison are kept so that a failure can print them. */
function compileHolds(body: Body, node: Expr): Claim {
  if (!isComparison(node)) {
    const operands: Side[] = [];
    for (const side of comparisonsAlwaysMade(node)) operands.push(...sidesOf(body, side));
    return { kind: 'holds', register: body.inRegister(compileCondition(body, node)), operands };
  }
  const { result, left, right } = compileComparison(body, node);
  const operands = [
    { text: body.written(node.left), register: left.register, type: left.type },
    { text: body.written(node.right), register: right.register, type: right.type },
  ];
  return { kind: 'holds', register: body.inRegister(result), operator: node.operator, operands };
}

/** Comparisons of `A and B` and `A or B` that are computed whatever the others give: the leftmost one. */
function comparisonsAlwaysMade(node: Expr): readonly Binary[] {
  if (node.$type !== 'Binary') return [];
  if (node.operator === 'and' || node.operator === 'or') return comparisonsAlwaysMade(node.left);
  return isComparison(node) ? [node] : [];
}

function sidesOf(body: Body, node: Binary): readonly Side[] {
  return [node.left, node.right].filter((side) => side.$type !== 'NumberLiteral').map((side) => {
    const value = compileExpression(body, side);
    return { text: body.written(side), register: body.inRegister(value), type: value.type };
  });
}

function compileFault(body: Body, claim: FaultClaim): Claim | undefined {
  if (claim.what !== 'page_fault') return compileException(body, claim);
  const mark = markOf(body, claim, LOG.faults);
  let code: number | undefined;
  for (const { word } of claim.flags) {
    const bit = pageFaultErrorCodeNames.findIndex((name) => name === word);
    if (bit < 0) body.failName(claim, 'unknown-fault-word', word, pageFaultErrorCodeNames, { word, choices: pageFaultErrorCodeNames.join(', ') });
    code = (code ?? 0) | (bit < 0 ? 0 : 1 << bit);
  }
  const at = claim.at === undefined ? undefined : body.inRegister(compileAs(body, claim.at, 'gva'));
  if (mark === undefined) return undefined;
  return { kind: 'page_fault', mark, ...(code === undefined ? {} : { code }), ...(at === undefined ? {} : { at }) };
}

/** The other exceptions have no words for an error code; a virtualization exception tells of a guest-physical address. */
function compileException(body: Body, claim: FaultClaim): Claim | undefined {
  const exception = claim.what;
  const vector = (EXCEPTION_VECTORS as Readonly<Record<string, number>>)[exception];
  if (vector === undefined) throw new Error(`invariant: ${exception} has no vector`);
  const mark = markOf(body, claim, LOG.faults);
  if (claim.flags.length > 0) body.fail(claim, 'fault-without-code', { exception });
  else if (claim.at !== undefined && exception !== 'virtualization_exception') body.fail(claim, 'fault-without-address', { exception });
  const at = claim.at === undefined ? undefined : body.inRegister(compileAs(body, claim.at, 'gpa'));
  if (mark === undefined) return undefined;
  return { kind: 'exception', vector, mark, ...(at === undefined ? {} : { at }) };
}

function compileExitList(body: Body, claim: ListClaim): Claim | undefined {
  const mark = markOf(body, claim, LOG.exits);
  const keys = exitReasons.map((reason) => reason.key);
  const reasons: number[] = [];
  for (const { name } of claim.exits) {
    const number = (EXIT_REASON as Readonly<Record<string, number | undefined>>)[name];
    if (number === undefined) {
      body.failName(claim, 'unknown-exit-reason', name, keys, { name, advice: 'reasons are named as in `vm_exits`, such as cr_access' });
    } else {
      reasons.push(number);
    }
  }
  return mark === undefined ? undefined : { kind: 'exits_are', mark, reasons };
}
