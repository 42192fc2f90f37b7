import { injectRealmodeInterrupt as injectOf } from '../realMode/injectRealmodeInterrupt';
import { handleRmodeException as handleOf } from '../realMode/handleRmodeException';
import { emulateHalt, emulateRdmsr, emulateWrmsr } from '../instructionExits';
import { vmcsControl } from '../vmcsControl';
import type { ListingProcedure } from '../listing';
import { enterPmode, enterRmode, handleCrAccess, handleInvlpg } from './controlRegisters';
import type { ShadowMmu } from './shadowMmu';

export const injectRealmodeInterrupt = injectOf<ShadowMmu>();
export const handleRmodeException = handleOf<ShadowMmu>({
  crAccess: handleCrAccess, halt: emulateHalt(vmcsControl), rdmsr: emulateRdmsr(vmcsControl), wrmsr: emulateWrmsr(vmcsControl), invlpg: handleInvlpg,
});

/** What a listing of shadow tables has for guests in real-address mode. */
export const rmodeProcedures: readonly ListingProcedure<ShadowMmu>[] = [enterRmode, enterPmode, handleRmodeException, injectRealmodeInterrupt];
