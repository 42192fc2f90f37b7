/** Requests after which nothing that was given before may be named; one that no client knows to move tells of it by `continued`. */
const departures: readonly string[] = ['continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'reverseContinue', 'goto', 'restartFrame', 'restart'];
/** Requests that are about a frame, or about variables; `dataBreakpointInfo` answers of what is gone that there is nothing to watch. */
const aboutFrame: readonly string[] = ['scopes', 'evaluate', 'stepInTargets', 'restartFrame', 'completions', 'setExpression'];
const aboutVariables: readonly string[] = ['variables', 'setVariable'];

/** The numbers by which a client holds frames and variables of the present stop, and those that a motion has made void. */
export class HeldNumbers {
  private readonly present = new Set<string>();
  private readonly gone = new Set<string>();

  /** A request has been answered with success: what of its arguments was void by then. */
  answered(command: string, args: unknown, body: unknown): string | undefined {
    const { frameId, variablesReference } = (args ?? {}) as Readonly<Record<string, unknown>>;
    const asked = [...aboutFrame.includes(command) ? [`frame ${String(frameId)}`] : [], ...aboutVariables.includes(command) ? [`variables ${String(variablesReference)}`] : []];
    const wrong = asked.find((name) => this.gone.has(name));
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
