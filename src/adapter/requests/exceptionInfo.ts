import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { exceptionFilter } from '../breakpoints/exceptionFilters';
import { noException } from '../failures';
import type { SessionState } from '../sessionState';
import { fieldText } from '../valueText';

/** The event explained: what it is, and every number that it carries. */
export function exceptionInfo(state: SessionState): Answer<DebugProtocol.ExceptionInfoResponse['body']> {
  const exception = state.stop?.exception;
  if (exception === undefined) return noException();
  const { filter, event } = exception;
  const carried = Object.entries(event.fields).map(([name, value]) => `${name} = ${fieldText(name, value)}`);
  const sentence = event.text.charAt(0).toUpperCase() + event.text.slice(1);
  const meaning = exceptionFilter(filter)?.description ?? '';
  return {
    exceptionId: filter,
    description: `${sentence}. ${meaning}`.trim(),
    breakMode: 'always',
    details: { message: event.text, typeName: event.kind, stackTrace: carried.join('\n') },
  };
}
