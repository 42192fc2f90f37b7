import { strict as assert } from 'node:assert';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { KIND } from '../../../src/hardware/events/eventTable';
import { STATUS } from '../../../src/hardware/processor/processor';
import { DESCRIPTOR_TABLE, SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { halves, P, RW } from '../testMachine';
import { BIG, descriptor, HandlersByHand } from './handlersByHand';
import { ProtectedMachine } from './protectedByHand';

/* What the processor reads and writes by itself may lie across two pages: each is translated, told of and observed. */
const DIRECTORY = 0x20_0000;
const TABLE = 0x20_1000;
const FIRST = 0x6000;
const SECOND = 0x7000;
/** Frames of the two pages, which do not follow one another. */
const FRAMES = { first: 0x9_0000, second: 0x5_0000 } as const;

/** Protected mode, 4 MBytes mapped one to one, but for the two pages; a kernel whose next push is of these two. */
function acrossPages(second: number | 'absent'): ProtectedMachine {
  const machine = new ProtectedMachine();
  const entry = (page: number): number => (page === FIRST ? FRAMES.first : page === SECOND && second !== 'absent' ? second : page) | (page === SECOND && second === 'absent' ? 0 : 3);
  machine.memory.store32(DIRECTORY, 0, TABLE | 3);
  for (let page = 0; page < 1024; page++) machine.memory.store32(TABLE + 4 * page, 0, entry(page << 12));
  machine.set({ cr3: DIRECTORY, cr0: CR0.PE | CR0.ET | CR0.PG, rsp: SECOND + 2 });
  return machine;
}

describe('a push across two pages', () => {
  it('goes to the frames of both, and IRET reads them back', () => {
    const machine = acrossPages(FRAMES.second);
    assert.equal(machine.processor.raiseException(6, 0), STATUS.exception);
    const flags = 0x1_0202;
    assert.equal((machine.memory.load32(FRAMES.first + 0xffc, 0) >>> 16) | (machine.memory.load32(FRAMES.second, 0) & 0xffff) << 16, flags);
    assert.equal(machine.processor.interruptReturn(), STATUS.done);
    assert.deepEqual([machine.state[0], machine.register('rflags'), machine.register('rsp')], [0x40_0000, BigInt(flags), BigInt(SECOND + 2)]);
  });

  it('is observed page by page, before it is made', () => {
    const machine = acrossPages(FRAMES.second);
    const told: (readonly number[])[] = [];
    machine.processor.storeObserver = { beforeStore: (...store) => told.push(store) };
    machine.bus.listen(() => undefined, [KIND.page_table_write]);
    machine.processor.raiseException(6, 0);
    assert.deepEqual(told, [
      [SECOND - 2, 0, FRAMES.first + 0xffe, 0, 2], [SECOND, 0, FRAMES.second, 0, 2],
      [SECOND - 6, 0, FRAMES.first + 0xffa, 0, 4], [SECOND - 10, 0, FRAMES.first + 0xff6, 0, 4],
    ]);
  });

  it('is observed by nobody while nobody listens, and needs no observer', () => {
    const silent = acrossPages(FRAMES.second);
    silent.processor.storeObserver = { beforeStore: () => assert.fail('nobody asked') };
    assert.equal(silent.processor.raiseException(6, 0), STATUS.exception);
    const alone = acrossPages(FRAMES.second);
    alone.bus.listen(() => undefined, [KIND.page_table_write]);
    assert.equal(alone.processor.raiseException(6, 0), STATUS.exception);
  });

  it('faults on the second page, before anything of it is written', () => {
    const machine = acrossPages('absent');
    machine.enterShadowed({ exception_bitmap: 1 << 14 });
    assert.equal(machine.processor.raiseException(6, 0), STATUS.stopped);
    assert.equal(machine.field('exit_qualification'), BigInt(SECOND));
    assert.equal(machine.memory.load32(FRAMES.first + 0xffc, 0), 0);
  });

  it('that ends with the first page asks nothing of the second', () => {
    const machine = acrossPages('absent');
    machine.set({ rsp: SECOND });
    assert.equal(machine.processor.raiseException(6, 0), STATUS.exception);
    assert.deepEqual(machine.delivered, [6, 0]);
  });

  it('and a pop across them fault on the second page, too', () => {
    const machine = acrossPages('absent');
    machine.set({ rsp: SECOND - 2 });
    machine.enterShadowed({ exception_bitmap: 1 << 14 });
    assert.equal(machine.processor.interruptReturn(), STATUS.stopped);
    assert.equal(machine.field('exit_qualification'), BigInt(SECOND));
  });
});

describe('a descriptor across the end of 4 GBytes', () => {
  const LOW = 0xffff_f000n;
  const HIGH = 0x1_0000_0000n;

  /** A GDT whose descriptor 1 lies half below 4 GBytes, and half above. */
  function machineWithGdt(high: bigint): HandlersByHand {
    const machine = new HandlersByHand();
    machine.map(LOW, 0x7_0000n, P | RW);
    if (high !== 0n) machine.map(HIGH, high, P | RW);
    const value = descriptor(0x92, BIG);
    machine.put(0x7_0ff8n, value << 32n);
    machine.put(0x8_0000n, value >> 32n);
    machine.processor.segments.setTable(DESCRIPTOR_TABLE.gdtr, ...halves(HIGH - 12n), 0xf);
    return machine;
  }

  it('is read whole, and marked as accessed', () => {
    const machine = machineWithGdt(0x8_0000n);
    assert.equal(machine.processor.loadSegment(SEGMENT.ds, 8), STATUS.done);
    assert.deepEqual([machine.processor.segments.rights(SEGMENT.ds), machine.processor.segments.limit(SEGMENT.ds)], [0xc093, 0xffff_ffff]);
    assert.equal(machine.word(0x8_0000n) & 0x100n, 0x100n);
  });

  it('is told of at each page where no memory is, and at no other', () => {
    const absent = 1n << 40n;
    for (const [at, low, high, told] of [
      [HIGH - 12n, absent, absent + 0x5000n, [absent + 0xffcn, absent + 0x5000n]], [HIGH - 12n, 0x7_0000n, absent, [absent]],
      [HIGH - 12n, absent, 0x8_0000n, [absent + 0xffcn]], [HIGH - 16n, absent, absent + 0x5000n, [absent + 0xff8n]], [HIGH - 8n, absent, absent + 0x5000n, [absent + 0x5000n]],
    ] as const) {
      const machine = machineWithGdt(high);
      machine.map(LOW, low, P | RW);
      machine.processor.segments.setTable(DESCRIPTOR_TABLE.gdtr, ...halves(at), 0xf);
      machine.listen();
      machine.processor.loadSegment(SEGMENT.ds, 8);
      const errors = machine.events.slice(0, machine.events.findIndex(({ kind }) => kind === 'implicit_access')).filter(({ kind }) => kind === 'bus_error');
      assert.deepEqual(errors.map(({ json }) => json['hpa']), told.map((hpa) => `0x${hpa.toString(16)}`));
    }
  });

  it('faults at the address above', () => {
    const machine = machineWithGdt(0n);
    machine.enterShadowed({ exception_bitmap: 1 << 14 });
    assert.equal(machine.processor.loadSegment(SEGMENT.ds, 8), STATUS.stopped);
    assert.equal(machine.field('exit_qualification'), HIGH);
  });
});
