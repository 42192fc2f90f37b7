import { accessEmulation } from '../accessEmulation';
import { trackedOperand } from '../trackedOperand';
import { vmcsControl } from '../vmcsControl';
import type { EptMmu } from './eptMmu';

/** Number of the value of `emulate_access` that is free for what is besides to be done. */
const PART = 4;

export const { walkOperand, emulateAccess } = accessEmulation<EptMmu>(vmcsControl, {
  purpose: 'An access that no EPT entry can let the guest make itself, MMIO or a write to ROM: done for the guest.',
  values: [{ name: 'part', kind: 'number' }], ...trackedOperand<EptMmu>(PART),
});
