import { strict as assert } from 'node:assert';
import { run } from '../../src/engine/run/run';
import { compiled } from './onMachine';

const HEAD = 'machine { paging 4-level, ram 16M }\nprocess p { 0x600000 .. 0x601000 rw user }\ncpu 0 {\n  switch(p)\n';

function accessesOf(body: string, mmu: string): string[] {
  const lines: string[] = [];
  const report = run(compiled(`${HEAD}${body}}\n`), mmu, {
    guestLog: (line) => {
      if (line['op'] !== undefined) lines.push(`${line['op'] as string} ${line['gva'] as string} ${line['size'] as number} ${line['value'] as string}`);
    },
  });
  assert.ok(!('error' in report) && report.outcome.ok);
  return lines;
}

describe('the guest log', () => {
  for (const mmu of ['native', 'shadow-wp', 'ept']) {
    it(`${mmu}: tells of an access the bytes that it moved, and nothing that the register held above them`, () => {
      assert.deepEqual(accessesOf('  user byte [0x600000] = 0x1076\n  user word [0x600002] = 0x12345\n  user dword [0x600004] = 0x123456789\n', mmu), [
        'store 0x600000 1 0x76', 'store 0x600002 2 0x2345', 'store 0x600004 4 0x23456789',
      ]);
    });

    it(`${mmu}: tells a read-modify-write as a load and a store`, () => {
      assert.deepEqual(accessesOf('  user [0x600000] = 0x0f\n  user byte [0x600000] |= 0x1f0\n', mmu), [
        'store 0x600000 8 0xf', 'load 0x600000 1 0xf', 'store 0x600000 1 0xff',
      ]);
    });
  }
});
