import { cr4Defined, eferReserved } from '../../hardware/processor/controlRegisterChecks';
import { CR4 } from '../../hardware/processor/controlRegisters';
import { STATUS } from '../../hardware/processor/processor';
import { refusedInstruction } from '../../hardware/processor/refusedInstruction';
import { REGISTER, registerNames } from '../../hardware/processor/registers';
import { segmentNames } from '../../hardware/segments/segmentRegisters';
import { SEGMENT_SELECTORS_AT } from '../../language/program';
import { bigIntToHalves } from '../arithmetic';
import type { Machine } from '../machine/machine';
import { ACTOR_STATE } from '../schedule/scheduler';

const LOW_HALF = 0xffff_ffffn;
/** Bit 63 of a value for CR3, which is no part of the address. */
const NO_FLUSH = 1n << 63n;

/** As a MOV at CPL 0 does, WRMSR for EFER and WRPKRU for PKRU: with all that a hypervisor does about it, and all that it invalidates. */
export function editRegister(machine: Machine, cpu: number, number: number, value: bigint): string | undefined {
  const name = number >= SEGMENT_SELECTORS_AT ? segmentNames[number - SEGMENT_SELECTORS_AT]! : registerNames[number]!;
  const processor = machine.processors[cpu]!;
  const { level } = processor;
  const isControl = number >= REGISTER.cr0 && number < SEGMENT_SELECTORS_AT;
  if (isControl && level !== 0) processor.setLevel(0);
  const [lo, hi] = bigIntToHalves(value);
  const status = number >= SEGMENT_SELECTORS_AT ? processor.loadSegment(number - SEGMENT_SELECTORS_AT, lo & 0xffff) : processor.writeRegister(number, lo, hi);
  if (status === STATUS.stopped) return `The hypervisor cannot go on with ${name} = 0x${value.toString(16)}: ${machine.vmOf(cpu).technique.stopReason()}.`;
  if (status === STATUS.switched) {
    return `A MOV to ${name} exits to the guest hypervisor of ${machine.program.actors[cpu]!.name}, whose program an edit does not run: edit it where that program would put it.`;
  }
  if (status !== STATUS.done) return refusalOf(machine, cpu, number, name, value);
  if (isControl && level !== 0) processor.setLevel(level);
  return undefined;
}

/** Why a register takes no value between two steps, whatever it be. */
export function whyNoValue(machine: Machine, cpu: number, number: number): string | undefined {
  const processor = machine.processors[cpu];
  if (processor === undefined) return 'A host thread has no registers: choose the frame of a CPU.';
  const away = whyAway(machine, cpu);
  if (away !== undefined || number !== REGISTER.pkru || (processor.registers[2 * REGISTER.cr4]! & CR4.PKE) !== 0) return away;
  return 'pkru takes no value while CR4.PKE is 0, as WRPKRU is no instruction then: set that bit first.';
}

function refusalOf(machine: Machine, cpu: number, number: number, name: string, value: bigint): string {
  const why = refusedInstruction(machine.processors[cpu]!);
  if (!why.startsWith(name)) return `${name} = 0x${value.toString(16)} is refused, as the instruction that writes it would be: ${why}.`;
  return `${why}${undefinedBits(machine, cpu, number, value)}; give ${name} a value that a MOV to it could write.`;
}

/** Which bits of a value there are none of, where that is why it is refused. */
function undefinedBits({ configuration: { vendor, maxphyaddr }, processors }: Machine, cpu: number, number: number, value: bigint): string {
  const { features } = processors[cpu]!;
  const high = value & ~LOW_HALF;
  const low = (mask: number): bigint => value & BigInt(mask >>> 0);
  const unknown = number === REGISTER.cr3 ? value & ~NO_FLUSH & ~((1n << BigInt(maxphyaddr)) - 1n)
    : number === REGISTER.cr4 ? high | low(~cr4Defined({ vendor, features }))
      : number === REGISTER.efer ? high | low(eferReserved(Number(value & LOW_HALF), vendor)) : number === REGISTER.cr0 || number === REGISTER.pkru ? high : 0n;
  const bits = Array.from({ length: 64 }, (_, bit) => bit).filter((bit) => ((unknown >> BigInt(bit)) & 1n) === 1n);
  const runs = bits.filter((bit) => !bits.includes(bit - 1)).map((from) => {
    let to = from;
    while (bits.includes(to + 1)) to++;
    return to === from ? `${from}` : `${to}:${from}`;
  });
  return bits.length === 0 ? '' : ` (bit${bits.length === 1 ? '' : 's'} ${runs.join(', ')})`;
}

/** Why the registers of a CPU are not where its program could change them; undefined when they are. */
function whyAway(machine: Machine, cpu: number): string | undefined {
  const name = machine.program.actors[cpu]!.name;
  switch (machine.interpreter.scheduler.state(cpu)) {
    case ACTOR_STATE.held:
    case ACTOR_STATE.released: return `${name} is held inside an access, under which its registers cannot change: release it, and edit then.`;
    case ACTOR_STATE.outside: return `The processor of ${name} runs another program, and its registers lie in a VMCS: edit them when it runs ${name} again, or edit the VMCS in memory.`;
    case ACTOR_STATE.dead: return `The VM of ${name} has come to its end: step back before that, and edit there.`;
    case ACTOR_STATE.waitsForBoot: return `${name} waits for the boot of the guest to end: edit its registers after that.`;
    default: return undefined;
  }
}
