import { strict as assert } from 'node:assert';
import { catalog } from '../../src/engine/settings/catalog';
import type { Motion, Stop } from '../../src/engine/debuggee';
import { launch } from '../../src/engine/time/launch';
import type { Timeline } from '../../src/engine/time/timeline';
import { compileScenario } from '../../src/language/compile';
import type { Program } from '../../src/language/program';
import { tables } from '../../src/inspect/tables';
import type { TableChanges } from '../../src/inspect/changes';
import type { Space, TableNode, TablesResponse } from '../../src/protocol/requests';

/** A process whose only page is touched for the first time. */
export const oneTouch = `
machine { paging 4-level, ram 4M }
process p { 0x600000 .. 0x601000  rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  done = 1
}
`;

export function programOf(text: string): Program {
  const { program, diagnostics } = compileScenario({ path: 'test.guest', text, readImport: () => undefined, catalog });
  assert.deepEqual(diagnostics.filter(({ severity }) => severity === 'error'), []);
  assert.ok(program);
  return program;
}

export function launched(text: string, mmu: string): Timeline {
  const started = launch(programOf(text), mmu);
  if ('error' in started) assert.fail(started.error);
  return started.timeline;
}

/** Moves and gives the stop that it ended at. */
export function move(timeline: Timeline, motion: Motion): Stop {
  timeline.start(motion, 0);
  const stop = timeline.slice(() => false);
  assert.ok(stop);
  return stop;
}

/** Runs on to the scenario's line that contains `text`. */
export function runTo(timeline: Timeline, text: string): void {
  const lines = timeline.program.files[0]!.text.split('\n');
  const line = lines.findIndex((each) => each.includes(text));
  const statement = timeline.program.statements.findIndex(({ range }) => range.file === 0 && range.line === line);
  assert.ok(statement >= 0, `no statement in a line with "${text}"`);
  timeline.setStatementBreakpoints([{ id: 1, statement }]);
  const stop = move(timeline, 'continue');
  timeline.setStatementBreakpoints([]);
  assert.equal(stop.kind, 'breakpoint', `the scenario does not come by "${text}"`);
}

/** Goes event by event until one of that kind (and actor, if given) is stood at. */
export function toEvent(timeline: Timeline, kind: string, actor?: string): void {
  for (let i = 0; i < 5000; i++) {
    move(timeline, 'event');
    const event = timeline.eventsOfStep().at(-1);
    if (event?.kind === kind && (actor === undefined || event.actor === actor)) return;
  }
  assert.fail(`no event ${kind} comes`);
}

export function nodesOf(timeline: Timeline, space: Space, root?: string, path?: readonly number[], changes?: TableChanges): readonly TableNode[] {
  return answer(timeline, space, root, path, changes).nodes;
}

export function answer(timeline: Timeline, space: Space, root?: string, path?: readonly number[], changes?: TableChanges): TablesResponse {
  const response = tables(timeline, { space, ...(root === undefined ? {} : { root }), ...(path === undefined ? {} : { path }) }, changes);
  if ('error' in response) assert.fail(response.error);
  return response;
}

/** Every entry below every root. */
export function wholeTree(timeline: Timeline, space: Space, changes?: TableChanges): readonly TableNode[] {
  const found: TableNode[] = [];
  const visit = (node: TableNode): void => {
    found.push(node);
    if (node.hasChildren) for (const child of nodesOf(timeline, space, node.root, node.path, changes)) visit(child);
  };
  for (const root of nodesOf(timeline, space, undefined, undefined, changes)) visit(root);
  return found;
}

/** A copy of every block of the machine's state. */
export function stateOf(timeline: Timeline): ReadonlyMap<string, Buffer> {
  return new Map([...timeline.machine.registry.contents()].map(([name, words]) => [name, Buffer.from(bytesOf(words))]));
}

/** Names of the blocks that are not byte for byte what they were. */
export function touchedSince(timeline: Timeline, before: ReadonlyMap<string, Buffer>): readonly string[] {
  const now = timeline.machine.registry.contents();
  return [...now].filter(([name, words]) => before.get(name)?.equals(bytesOf(words)) !== true).map(([name]) => name);
}

function bytesOf(words: Int32Array | Float64Array): Uint8Array {
  return new Uint8Array(words.buffer, words.byteOffset, words.byteLength);
}
