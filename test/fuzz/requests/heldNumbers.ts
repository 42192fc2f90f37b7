/** Requests after which nothing that was given before may be named; one that no client knows to move tells of it by `continued`. */
const departures: readonly string[] = ['continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'reverseContinue', 'goto', 'restartFrame', 'restart'];
/** It answers of what is gone too, and says that there is nothing to watch. */
const ANSWERS_ANYWAY = 'dataBreakpointInfo';

/** The numbers by which a client holds frames and variables of the present stop, and those that a motion has made void. */
export class HeldNumbers {
  private readonly present = new Set<string>();
  private readonly gone = new Set<string>();

  /** A request has been answered with success: what of its arguments was void by then. */
  answered(command: string, args: unknown, body: unknown): string | undefined {
    const { frameId, variablesReference } = (args ?? {}) as Readonly<Record<string, unknown>>;
    const wrong = command === ANSWERS_ANYWAY ? undefined : [`frame ${String(frameId)}`, `variables ${String(variablesReference)}`].find((name) => this.gone.has(name));
    if (departures.includes(command)) this.depart();
    this.note(body);
    return wrong;
  }

  depart(): void {
    for (const name of this.present) this.gone.add(name);
    this.present.clear();
  }

  private note(body: unknown): void {
    const { stackFrames, scopes, variables } = (body ?? {}) as Readonly<Record<string, unknown>>;
    for (const { id } of listOf(stackFrames)) this.present.add(`frame ${id}`);
    for (const { variablesReference } of [...listOf(scopes), ...listOf(variables)]) if (variablesReference !== 0) this.present.add(`variables ${variablesReference}`);
  }
}

function listOf(value: unknown): readonly { readonly id: number; readonly variablesReference: number }[] {
  return Array.isArray(value) ? value as { id: number; variablesReference: number }[] : [];
}
