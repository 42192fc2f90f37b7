import { strict as assert } from 'node:assert';
import { CR0 } from '../../../src/hardware/processor/controlRegisters';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { STATUS } from '../../../src/hardware/processor/processor';
import { DESCRIPTOR_TABLE, SEGMENT } from '../../../src/hardware/segments/segmentRegisters';
import { BIG, descriptor } from './handlersByHand';
import { GDT, KERNEL_STACK, ProtectedMachine, S, TSS, USER_STACK } from './protectedByHand';

/* What keeps an event of protected mode from its handler. SDM Vol. 3, "Exception- or Interrupt-Handler Procedures". */
const IDT = 0x2_0000;
const [GP, PF, TS, SS_FAULT] = [13, 14, 10, 12];
const ALL = (1 << GP) | (1 << PF) | (1 << TS) | (1 << SS_FAULT);
const UD = 6;
/** Bit 0 of the error codes: the event under way was no program's doing. */
const EXT = 1;

/** Raises #UD, or `act`, in a guest whose further exceptions exit: vector, error code and address of the one that does. */
function second(machine: ProtectedMachine, act = (): number => machine.processor.raiseException(UD, 0)): readonly [vector: number, code: number, address: bigint] | 'delivered' {
  machine.enterShadowed({ exception_bitmap: ALL });
  if (act() === STATUS.exception) return 'delivered';
  const [exit] = machine.exits;
  assert.deepEqual([exit?.reason, machine.exits.length], [0, 1]);
  return [Number(machine.field('exit_interruption_info')) & 0xff, Number(machine.field('exit_interruption_error_code')), exit!.qualification];
}

/** 32-bit paging that maps the first 4 MBytes one to one, but for a page. */
function paged(machine: ProtectedMachine, absent: number): ProtectedMachine {
  const [directory, table] = [0x20_0000, 0x20_1000];
  machine.memory.store32(directory, 0, table | 7);
  for (let page = 0; page < 1024; page++) machine.memory.store32(table + 4 * page, 0, page << 12 === absent ? 0 : page << 12 | 7);
  return machine.set({ cr3: directory, cr0: CR0.PE | CR0.ET | CR0.PG });
}

const set = (machine: ProtectedMachine, selector: number, value: bigint): void => machine.put(BigInt(GDT + (selector & ~7)), value);

