import { strict as assert } from 'node:assert';
import fc from 'fast-check';
import { INTERRUPTIBILITY, REGISTER } from '../../../src/hardware/processor/registers';
import { STATUS } from '../../../src/hardware/processor/processor';
import { SEGMENT, SEGMENT_RIGHTS } from '../../../src/hardware/segments/segmentRegisters';
import { AT, HandlersByHand, PROGRAM, SELECTORS, TOP } from './handlersByHand';

const { kernelCode, kernelData, userCode, userData } = SELECTORS;

/** A machine in its kernel, whose stack holds the frame: RIP, CS, RFLAGS, RSP, SS. */
function withFrame(rip: bigint, cs: number, rflags: bigint, rsp: bigint, ss: number): HandlersByHand {
  const machine = new HandlersByHand();
  const at = TOP.kernel - 0x100n;
  [rip, BigInt(cs), rflags, rsp, BigInt(ss)].forEach((word, index) => machine.put(at + 8n * BigInt(index), word));
  machine.set({ rsp: at });
  return machine;
}

describe('IRET in 64-bit mode', () => {
  it('takes back what delivery did, whatever the program was doing', () => {
    fc.assert(fc.property(
      fc.constantFrom('kernel', 'user'), fc.constantFrom(0, 1, 6, 13, 14, 0x80), fc.integer({ min: 0, max: 0x1f_ffff }),
      fc.integer({ min: 0, max: 0xf0 }), fc.constantFrom(0, 1),
      (who, vector, bits, offset, ist) => {
        const machine = new HandlersByHand()[who]();
        const flags = BigInt((bits & ~0x2_4000 & 0x3f_7fd5) | 2);
        machine.set({ rflags: flags, rsp: (who === 'user' ? AT.userStack : AT.kernelStack) + 0x800n - BigInt(offset) });
        machine.gate(vector, { ist });
        const before = [machine.rip, machine.register('rsp'), machine.processor.level, ...machine.selectors];
        assert.equal(vector > 31 ? machine.processor.raiseException(6, 0) : machine.processor.raiseException(vector, 0), STATUS.exception);
        if ([13, 14].includes(vector)) machine.set({ rsp: machine.register('rsp') + 8n });
        assert.equal(machine.processor.interruptReturn(), STATUS.done);
        assert.deepEqual([machine.rip, machine.register('rsp'), machine.processor.level, ...machine.selectors], before);
        const rf = 1n << 16n;
        assert.equal(machine.register('rflags') & ~rf, flags & ~rf);
      },
    ), { seed: 20261121, numRuns: 300 });
  });

  it('goes to a user program only with interrupts, I/O privilege and stack as the kernel put them', () => {
    const machine = withFrame(PROGRAM, userCode, 0x3202n, TOP.user, userData);
    assert.equal(machine.processor.interruptReturn(), STATUS.done);
    assert.deepEqual([machine.rip, machine.register('rsp'), machine.register('rflags')], [PROGRAM, TOP.user, 0x3202n]);
    assert.deepEqual([machine.processor.level, ...machine.selectors], [3, userCode, userData]);
  });

  it('leaves no data segment of the kernel to a user program', () => {
    const machine = withFrame(PROGRAM, userCode, 2n, TOP.user, userData);
    machine.processor.loadSegment(SEGMENT.ds, kernelData);
    machine.processor.loadSegment(SEGMENT.es, userData);
    machine.processor.interruptReturn();
    const { segments } = machine.processor;
    assert.equal(segments.rights(SEGMENT.ds) & SEGMENT_RIGHTS.unusable, SEGMENT_RIGHTS.unusable);
    assert.equal(segments.selector(SEGMENT.es), userData);
  });

  it('lets a user program change neither IF nor IOPL', () => {
    const machine = new HandlersByHand().user();
    const at = AT.userStack + 0x100n;
    [PROGRAM, BigInt(userCode), 0x3003n, TOP.user, BigInt(userData)].forEach((word, index) => machine.put(at + 8n * BigInt(index), word));
    machine.set({ rsp: at });
    assert.equal(machine.processor.interruptReturn(), STATUS.done);
    assert.equal(machine.register('rflags'), 0x203n, 'only CF came through');
  });

  for (const [name, frame, vector, code] of [
    ['a null CS', [PROGRAM, 3, 2n, TOP.user, userData], 13, 0],
    ['a CS beyond the GDT', [PROGRAM, 0x4b, 2n, TOP.user, userData], 13, 0x48],
    ['data for CS', [PROGRAM, userData, 2n, TOP.user, userData], 13, userData & ~3],
    ['an RPL that is not the DPL', [PROGRAM, kernelCode | 3, 2n, TOP.user, userData], 13, kernelCode],
    ['a CS that is not present', [PROGRAM, SELECTORS.absent, 2n, TOP.kernel, kernelData], 11, SELECTORS.absent],
    ['a null SS for a user program', [PROGRAM, userCode, 2n, TOP.user, 3], 13, 0],
    ['an SS of another level', [PROGRAM, userCode, 2n, TOP.user, kernelData | 3], 13, kernelData],
    ['an SS whose RPL is not that of CS', [PROGRAM, userCode, 2n, TOP.user, userData & ~3], 13, userData & ~3],
    ['code for SS', [PROGRAM, userCode, 2n, TOP.user, userCode], 13, userCode & ~3],
    ['a RIP that is not canonical', [0x8000_0000_0000n, userCode, 2n, TOP.user, userData], 13, 0],
  ] as const) {
    it(`refuses ${name}, and stays where it is`, () => {
      const machine = withFrame(...(frame as readonly [bigint, number, bigint, bigint, number]));
      const rsp = machine.register('rsp');
      assert.equal(machine.processor.interruptReturn(), STATUS.exception);
      assert.deepEqual(machine.delivered, [vector, code]);
      assert.deepEqual(machine.frame(5).slice(1), [PROGRAM, BigInt(kernelCode), 0x1_0202n, rsp], 'RF, and the stack as it was');
    });
  }

  it('is #GP(0) in a nested task, and #SS(0) with a stack that is not canonical', () => {
    const machine = withFrame(PROGRAM, kernelCode, 2n, TOP.kernel, kernelData);
    machine.set({ rflags: 0x4202 });
    machine.processor.interruptReturn();
    assert.deepEqual(machine.delivered, [13, 0]);
    const other = new HandlersByHand();
    other.gate(12, { ist: 1 });
    other.set({ rsp: 0x7fff_ffff_fff8n });
    other.map(0x7fff_ffff_f000n, 0x33_0000n, 3n);
    other.processor.interruptReturn();
    assert.deepEqual(other.delivered, [12, 0]);
  });

  it('to a null SS below CPL 3 is what 64-bit code may do', () => {
    const machine = withFrame(PROGRAM, kernelCode, 2n, TOP.kernel, 0);
    assert.equal(machine.processor.interruptReturn(), STATUS.done);
    assert.deepEqual(machine.selectors, [kernelCode, 0]);
  });

  it('unblocks NMIs, though it fault', () => {
    for (const cs of [kernelCode, 3]) {
      const machine = withFrame(PROGRAM, cs, 2n, TOP.kernel, kernelData);
      machine.processor.registers[2 * REGISTER.interruptibility] = INTERRUPTIBILITY.blockingByNmi;
      machine.processor.interruptReturn();
      assert.equal(machine.processor.registers[2 * REGISTER.interruptibility], 0);
    }
  });
});
