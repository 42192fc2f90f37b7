import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { capabilities } from '../../src/adapter/capabilities';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';
import { scriptedSimulator } from './scriptedSimulator';

const program = '/lab/script.guest';

async function stoppedAt(text: string, line: number, filters: readonly string[] = []): Promise<TestClient> {
  const c = new TestClient(scriptedSimulator, { [program]: text });
  await c.start({ program, lines: [line], filters });
  await c.event('stopped');
  return c;
}

/** A scenario that is run in earnest, stopped before the line that is this statement. */
async function edited(line: string): Promise<TestClient> {
  const text = 'machine { paging 4-level, ram 16M }\ncpu 0 {\n  x = 1\n  y = x\n}\n';
  const c = new TestClient(simulator, { [program]: text });
  await c.start({ program, lines: [text.split('\n').findIndex((each) => each.trim() === line) + 1] });
  await c.event('stopped');
  return c;
}

async function set(c: TestClient, asked: object): Promise<DebugProtocol.Breakpoint[]> {
  const body = await c.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setBreakpoints', { source: { path: program }, ...asked });
  return body.breakpoints;
}

/** One proof for each capability that is announced. */
const proofs: Record<Exclude<keyof typeof capabilities, 'exceptionBreakpointFilters' | 'completionTriggerCharacters'>, () => Promise<void>> = {
  supportsConfigurationDoneRequest: async () => {
    const c = new TestClient(scriptedSimulator, { [program]: 'print first' });
    await c.initialize();
    await c.ask('launch', { program });
    await c.event('initialized');
    assert.equal(c.output, '', 'nothing runs before the client has set its breakpoints');
    await c.ask('configurationDone');
    await c.event('terminated');
    assert.match(c.output, /^first\n/);
  },
  supportsConditionalBreakpoints: async () => {
    const c = await stoppedAt('a\nb', 1);
    const [good, bad] = await set(c, { breakpoints: [{ line: 2, condition: '1' }, { line: 2, condition: 'nonsense here' }] });
    assert.equal(good?.verified, true);
    assert.deepEqual([bad?.verified, bad?.message], [false, 'The condition cannot be used: "nonsense here" is no name here.']);
  },
  supportsHitConditionalBreakpoints: async () => {
    const c = await stoppedAt('a\nb', 1);
    const [good, bad] = await set(c, { breakpoints: [{ line: 2, hitCondition: '>=3' }, { line: 2, hitCondition: 'often' }] });
    assert.equal(good?.verified, true);
    assert.match(bad?.message ?? '', /^"often" is no hit count: write 5/);
  },
  supportsLogPoints: async () => {
    const c = await stoppedAt('a\nb', 1);
    const [good, bad, open, empty] = await set(c, {
      breakpoints: [
        { line: 2, logMessage: 'b has {1} and \\{braces\\}' }, { line: 2, logMessage: '{nonsense here}' },
        { line: 2, logMessage: 'half {1' }, { line: 2, logMessage: '{}' },
      ],
    });
    assert.equal(good?.verified, true);
    assert.deepEqual([bad?.verified, bad?.message], [false, 'The log message cannot be used, in {nonsense here}: "nonsense here" is no name here.']);
    assert.equal(open?.message, 'The log message has a brace without its other one at character 6: write \\{ for the brace itself.');
    assert.equal(empty?.message, 'The log message has {} with nothing in it: write an expression there, or \\{\\} for the braces.');
  },
  supportsFunctionBreakpoints: async () => {
    const c = await stoppedAt('a\nevent vm_exit\nb', 1);
    const names = ['vm_exit', 'cpu 0', 'write:gpa:0x3008', 'vm_exitt', 'write:hva:0x10'];
    const { breakpoints } = await c.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setFunctionBreakpoints', {
      breakpoints: names.map((name) => ({ name })),
    });
    assert.deepEqual(breakpoints.map(({ verified }) => verified), [true, true, true, false, false]);
    assert.equal(breakpoints[3]?.message, '"vm_exitt" is no event, procedure or entry: did you mean "vm_exit"?');
    const stop = await c.move('continue');
    assert.deepEqual([stop['reason'], stop['hitBreakpointIds']], ['function breakpoint', [breakpoints[0]?.id]]);
  },
  supportsDataBreakpoints: async () => {
    const c = await stoppedAt('a\nevent access_done\nb', 1);
    const frame = await c.top();
    const { scopes } = await c.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: frame.id });
    const variablesReference = scopes[0]?.variablesReference;
    const info = await c.ask<DebugProtocol.DataBreakpointInfoResponse['body']>('dataBreakpointInfo', { name: 'slot', variablesReference });
    assert.deepEqual([info.dataId, info.description], ['gva:0x1000:8', '8 bytes at gva:0x1000']);
    const none = await c.ask('dataBreakpointInfo', { name: '5', frameId: frame.id });
    assert.deepEqual([none['dataId'], none['description']], [null, '"5" is no address, register or value that changes: write one such as gva:0x600000, walk gpa:0x3000 or cr3.']);
    const { breakpoints } = await c.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setDataBreakpoints', {
      breakpoints: [{ dataId: 'gva:0x0:8', accessType: 'readWrite' }, { dataId: 'soup' }],
    });
    assert.deepEqual(breakpoints.map(({ verified }) => verified), [true, false]);
    assert.equal((await c.move('continue'))['reason'], 'data breakpoint');
  },
  supportsDataBreakpointBytes: async () => {
    const c = await stoppedAt('a\nb', 1);
    const info = await c.ask('dataBreakpointInfo', { name: 'hpa:0x3000', asAddress: true, bytes: 4096 });
    assert.equal(info['dataId'], 'hpa:0x3000:4096');
  },
  supportsExceptionFilterOptions: async () => {
    const c = await stoppedAt('a\nb', 1);
    const { breakpoints } = await c.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setExceptionBreakpoints', {
      filters: ['vm-exit'],
      filterOptions: [{ filterId: 'cr3-write', condition: '1' }, { filterId: 'cr3-write', condition: '?' }, { filterId: 'cr9' }],
    });
    assert.deepEqual(breakpoints.map(({ verified }) => verified), [true, true, false, false]);
    assert.match(breakpoints[3]?.message ?? '', /^"cr9" is no exception filter of Pagewalk: there are vm-exit, cr3-write,/);
  },
  breakpointModes: async () => {
    const c = await stoppedAt('a\nb', 1);
    assert.deepEqual(capabilities.breakpointModes.filter(({ appliesTo }) => appliesTo.includes('exception')).map(({ mode }) => mode), ['before', 'after']);
    assert.deepEqual(capabilities.breakpointModes.filter(({ appliesTo }) => appliesTo.includes('data')).map(({ mode }) => mode), ['gva', 'gpa', 'hpa']);
    const byHost = await c.ask('dataBreakpointInfo', { name: '0x3000', asAddress: true, mode: 'hpa' });
    assert.equal(byHost['dataId'], 'hpa:0x3000:8');
    const { breakpoints } = await c.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setExceptionBreakpoints', {
      filters: [], filterOptions: [{ filterId: 'vm-exit', mode: 'after' }, { filterId: 'vm-exit', mode: 'soon' }],
    });
    assert.deepEqual(breakpoints.map(({ verified }) => verified), [true, false]);
    assert.equal(breakpoints[1]?.message, '"soon" is no mode of an exception filter: there are before and after.');
  },
  supportsExceptionInfoRequest: async () => {
    const c = await stoppedAt('a\nevent exception_delivered\nb', 1, ['guest-page-fault']);
    assert.equal(await c.refused('exceptionInfo', { threadId: 1 }), 'The scenario is not stopped at an event.');
    const stop = await c.move('continue');
    assert.equal(stop['reason'], 'exception');
    const info = await c.ask<DebugProtocol.ExceptionInfoResponse['body']>('exceptionInfo', { threadId: 1 });
    assert.equal(info.exceptionId, 'guest-page-fault');
    assert.equal(info.details?.stackTrace, 'gva = gva:0x600000\nvector = 14');
  },
  supportsStepBack: async () => {
    const c = await stoppedAt('a\nb\nc', 3);
    const stop = await c.move('stepBack');
    assert.deepEqual([stop['description'], stop['where'], stop['text']], ['Stepped back', 'step 1, in the past', 'Stepped back (step 1, in the past)']);
    const start = await c.move('reverseContinue');
    assert.equal(start['reason'], 'entry');
    assert.equal(start['news'], 'This is where the recording starts: there is nothing before it.');
  },
  supportsSteppingGranularity: async () => {
    const c = await stoppedAt('a\nb\nc', 1);
    assert.match(String((await c.move('next'))['text']), /^Stepped \(/);
    assert.match(String((await c.move('next', { granularity: 'instruction' }))['text']), /^Stepped one event/);
    assert.match(String((await c.move('stepBack', { granularity: 'instruction' }))['text']), /^Stepped back one event/);
  },
  supportsStepInTargetsRequest: async () => {
    const text = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user lazy\n 0x601000 .. 0x602000 rw user }\nprocedure one() { return 1 }\n'
      + 'procedure two() { return 2 }\ncpu 0 {\n  switch(p)\n  x = one() + two()\n  user [0x600000] = x\n  user [0x601000] = x\n}\n';
    const c = new TestClient(simulator, { [program]: text });
    await c.start({ program, mmu: 'ept', lines: [8] });
    await c.stopped();
    const targets = async (): Promise<DebugProtocol.StepInTarget[]> => (await c.ask<{ targets: DebugProtocol.StepInTarget[] }>('stepInTargets', { frameId: (await c.top()).id })).targets;
    const calls = await targets();
    assert.deepEqual(calls.map(({ label }) => label), ['procedure one', 'procedure two']);
    assert.match(String((await c.move('stepIn', { targetId: calls[1]?.id }))['text']), /^Stepped in/);
    assert.deepEqual([(await c.top()).name, (await c.top()).line], ['two', 5]);
    assert.match(await c.refused('stepIn', { threadId: 1, targetId: calls[0]?.id }), /belongs to an earlier stop/);
    await c.move('stepOut');
    const access = await targets();
    const labels = access.map(({ label }) => label);
    assert.deepEqual(labels.slice(0, 2), ['walk: guest tables', 'walk: EPT tables for PML4E']);
    assert.equal(labels.indexOf('walk: guest tables (2)'), labels.indexOf('handler page_fault') + 1, 'behind the handler the access runs again');
    const nested = access.find(({ label }) => label === 'walk: EPT tables for PDE');
    await c.move('stepIn', { targetId: nested?.id });
    assert.equal((await c.top()).name, nested?.label);
    await set(c, { breakpoints: [{ line: 10 }] });
    await c.move('continue');
    const exit = (await targets()).find(({ label }) => label === 'handle_exit (EPT violation)');
    await c.move('stepIn', { targetId: exit?.id });
    assert.equal((await c.top()).name, exit?.label);
    const { stackFrames } = await c.ask<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId: 1, format: { parameters: true } });
    assert.equal(stackFrames[0]?.name, 'handle_exit — EPT violation at gpa:0x101000, write');
    assert.deepEqual((await targets()).map(({ label }) => label), [], 'its first line reads the exit reason');
  },
  supportsSingleThreadExecutionRequests: async () => {
    const text = 'machine { paging 4-level, ram 16M }\ncpu 0 {\n  x = 1\n  barrier met\n}\ncpu 1 {\n  y = 1\n  barrier met\n}\n';
    const c = new TestClient(simulator, { [program]: text });
    await c.start({ program, mmu: 'native', stopOnEntry: true });
    await c.stopped();
    const stop = await c.move('continue', { singleThread: true, threadId: 2 });
    assert.deepEqual([stop['description'], stop['threadId']], ['Waits for others', 2]);
    assert.equal(stop['text'], `Waits for others (${String(stop['where'])}): cpu 1 waits at barrier met for cpu 0 (line 8): let the others run.`);
    assert.equal((await c.top()).line, 3, 'cpu 0 stands where it stood');
  },
  supportsEvaluateForHovers: async () => {
    const c = await stoppedAt('a\nb', 1);
    const frame = await c.top();
    const hover = { expression: 'here', frameId: frame.id, context: 'hover' };
    const body = await c.ask<DebugProtocol.EvaluateResponse['body']>('evaluate', hover);
    assert.deepEqual([body.result, body.type, body.memoryReference], ['gva:0x1000', 'gva', 'gva:0x1000']);
    assert.equal(await c.refused('evaluate', { ...hover, expression: 'x' }), '"x" is no name here.');
  },
  supportsClipboardContext: async () => {
    const c = await stoppedAt('a\nb', 1);
    assert.equal((await c.ask('evaluate', { expression: '0x2a', context: 'clipboard' }))['result'], '0x2a');
  },
  supportsValueFormattingOptions: async () => {
    const c = await stoppedAt('a\nb', 1);
    const value = async (expression: string, format?: object): Promise<unknown> => (await c.ask('evaluate', { expression, context: 'watch', format }))['result'];
    assert.deepEqual([await value('0x2a'), await value('0x2a', { hex: true }), await value('0x2a', { hex: false })], ['0x2a', '0x2a', '42']);
    assert.equal(await value('here', { hex: false }), 'gva:0x1000', 'an address is one in any case');
  },
  supportsCompletionsRequest: async () => {
    const c = await stoppedAt('a\nb', 1);
    const { targets } = await c.ask<DebugProtocol.CompletionsResponse['body']>('completions', { text: '1 + he', column: 7 });
    assert.deepEqual(targets, [{ label: 'here', type: 'variable', detail: 'the only name', sortText: '1here', start: 5, length: 2 }]);
    assert.match(await c.refused('completions', { text: 'he', column: 9 }), /needs the argument "column" as a column of the line that it is in/);
  },
  supportsReadMemoryRequest: async () => {
    const c = await stoppedAt('a\nb', 1);
    const all = await c.ask('readMemory', { memoryReference: 'gva:0x1000', count: 4 });
    assert.deepEqual(all, { address: '0x1000', data: Buffer.from([0, 1, 2, 3]).toString('base64') });
    const short = await c.ask('readMemory', { memoryReference: 'gpa:0x1000', offset: 8, count: 16 });
    assert.equal(short['unreadableBytes'], 8, 'what lies past a hole is said to be missing, not zero');
    assert.match(await c.refused('readMemory', { memoryReference: 'apa:1', count: 1 }), /is no memory reference: write SPACE:0xADDRESS/);
    assert.match(await c.refused('readMemory', { memoryReference: 'gpa:1', count: -1 }), /-1 bytes cannot be read at once/);
  },
  supportsWriteMemoryRequest: async () => {
    const c = await edited('x = 1');
    const data = Buffer.from([7]).toString('base64');
    assert.deepEqual(await c.ask('writeMemory', { memoryReference: 'gpa:0x0', offset: 8, data }), { offset: 8, bytesWritten: 1 });
    assert.equal((await c.ask('readMemory', { memoryReference: 'gpa:0x8', count: 1 }))['data'], data);
  },
  supportsSetVariable: async () => {
    const c = await edited('y = x');
    const { scopes } = await c.ask<{ scopes: DebugProtocol.Scope[] }>('scopes', { frameId: (await c.top()).id });
    const asked = { variablesReference: scopes[0]?.variablesReference, name: 'x', value: '0x2a' };
    assert.deepEqual(await c.ask('setVariable', asked), { value: '0x2a', type: 'number', variablesReference: 0 });
    assert.match(await c.refused('setVariable', { ...asked, name: 'z' }), /^There is no variable "z" there/);
  },
  supportsSetExpression: async () => {
    const c = await edited('y = x');
    assert.equal((await c.ask('setExpression', { expression: 'x', value: 'x + 41' }))['value'], '0x2a');
    assert.match(await c.refused('setExpression', { expression: 'x + 1', value: '1' }), /has no place of its own/);
  },
  supportsDelayedStackTraceLoading: async () => {
    const c = await stoppedAt('event vm_exit\nb', 1, ['vm-exit']);
    const whole = await c.ask<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId: 1 });
    assert.deepEqual(whole.stackFrames.map(({ name }) => name), ['handle_exit', 'user store [0x600000]', 'cpu 0']);
    const part = await c.ask<DebugProtocol.StackTraceResponse['body']>('stackTrace', { threadId: 1, startFrame: 1, levels: 1 });
    assert.deepEqual([part.stackFrames.map(({ name }) => name), part.totalFrames], [['user store [0x600000]'], 3]);
  },
  supportsLoadedSourcesRequest: async () => {
    const c = await stoppedAt('a\nb', 1);
    const { sources } = await c.ask<{ sources: DebugProtocol.Source[] }>('loadedSources');
    assert.deepEqual(sources.map(({ name }) => name), ['script.guest', 'kernel.guest', 'scripted.vmm']);
    const listing = sources[2];
    const body = await c.ask('source', { source: listing, sourceReference: listing?.sourceReference });
    assert.match(String(body['content']), /^handle the exit\n/);
    assert.match(await c.refused('source', { sourceReference: 99 }), /Source reference 99 is not a source of this session/);
  },
  supportsBreakpointLocationsRequest: async () => {
    const c = await stoppedAt('a\n\nb\nc', 1);
    const { breakpoints } = await c.ask<{ breakpoints: DebugProtocol.BreakpointLocation[] }>('breakpointLocations', {
      source: { path: program },
      line: 1,
      endLine: 3,
    });
    assert.deepEqual(breakpoints.map(({ line, column, endColumn }) => [line, column, endColumn]), [[1, 1, 2], [3, 1, 2]]);
  },
  supportsDisassembleRequest: async () => {
    const c = await stoppedAt('a\nb', 1);
    assert.match((await c.top()).instructionPointerReference ?? '', /^0x[0-9a-f]+$/);
    const ask = async (args: object): Promise<readonly DebugProtocol.DisassembledInstruction[]> => (
      (await c.ask<{ instructions: DebugProtocol.DisassembledInstruction[] }>('disassemble', { memoryReference: '0xb', ...args })).instructions
    );
    assert.deepEqual((await ask({ instructionOffset: -2, instructionCount: 5 })).map(({ address, instruction }) => [address, instruction]), [
      ['0x9', ''], ['0xa', 'store'], ['0xb', '    event 11'], ['0xc', '    event 12'], ['0xd', ''],
    ]);
    assert.match(await c.refused('disassemble', { memoryReference: 'gva:0', instructionCount: 1 }), /a reference that `instructionPointerReference`/);
    assert.match(await c.refused('disassemble', { memoryReference: '0xb', instructionCount: 1e9 }), /a number from 0 to 10000/);
  },
  supportsInstructionBreakpoints: async () => {
    const c = await edited('y = x');
    const here = (await c.top()).instructionPointerReference;
    const { breakpoints } = await c.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setInstructionBreakpoints', {
      breakpoints: [{ instructionReference: here }, { instructionReference: here, offset: -0x1000 }],
    });
    assert.deepEqual(breakpoints.map(({ verified, line }) => [verified, line]), [[true, 4], [false, undefined]]);
    await set(c, { breakpoints: [] });
    await c.move('stepBack');
    const stop = await c.move('continue');
    assert.deepEqual([stop['reason'], stop['hitBreakpointIds'], (await c.top()).instructionPointerReference], ['instruction breakpoint', [breakpoints[0]?.id], here]);
  },
  supportsANSIStyling: async () => {
    const said = async (more: object): Promise<string> => {
      const c = new TestClient(scriptedSimulator, { [program]: 'fail badly' });
      await c.initialize(more);
      await c.ask('launch', { program });
      await c.event('initialized');
      await c.ask('configurationDone');
      await c.event('terminated');
      return c.output;
    };
    assert.match(await said({}), /^badly\nscript\.guest under scripted: 1 expectation held, 1 failed\.\n$/);
    assert.equal((await said({ supportsANSIStyling: true })).replaceAll('\u001b[31m', '<red>').replaceAll('\u001b[39m', '</red>'), '<red>badly</red>\n<red>script.guest under scripted: 1 expectation held, 1 failed.</red>\n');
  },
  supportsRestartRequest: async () => {
    const c = await stoppedAt('a\nb', 2);
    const since = c.received.length;
    await c.ask('restart', {});
    assert.equal((await c.stopped(since))['reason'], 'breakpoint');
  },
  supportsRestartFrame: async () => {
    const c = await edited('y = x');
    const since = c.received.length;
    await c.ask('restartFrame', { frameId: (await c.top()).id });
    const stopped = await c.stopped(since);
    assert.deepEqual([stopped['reason'], (await c.top()).line], ['entry', 3], 'the frame of a cpu begins where history does');
    assert.match(await c.refused('restartFrame', { frameId: 1 }), /^Frame 1 belongs to an earlier stop/);
  },
  supportsGotoTargetsRequest: async () => {
    const c = await edited('y = x');
    const ask = async (line: number): Promise<DebugProtocol.GotoTarget[]> => (await c.ask<{ targets: DebugProtocol.GotoTarget[] }>('gotoTargets', { source: { path: program }, line })).targets;
    assert.deepEqual(await ask(1), []);
    const [target] = await ask(3);
    assert.deepEqual([target?.label, target?.line], ['x = 1', 3]);
    const since = c.received.length;
    await c.ask('goto', { threadId: 1, targetId: target?.id });
    assert.equal((await c.stopped(since))['reason'], 'goto');
    assert.equal((await c.top()).line, 3);
    assert.match(await c.refused('goto', { threadId: 1, targetId: target?.id }), /belongs to an earlier stop/);
  },
  supportsCancelRequest: async () => {
    const c = await stoppedAt('a\nloop', 1);
    const since = c.received.length;
    const answer = await c.request('continue', { threadId: 1 });
    await c.ask('cancel', { requestId: answer.request_seq + 1 });
    await c.ask('cancel', { requestId: answer.request_seq });
    assert.match(String((await c.stopped(since))['text']), /^Cancelled \(step \d+\)$/);
    await c.ask('cancel', { requestId: answer.request_seq });
  },
  supportsTerminateRequest: async () => {
    const c = await stoppedAt('a\nb', 1);
    await c.ask('terminate');
    await c.event('terminated');
    assert.match(await c.refused('next', { threadId: 1 }), /the session is over/);
    await c.ask('terminate');
    await c.ask('disconnect');
    assert.equal(c.events('terminated').length, 1);
  },
};

