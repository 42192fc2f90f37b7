import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { BREAKPOINT_REQUEST, type BreakpointNamesResponse } from '../../src/protocol/breakpointRequests';
import { TestClient } from './client';

const program = '/lab/named.guest';
const head = 'machine { paging 4-level, ram 16M, mmu ept }\nprocess p { 0x600000 .. 0x602000 rw user lazy }\n';
const cpu = 'cpu 0 {\n  switch(p)\n  user [0x600000] = 1\n  user [0x601000] = 2\n}\n';

/** A session with one function breakpoint; `places` are the frames at which it stops, in order, as SOURCE:LINE. */
async function stopsAt(text: string, asked: DebugProtocol.FunctionBreakpoint): Promise<{ breakpoint: DebugProtocol.Breakpoint | undefined; places: string[] }> {
  const client = new TestClient(simulator, { [program]: text });
  await client.initialize();
  await client.ask('launch', { program });
  const { breakpoints } = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setFunctionBreakpoints', { breakpoints: [asked] });
  let since = client.received.length;
  await client.ask('configurationDone');
  const places: string[] = [];
  for (;;) {
    await Promise.race([client.event('stopped', since), client.event('terminated', since)]);
    if (client.events('terminated').length > 0) break;
    const { source, line, name } = await client.top();
    const reason = (await client.stopped(since))['news'] === undefined ? '' : ' (event)';
    places.push(`${name} ${source?.name ?? ''}:${line}${reason}`);
    since = client.received.length;
    await client.ask('continue', { threadId: 1 });
  }
  return { breakpoint: breakpoints[0], places };
}

describe('a function breakpoint on the name of a procedure', () => {

  it('stops in what replaces it, not in what is replaced', async () => {
    const text = `${head}override procedure switch(process p) {\n  print "mine"\n  cr3 = p.root\n}\n${cpu}`;
    const { breakpoint, places } = await stopsAt(text, { name: 'switch' });
    assert.deepEqual([breakpoint?.verified, breakpoint?.source?.path, breakpoint?.line], [true, program, 4]);
    assert.deepEqual(places, ['switch named.guest:4']);
  });

  it('stops in the replaced one too when original(…) leads there', async () => {
    const text = `${head}override procedure switch(process p) {\n  print "mine"\n  original(p)\n}\n${cpu}`;
    const { places } = await stopsAt(text, { name: 'switch' });
    assert.equal(places.length, 2);
    assert.equal(places[0], 'switch named.guest:4');
    assert.match(places[1] ?? '', /^switch kernel\.guest:\d+$/);
  });
});

describe('the names that function breakpoints can have', () => {
  for (const mmu of ['native', 'shadow-unsync', 'ept', 'npt']) {
    it(`under ${mmu} can all be set, and what never happens there is left out`, async () => {
      const client = new TestClient(simulator, { [program]: `${head}${cpu}` });
      await client.initialize();
      await client.ask('launch', { program, mmu });
      const { names } = await client.ask<BreakpointNamesResponse>(BREAKPOINT_REQUEST.names);
      const { breakpoints } = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setFunctionBreakpoints', { breakpoints: names.map(({ name }) => ({ name })) });
      const refused = breakpoints.flatMap(({ verified, message }, i) => (verified || message?.endsWith('has no statement to stop at.') === true ? [] : [`${names[i]!.name}: ${message ?? ''}`]));
      assert.deepEqual(refused, []);
      const has = (name: string): boolean => names.some((each) => each.name === name);
      assert.deepEqual([has('shadow-page-unsynced'), has('exit:ept_violation'), has('exit:npf')], [mmu === 'shadow-unsync', mmu === 'ept', mmu === 'npt']);
      assert.ok(has('switch') && has('tlb_fill') && has('cr3-write'));
      assert.deepEqual(names.filter(({ description }) => description.includes('{')), [], 'no field without a value is told of in braces');
      await client.ask('disconnect');
    });
  }
});

describe('a function breakpoint on page_fault', () => {
  const handler = 'on page_fault(gva address, code) {\n  print "repair"\n  original(address, code)\n}\n';

  it('stops at the event and in the handler', async () => {
    const { breakpoint, places } = await stopsAt(`${head}${handler}cpu 0 {\n  switch(p)\n  user [0x600000] = 1\n}\n`, { name: 'page_fault' });
    assert.equal(breakpoint?.verified, true);
    assert.equal(breakpoint.line, 4);
    assert.equal(places.length, 3);
    assert.match(places[0] ?? '', /\(event\)$/);
    assert.equal(places[1], 'page_fault named.guest:4');
    assert.match(places[2] ?? '', /^page_fault kernel\.guest:/);
  });

  it('with a condition that only one of them can judge stops there, and says so', async () => {
    const { breakpoint, places } = await stopsAt(`${head}on page_fault(gva where, code) {\n  map(process_of(cr3), where, frame(), rw)\n}\n${cpu}`, {
      name: 'page_fault', condition: 'where == 0x601000',
    });
    assert.equal(breakpoint?.verified, true);
    assert.match(breakpoint.message ?? '', /^Stops at 1 of 2 places of this name\. The condition cannot be used: There is no `where` here/);
    assert.deepEqual(places, ['page_fault named.guest:4']);
  });
});
