import { strict as assert } from 'node:assert';
import { KIND } from '../../../src/hardware/events/eventTable';
import { CR0, CR4, EFER, RFLAGS } from '../../../src/hardware/processor/controlRegisters';
import { STATUS } from '../../../src/hardware/processor/processor';
import { REGISTER } from '../../../src/hardware/processor/registers';
import { COUNTER } from '../../../src/hardware/state/counters';
import { VMCB } from '../../../src/hardware/svm/vmcb';
import { EPT_ROOT, halves, LONG_MODE, P, RW, TestMachine, US, whole } from '../testMachine';
import { ROOT, TABLES, TablesByHand } from '../paging/tablesByHand';

const PAGE = 0x60_0000n;
const told = [KIND.cr_write, KIND.register_write, KIND.invlpg, KIND.tlb_flush] as const;

/** Kind, register and values of what is told of each write. */
function heardOf(machine: TestMachine, act: () => number): readonly [status: number, heard: readonly string[]] {
  const heard: string[] = [];
  machine.bus.listen((record) => {
    const { 0: kind, 26: index, 16: value, 17: valueHi, 18: old, 19: oldHi } = record;
    heard.push(kind === KIND.tlb_flush ? 'flush' : kind === KIND.invlpg ? 'invlpg'
      : `${kind === KIND.cr_write ? 'cr' : 'register '}${index}: ${valueHi}:${value} for ${oldHi}:${old}`);
  }, told);
  const status = act();
  machine.bus.silence();
  return [status, heard];
}

describe('what is told of writing a register', () => {
  const { rax, rflags, efer } = REGISTER;
  for (const [about, cpl, act, status, heard] of [
    ['a MOV to CR3', 0, (m) => m.move('cr3', 0x10_0000n), STATUS.done, [`cr3: 0:1048576 for 0:0`, 'flush']],
    ['a MOV to CR2', 0, (m) => m.move('cr2', 5n << 32n | 7n), STATUS.done, ['cr2: 5:7 for 0:0']],
    ['a MOV to CR0', 0, (m) => m.move('cr0', BigInt(LONG_MODE.cr0 >>> 0)), STATUS.done, [`cr0: 0:${LONG_MODE.cr0 | 0} for 0:0`]],
    ['a MOV to CR3 at CPL 3, which is refused', 3, (m) => m.move('cr3', 0x10_0000n), STATUS.exception, []],
    ['WRMSR of EFER', 0, (m) => m.move('efer', BigInt(LONG_MODE.efer | EFER.SCE)), STATUS.done, [`register ${efer}: 0:${LONG_MODE.efer | EFER.SCE} for 0:${LONG_MODE.efer}`]],
    ['WRMSR of EFER at CPL 3', 3, (m) => m.move('efer', BigInt(LONG_MODE.efer)), STATUS.exception, []],
    ['a general register', 3, (m) => m.move('rax', 9n << 32n | 8n), STATUS.done, [`register ${rax}: 9:8 for 2:1`]],
    ['RFLAGS', 0, (m) => m.move('rflags', BigInt(RFLAGS.CF)), STATUS.done, [`register ${rflags}: 0:${RFLAGS.CF} for 0:${RFLAGS.fixed}`]],
    ['INVLPG', 0, (m) => m.invlpg(PAGE), STATUS.done, ['invlpg', 'flush']],
    ['INVLPG at CPL 3', 3, (m) => m.invlpg(PAGE), STATUS.exception, []],
  ] as const satisfies readonly (readonly [string, number, (machine: TestMachine) => number, number, readonly string[]])[]) {
    it(`${about}: ${heard.length === 0 ? 'nothing' : heard.join(', ')}`, () => {
      const machine = new TestMachine();
      machine.set({ rax: 2n << 32n | 1n, cpl, rflags: RFLAGS.fixed });
      assert.deepEqual(heardOf(machine, () => act(machine)), [status, heard]);
    });
  }
});

