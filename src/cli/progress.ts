import type { Console } from './console';

/** A command shorter than this shows no progress. */
const SHOW_AFTER = 1000;
const SHOW_EVERY = 100;
/** How long the work goes on before the host may attend to a Ctrl-C. */
const SLICE = 40;

/** How far some work is, in units of its own. */
export interface Progress {
  /** Such as `ept, n = 64`. */
  readonly what: string;
  /** Counted up at a rate that is worth showing: `statements`, `vectors`. */
  readonly unit: string;
  readonly units: number;
  /** Share of the whole that is done, 0 to 1; undefined when nobody can know. */
  readonly share: number | undefined;
}

export interface SlicedWork {
  /** Works until `expired` says so; true when all is done. */
  work(expired: () => boolean): boolean;
  progress(): Progress;
}

/**
 * Does the work in slices, so that Ctrl-C is heard, and shows how far it is: on a terminal, and when it takes longer than a
 * second. Gives how it ended.
 */
export async function workOff(work: SlicedWork, console: Console): Promise<'done' | 'interrupted'> {
  const started = console.now();
  const columns = console.terminal.progressColumns;
  let shown = started + SHOW_AFTER - SHOW_EVERY;
  try {
    for (;;) {
      const ends = console.now() + SLICE;
      if (work.work(() => console.now() >= ends)) return 'done';
      await console.breathe();
      if (console.isInterrupted()) return 'interrupted';
      if (columns === undefined) continue;
      // Asked for at each slice: a share is guessed from what has been seen since the start.
      const progress = work.progress();
      const now = console.now();
      if (now - shown < SHOW_EVERY) continue;
      shown = now;
      console.showProgress(progressLine(progress, (now - started) / 1000, columns - 1));
    }
  } finally {
    console.showProgress(undefined);
  }
}

/**
 * `ept, n = 64: 3.2 million statements, 1.1 million/s, 43 %, about 12 s left`; `seconds` since the work began. Of what is too
 * long for `width` characters the beginning goes first: a path's end says more.
 */
export function progressLine({ what, unit, units, share }: Progress, seconds: number, width = Infinity): string {
  const parts = [`${readable(units)} ${unit}`, `${readable(units / seconds)}/s`];
  if (share === undefined) parts.push(`${Math.round(seconds)} s`);
  else parts.push(`${Math.floor(100 * share)} %`);
  if (share !== undefined && share > 0) parts.push(`about ${duration((seconds * (1 - share)) / share)} left`);
  const told = `: ${parts.join(', ')}`;
  const room = Math.max(0, width - told.length);
  return `${what.length <= room ? what : `…${what.slice(what.length - room + 1)}`}${told}`.slice(0, width);
}

function readable(count: number): string {
  if (count >= 1e6) return `${(count / 1e6).toFixed(1)} million`;
  return Math.round(count).toLocaleString('en-US');
}

function duration(seconds: number): string {
  const whole = Math.ceil(seconds);
  if (whole < 100) return `${whole} s`;
  return whole < 6000 ? `${Math.ceil(whole / 60)} min` : `${Math.ceil(whole / 3600).toLocaleString('en-US')} h`;
}
