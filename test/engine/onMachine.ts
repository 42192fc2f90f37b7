import { strict as assert } from 'node:assert';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { catalog } from '../../src/engine/settings/catalog';
import type { Debuggee, Motion, Stop, Who } from '../../src/engine/debuggee';
import { launch } from '../../src/engine/time/launch';
import type { Timeline } from '../../src/engine/time/timeline';
import { compileScenario } from '../../src/language/compile';
import { compileExpression } from '../../src/language/expression';
import type { Fragment, Program } from '../../src/language/program';

/** The program of a scenario's text, which must compile. */
export function compiled(text: string, name = 'test.guest'): Program {
  const { program, diagnostics } = compileScenario({ path: name, text, readImport: () => undefined, catalog });
  assert.deepEqual(diagnostics.filter(({ severity }) => severity === 'error'), []);
  assert.ok(program);
  return program;
}

/** An expression on the machine as a condition or a watch has it, in the `cpu` block (at `statement` when that is given). */
export function condition(text: string, expression: string, statement?: number): Fragment {
  const { program, symbols } = compileScenario({ path: 'test.guest', text, readImport: () => undefined, catalog });
  assert.ok(program && symbols);
  const instruction = statement === undefined ? undefined : program.statements[statement]!.entry;
  const site = { procedure: program.cpus[0]!, ...(instruction === undefined ? {} : { instruction }) };
  const result = compileExpression({ program, symbols }, expression, site);
  if ('error' in result) assert.fail(result.error);
  return result.fragment;
}

/** The text of one of the project's scenarios. */
export function scenarioText(name: string): string {
  return readFileSync(path.join(__dirname, '../../scenarios', `${name}.guest`), 'utf8');
}

/** A program under a technique, ready at its start. */
export function launched(program: Program, mmu: string | undefined): Timeline {
  const result = launch(program, mmu);
  if ('error' in result) assert.fail(result.error);
  return result.timeline;
}

/** One whole motion of a thread. */
export function move(debuggee: Pick<Debuggee, 'start' | 'slice'>, motion: Motion, cpu = 0, who: Who = 'all'): Stop {
  debuggee.start(motion, cpu, who);
  for (;;) {
    const stop = debuggee.slice(() => true);
    if (stop !== undefined) return stop;
  }
}

/** Runs up to the scenario's first statement. */
export function toFirstStatement(timeline: Timeline): void {
  const [cpu] = timeline.program.cpus;
  const { entry } = timeline.program.procedures[cpu!]!;
  // The block's own head is a statement too: boot runs there.
  const statement = timeline.program.statements.findIndex((each) => each.procedure === cpu && each.entry > entry);
  timeline.setStatementBreakpoints([{ id: 0, statement }]);
  assert.deepEqual(move(timeline, 'continue'), { kind: 'breakpoint', ids: [0] });
  timeline.setStatementBreakpoints([]);
}

/** Number of the statement whose line in the scenario holds `text`. */
export function statementOf(program: Program, text: string): number {
  const line = program.files[0]!.text.split('\n').findIndex((each) => each.includes(text));
  const statement = program.statements.findIndex(({ range }) => range.file === 0 && range.line === line);
  assert.ok(statement >= 0, `no statement on the line with ${text}`);
  return statement;
}

/** All state of a machine as one text, for comparing. Memory that was never given a place counts as zeros. */
export function fingerprint(timeline: Timeline): string {
  const parts: string[] = [];
  for (const [name, words] of timeline.machine.registry.contents()) {
    let hash = 0;
    let last = words.length;
    while (last > 0 && words[last - 1] === 0) last--;
    for (let i = 0; i < last; i++) hash = (Math.imul(hash, 31) + (words[i]! | 0) + Math.imul(i, 7)) | 0;
    parts.push(`${name}:${hash}`);
  }
  return parts.join(' ');
}

/** Where the debugger stands, in words: the frames' names and lines, top first. */
export function standing(timeline: Timeline): string {
  const { program } = timeline;
  return timeline.frames(0).map((frame) => {
    switch (frame.kind) {
      case 'listing': return `${frame.listing}:${frame.line} ${frame.procedure}`;
      case 'access':
      case 'walk': return frame.text;
      default: {
        const statement = program.statements[frame.statement];
        return `${program.procedures[frame.procedure]!.name}:${statement === undefined ? '?' : statement.range.line + 1}`;
      }
    }
  }).join(' < ');
}
