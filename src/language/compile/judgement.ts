import { AstUtils } from 'langium';
import { pageFaultErrorCodeNames } from '../../hardware/paging/pageFaultErrorCode';
import { EXIT_REASON, exitReasons } from '../../hardware/vmx/exitReasons';
import type { Binary, Expect, Expr, FaultClaim, ListClaim, Statement } from '../generated/ast';
import { COUNTER_SCOPE, LOG, OP, type Claim, type Operand as Side } from '../program';
import type { Body, Judged } from './body';
import { counterOf, nothingAbove } from './counters';
import { compileAs, compileCondition, compileExpression } from './expressions';
import { dottedPath, isDeclared } from './names';
import { didYouMean } from './nearestName';
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
  for (const node of below.flatMap((each) => AstUtils.streamAst(each).toArray())) {
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
      return [LOG.refusals];
    case 'HoldsClaim':
      return [];
  }
}

/** Compiles an expectation; its number when it reads `expect refused`, for judging a refused access above. */
export function compileExpectation(body: Body, node: Expect): number | undefined {
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
  let refused: number | undefined;
  if (claim !== undefined) {
    const number = unit.expectations.push({ statement, text: body.written(node.claim), techniques, claim }) - 1;
    unit.code.emit(OP.expect, number);
    if (claim.kind === 'refused') refused = number;
  }
  unit.code.place(out);
  endStatement(body, row);
  body.releaseTo(mark);
  return refused;
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
    case 'NoClaim': {
      if (claim.what !== 'exits' && claim.what !== 'page_fault') {
        body.fail(claim, `\`no ${claim.what}\` is not supported; write \`no page_fault\` or \`no exits\`, or compare a counter with 0.`);
        return undefined;
      }
      const mark = markOf(body, claim, claim.what === 'exits' ? LOG.exits : LOG.faults);
      return mark === undefined ? undefined : { kind: claim.what === 'exits' ? 'no_exits' : 'no_page_fault', mark };
    }
    case 'OutcomeClaim': {
      if (claim.what === 'stopped') {
        body.fail(claim, '`stopped` is not supported yet; remove the line.');
        return undefined;
      }
      if (claim.why !== undefined) body.fail(claim, '`refused` takes no reason; write `refused` alone.');
      const mark = markOf(body, claim, LOG.refusals);
      return mark === undefined ? undefined : { kind: 'refused', mark };
    }
  }
}

function markOf(body: Body, node: Expect['claim'], log: number): number | undefined {
  const mark = body.judged?.marks.get(log);
  if (mark === undefined) body.fail(node, nothingAbove(`\`${body.written(node)}\` judges`));
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
  if (claim.what !== 'page_fault') {
    body.fail(claim, `\`${claim.what}\` is not supported yet; page_fault is.`);
    return undefined;
  }
  const mark = markOf(body, claim, LOG.faults);
  let code: number | undefined;
  for (const flag of claim.flags) {
    const bit = pageFaultErrorCodeNames.findIndex((name) => name === flag.word);
    if (bit < 0) {
      const choices = `write words out of ${pageFaultErrorCodeNames.join(', ')}`;
      body.fail(claim, `\`${flag.word}\` is no bit of the error code${didYouMean(flag.word, pageFaultErrorCodeNames)}; ${choices}.`);
    }
    code = (code ?? 0) | (bit < 0 ? 0 : 1 << bit);
  }
  const at = claim.at === undefined ? undefined : body.inRegister(compileAs(body, claim.at, 'gva'));
  if (mark === undefined) return undefined;
  return { kind: 'page_fault', mark, ...(code === undefined ? {} : { code }), ...(at === undefined ? {} : { at }) };
}

function compileExitList(body: Body, claim: ListClaim): Claim | undefined {
  const mark = markOf(body, claim, LOG.exits);
  const keys = exitReasons.map((reason) => reason.key);
  const reasons: number[] = [];
  for (const { name } of claim.exits) {
    const number = (EXIT_REASON as Readonly<Record<string, number | undefined>>)[name];
    if (number === undefined) {
      body.fail(claim, `\`${name}\` is no exit reason${didYouMean(name, keys)}; reasons are named as in \`vm_exits\`, such as cr_access.`);
    } else {
      reasons.push(number);
    }
  }
  return mark === undefined ? undefined : { kind: 'exits_are', mark, reasons };
}
