import type { DebugProtocol } from '@vscode/debugprotocol';
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

export const breakpointModes: readonly DebugProtocol.BreakpointMode[] = exceptionModes.map(
  ({ id, label, description }) => ({ mode: id, label, description, appliesTo: ['exception'] }),
);
