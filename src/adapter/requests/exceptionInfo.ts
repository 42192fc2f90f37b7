import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { exceptionFilter } from '../breakpoints/exceptionFilters';
import { noException } from '../failures';
import type { SessionState } from '../sessionState';
import { fieldText } from '../valueText';

/** The event explained: what it is, and every number that it carries. */
export function exceptionInfo(state: SessionState): Answer<DebugProtocol.ExceptionInfoResponse['body']> {
  const death = state.stop?.death;
  if (death !== undefined) return { exceptionId: 'died', description: death, breakMode: 'always', details: { message: death } };
  const exception = state.stop?.exception;
  if (exception === undefined) return noException();
  const { filter, event } = exception;
  if (event.kind === 'expectation_failed') return failedExpectation(filter, event.text);
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

/** Its own words with both sides say all; the number under which the program keeps it says nothing. */
function failedExpectation(filter: string, text: string): DebugProtocol.ExceptionInfoResponse['body'] {
  return {
    exceptionId: filter,
    description: text,
    breakMode: 'always',
    details: { message: text, typeName: 'expectation_failed' },
  };
}
