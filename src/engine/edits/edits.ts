import type { AddressSpace } from '../questions/addressPlace';
import { bigIntToHalves, setPairAt } from '../arithmetic';
import { jump } from './editJump';
import { editMemory } from './editMemory';
import { editRegister, whyNoValue } from './editRegister';
import { schedule } from './editSchedule';
import type { Machine } from '../machine/machine';

/** A change that a person makes to a machine at rest. Values are 64 bits, unsigned. */
export type Edit =
  /** Bytes from an address on. `cpu`: whose spaces are meant. */
  | { readonly kind: 'memory'; readonly cpu: number; readonly space: AddressSpace; readonly address: bigint; readonly bytes: Uint8Array }
  /** `register`: as in the program's instructions, segment selectors too. */
  | { readonly kind: 'register'; readonly cpu: number; readonly register: number; readonly value: bigint }
  /** A variable of guest frame `depth`, by the register of the frame that it is in. */
  | { readonly kind: 'variable'; readonly actor: number; readonly depth: number; readonly register: number; readonly value: bigint }
  | { readonly kind: 'global'; readonly global: number; readonly value: bigint }
  /** A key of a scenario's table. */
  | { readonly kind: 'table'; readonly table: number; readonly key: bigint; readonly value: bigint }
  /** What the guest kernel has noted of a process: its root (`field` 0) or PCID (1). */
  | { readonly kind: 'process'; readonly process: number; readonly field: number; readonly value: bigint }
  /** `actor` goes on at a statement of the procedure that it is in. */
  | { readonly kind: 'jump'; readonly actor: number; readonly statement: number }
  /** From here on this actor runs alone, all others stand; NOBODY (-1): all run as it is their turn. */
  | { readonly kind: 'schedule'; readonly alone: number };

/** Where a machine stands when it is edited: inside a step, an instruction has begun and goes on with what it has read by now. */
export type EditedAt = 'between steps' | 'inside a step';

/**
 * Makes an edit, by the ways that guest, hypervisor and host have for it, or says why it cannot be made, as a sentence; what
 * has been done by then is the caller's to put back. Nobody is told of events, and nothing is counted.
 */
export function applyEdit(machine: Machine, edit: Edit, at: EditedAt): string | undefined {
  const before = machine.processors.map(({ counters }) => counters.slice());
  const happened = machine.interpreter.happenings.map((happenings) => happenings.counted());
  let refusal: string | undefined;
  machine.bus.unheard(() => { refusal = make(machine, edit, at); });
  before.forEach((counters, cpu) => { machine.processors[cpu]!.counters.set(counters); });
  happened.forEach((counted, actor) => { machine.interpreter.happenings[actor]!.putBack(counted); });
  if (at === 'between steps') machine.reload();
  else machine.forgetDerived();
  return refusal;
}

function make(machine: Machine, edit: Edit, at: EditedAt): string | undefined {
  const { interpreter } = machine;
  switch (edit.kind) {
    case 'memory': return editMemory(machine, edit, at);
    case 'register': return whyNoRegister(machine, edit, at) ?? editRegister(machine, edit.cpu, edit.register, edit.value);
    case 'jump': return at === 'inside a step' ? insideStep(machine, edit.actor, 'place in the program') : jump(machine, edit.actor, edit.statement);
    case 'schedule':
      schedule(machine, edit.alone, at);
      return undefined;
    case 'global':
      putPair(interpreter.globals, 2 * edit.global, edit.value);
      return undefined;
    case 'process':
      interpreter.processes.set(edit.process, edit.field, ...bigIntToHalves(edit.value));
      return undefined;
    case 'table': {
      const [keyLo, keyHi] = bigIntToHalves(edit.key);
      interpreter.tables.set(edit.table, keyLo, keyHi, ...bigIntToHalves(edit.value));
      return undefined;
    }
    case 'variable': {
      const stack = interpreter.stacks[edit.actor]!;
      const frames = stack.frames();
      const frame = frames[frames.length - 1 - edit.depth];
      if (frame === undefined) return 'That frame is gone: choose one of the call stack as it stands.';
      putPair(stack.words, frame.base + 2 * edit.register, edit.value);
      return undefined;
    }
  }
}

/** Why a register of a CPU can be given no value at the present moment, whatever it be, as a sentence. Touches nothing. */
export function whyNoRegister(machine: Machine, { cpu, register }: { readonly cpu: number; readonly register: number }, at: EditedAt): string | undefined {
  return at === 'inside a step' ? insideStep(machine, cpu, 'registers') : whyNoValue(machine, cpu, register);
}

function insideStep({ program }: Machine, actor: number, what: string): string {
  return `An instruction is under way, and ${program.actors[actor]?.name ?? 'no CPU'} keeps its ${what} until it is over: `
    + 'step out to the next statement, or back to this one, and edit there.';
}

function putPair(words: Int32Array, at: number, value: bigint): void {
  setPairAt(words, at, ...bigIntToHalves(value));
}
