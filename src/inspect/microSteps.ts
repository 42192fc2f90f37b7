import type { EventView } from '../engine/debuggee';
import { momentAddress, type StatementStep } from '../engine/time/statementSteps';
import { disassemble } from '../language/disassemble';
import type { StoppedMachine } from './stoppedMachine';

/** A line of the disassembly of a statement: an instruction of the compiled scenario, or something that the machine does for it. */
export interface MicroStep {
  /** `momentAddress` of the moment at which it has happened; of an instruction, of the moment before it. */
  readonly address: bigint;
  readonly text: string;
  readonly statement: number;
  /** Of something that the machine does: its kind, and the line (from 1) of a listing that is executed there. */
  readonly event?: { readonly kind: string; readonly listed?: { readonly listing: string; readonly line: number } };
}

/** Steps of a statement, taken apart into what processor, hypervisor and host do: load PML4E, load EPT PML4E, VM exit … */
export function microSteps({ machine }: Pick<StoppedMachine, 'machine'>, steps: readonly StatementStep[]): readonly MicroStep[] {
  return steps.flatMap(({ step, instruction, statement, events }) => [
    { address: momentAddress({ step, event: 0 }), statement, text: disassemble(machine.program, instruction, instruction + 1).replace(/^\d+: /, '') },
    ...events.map((event, i): MicroStep => ({ address: momentAddress({ step, event: i + 1 }), statement, text: `    ${textOf(machine, event)}`, event: told(machine, event) })),
  ]);
}

function told(machine: StoppedMachine['machine'], { kind, fields }: EventView): NonNullable<MicroStep['event']> {
  const listing = kind === 'listing_line' ? machine.listing(Number(fields['listing'])) : undefined;
  return { kind, ...(listing === undefined ? {} : { listed: { listing: listing.name, line: Number(fields['line']) } }) };
}

function textOf(machine: StoppedMachine['machine'], event: EventView): string {
  const listing = machine.listing(Number(event.fields['listing'] ?? -1n));
  if (listing === undefined || !event.kind.startsWith('listing_')) return event.kind === 'table_read' ? `load ${event.text}` : event.text;
  const procedure = listing.procedures[Number(event.fields['index'])]?.name ?? '';
  if (event.kind === 'listing_call') return `call ${procedure}`;
  if (event.kind === 'listing_return') return `return from ${procedure}`;
  const line = Number(event.fields['line']);
  return `${listing.name}:${line}  ${listing.lines[line - 1]?.text.trim() ?? ''}`;
}
