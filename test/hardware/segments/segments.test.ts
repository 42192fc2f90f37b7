import { strict as assert } from 'node:assert';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { vectorText } from '../../../src/hardware/delivery/exceptions';
import { OPERATION, operationNames } from '../../../src/hardware/paging/accessKinds';
import { STATUS } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { loadVirtual8086Selector } from '../../../src/hardware/segments/virtual8086';
import { SEGMENT, SEGMENT_RIGHTS, segmentNames } from '../../../src/hardware/segments/segmentRegisters';
import { PRIMARY, SECONDARY } from '../../../src/hardware/vmx/vmcs';
import { AT, HandlersByHand, SELECTORS } from '../delivery/handlersByHand';
import { EPT_ROOT, halves, P, R, RW, TestMachine, US, W, WB, X } from '../testMachine';

const HOLE = 0x8000_0000_0000n;
const { load, store, readModifyWrite, fetch } = OPERATION;

describe('a reference through a segment in 64-bit mode', () => {
  for (const [segment, vector] of [[SEGMENT.ss, 12], [SEGMENT.ds, 13], [SEGMENT.es, 13], [SEGMENT.fs, 13], [SEGMENT.cs, 13]] as const) {
    for (const operation of [load, store, readModifyWrite, fetch]) {
      it(`to an address that is not canonical is ${vectorText(vector)}(0): ${operationNames[operation]} through ${segmentNames[segment]}`, () => {
        const machine = new TestMachine();
        machine.listen();
        assert.equal(machine.processor.accessThrough(segment, operation, ...halves(HOLE), 8), STATUS.exception);
        assert.deepEqual([machine.processor.vector, machine.processor.errorCode, machine.cr2], [vector, 0, 0n]);
        assert.deepEqual(machine.kinds().filter((kind) => kind === 'walk' || kind === 'tlb_miss'), [], 'found out before any look-up');
      });
    }
  }

  it('that runs from a mapped page into the hole is #SS(0) through SS, and nothing is written', () => {
    const machine = new TestMachine();
    machine.map(0x7fff_ffff_f000n, 0x9000n, P | RW);
    assert.equal(machine.processor.accessThrough(SEGMENT.ss, store, ...halves(0x7fff_ffff_fffcn), 8, -1, -1), STATUS.exception);
    assert.deepEqual([machine.processor.vector, machine.processor.errorCode, machine.word(0x9ff8n)], [12, 0, 0n]);
  });

  it('is a page fault of its first page, if that is not mapped, before the hole is met', () => {
    const machine = new TestMachine();
    machine.processor.accessThrough(SEGMENT.ss, store, ...halves(0x7fff_ffff_fffcn), 8);
    assert.deepEqual([machine.processor.vector, machine.cr2], [14, 0x7fff_ffff_fffcn]);
  });

  it('looks at no limit and no type, and at no base but those of FS and GS', () => {
    const machine = new TestMachine();
    machine.map(0x1_2000_0000n, 0x5000n, P | RW | US);
    machine.map(0x2000_0000n, 0x6000n, P | RW | US);
    const { segments } = machine.processor;
    for (const segment of [SEGMENT.ds, SEGMENT.ss, SEGMENT.fs, SEGMENT.gs]) {
      segments.set(segment, { selector: 0, rights: SEGMENT_RIGHTS.unusable, limit: 0, baseLo: 0, baseHi: 1 });
    }
    for (const [segment, hpa] of [[SEGMENT.ds, 0x6000n], [SEGMENT.ss, 0x6000n], [SEGMENT.fs, 0x5000n], [SEGMENT.gs, 0x5000n]] as const) {
      assert.equal(machine.processor.accessThrough(segment, load, 0x2000_0000, 0, 8), STATUS.done);
      assert.equal(machine.hpa, hpa);
    }
  });
});

