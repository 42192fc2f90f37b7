/** Names that package.json and the code share; a test holds the two to each other. */

export const DEBUG_TYPE = 'pagewalk';
export const LANGUAGE = 'guest';
export const LISTING_LANGUAGE = 'vmm';

export const COMMAND = {
  showWalk: 'pagewalk.showWalk',
  debugScenario: 'pagewalk.debugScenario',
  runScenario: 'pagewalk.runScenario',
  compareScenario: 'pagewalk.compareScenario',
  breakOnEvent: 'pagewalk.breakOnEvent',
  breakOnWrite: 'pagewalk.breakOnWrite',
  breakOnWalk: 'pagewalk.breakOnWalk',
  whoWrote: 'pagewalk.whoWrote',
  reverseStepOut: 'pagewalk.reverseStepOut',
  previousExit: 'pagewalk.previousExit',
  nextExit: 'pagewalk.nextExit',
  lastWrite: 'pagewalk.lastWrite',
  seek: 'pagewalk.seek',
  reverseToCursor: 'pagewalk.reverseToCursor',
  stepOverAlone: 'pagewalk.stepOverAlone',
  stepIntoAlone: 'pagewalk.stepIntoAlone',
  continueAlone: 'pagewalk.continueAlone',
  copyEntryValue: 'pagewalk.copyEntryValue',
  copyEntryAddress: 'pagewalk.copyEntryAddress',
} as const;

/** View ids, by the tables they show. */
export const TABLE_VIEWS = [
  { id: 'pagewalk.guestTables', space: 'guest' },
  { id: 'pagewalk.shadowTables', space: 'shadow' },
  { id: 'pagewalk.ept', space: 'ept' },
] as const;

export const WALK_PANEL = 'pagewalk.walk';

/** Techniques offered by name; `mmu` takes any other text too, and the adapter judges it. */
export const TECHNIQUES = ['native', 'interpret', 'deprivileged', 'shadow-rebuild', 'shadow-vtlb', 'shadow-wp', 'shadow-unsync', 'ept', 'npt', 'nested'] as const;
