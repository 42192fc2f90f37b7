import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { guestText, sampleBody } from '../language/sampleBody';
import { BenchClient, type Adapter, type Transport } from './benchClient';
import { millionPages } from './historyLoads';
import { summary } from './percentiles';

/*
 * A process of its own: what a client waits for, as JSON, in wall time, since it is a person who waits: microseconds for full steps,
 * milliseconds for all else. `step ADAPTER TRANSPORT`: full steps. `pause`: from the request to `stopped`, in the busiest loop.
 * `million`: variables and trees with a million pages mapped.
 */
const WARM_STEPS = 300;
const STEPS = 1500;
const PAUSES = 60;
const LOOKS = 400;

interface Scope { readonly name: string; readonly variablesReference: number }
type Found = Readonly<Record<string, number>>;

async function fullSteps(client: BenchClient, file: string): Promise<Found> {
  await client.start({ program: file, mmu: 'native' });
  const times: number[] = [];
  const rows: number[] = [];
  for (let i = 0; i < WARM_STEPS + STEPS; i++) {
    const begin = performance.now();
    const stopped = client.event('stopped');
    await client.ask('next', { threadId: 1 });
    await stopped;
    await client.ask('threads');
    const { stackFrames } = await client.ask<{ stackFrames: { id: number }[] }>('stackTrace', { threadId: 1, startFrame: 0, levels: 20 });
    const { scopes } = await client.ask<{ scopes: Scope[] }>('scopes', { frameId: stackFrames[0]!.id });
    for (const wanted of ['Locals', 'Registers']) {
      const { variables } = await client.ask<{ variables: unknown[] }>('variables', { variablesReference: scopes.find(({ name }) => name === wanted)!.variablesReference });
      rows.push(variables.length);
    }
    if (i >= WARM_STEPS) times.push((performance.now() - begin) * 1000);
  }
  return { ...summary('us', times), rows: Math.max(...rows) };
}

async function pauses(client: BenchClient, file: string): Promise<Found> {
  await client.start({ program: file, mmu: 'native' });
  const times: number[] = [];
  for (let i = 0; i < PAUSES; i++) {
    await client.ask('continue', { threadId: 1 });
    // Not always at the same place of a slice.
    await new Promise((resolve) => setTimeout(resolve, 20 + i % 17));
    const begin = performance.now();
    const stopped = client.event('stopped');
    await client.ask('pause', { threadId: 1 });
    await stopped;
    times.push(performance.now() - begin);
  }
  return summary('pause-ms', times);
}

async function looks(client: BenchClient, file: string): Promise<Found> {
  await client.start({ program: file, mmu: 'ept' });
  // The million is mapped where an expectation fails.
  const mapped = client.event('stopped');
  await client.ask('continue', { threadId: 1 });
  await mapped;
  const variables: number[] = [];
  const refreshes: number[] = [];
  let most = 0;
  for (let i = 0; i < LOOKS; i++) {
    const stopped = client.event('stopped');
    await client.ask('next', { threadId: 1 });
    await stopped;
    const { stackFrames } = await client.ask<{ stackFrames: { id: number }[] }>('stackTrace', { threadId: 1 });
    const { scopes } = await client.ask<{ scopes: Scope[] }>('scopes', { frameId: stackFrames[0]!.id });
    const large = await largeContainer(client, scopes);
    const before = performance.now();
    const { variables: rows } = await client.ask<{ variables: unknown[] }>('variables', { variablesReference: large, filter: 'indexed', start: 0, count: 100 });
    variables.push(performance.now() - before);
    most = Math.max(most, rows.length);
    const begin = performance.now();
    for (const space of ['guest', 'ept', 'host']) await refresh(client, space);
    refreshes.push(performance.now() - begin);
  }
  return { ...summary('variables-ms', variables), ...summary('refresh-ms', refreshes), rows: most };
}

interface Row { readonly variablesReference: number; readonly indexedVariables?: number }

/** The first container of a hundred rows or more that one comes to from the scopes. */
async function largeContainer(client: BenchClient, scopes: readonly Row[]): Promise<number> {
  const ahead: Row[] = [...scopes];
  for (let next = ahead.shift(); next !== undefined; next = ahead.shift()) {
    if ((next.indexedVariables ?? 0) >= 100) return next.variablesReference;
    const { variables } = await client.ask<{ variables: readonly Row[] }>('variables', { variablesReference: next.variablesReference, start: 0, count: 100 });
    ahead.push(...variables.filter(({ variablesReference }) => variablesReference > 0));
  }
  throw new Error('no container has a hundred rows');
}

interface Node { readonly root: string; readonly path: readonly number[]; readonly hasChildren: boolean }

/** What a view asks for that shows the roots and, of the first, a branch down to its last table. */
async function refresh(client: BenchClient, space: string): Promise<void> {
  let { nodes } = await client.ask<{ nodes: Node[] }>('pagewalk/tables', { space });
  for (let node = nodes[0]; node?.hasChildren === true; node = nodes[0]) {
    ({ nodes } = await client.ask<{ nodes: Node[] }>('pagewalk/tables', { space, root: node.root, path: node.path }));
  }
}

async function main([what, adapter = 'ours', transport = 'inline']: readonly string[]): Promise<void> {
  const folder = mkdtempSync(path.join(os.tmpdir(), 'pagewalk-bench-'));
  const file = path.join(folder, 'bench.guest');
  writeFileSync(file, what === 'million' ? millionPages() : guestText(sampleBody(), 1_000_000_000));
  const client = BenchClient.open(adapter as Adapter, transport as Transport);
  try {
    const measured = what === 'step' ? fullSteps : what === 'pause' ? pauses : looks;
    console.log(JSON.stringify(await measured(client, file)));
    await client.ask('disconnect').catch(() => undefined);
  } finally {
    client.close();
    rmSync(folder, { recursive: true, force: true });
  }
}

void main(process.argv.slice(2)).then(() => process.exit());
