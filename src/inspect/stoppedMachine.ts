import type { Debuggee } from '../engine/debuggee';
import type { Machine } from '../engine/machine/machine';

/** What the read models look at: a machine at rest, and what the engine knows of the moment. */
export type StoppedMachine = { readonly machine: Machine } & Pick<Debuggee, 'moment' | 'lastAccess' | 'eventsOfStep'>;
