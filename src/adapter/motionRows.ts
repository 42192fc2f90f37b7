import type { Journey, Motion, MotionName } from '../engine/debuggee';

/** What a session has to know of a motion beside what it does. */
interface MotionRow {
  /** How it ended, for a person: the client shows no other sign that it went backward. */
  readonly arrival: string;
  /** The same where it has to be short, if it is not. */
  readonly brief?: string;
  /** What it is called while it is under way; left out: it runs until something stops it, which is no progress towards anything. */
  readonly title?: string;
  /** It is about where it begins: begun again elsewhere it would be another one. */
  readonly isStep?: true;
  /** It ends where the thread that was asked has come, whoever did the last step. */
  readonly isOfThread?: true;
}

export const motionRows: Readonly<Record<MotionName | Journey['kind'], MotionRow>> = {
  'continue': { arrival: 'Paused', isOfThread: true },
  'reverse-continue': { arrival: 'Went back', title: 'Running back', isOfThread: true },
  'over': { arrival: 'Stepped', title: 'Stepping', isStep: true, isOfThread: true },
  'over-back': { arrival: 'Stepped back', title: 'Stepping back', isStep: true, isOfThread: true },
  'in': { arrival: 'Stepped in', title: 'Stepping in', isStep: true, isOfThread: true },
  'out': { arrival: 'Stepped out', title: 'Stepping out', isStep: true, isOfThread: true },
  'out-back': { arrival: 'Went back to where this began', brief: 'Went back', title: 'Going back to where this began', isStep: true, isOfThread: true },
  'event': { arrival: 'Stepped one event', brief: 'One event on', title: 'Stepping to the next event', isStep: true },
  'event-back': { arrival: 'Stepped back one event', brief: 'One event back', title: 'Stepping back to the event before', isStep: true },
  'exit': { arrival: 'At the next VM exit of this CPU', brief: 'At a VM exit', title: 'Running to the next VM exit of this CPU' },
  'exit-back': { arrival: 'Went back to the last VM exit of this CPU', brief: 'At a VM exit', title: 'Going back to the last VM exit of this CPU' },
  'any-exit': { arrival: 'At the next VM exit', brief: 'At a VM exit', title: 'Running to the next VM exit' },
  'any-exit-back': { arrival: 'Went back to the last VM exit', brief: 'At a VM exit', title: 'Going back to the last VM exit' },
  'to-start': { arrival: 'Went to the start of history', brief: 'At the start', title: 'Going to the start of history' },
  'to-end': { arrival: 'Went to the latest moment', brief: 'Latest moment', title: 'Going to the latest moment' },
  'seek': { arrival: 'Went to this moment', brief: 'At this moment', title: 'Going to another moment' },
  'into': { arrival: 'Stepped in', title: 'Stepping in' },
  'write-back': { arrival: 'Went back to the last write', brief: 'At a write', title: 'Looking for the last write' },
  'cursor-back': { arrival: 'Ran back to the cursor', brief: 'At the cursor', title: 'Running back to the cursor' },
  'frame-start': { arrival: 'Went back to where this frame began', brief: 'Went back', title: 'Going back to the start of the frame' },
};

export function motionName(motion: Motion): MotionName | Journey['kind'] {
  return typeof motion === 'string' ? motion : motion.kind;
}

export function motionRow(motion: Motion): MotionRow {
  return motionRows[motionName(motion)];
}
