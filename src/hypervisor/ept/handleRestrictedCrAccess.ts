import { CR0 } from '../../hardware/processor/controlRegisters';
import { CR3_NO_FLUSH_HI } from '../../hardware/processor/controlRegisterChecks';
import { RESUME } from '../../hardware/processor/rootMode';
import { CR_ACCESS } from '../../hardware/vmx/exitQualification';
import { injectGeneralProtection } from '../injection';
import { loadsPdptes, takesControl } from '../guestControls';
import { emulateHalt, emulateRdmsr, emulateWrmsr } from '../instructionExits';
import { give, line, when, type ListingProcedure } from '../listing';
import { loadPdptrs as loadPdptrsOf } from '../loadPdptrs';
import { handleRmodeException as rmodeExceptionOf } from '../realMode/handleRmodeException';
import { injectRealmodeInterrupt as injectOf } from '../realMode/injectRealmodeInterrupt';
import { enterPmode as enterPmodeOf, enterRmode as enterRmodeOf, followProtection } from '../realMode/rmodeListing';
import { vmcsControl } from '../vmcsControl';
import { handlePagedCrAccess } from './handleCrAccess';
import type { EptMmu } from './eptMmu';

const V = { cr: 0, type: 1, value: 2 } as const;

export const loadPdptrs = loadPdptrsOf<EptMmu>();
export const enterRmode = enterRmodeOf<EptMmu>();
export const enterPmode = enterPmodeOf<EptMmu>();

/** Gives a `RESUME`. */
export const handleRestrictedCrAccess: ListingProcedure<EptMmu> = {
  name: 'handle_cr_access',
  purpose: 'MOV to or from a control register of a guest whose CR0.PE and PG the processor cannot have as they are.',
  values: [{ name: 'cr', kind: 'number' }, { name: 'type', kind: 'number' }, { name: 'value', kind: 'number' }],
  parameters: 2,
  body: [
    line('value = the operand of the instruction', {}, ({ processor: { pending } }, f) => f.set(V.value, pending.operandLo, pending.operandHi)),
    when('it is a MOV from CR3', (_, f) => f.lo(V.cr) === 3 && f.lo(V.type) === CR_ACCESS.movFrom, [
      line('the register = guest CR3, and not that of the identity map', {}, ({ processor, vcpu }) => {
        processor.valueLo = vcpu.cr3Lo;
        processor.valueHi = vcpu.cr3Hi;
      }),
      give('to the guest, behind the instruction', RESUME.completed),
    ]),
    when('paging is on, and stays on: the guest\'s CR3 and CR4 are its own', (mmu, f) => mmu.restrictedGuest.isPaging && (f.lo(V.cr) === 4 || (f.lo(V.value) & CR0.PG) !== 0), [
      give('handle_paged_cr_access(cr)', (mmu, f) => mmu.call(handlePagedCrAccess, f.lo(V.cr), 0)),
    ]),
    when('the register does not take value', (mmu, f) => !takesControl(mmu, f.lo(V.cr), f.lo(V.value), f.hi(V.value)), [
      line('VM-entry interruption information = #GP(0)', { writes: ['vmcs'] }, (mmu) => injectGeneralProtection(mmu.processor)),
      give('to the guest, whose VM entry delivers the fault', RESUME.retry),
    ]),
    when('the guest is in PAE paging then, and the MOV loads its PDPTEs', (mmu, f) => loadsPdptes(mmu, f.lo(V.cr), f.lo(V.value)), [
      when('load_pdptrs(guest CR3) finds none that may be loaded', (mmu) => mmu.call(loadPdptrs, mmu.vcpu.cr3Lo, 0) === 0, [
        line('VM-entry interruption information = #GP(0)', { writes: ['vmcs'] }, (mmu) => injectGeneralProtection(mmu.processor)),
        give('to the guest, whose VM entry delivers the fault', RESUME.retry),
      ]),
      line('VMCS guest PDPTEs = those', { writes: ['vmcs'] }, (mmu) => mmu.restrictedGuest.usePdptes()),
    ]),
    when('it is a MOV to CR3', (_, f) => f.lo(V.cr) === 3, [
      line('guest CR3 = value; the processor keeps that of the identity map', { writes: ['vcpu'] }, (mmu, f) => {
        mmu.vcpu.setCr3(f.lo(V.value), f.hi(V.value) & ~CR3_NO_FLUSH_HI);
      }),
    ]),
    when('it is a MOV to CR0', (_, f) => f.lo(V.cr) === 0, [
      line('CR0 read shadow = value; guest CR0 = value with PE and PG. With PG the guest has its own CR3, CR4 and EFER, without it the identity map\'s, and MOV to and from CR3 exits',
        { writes: ['vmcs', 'vcpu'] }, (mmu, f) => {
          mmu.restrictedGuest.keepCr3();
          mmu.restrictedGuest.setMode({ cr0: f.lo(V.value), cr4: mmu.cr4, efer: mmu.efer });
        }),
      when('enter_rmode() or enter_pmode(), where PE has changed, stops the VM', (mmu) => followProtection(mmu, { enterRmode, enterPmode }) === RESUME.stopped, [
        give('the VM stops', RESUME.stopped),
      ]),
    ]),
    when('it is a MOV to CR4', (_, f) => f.lo(V.cr) === 4, [
      line('CR4 read shadow = value; guest CR4 = value as far as the identity map bears it', { writes: ['vmcs', 'vcpu'] }, (mmu, f) => {
        mmu.restrictedGuest.setMode({ cr0: mmu.cr0, cr4: f.lo(V.value), efer: mmu.efer });
      }),
    ]),
    line('INVVPID: linear addresses mean something else', { writes: ['tlb', 'counters'] }, (mmu) => mmu.processor.invvpid()),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

/** Gives a `RESUME`. */
const handleInvlpg: ListingProcedure<EptMmu> = {
  name: 'handle_invlpg',
  purpose: 'INVLPG of a guest without paging, which CPL 3 may not execute.',
  values: [{ name: 'gva', kind: 'gva' }],
  parameters: 1,
  body: [
    line('INVVPID of one address: gva', { writes: ['tlb', 'counters'] }, (mmu, f) => mmu.processor.invvpidAddress(f.lo(0), f.hi(0))),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

export const injectRealmodeInterrupt = injectOf<EptMmu>();
export const handleRmodeException = rmodeExceptionOf<EptMmu>({
  crAccess: handleRestrictedCrAccess, halt: emulateHalt(vmcsControl), rdmsr: emulateRdmsr(vmcsControl), wrmsr: emulateWrmsr(vmcsControl), invlpg: handleInvlpg,
});

/** What the listing of ept has for such a guest, in place of its `handle_cr_access`. */
export const restrictedProcedures: readonly ListingProcedure<EptMmu>[] = [
  handleRestrictedCrAccess, handlePagedCrAccess, loadPdptrs, enterRmode, enterPmode, handleRmodeException, handleInvlpg, injectRealmodeInterrupt,
];
