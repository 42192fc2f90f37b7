import { spawnSync } from 'node:child_process';
import type { Iterations } from './phaseTimes';

/** Debian's Bochs is built with the internal debugger: about this much slower than an optimized build of the same source. */
const DEBUGGER_FACTOR = 2.8;

/** The Bochs that is measured. */
export interface BochsPeer {
  readonly command: string;
  /** What its times are divided by. */
  readonly factor: number;
  /** Does it have the internal debugger, which waits at the first instruction to be told to go on? */
  readonly hasDebugger: boolean;
  /** As many iterations as it takes some tenths of a second for: CPU time is told in ticks. */
  readonly iterations: Iterations;
  /** What its configuration has to say for it to open no window and make no sound. */
  readonly quiet: readonly string[];
  /** What its rows say beside its name: whose build it is, and what its times were divided by. */
  readonly label: string;
}

/**
 * A Bochs built for speed where the environment names one (`PAGEWALK_BOCHS`, a path), its time as it is; else the one that
 * is installed, whose time is divided if it is a debugger build.
 */
export function bochsPeer(): BochsPeer {
  const named = process.env['PAGEWALK_BOCHS'];
  const command = named ?? 'bochs';
  const { stdout, stderr } = spawnSync(command, ['--help'], { encoding: 'utf8' });
  // The help names the option for the debugger's commands, and the display libraries not at all.
  const hasDebugger = `${stdout}${stderr}`.includes('-rc ');
  const factor = named === undefined && hasDebugger ? DEBUGGER_FACTOR : 1;
  return {
    command, factor, hasDebugger,
    // Debian's has no display library that shows nothing; one built for speed is taken to have no other, and no sound.
    quiet: named === undefined
      ? ['display_library: rfb, options="timeout=0"', 'sound: waveoutdrv=dummy', 'speaker: enabled=0'] : ['display_library: nogui'],
    iterations: hasDebugger ? { hits: 4_000_000, misses: 800_000 } : { hits: 20_000_000, misses: 2_400_000 },
    label: named !== undefined ? ` of PAGEWALK_BOCHS${hasDebugger ? ' (a debugger build)' : ''}`
      : hasDebugger ? ` of Debian (a debugger build) / ${DEBUGGER_FACTOR}` : '',
  };
}
