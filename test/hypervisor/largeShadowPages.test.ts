import { strict as assert } from 'node:assert';
import { outcomeOf } from '../../src/engine/run/outcome';
import { RUN } from '../../src/engine/interpreter/runState';
import { compiled, scenarioText } from '../engine/onMachine';
import { audit, machineFor, runAudited } from './audit';

const TECHNIQUES = ['shadow-wp', 'shadow-unsync'] as const;
const VARIANTS = ['shadow-wp:update=zap', 'shadow-wp:shadow_pages=16', 'shadow-unsync:shadow_pages=16'] as const;

/** Guests whose large pages lie over the host's; `L`: an entry of the page directory that maps gva:0x800000 so. */
const guest = (body: string): string => `platform { backing 2M, ram 96M, swap 1M, tlb 16 entries 4 ways }
machine { paging 4-level, slot low 0 .. 16M ram, slot high 16M .. 32M ram, slot bios 32M .. 36M rom }
process p { 0x600000 .. 0x601000 rw user }
on page_fault(gva address, code) { refuse }
cpu 0 {
  switch(p)
  user [0x600000] = 1
  directory = entry [direct(entry [direct(p.root)].frame)].frame
  entry [direct(directory) + 4 * 8] = pde(gpa:24M, rw, user, large)
${body}
}
`;

const guests: readonly string[] = [
  scenarioText('large-shadow'),
  // Rights up and down, a key of the supervisor's without WP, another page in its place, and none.
  guest(`  user [0x800000] = 1
  entry [direct(directory) + 4 * 8] = pde(gpa:24M, ro, user, large)
  invlpg(0x800000)
  user x = [0x9ff000]
  user [0x800000] = 1
  expect refused
  cr0.WP = 0
  [0x801000] = 5
  user x = [0x801000]
  expect x == 5
  cr0.WP = 1
  entry [direct(directory) + 4 * 8] = pde(gpa:26M, rw, large)
  invlpg(0x800000)
  user x = [0x800000]
  expect refused
  [0x800000] = 7
  entry [direct(directory) + 4 * 8] = 0
  invlpg(0x800000)
  x = [0x800000]
  expect refused`),
  // The large page holds the directory that maps it: one is among them before its SPTE is made.
  guest(`  entry [direct(directory) + 4 * 8] = pde(gpa:(directory & ~0x1fffff), rw, user, large)
  self = gva:(0x800000 + (directory & 0x1fffff))
  user x = [0x800000]
  user [self + 5 * 8] = pde(gpa:26M, rw, user, large)
  user [0xa00000] = 3
  user x = [0xa00000]
  expect x == 3`),
  // ROM; a page that leads outside every slot; a slot that goes with what maps it.
  guest(`  entry [direct(directory) + 5 * 8] = pde(gpa:34M, rw, user, large)
  user x = [0xa00000]
  user [0xa00000] = 1
  entry [direct(directory) + 6 * 8] = pde(gpa:64M, rw, user, large)
  user x = [0xc00000]
  user [0x800000] = 1
  host remove_slot(high)
  user x = [0x800000]
  expect x == ~0`),
  // A guest page of 1 GByte, in pages of 2 MBytes of the host.
  guest(`  entry [direct(entry [direct(p.root)].frame) + 8] = pdpte(gpa:0, rw, user, large)
  user x = [gva:0x41800000]
  user [gva:0x41800000] = 4
  user x = [gva:0x41801000]
  expect no page_fault`),
  // 32-bit paging: an entry of 4 MBytes is two SPTEs.
  `platform { backing 2M, ram 64M }
machine { paging 32-bit, ram 16M, kernel none }
cpu 0 {
  entry [0x1000] = pde(gpa:0, rw, large)
  entry [0x1008] = pde(gpa:8M, rw, large)
  cr4.PSE = 1
  cr3 = gpa:0x1000
  cr0.PG = 1
  [0x800000] = 1
  [0xa00000] = 2
  x = [0xbff000]
  [0x1004] = 0x800087
  x = [0x600000]
  expect x == 2
}
`,
];

describe('SPTEs of 2 MBytes', function () {
  this.timeout(60_000);

  it('are as the audit wants them after every exit, whatever guest and host do to their pages', () => {
    for (const [number, text] of guests.entries()) {
      for (const mmu of [...TECHNIQUES, ...(number === 0 ? VARIANTS : [])]) {
        const machine = machineFor(compiled(text), mmu);
        runAudited(machine);
        const { ok, message } = outcomeOf(machine);
        assert.deepEqual({ ok, message }, { ok: true, message: undefined }, `${mmu}\n${text}`);
      }
    }
  });

  it('would be found with a bit that is flipped', () => {
    const machine = machineFor(compiled(guest('  user [0x800000] = 1\n  x = 1')), 'shadow-wp');
    while (machine.interpreter.run.status === RUN.running) machine.interpreter.step();
    assert.deepEqual(audit(machine), []);
    const [processor] = machine.processors;
    processor!.walkWithoutEffects(0x800000, 0, 0);
    const { level, entryHpaLo, entryHpaHi, entryLo } = processor!.inspection.result;
    assert.equal(level, 2);
    for (const bit of [1 << 1, 1 << 5, 1 << 6, 1 << 7, 1 << 13, 1 << 21]) {
      machine.memory.store32(entryHpaLo[2]!, entryHpaHi[2]!, entryLo[2]! ^ bit);
      assert.notDeepEqual(audit(machine), [], `bit ${Math.log2(bit)}`);
    }
  });
});