describe('a reference through a segment in protected mode', () => {
  const protectedMode = (segment: number, rights: number, limit: number, base = 0): TestMachine => {
    const machine = new TestMachine();
    machine.set({ cr0: CR0.PE, cr4: 0, efer: 0 });
    machine.processor.segments.set(segment, { selector: 8, rights, limit, baseLo: base, baseHi: 0 });
    return machine;
  };

  for (const [name, rights, limit, offset, size, operation, ok] of [
    ['the last byte', 0x4093, 0xfff, 0xfff, 1, load, true],
    ['a byte beyond', 0x4093, 0xfff, 0xffd, 4, load, false],
    ['the first byte of an expand-down segment', 0x4097, 0xfff, 0x1000, 1, store, true],
    ['what an expand-down segment leaves out', 0x4097, 0xfff, 0xfff, 1, store, false],
    ['the top of a big expand-down segment', 0x4097, 0xfff, 0xffff_fffc | 0, 4, load, true],
    ['beyond the top of a small one', 0x0097, 0xfff, 0x1_0000, 1, load, false],
    ['read-only data, for a read', 0x4091, 0xfff, 0, 4, load, true],
    ['read-only data, for a write', 0x4091, 0xfff, 0, 4, store, false],
    ['code that may be read', 0x409b, 0xfff, 0, 4, load, true],
    ['code that may not', 0x4099, 0xfff, 0, 4, load, false],
    ['code, for a write', 0x409b, 0xfff, 0, 4, readModifyWrite, false],
    ['data, for a fetch', 0x4093, 0xfff, 0, 1, fetch, false],
    ['a register that holds a null selector', 0x1_0000, -1, 0, 4, load, false],
  ] as const) {
    it(`of ${name} ${ok ? 'goes to memory' : 'is #GP(0), and #SS(0) through SS'}`, () => {
      for (const [segment, vector] of [[SEGMENT.ds, 13], [SEGMENT.ss, 12]] as const) {
        const machine = protectedMode(segment, rights, limit, 0x10_0000);
        const status = machine.processor.accessThrough(segment, operation, offset, 0, size);
        assert.equal(status, ok ? STATUS.done : STATUS.exception);
        if (ok) assert.equal(machine.hpa, BigInt(0x10_0000 + offset >>> 0));
        else assert.deepEqual([machine.processor.vector, machine.processor.errorCode], [vector, 0]);
      }
    });
  }

  it('is held to the limit alone where the operand is reached by its linear address', () => {
    for (const segment of [SEGMENT.ds, SEGMENT.es, SEGMENT.ss]) {
      for (const [offset, size] of [[0, 8], [0xfffe, 2], [0xffff, 1], [0xffff, 2], [0xfffc, 8], [0x1_0000, 1], [-1, 1]] as const) {
        const machine = new TestMachine().set({ cr0: CR0.ET | CR0.NE, cr4: 0, efer: 0 });
        machine.processor.segments.set(segment, { selector: 0, rights: 0x93, limit: 0xffff, baseLo: 0, baseHi: 0 });
        const isWithin = offset >= 0 && offset + size <= 0x1_0000;
        const status = machine.processor.checkLimit(segment, offset, offset < 0 ? -1 : 0, size);
        const name = `${segmentNames[segment]}:${offset}, ${size} bytes`;
        assert.equal(status, isWithin ? STATUS.done : STATUS.exception, name);
        if (!isWithin) assert.equal(machine.processor.vector, segment === SEGMENT.ss ? 12 : 13, name);
      }
    }
  });

  it('in virtual-8086 mode is selector × 16 and offset, 64 KBytes, of any type', () => {
    const machine = protectedMode(SEGMENT.ds, 0, 0);
    machine.set({ rflags: 1 << 17 | 2, cpl: 3 });
    loadVirtual8086Selector(machine.processor.segments, SEGMENT.ds, 0xffff);
    assert.equal(machine.processor.accessThrough(SEGMENT.ds, store, 0xffff, 0, 1, 1), STATUS.done);
    assert.equal(machine.hpa, 0x10_ffefn);
    assert.equal(machine.processor.accessThrough(SEGMENT.ds, load, 0xffff, 0, 2), STATUS.exception);
    assert.equal(machine.processor.loadSegment(SEGMENT.es, 0x1234), STATUS.done);
    assert.deepEqual([machine.processor.segments.baseLo(SEGMENT.es), machine.processor.segments.rights(SEGMENT.es)], [0x1_2340, 0xf3]);
  });
});

