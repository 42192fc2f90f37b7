import { REQUEST, type TablesArguments, type TablesResponse, type WalkArguments, type WalkResponse, type WriterArguments, type WriterResponse } from '../../protocol/requests';
import type { Answer } from '../answer';
import { badArgument, badMemoryReference, cannotInspect, noWalks, notStopped, pathWithoutRoot, unknownThread } from '../failures';
import { lastWriterOf, placeOfWrite, writerText } from '../locations';
import { parseMemoryReference } from '../memoryReference';
import type { SessionState } from '../sessionState';

/** The table trees of the views. */
export function tables(state: SessionState, args: TablesArguments): Answer<TablesResponse> {
  const inspector = state.launched?.inspector;
  if (inspector === undefined) return notStopped(REQUEST.tables);
  const { root, path }: { readonly root?: unknown; readonly path?: unknown } = args;
  if (root !== undefined && typeof root !== 'string') return badArgument(REQUEST.tables, 'root', 'text, as a root node gave it');
  if (path !== undefined && !(Array.isArray(path) && path.every((index) => typeof index === 'number'))) {
    return badArgument(REQUEST.tables, 'path', 'a list of numbers: the index at each level, from the root down');
  }
  if (root === undefined && path !== undefined && path.length > 0) return pathWithoutRoot(REQUEST.tables);
  const response = inspector.tables(args);
  return 'error' in response ? cannotInspect(response.error) : response;
}

const WORD_BYTES = 8;

/** Who made the memory at an address what it is. */
export function writer(state: SessionState, args: WriterArguments): Answer<WriterResponse> {
  const { launched, client, stop } = state;
  if (launched === undefined) return notStopped(REQUEST.writer);
  const { memoryReference: at, bytes = WORD_BYTES } = args;
  if (typeof bytes !== 'number') return badArgument(REQUEST.writer, 'bytes', 'a number');
  if (parseMemoryReference(at) === undefined) return badMemoryReference(at);
  const written = lastWriterOf(launched, { at, bytes }, (stop?.body.threadId ?? 1) - 1);
  if ('nobody' in written) return { message: written.nobody };
  const place = placeOfWrite(launched, client, written);
  const { text, by, thread, moment: { step, event }, isShown, listed } = written;
  const message = writerText(launched, at, written);
  if (place === undefined) return { message };
  const path = place.source.path ?? place.source.name ?? '';
  return { message, written: { text, by, threadId: thread + 1, step, event, isShown, path, line: place.line, ...(listed === undefined ? {} : { procedure: listed.procedure }) } };
}

/** The walk of the access that ran last, for the panel. */
export function walk(state: SessionState, args: WalkArguments): Answer<WalkResponse> {
  if (state.launched === undefined) return notStopped(REQUEST.walk);
  const { debuggee, inspector } = state.launched;
  const { threads } = debuggee;
  const name = threads[args.threadId - 1];
  if (name === undefined) return unknownThread(args.threadId, threads.length);
  if (args.threadId > debuggee.cpus) return noWalks(name);
  const response = inspector.walk(args);
  return 'error' in response ? cannotInspect(response.error) : response;
}
