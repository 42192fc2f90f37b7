/**
 * What the views ask about breakpoints. Answered from launch on, while the scenario runs too.
 */
export const BREAKPOINT_REQUEST = {
  names: 'pagewalk/breakpointNames',
} as const;

/** A name that a function breakpoint can have. */
export interface BreakpointName {
  readonly name: string;
  readonly kind: 'class of events' | 'VM exit' | 'procedure' | 'event';
  /** In a few words; empty where the name says all. */
  readonly description: string;
  /** A condition that makes sense there. */
  readonly example?: string;
}

export interface BreakpointNamesResponse {
  /** In the order in which to offer them: classes of events, VM exits, procedures, kinds of event. Those that cannot happen here are left out. */
  readonly names: readonly BreakpointName[];
}
