import { strict as assert } from 'node:assert';
import { firstStatement, statementAtLine } from '../../src/adapter/breakpoints/statementAtLine';
import { catalog } from '../../src/engine/settings/catalog';
import { compileScenario } from '../../src/language/compile';
import type { Program } from '../../src/language/program';

const text = `machine { paging 4-level, ram 16M }
process p { 0x600000 .. 0x601000 rw user }

global g = 3
procedure f(x) -> number {

  y = x + 1
  return y
}
cpu 0 {
  switch(p)

  // the guest writes
  user { [0x600000] = 1; [0x600008] = 2 }
  if g == 3 {
    g = f(4)

  } else {
    g = 2
  }
  print "g is", g,
    g
}
`;

describe('a breakpoint on a line', () => {
  let program: Program;
  const lineOf = (number: number | undefined): string =>
    number === undefined ? 'nothing' : `${program.statements[number]!.range.line + 1}:${program.statements[number]!.range.column + 1}`;
  /** Line and column from 1, as a person counts. */
  const check = (line: number, expected: string, column = 1): void => {
    assert.equal(lineOf(statementAtLine(program, 0, line - 1, column - 1)), expected, `line ${line}, column ${column}`);
  };

  before(() => {
    const compiled = compileScenario({ path: 'a.guest', text, readImport: () => undefined, catalog });
    assert.ok(compiled.program, JSON.stringify(compiled.diagnostics));
    program = compiled.program;
  });

  it('binds to the statement that starts there', () => {
    check(11, '11:3');
    check(19, '19:5');
  });
  it('tells statements of one line apart by column', () => {
    check(14, '14:10');
    check(14, '14:26', 12);
    check(14, '14:26', 80);
  });
  it('moves from a blank line or a comment to the next statement of its block', () => {
    check(12, '14:10');
    check(13, '14:10');
    check(17, '19:5');
  });
  it('on the heading of a procedure or a cpu block binds to its first statement', () => {
    check(5, '7:3');
    check(10, '11:3');
    assert.equal(lineOf(firstStatement(program, program.cpus[0]!)), '11:3');
  });
  it('binds to a statement that goes on over the line', () => {
    check(22, '21:3');
  });
  it('outside any block binds to nothing', () => {
    for (const line of [1, 2, 3, 4, 23, 99]) check(line, 'nothing');
  });
});