describe('a MOV to a segment register in long mode', () => {
  for (const [name, level, segment, selector, vector, code] of [
    ['data for DS', 'kernel', SEGMENT.ds, SELECTORS.kernelData, 0, 0],
    ['a null selector for DS', 'user', SEGMENT.ds, 3, 0, 0],
    ['user data for DS of the kernel', 'kernel', SEGMENT.ds, SELECTORS.userData, 0, 0],
    ['data of the kernel for DS of a user program', 'user', SEGMENT.ds, SELECTORS.kernelData | 3, 13, SELECTORS.kernelData],
    ['conforming code for DS of a user program', 'user', SEGMENT.ds, SELECTORS.conforming | 3, 0, 0],
    ['a selector beyond the GDT', 'kernel', SEGMENT.es, 0x4b, 13, 0x48],
    ['a segment that is not present', 'kernel', SEGMENT.es, SELECTORS.absent, 11, SELECTORS.absent],
    ['a null selector for SS below CPL 3', 'kernel', SEGMENT.ss, 0, 0, 0],
    ['a null selector for SS at CPL 3', 'user', SEGMENT.ss, 3, 13, 0],
    ['code for SS', 'kernel', SEGMENT.ss, SELECTORS.kernelCode, 13, SELECTORS.kernelCode],
    ['an RPL that is not the CPL for SS', 'kernel', SEGMENT.ss, SELECTORS.kernelData | 3, 13, SELECTORS.kernelData],
    ['data of another level for SS', 'kernel', SEGMENT.ss, SELECTORS.userData & ~3, 13, SELECTORS.userData & ~3],
  ] as const) {
    it(`takes ${name} as ${vector === 0 ? 'it is' : `vector ${vector}`}`, () => {
      const machine = new HandlersByHand()[level]();
      const before = machine.processor.segments.selector(segment);
      const status = machine.processor.loadSegment(segment, selector);
      assert.equal(status, vector === 0 ? STATUS.done : STATUS.exception);
      if (vector !== 0) assert.deepEqual(machine.delivered, [vector, code]);
      else assert.equal(machine.processor.segments.selector(segment), selector);
      if (vector !== 0 && segment !== SEGMENT.ss) assert.equal(machine.processor.segments.selector(segment), before);
    });
  }

  it('reads the descriptor as a supervisor, at any CPL', () => {
    const machine = new HandlersByHand().user();
    assert.equal(machine.word(machine.entryAt(AT.gdt, 1)) & US, 0n);
    assert.equal(machine.processor.loadSegment(SEGMENT.ds, SELECTORS.userData), STATUS.done);
  });
});

describe('an unrestricted guest in real-address mode', () => {
  it('has its linear addresses for guest-physical ones, and EPT behind them', () => {
    const machine = new TestMachine();
    machine.mapEpt(0x1_2000n, 0x9000n, R | W | X | WB);
    machine.vmcs({
      guest_cr0: CR0.NE | CR0.ET, guest_cr4: 0, guest_ia32_efer: 0, guest_rflags: 2, guest_ss_access_rights: 0,
      primary_controls: PRIMARY.secondaryControls >>> 0, secondary_controls: SECONDARY.enableEpt | SECONDARY.unrestrictedGuest,
      eptp: EPT_ROOT | 0x1en,
    });
    machine.set({ cr0: CR0.NE | CR0.ET, cr4: 0, efer: 0 });
    machine.processor.enterVirtualization();
    const { segments, registers } = machine.processor;
    segments.set(SEGMENT.ds, { selector: 0, rights: 0x93, limit: 0xffff, baseLo: 0, baseHi: 0 });
    assert.equal(registers[2 * REGISTER.cr0]! & (CR0.PE | CR0.PG), 0);
    machine.processor.loadSegment(SEGMENT.ds, 0x1200);
    assert.equal(machine.processor.accessThrough(SEGMENT.ds, store, 0x34, 0, 2, 0xbeef), STATUS.done);
    assert.deepEqual([machine.hpa, machine.word(0x9030n)], [0x9034n, 0xbeef_0000_0000n]);
    assert.equal(machine.processor.accessThrough(SEGMENT.ds, load, 0x1000, 0, 1), STATUS.stopped);
    assert.deepEqual(machine.exits.map(({ reason, qualification, gpa, gla }) => [reason, qualification, gpa, gla]), [[48, 0x181n, 0x1_3000n, 0x1_3000n]]);
  });
});
