import type { DebugProtocol } from '@vscode/debugprotocol';
import type { WatchedSpace } from './dataBreakpoint';
import type { ExceptionMode } from './exceptionFilters';

/** A mode of one kind of breakpoint, as clients offer it; ids are a public interface. */
interface Mode<Id extends string> {
  readonly id: Id;
  readonly label: string;
  readonly description: string;
}

/** When an exception filter stops. The first is what is meant without a mode. */
export const exceptionModes: readonly Mode<ExceptionMode>[] = [
  { id: 'before', label: 'Before', description: 'At the event, before it is handled.' },
  { id: 'after', label: 'After', description: 'Where its handling is over. The condition is judged there, on the event that was handled.' },
];

/** What a data breakpoint's memory is known by. Without a mode it is the space that its address is of. */
export const dataModes: readonly Mode<WatchedSpace>[] = [
  { id: 'gva', label: 'By GVA', description: 'That linear address, whichever process runs, as by the processor\'s debug registers.' },
  { id: 'gpa', label: 'By GPA', description: 'That guest-physical memory, by whatever linear address it is reached and wherever the host has it.' },
  { id: 'hpa', label: 'By HPA', description: 'That memory of the host, whoever reaches it.' },
];

const modesOf = { exception: exceptionModes, data: dataModes } as const;

export const breakpointModes: readonly DebugProtocol.BreakpointMode[] = Object.entries(modesOf).flatMap(([kind, modes]) => (
  modes.map(({ id, label, description }) => ({ mode: id, label, description, appliesTo: [kind] }))
));
