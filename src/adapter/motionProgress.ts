import type { Journey, Motion, MotionName } from '../engine/debuggee';

/** A motion is told of as progress when it takes longer than a person thinks nothing of; then so often. */
const AFTER_MILLISECONDS = 500;
const EVERY_MILLISECONDS = 250;

/** What a motion is called while it is under way; one that runs until something stops it is no progress towards anything. */
const titles: Readonly<Record<Exclude<MotionName, 'continue'> | Journey['kind'], string>> = {
  'reverse-continue': 'Running back',
  over: 'Stepping',
  'over-back': 'Stepping back',
  in: 'Stepping in',
  out: 'Stepping out',
  'out-back': 'Going back to where this began',
  event: 'Stepping to the next event',
  'event-back': 'Stepping back to the event before',
  exit: 'Running to the next VM exit of this CPU',
  'exit-back': 'Going back to the last VM exit of this CPU',
  'any-exit': 'Running to the next VM exit',
  'any-exit-back': 'Going back to the last VM exit',
  'to-start': 'Going to the start of history',
  'to-end': 'Going to the latest moment',
  seek: 'Going to another moment',
  into: 'Stepping in',
  'write-back': 'Looking for the last write',
  'cursor-back': 'Running back to the cursor',
  'frame-start': 'Going back to the start of the frame',
};

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
    const name = typeof motion === 'string' ? motion : motion.kind;
    const title = name === 'continue' ? undefined : titles[name];
    this.running = { id: `motion-${++this.count}`, requestId, title, since: performance.now(), told: undefined };
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