describe('an event in protected mode', () => {
  it('is #GP with its gate where the IDT ends before it, and no byte earlier', () => {
    for (const [limit, found] of [[8 * UD + 7, 'delivered'], [8 * UD + 6, [GP, 8 * UD + 2 | EXT, 0n]], [8 * UD, [GP, 8 * UD + 2 | EXT, 0n]]] as const) {
      const machine = new ProtectedMachine();
      machine.processor.segments.setTable(DESCRIPTOR_TABLE.idtr, IDT, 0, limit);
      assert.deepEqual(second(machine), found);
    }
  });

  it('finds nothing behind null selectors, whatever stands first in the GDT', () => {
    const code = new ProtectedMachine().gate(UD, 0);
    set(code, 0, descriptor(0x9b, BIG));
    assert.deepEqual(second(code), [GP, EXT, 0n]);
    const stack = new ProtectedMachine().program(3);
    stack.memory.store32(TSS + 8, 0, 0);
    set(stack, 0, descriptor(0x93, BIG));
    assert.deepEqual(second(stack), [TS, EXT, 0n]);
  });

  it('goes to no outer level, and no further than the limit of its code segment', () => {
    assert.deepEqual(second(new ProtectedMachine().gate(UD, S.userCode & ~3)), [GP, S.userCode & ~3 | EXT, 0n]);
    assert.equal(second(new ProtectedMachine().gate(UD, S.code16, 0xe, 0, 1, 0xffff)), 'delivered');
  });

  it('is #SS with the selector of an inner stack that is not present', () => {
    const machine = new ProtectedMachine().program(3);
    set(machine, S.small, descriptor(0x13, BIG));
    machine.memory.store32(TSS + 8, 0, S.small);
    assert.deepEqual(second(machine), [SS_FAULT, S.small | EXT, 0n]);
  });

  it('takes the stack of its handler\'s level from the TSS, up to the last byte of that', () => {
    for (const [limit, found] of [[0x67, 'delivered'], [0x11, 'delivered'], [0x10, [TS, 0x50 | EXT, 0n]]] as const) {
      const machine = new ProtectedMachine().program(3);
      set(machine, S.absent, descriptor(0xbb, BIG));
      set(machine, S.small, descriptor(0xb3, BIG));
      machine.gate(UD, S.absent | 1);
      machine.memory.store32(TSS + 12, 0, 0x4800);
      machine.memory.store32(TSS + 16, 0, S.small | 1);
      machine.processor.segments.set(SEGMENT.tr, { selector: 0x50, rights: 0x8b, limit, baseLo: TSS, baseHi: 0 });
      assert.deepEqual(second(machine), found);
      if (found === 'delivered') assert.deepEqual([machine.state.slice(1), machine.register('rsp')], [[S.absent | 1, S.small | 1, 1], 0x4800n - 20n]);
    }
  });

  it('needs room for its frame alone: of three words, an error code, and the outer stack', () => {
    for (const [cpl, vector, words] of [[0, UD, 3], [0, 11, 4], [3, UD, 5], [3, 11, 6]] as const) {
      for (const missing of [0, 1]) {
        const machine = new ProtectedMachine().program(cpl);
        // Stacks that expand down to 5000H.
        const top = 0x5000 + 4 * words - missing;
        if (cpl === 0) machine.processor.segments.set(SEGMENT.ss, { selector: S.down, rights: 0x4097, limit: 0x4fff, baseLo: 0, baseHi: 0 });
        machine.set({ rsp: cpl === 0 ? top : USER_STACK });
        machine.memory.store32(TSS + 4, 0, top);
        machine.memory.store32(TSS + 8, 0, S.down);
        const found = second(machine, () => machine.processor.raiseException(vector, 0));
        assert.deepEqual(found, missing === 0 ? 'delivered' : [SS_FAULT, (cpl === 0 ? 0 : S.down) | EXT, 0n], `CPL ${cpl}, ${words} words`);
      }
    }
  });

  it('faults on each word that it pushes, of virtual-8086 mode too, and on all that it reads before', () => {
    for (const [from, count] of [['kernel', 4], ['user', 6], ['virtual-8086', 10]] as const) {
      for (let word = 1; word <= count; word++) {
        const machine = new ProtectedMachine();
        const top = 0x6000 + 4 * (word - 1);
        if (from === 'kernel') machine.set({ rsp: top });
        else if (from === 'user') machine.program(3);
        else machine.virtual8086();
        machine.memory.store32(TSS + 4, 0, top);
        assert.deepEqual(second(paged(machine, 0x5000), () => machine.processor.raiseException(11, 0)), [PF, 2, 0x5ffcn], `${from}, word ${word}`);
      }
    }
    for (const [page, address] of [[IDT, IDT + 8 * UD], [GDT, GDT + S.code], [TSS, TSS + 4]] as const) {
      assert.deepEqual(second(paged(new ProtectedMachine().program(3), page)), [PF, 0, BigInt(address)]);
    }
    const late = new ProtectedMachine().program(3);
    late.processor.segments.set(SEGMENT.tr, { selector: 0x50, rights: 0x8b, limit: 0x67, baseLo: TSS + 0xff8, baseHi: 0 });
    assert.deepEqual(second(paged(late, TSS + 0x1000)), [PF, 0, BigInt(TSS + 0x1000)], 'SS lies in the next page');
  });

  it('leaves data segments to its handler, and clears the halves that 32-bit code does not have', () => {
    const machine = new ProtectedMachine().program(3);
    machine.processor.registers[2 * REGISTER.rip + 1] = 7;
    machine.processor.registers[2 * REGISTER.rsp + 1] = 7;
    machine.processor.raiseException(UD, 0);
    const { registers, segments } = machine.processor;
    assert.deepEqual([segments.selector(SEGMENT.ds), registers[2 * REGISTER.rip + 1], registers[2 * REGISTER.rsp + 1]], [S.userData, 0, 0]);
  });

  it('that is INT n returns behind it', () => {
    const machine = new ProtectedMachine().gate(0x80, S.code, 0xe, 3).program(3);
    machine.processor.softwareInterrupt(0x80);
    assert.deepEqual(machine.dwords(5), [0x40_0002, S.userCode, 0x202, USER_STACK, S.userData]);
    assert.equal(machine.register('rsp'), BigInt(KERNEL_STACK - 20));
  });
});
