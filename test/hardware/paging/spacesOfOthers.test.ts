import { strict as assert } from 'node:assert';
import { EventBus } from '../../../src/hardware/events/eventBus';
import { ACTOR, SPACE } from '../../../src/hardware/events/eventTable';
import { PhysicalMemory } from '../../../src/hardware/memory/physicalMemory';
import { ACCESS } from '../../../src/hardware/paging/accessKinds';
import { IdentityAddressing } from '../../../src/hardware/paging/tableAddressing';
import { PDPTE_WORDS, TranslationSpace } from '../../../src/hardware/paging/translationSpace';
import { walk } from '../../../src/hardware/paging/walk';
import { EFFECTS, WALK } from '../../../src/hardware/paging/walkOutcome';
import { CR0, CR4, EFER } from '../../../src/hardware/processor/controlRegisters';
import { Registry } from '../../../src/hardware/state/registry';

const PAE = { cr0: CR0.PE | CR0.PG, cr4: CR4.PAE, efer: 0, rflags: 2, pkru: 0 } as const;
const LONG = { ...PAE, efer: EFER.LME | EFER.LMA } as const;
const OFF = { ...PAE, cr0: CR0.PE } as const;
const ROOT = 0x5000;
const GVA = 0x4000_0123;

/** A space that belongs to no processor, over PAE tables that map GVA to 9123H; its PDPTE registers name other tables, to A123H. */
function made(registers: 'with registers' | 'without'): TranslationSpace {
  const memory = new PhysicalMemory(new Registry(), 2 ** 32);
  const put = (at: number, lo: number): void => {
    memory.store32(at, 0, lo);
    memory.store32(at + 4, 0, 0);
  };
  put(ROOT + 8, 0x6001);
  for (const [directory, frame] of [[0x6000, 0x9000], [0x7000, 0xa000]] as const) {
    put(directory, (directory + 0x10_0000) | 3);
    put(directory + 0x10_0000, frame | 3);
  }
  const topEntries = new Int32Array(PDPTE_WORDS);
  topEntries[2] = 0x7001;
  return new TranslationSpace({
    memory, bus: new EventBus(), tableSpace: SPACE.guest, actor: ACTOR.vmm, cpu: 0, maxphyaddr: 46, tables: new IdentityAddressing(),
    ...registers === 'without' ? {} : { topEntries },
  });
}

function reached(space: TranslationSpace): number {
  space.useRoot(ROOT, 0);
  return walk(space, GVA, 0, ACCESS.read, EFFECTS.none) === WALK.mapped ? space.result.hpaLo : -1;
}

describe('a space of tables', () => {
  it('without PDPTE registers says that it cannot walk PAE tables by them, and stays what it is', () => {
    const space = made('without');
    assert.equal(space.usePaging(LONG), undefined);
    const before = space.compiled;
    assert.equal(space.usePaging(PAE), 'PAE');
    assert.equal(space.compiled, before);
    assert.equal(space.usePaging(OFF), undefined);
  });

  it('without them reads their entries from memory where it is asked to', () => {
    const space = made('without');
    assert.equal(space.usePaging(PAE, 'memory'), undefined);
    assert.equal(reached(space), 0x9123);
  });

  it('with them takes them, until it is to read memory', () => {
    const space = made('with registers');
    assert.equal(space.usePaging(PAE), undefined);
    assert.equal(reached(space), 0xa123);
    space.useTopEntriesInMemory();
    assert.equal(reached(space), 0x9123);
    assert.equal(space.usePaging(PAE), undefined);
    assert.equal(reached(space), 0xa123);
  });

  it('that has no such entries is left alone', () => {
    const space = made('with registers');
    space.usePaging(LONG);
    const { compiled } = space;
    space.useTopEntriesInMemory();
    assert.equal(space.compiled, compiled);
  });

  it('compiles a format anew only when something of it has changed', () => {
    const space = made('with registers');
    space.usePaging(LONG);
    const { compiled } = space;
    space.usePaging({ ...LONG, cr0: LONG.cr0 | CR0.WP, pkru: 3 });
    assert.equal(space.compiled, compiled);
    for (const change of [{ ...LONG, efer: LONG.efer | EFER.NXE }, LONG, PAE, LONG]) {
      const last = space.compiled;
      space.usePaging(change);
      assert.notEqual(space.compiled, last);
    }
  });
});
