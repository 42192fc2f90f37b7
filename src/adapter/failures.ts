/**
 * Every mistake that a client or a person can make, one function each. The numbers are stable:
 * clients and tests may tell failures apart by them.
 */
export class Failure {
  /** `dialog`: the client should show it; `quiet`: the place that asked shows it (a watch, a hover). */
  constructor(
    readonly id: number,
    readonly text: string,
    readonly shown: 'dialog' | 'quiet',
  ) {}
}

export function internalError(command: string): Failure {
  return new Failure(1000, `"${command}" failed by a mistake of Pagewalk's own; the debug console has the details.`, 'dialog');
}

export function unknownRequest(command: string): Failure {
  return new Failure(1001, `Pagewalk does not know the request "${command}".`, 'quiet');
}

export function wrongPhase(command: string, phase: string, rule: string): Failure {
  return new Failure(1002, `"${command}" cannot be answered while the session is ${phase}: ${rule}.`, 'quiet');
}

export function badArgument(command: string, argument: string, wanted: string): Failure {
  return new Failure(1003, `"${command}" needs the argument "${argument}" as ${wanted}.`, 'quiet');
}

export function notStopped(command: string): Failure {
  return new Failure(1004, `"${command}" is answered only while the scenario is stopped: pause it first.`, 'quiet');
}

export function sessionGone(command: string): Failure {
  return new Failure(1005, `"${command}" came after the session was disconnected.`, 'quiet');
}

export function namelessRequest(): Failure {
  return new Failure(1006, 'A request names what it asks for in "command" as text.', 'quiet');
}

export function programMissing(): Failure {
  return new Failure(1010, 'The launch configuration names no scenario: set "program" to a .guest file.', 'dialog');
}

export function programUnreadable(path: string): Failure {
  return new Failure(1011, `${path} cannot be read: check "program" in the launch configuration.`, 'dialog');
}

/** `text` is the first diagnostic, `FILE:LINE:COL: message`. */
export function scenarioBroken(text: string, more: number): Failure {
  const rest = more === 0 ? '' : ` (and ${more} more, see the debug console)`;
  return new Failure(1012, `${text}${rest}`, 'dialog');
}

/** `reason` is a sentence from the engine: an unknown technique, a setting that does not fit. */
export function cannotRun(reason: string): Failure {
  return new Failure(1013, reason, 'dialog');
}

export function unknownThread(threadId: number, cpus: number): Failure {
  const known = cpus === 1 ? 'thread 1 is CPU 0' : `threads are 1 to ${cpus}`;
  return new Failure(1020, `There is no thread ${threadId}: ${known}.`, 'quiet');
}

/** `name` as the thread list has it. */
export function noWalks(name: string): Failure {
  return new Failure(1030, `${name} makes no walks: the host acts on frames and host-virtual addresses. Choose the thread of a CPU.`, 'quiet');
}

export function staleFrame(frameId: number): Failure {
  return new Failure(1021, `Frame ${frameId} belongs to an earlier stop: ask for the stack trace again.`, 'quiet');
}

export function staleReference(reference: number): Failure {
  return new Failure(1022, `Variables reference ${reference} belongs to an earlier stop: ask for the scopes again.`, 'quiet');
}

export function staleLocation(reference: number): Failure {
  return new Failure(1031, `Location reference ${reference} belongs to an earlier stop: ask for the variables again.`, 'quiet');
}

/** `source` as the client gave it. */
export function unknownSource({ name, path, sourceReference }: { readonly name?: string; readonly path?: string; readonly sourceReference?: number }): Failure {
  const said = [name, path].find((text) => text !== undefined && text !== '');
  const what = said ?? (sourceReference === undefined ? 'A source without a name, a path and a reference' : `Source reference ${sourceReference}`);
  return new Failure(1023, `${what} is not a source of this session.`, 'quiet');
}

/** A file of the session, of which a client has the newer text. */
export function sourceIsFile(path: string): Failure {
  return new Failure(1023, `${path} is a file: read it where it lies; only listings and the kernel library are told by reference.`, 'quiet');
}

/** `reason` is a sentence of the expression compiler or of the engine. */
export function cannotEvaluate(reason: string): Failure {
  return new Failure(1024, asSentence(reason), 'quiet');
}

export function noException(): Failure {
  return new Failure(1025, 'The scenario is not stopped at an event.', 'quiet');
}

export function badMemoryReference(reference: string): Failure {
  return new Failure(1026, `"${reference}" is no memory reference: write SPACE:0xADDRESS with gva, gpa, hva or hpa.`, 'quiet');
}

export function badReadCount(count: number, most: number): Failure {
  return new Failure(1027, `${count} bytes cannot be read at once: ask for 0 to ${most}.`, 'quiet');
}

export function pathWithoutRoot(command: string): Failure {
  return new Failure(1029, `"${command}" has a path without the root that it starts from: give "root" as a root node gave it, or leave the path out.`, 'quiet');
}

/** `reason` is a sentence of a read model. */
export function cannotInspect(reason: string): Failure {
  return new Failure(1028, asSentence(reason), 'quiet');
}

/** The engine's reasons are clauses as often as sentences. */
function asSentence(reason: string): string {
  return /[.?!]$/.test(reason) ? reason : `${reason}.`;
}

/** `reason` is a sentence of the compiler or of the engine. */
export function cannotEdit(reason: string): Failure {
  return new Failure(1040, reason, 'dialog');
}

export function notEditable(name: string): Failure {
  return new Failure(1041, `"${name}" is worked out from the machine's state and has no place of its own: edit what it is worked out from.`, 'dialog');
}

export function unknownVariable(name: string): Failure {
  return new Failure(1042, `There is no variable "${name}" there: ask for the variables again.`, 'quiet');
}

export function badMemoryData(): Failure {
  return new Failure(1043, '"writeMemory" needs the argument "data" as bytes in Base64.', 'quiet');
}

export function staleTarget(targetId: number): Failure {
  return new Failure(1044, `Target ${targetId} belongs to an earlier stop: ask for the targets of the line again.`, 'quiet');
}
