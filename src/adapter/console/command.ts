import type { Failure } from '../failures';
import type { HeldFrame, Launched, SessionState } from '../sessionState';

/** What may stand behind a command, for completion. */
export type ArgumentKind = 'nothing' | 'expression' | 'tables' | 'command' | 'setting' | 'moment' | 'reach' | 'decoded';

/** Where a command is typed. */
export interface CommandSite {
  readonly state: SessionState;
  readonly launched: Launched;
  readonly held: HeldFrame;
}

/** A command of the debug console. It gives what a view does not, by the same read models. */
export interface ConsoleCommand {
  readonly name: string;
  /** `walk ADDRESS [read|write|fetch] [user]` */
  readonly usage: string;
  /** One line of the list. */
  readonly does: string;
  /** What `help NAME` says beside, with an example. */
  readonly more: string;
  readonly argument: ArgumentKind;
  /** Lines to say, or why there are none. `argument` is what stands behind the name, trimmed. */
  readonly run: (site: CommandSite, argument: string) => readonly string[] | Failure;
}