describe('what a register has after it was written', () => {
  it('CR3: all but bit 63, which only says that nothing is to be flushed', () => {
    const machine = new TestMachine();
    machine.set({ cr4: CR4.PAE | CR4.PCIDE });
    assert.equal(machine.move('cr3', 1n << 63n | 3n << 32n | 0x10_0005n), STATUS.done);
    assert.equal(machine.register('cr3'), 3n << 32n | 0x10_0005n);
    machine.processor.readRegister(REGISTER.cr3);
    assert.equal(machine.value, 3n << 32n | 0x10_0005n);
  });

  it('CR0: ET, and none of the bits that no processor has', () => {
    const machine = new TestMachine();
    machine.set({ cr0: CR0.PE | CR0.ET, cr4: 0, efer: 0 });
    assert.equal(machine.move('cr0', BigInt(CR0.PE | CR0.NE) | 1n << 20n), STATUS.done);
    assert.equal(machine.register('cr0'), BigInt(CR0.PE | CR0.NE | CR0.ET));
  });

  it('EFER: LMA as paging and LME make it, whatever is written', () => {
    const machine = new TestMachine();
    machine.set({ cr0: CR0.PE | CR0.ET, cr4: CR4.PAE, efer: 0 });
    const lma = (): bigint => machine.register('efer') & BigInt(EFER.LMA);
    assert.deepEqual([machine.move('efer', BigInt(EFER.LME | EFER.LMA)), lma()], [STATUS.done, 0n], 'paging is off');
    assert.deepEqual([machine.move('cr0', BigInt((CR0.PE | CR0.PG) >>> 0)), lma()], [STATUS.done, BigInt(EFER.LMA)]);
    assert.deepEqual([machine.move('efer', BigInt(EFER.LME | EFER.NXE)), lma()], [STATUS.done, BigInt(EFER.LMA)], 'paging is on');
    const legacy = new TestMachine();
    legacy.set({ cr0: CR0.PE | CR0.ET, cr4: CR4.PSE, efer: 0, cr3: 0x10_0000 });
    legacy.move('cr0', BigInt((CR0.PE | CR0.PG) >>> 0));
    assert.equal(legacy.register('efer'), 0n, 'without LME');
  });

  it('PKRU and PKRS: 32 bits, and not more', () => {
    const machine = new TestMachine();
    machine.set({ cr4: CR4.PAE | CR4.PKE | CR4.PKS });
    const { processor } = machine;
    const move = (name: 'pkru' | 'pkrs', value: bigint): readonly [status: number, has: bigint] => {
      const status = processor.writeRegister(REGISTER[name], ...halves(value));
      return [status, whole(processor.registers[2 * REGISTER[name]]!, processor.registers[2 * REGISTER[name] + 1]!)];
    };
    for (const name of ['pkru', 'pkrs'] as const) {
      assert.deepEqual(move(name, 0xffff_ffffn), [STATUS.done, 0xffff_ffffn]);
      assert.deepEqual([...move(name, 1n << 32n), processor.vector], [STATUS.exception, 0xffff_ffffn, 13], name);
    }
    processor.setLevel(3);
    assert.deepEqual(move('pkru', 5n), [STATUS.done, 5n], 'any CPL');
    assert.deepEqual(move('pkrs', 5n), [STATUS.exception, 0xffff_ffffn], 'CPL 0 alone');
  });

  it('a general register: both halves, as it is read', () => {
    const machine = new TestMachine();
    machine.move('rbx', 0x1234_5678_9abc_def0n);
    machine.processor.readRegister(REGISTER.rbx);
    assert.deepEqual([machine.register('rbx'), machine.value], [0x1234_5678_9abc_def0n, 0x1234_5678_9abc_def0n]);
  });
});

describe('which cached translations are the processor\'s own', () => {
  const isHit = ({ processor }: TestMachine | TablesByHand, load: () => number): boolean => {
    const before = processor.counters[COUNTER['tlb.hits']]!;
    assert.equal(load(), STATUS.done);
    return processor.counters[COUNTER['tlb.hits']] !== before;
  };

  it('in the host those of no ASID, though a VMCB name one', () => {
    const machine = new TablesByHand({ vendor: 'amd' });
    machine.map(TABLES['4-level'], ROOT, PAGE, 0x9000n | P | RW | US);
    machine.processor.vmcb[VMCB.asid] = 5;
    machine.enter('4-level', ROOT);
    machine.load(PAGE);
    machine.processor.invlpga(Number(PAGE), 0, 5);
    assert.ok(isHit(machine, () => machine.load(PAGE)));
  });

  it('behind EPT those of the EPTP, all 64 bits of it', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x1000n, P | RW | US);
    machine.enterWithEpt({ vpid: 1 });
    machine.load(PAGE);
    assert.ok(isHit(machine, () => machine.load(PAGE)));
    machine.vmcs({ eptp: 7n << 32n | EPT_ROOT | 0x1en }).processor.reload();
    assert.equal(machine.load(PAGE), STATUS.stopped, 'there is nothing in that one');
    machine.vmcs({ eptp: EPT_ROOT | 0x1en }).processor.reload();
    assert.ok(isHit(machine, () => machine.load(PAGE)));
  });

  it('without EPT those of the VPID, whatever the EPTP', () => {
    const machine = new TestMachine();
    machine.map(PAGE, 0x1000n, P | RW | US);
    machine.enterShadowed();
    machine.load(PAGE);
    machine.vmcs({ eptp: 7n << 32n | 0x90_001en }).processor.reload();
    assert.ok(isHit(machine, () => machine.load(PAGE)));
  });
});
