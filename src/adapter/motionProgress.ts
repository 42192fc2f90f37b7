import type { Motion } from '../engine/debuggee';
import { motionRow } from './motionRows';

/** A motion is told of as progress when it takes longer than a person thinks nothing of; then so often. */
const AFTER_MILLISECONDS = 500;
const EVERY_MILLISECONDS = 250;

/** The running motion, as progress for a client that shows such, and how that client names it when it cancels it. */
export class MotionProgress {
  /** False: the client has not said that it shows progress. */
  isWanted = false;
  private count = 0;
  private running: { readonly id: string; readonly requestId: number | undefined; readonly title: string | undefined; readonly since: number; told: number | undefined } | undefined;

  constructor(private readonly send: (event: string, body: object) => void) {}

  /** A motion begins, which the request of this number asked for. */
  begin(motion: Motion, requestId: number | undefined): void {
    this.end();
    this.running = { id: `motion-${++this.count}`, requestId, title: motionRow(motion).title, since: performance.now(), told: undefined };
  }

  /** It goes on, at this step of the run. */
  note(step: number): void {
    const { running } = this;
    if (running?.title === undefined || !this.isWanted) return;
    const now = performance.now();
    const message = `step ${step.toLocaleString('en')}`;
    if (running.told === undefined) {
      if (now - running.since < AFTER_MILLISECONDS) return;
      const request = running.requestId === undefined ? {} : { requestId: running.requestId };
      this.send('progressStart', { progressId: running.id, title: running.title, ...request, cancellable: true, message });
    } else {
      if (now - running.told < EVERY_MILLISECONDS) return;
      this.send('progressUpdate', { progressId: running.id, message });
    }
    running.told = now;
  }

  /** It is over, one way or another. */
  end(): void {
    if (this.running?.told !== undefined) this.send('progressEnd', { progressId: this.running.id });
    this.running = undefined;
  }

  /** Whether a client means the running motion: by the number of the request, or by the progress. */
  isMeant({ requestId, progressId }: { readonly requestId?: number; readonly progressId?: string }): boolean {
    const { running } = this;
    return running !== undefined && (progressId === running.id || (requestId !== undefined && requestId === running.requestId));
  }
}
