import { strict as assert } from 'node:assert';
import type { DebugProtocol } from '@vscode/debugprotocol';
import { simulator } from '../../src/adapter/pagewalkSimulator';
import { TestClient } from './client';

const program = '/lab/touch.guest';
const text = `machine { paging 4-level, ram 4M }
process p { 0x600000 .. 0x602000 rw user }

cpu 0 {
  switch(p)
  user [0x600000] = 1
  done = 1
}
`;

type Instruction = DebugProtocol.DisassembledInstruction;

async function stopped(mmu: string): Promise<TestClient> {
  const client = new TestClient(simulator, { [program]: text });
  await client.start({ program, mmu, lines: [6] });
  await client.stopped();
  return client;
}

async function around(client: TestClient, before: number, count: number): Promise<readonly Instruction[]> {
  const { instructionPointerReference: memoryReference } = await client.top();
  assert.ok(memoryReference !== undefined);
  return (await client.ask<{ instructions: Instruction[] }>('disassemble', { memoryReference, instructionOffset: -before, instructionCount: count })).instructions;
}

function valid(instructions: readonly Instruction[]): readonly Instruction[] {
  return instructions.filter(({ presentationHint }) => presentationHint !== 'invalid');
}

describe('the disassembly of a statement', () => {
  it('is its instructions, and below each what the machine does for it: both dimensions of a walk, and the handler', async () => {
    const client = await stopped('ept');
    const shown = valid(await around(client, 0, 400));
    const lines = shown.map(({ instruction }) => instruction);
    assert.ok(lines.filter((line) => !line.startsWith(' ')).some((line) => line.startsWith('store ')), lines.slice(0, 10).join('\n'));
    for (const wanted of ['    load EPT PML4E at hpa:', '    load PML4E at hpa:', '    load EPT PTE at hpa:', '    VM exit: EPT violation', '    call handle_ept_violation', '    ept.vmm:', '    load PTE at hpa:']) {
      assert.ok(lines.some((line) => line.startsWith(wanted)), `"${wanted}" is missing in\n${lines.join('\n')}`);
    }
    assert.deepEqual([shown[0]?.line, shown[0]?.location?.path], [6, program]);
    client.dispose();
  });

  it('has addresses that grow, as many lines as are asked for, and the one stood at wherever one steps, and back', async () => {
    const client = await stopped('shadow-wp');
    for (const motion of ['stepIn', 'stepIn', 'next', 'next', 'next', 'stepBack', 'next', 'stepBack', 'stepBack']) {
      await client.move(motion, { granularity: 'instruction' });
      const { instructionPointerReference } = await client.top();
      const shown = await around(client, 30, 80);
      assert.equal(shown.length, 80);
      assert.equal(shown[30]!.address, instructionPointerReference, 'the pointer is at the offset that it was asked at');
      for (let i = 1; i < shown.length; i++) assert.ok(BigInt(shown[i]!.address) > BigInt(shown[i - 1]!.address), `${shown[i]!.address} stands behind ${shown[i - 1]!.address}`);
    }
    client.dispose();
  });

  it('tells at each event what the event is, and disturbs nothing', async () => {
    const client = await stopped('npt');
    const whole = valid(await around(client, 0, 300));
    for (let i = 0; i < 12; i++) {
      const stop = await client.move('next', { granularity: 'instruction' });
      assert.match(String(stop['text']), /event/);
      const [here] = await around(client, 0, 1);
      assert.equal(here?.instruction, whole.find(({ address }) => address === here?.address)?.instruction);
      const moment = await client.ask<{ present: { step: number; event: number } }>('pagewalk/moments');
      await around(client, 5, 20);
      assert.deepEqual(await client.ask('pagewalk/moments'), moment);
    }
    client.dispose();
  });
});

describe('the disassembly of another CPU', () => {
  const two = `machine { paging 4-level, ram 4M }
process p { 0x600000 .. 0x602000 rw user }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  barrier met
  barrier end
}
cpu 1 {
  switch(p)
  user [0x601000] = 2
  barrier met
  await never
}
cpu 2 {
  release never
  barrier met
  barrier end
}
`;

  it('is the statement with which it goes on, at the moment at which it does', async () => {
    const client = new TestClient(simulator, { [program]: two });
    await client.start({ program, mmu: 'ept', lines: [5, 11] });
    const stop = await client.stopped();
    assert.deepEqual([stop['threadId'], (await client.top(1)).line], [1, 5]);
    const there = await client.top(2);
    const at = there.instructionPointerReference;
    assert.ok(at !== undefined);
    const { instructions } = await client.ask<{ instructions: Instruction[] }>('disassemble', { memoryReference: at, instructionOffset: 0, instructionCount: 20 });
    assert.deepEqual([instructions[0]?.address, instructions[0]?.line], [at, there.line]);
    assert.notEqual(instructions[0]?.instruction, '');

    const { breakpoints } = await client.ask<{ breakpoints: DebugProtocol.Breakpoint[] }>('setInstructionBreakpoints', { breakpoints: [{ instructionReference: at }] });
    assert.equal(breakpoints[0]?.verified, true);
    await client.ask('setBreakpoints', { source: { path: program }, breakpoints: [] });
    const next = await client.move('continue');
    assert.deepEqual([next['reason'], next['threadId'], (await client.top(2)).line], ['instruction breakpoint', 2, there.line]);
    assert.equal((await client.top(2)).instructionPointerReference, at, 'it has come at the moment that was told');
    client.dispose();
  });
});
