import * as vscode from 'vscode';
import { EVENT } from '../protocol/editEvents';
import type { StoppedMore } from '../protocol/stoppedEvent';
import { DEBUG_TYPE } from './contributions';

/** A session that stands still: what views may ask now. */
export interface Stop {
  readonly session: vscode.DebugSession;
  readonly threadId: number;
  /** Differs from stop to stop: an answer to an older one is stale. */
  readonly serial: number;
  /** The adapter's few words for why: `Stepped back`. */
  readonly description: string;
  /** The moment: `step 12, in the past`. */
  readonly where: string;
  /** What there is to be said besides. */
  readonly news?: string;
}

/** What the views stand on. */
export type Phase =
  | { readonly kind: 'none' }
  | { readonly kind: 'running' }
  | { readonly kind: 'stopped'; readonly stop: Stop };

interface SessionRecord {
  readonly session: vscode.DebugSession;
  stop: Stop | undefined;
}

/** Requests that let the scenario move; whether and when it stops again, a `stopped` event tells. */
const MOTIONS: ReadonlySet<string> = new Set([
  'continue', 'next', 'stepIn', 'stepOut', 'stepBack', 'reverseContinue', 'restart',
]);

/**
 * Follows Pagewalk's sessions: which is the active one, and whether it stands. It listens to the
 * traffic and never changes it.
 */
export class Stops implements vscode.Disposable, vscode.DebugAdapterTrackerFactory {
  private readonly records = new Map<string, SessionRecord>();
  private readonly changed = new vscode.EventEmitter<Phase>();
  private readonly subscriptions: vscode.Disposable[];
  private serial = 0;

  /** Fires at every stop, at the start of motion, at the end, and when another session or CPU is chosen. */
  readonly onDidChange = this.changed.event;

  constructor() {
    this.subscriptions = [
      this.changed,
      vscode.debug.registerDebugAdapterTrackerFactory(DEBUG_TYPE, this),
      vscode.debug.onDidTerminateDebugSession((session) => {
        this.forget(session);
      }),
      vscode.debug.onDidChangeActiveDebugSession(() => {
        this.fire();
      }),
      vscode.debug.onDidChangeActiveStackItem((item) => {
        this.followThread(item);
      }),
    ];
  }

  createDebugAdapterTracker(session: vscode.DebugSession): vscode.DebugAdapterTracker {
    const record: SessionRecord = { session, stop: undefined };
    this.records.set(session.id, record);
    return {
      onWillReceiveMessage: (message: DapMessage) => {
        if (MOTIONS.has(message.command ?? '')) this.move(record);
      },
      onDidSendMessage: (message: DapMessage) => {
        if (message.type !== 'event') return;
        if (message.event === 'stopped') this.stand(record, message.body ?? {});
        else if (message.event === EVENT.edited) this.lookAnew(record, message.body?.where);
        else if (message.event === 'continued') this.move(record);
        else if (message.event === 'terminated') this.forget(session);
      },
      onExit: () => {
        this.forget(session);
      },
    };
  }

  phase(): Phase {
    const record = this.records.get(vscode.debug.activeDebugSession?.id ?? '');
    if (record === undefined) return { kind: 'none' };
    return record.stop === undefined ? { kind: 'running' } : { kind: 'stopped', stop: record.stop };
  }

  /** The active session's stop, or undefined while it runs or there is none. */
  current(): Stop | undefined {
    const phase = this.phase();
    return phase.kind === 'stopped' ? phase.stop : undefined;
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
  }

  private stand(record: SessionRecord, body: StoppedBody): void {
    record.stop = {
      session: record.session,
      threadId: body.threadId ?? 1,
      serial: ++this.serial,
      description: body.description ?? 'Paused',
      where: body.where ?? '',
      ...(body.news === undefined ? {} : { news: body.news }),
    };
    this.fire();
  }

  private move(record: SessionRecord): void {
    if (record.stop === undefined) return;
    record.stop = undefined;
    this.fire();
  }

  /** Nothing moved, and what the views show is another machine's. */
  private lookAnew(record: SessionRecord, where: string | undefined): void {
    if (record.stop === undefined) return;
    record.stop = { ...record.stop, serial: ++this.serial, ...(where === undefined ? {} : { where }) };
    this.fire();
  }

  /** Choosing another CPU in the call stack is a change of what the views show, though nothing moved. */
  private followThread(item: vscode.DebugThread | vscode.DebugStackFrame | undefined): void {
    const record = this.records.get(item?.session.id ?? '');
    if (item === undefined || record?.stop === undefined || record.stop.threadId === item.threadId) return;
    record.stop = { ...record.stop, threadId: item.threadId, serial: ++this.serial };
    this.fire();
  }

  private forget(session: vscode.DebugSession): void {
    if (this.records.delete(session.id)) this.fire();
  }

  private fire(): void {
    this.changed.fire(this.phase());
  }
}

interface DapMessage {
  readonly type: string;
  readonly command?: string;
  readonly event?: string;
  readonly body?: StoppedBody;
}

interface StoppedBody extends Partial<StoppedMore> {
  readonly threadId?: number;
  readonly description?: string;
}
