import type { DebugProtocol } from '@vscode/debugprotocol';
import type { Answer } from '../answer';
import { exceptionFilter } from '../breakpoints/exceptionFilters';
import { noException } from '../failures';
import type { SessionState } from '../sessionState';
import { fieldText } from '../valueText';
import type { Rows } from '../../inspect/rows';

/** Events of which the exit information tells. */
const EXITS: ReadonlySet<string> = new Set(['vm_exit', 'ept_violation']);

/** The event explained: what it is, and every number that it carries. */
export function exceptionInfo(state: SessionState): Answer<DebugProtocol.ExceptionInfoResponse['body']> {
  const death = state.stop?.death;
  if (death !== undefined) return { exceptionId: 'died', description: death, breakMode: 'always', details: { message: death } };
  const exception = state.stop?.exception;
  const { launched } = state;
  if (exception === undefined || launched === undefined) return noException();
  const { filter, event, isOver } = exception;
  if (event.kind === 'expectation_failed') return failedExpectation(filter, event.text);
  const exit = launched.inspector.machineScopes(event.cpu).find(({ place }) => place === 'first');
  // Of an exit the rows that mean something for its reason, decoded; of other events each field.
  const carried = EXITS.has(event.kind) && exit !== undefined ? rowLines(exit.rows)
    : Object.entries(event.fields).map(([name, value]) => `${name} = ${fieldText(name, value)}`);
  const { inspector } = launched;
  const { sentences, section } = inspector.story(event, inspector.actorOn(event.cpu));
  // What no story is told of is explained by the filter that stopped there.
  const told = sentences.length > 0 ? sentences : [exceptionFilter(filter)?.description ?? ''];
  const handled = isOver ? ['It has been handled; what follows is how things stand behind that.'] : [];
  const sentence = `${event.text.charAt(0).toUpperCase()}${event.text.slice(1)}.`;
  return {
    exceptionId: filter,
    description: [sentence, ...handled, ...told, ...section === '' ? [] : [`See ${section}.`]].join(' ').trim(),
    breakMode: 'always',
    details: { message: event.text, typeName: event.kind, stackTrace: carried.join('\n') },
  };
}

/** The scope has what lies below them. */
function rowLines(rows: Rows): string[] {
  return rows.kind === 'named' ? rows.all().map(({ name, value }) => `${name} = ${value}`) : [];
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