describe('every capability that is announced is true', () => {
  for (const [name, proof] of Object.entries(proofs)) it(name, proof);

  it('and nothing is announced without a proof', () => {
    const announced = Object.entries(capabilities).filter(([name, value]) => value === true || name === 'breakpointModes').map(([name]) => name);
    assert.deepEqual(announced.sort(), Object.keys(proofs).sort());
  });

  it('exception filters have the public ids, only expectation on by default', () => {
    const filters = capabilities.exceptionBreakpointFilters;
    assert.deepEqual(
      filters.map(({ filter }) => filter),
      [
        'vm-exit', 'cr3-write', 'ept-violation', 'page-table-write', 'guest-page-fault', 'hidden-fault', 'expectation',
        'ept-misconfiguration', 'npf', 'page-table-write-trapped', 'spurious-fault', 'shadow-page-created', 'shadow-page-zapped',
        'shadow-page-unsynced', 'shadow-page-synced', 'memslot-change', 'host-reclaim', 'invlpg', 'invpcid', 'invept', 'invvpid',
        'tlb-flush', 'remote-flush', 'stale-tlb-hit', 'triple-fault',
      ],
    );
    assert.deepEqual(filters.filter((filter) => filter.default).map(({ filter }) => filter), ['expectation']);
    assert.deepEqual([...new Set(filters.map(({ supportsCondition }) => supportsCondition))], [true]);
  });
});
