import { CR_ACCESS } from '../../hardware/vmx/exitQualification';
import { RESUME } from '../../hardware/processor/rootMode';
import { CR3_NO_FLUSH_HI } from '../../hardware/processor/controlRegisterChecks';
import { CR4 } from '../../hardware/processor/controlRegisters';
import { isCanonical } from '../../hardware/paging/compiledFormat';
import { invpcidRules, type InvpcidOperand } from '../../hardware/processor/invpcidInstruction';
import { loadsPdptes } from '../guestControls';
import { injectGeneralProtection } from '../injection';
import { give, line, when, type ListingFrame, type ListingNode, type ListingProcedure } from '../listing';
import { enterPmode as enterPmodeOf, enterRmode as enterRmodeOf, followProtection } from '../realMode/rmodeListing';
import { loadPdptrs } from './loadRoot';
import { CR3_LOAD, type ShadowMmu } from './shadowMmu';

const V = { cr: 0, type: 1, value: 2 } as const;

export const enterRmode = enterRmodeOf<ShadowMmu>();
export const enterPmode = enterPmodeOf<ShadowMmu>();

/** What `handle_cr_access` does where hypervisors differ. */
export interface CrAccessVariation {
  /** Before CR0, CR3 or CR4 changes: the PDPTEs that go with it. */
  readonly pdptes: readonly ListingNode<ShadowMmu>[];
  /** What CR0 and CR4 become, as lines say it. */
  readonly cr0: string;
  readonly cr4: string;
  /** With a new CR0. */
  readonly protection: readonly ListingNode<ShadowMmu>[];
}

/** Gives a `RESUME`. */
export const crAccessOf = (variation: CrAccessVariation): ListingProcedure<ShadowMmu> => ({
  name: 'handle_cr_access',
  purpose: 'MOV to or from a control register whose value the guest must not find or set itself.',
  values: [{ name: 'cr', kind: 'number' }, { name: 'type', kind: 'number' }, { name: 'value', kind: 'number' }],
  parameters: 2,
  body: [
    line('value = the operand of the instruction', {}, (mmu, f) => {
      f.set(V.value, mmu.processor.pending.operandLo, mmu.processor.pending.operandHi);
    }),
    when('it is a MOV from CR3', (_, f) => f.lo(V.cr) === 3 && f.lo(V.type) === CR_ACCESS.movFrom, [
      line('the register = guest CR3, and not the shadow root that is loaded', {}, (mmu) => {
        mmu.processor.valueLo = mmu.vcpu.cr3Lo;
        mmu.processor.valueHi = mmu.vcpu.cr3Hi;
      }),
      give('to the guest, behind the instruction', RESUME.completed),
    ]),
    when('the register does not take value', (mmu, f) => !mmu.takesControl(f.lo(V.cr), f.lo(V.value), f.hi(V.value)), [
      line('VM-entry interruption information = #GP(0)', { writes: ['vmcs'] }, (mmu) => injectGeneralProtection(mmu.processor)),
      give('to the guest, whose VM entry delivers the fault', RESUME.retry),
    ]),
    ...variation.pdptes,
    when('it is a MOV to CR3', (_, f) => f.lo(V.cr) === 3, [
      line('guest CR3 = value, without bit 63, which says what the TLB may keep', { writes: ['vcpu'] }, (mmu, f) => {
        mmu.vcpu.setCr3(f.lo(V.value), f.hi(V.value) & ~CR3_NO_FLUSH_HI);
        mmu.cr3Load = (mmu.cr4 & CR4.PCIDE) !== 0 && (f.hi(V.value) & CR3_NO_FLUSH_HI) !== 0 ? CR3_LOAD.keeps : CR3_LOAD.drops;
      }),
    ]),
    when('it is a MOV to CR0', (_, f) => f.lo(V.cr) === 0, [
      line(variation.cr0, { writes: ['vmcs', 'vcpu'] }, (mmu, f) => mmu.setControls({ cr0: f.lo(V.value), cr4: mmu.cr4, efer: mmu.efer })),
      ...variation.protection,
    ]),
    when('it is a MOV to CR4', (_, f) => f.lo(V.cr) === 4, [
      line(variation.cr4, { writes: ['vmcs', 'vcpu'] }, (mmu, f) => mmu.setControls({ cr0: mmu.cr0, cr4: f.lo(V.value), efer: mmu.efer })),
    ]),
    give('load_root()', (mmu) => mmu.call(mmu.procedures.loadRoot)),
  ],
});

/** Of guests whose MOVs load PDPTEs. */
export const pdptesFirst: readonly ListingNode<ShadowMmu>[] = [
  when('the guest is in PAE paging then, and the MOV loads its PDPTEs', (mmu, f) => loadsPdptes(mmu, f.lo(V.cr), f.lo(V.value)), [
    when('load_pdptrs(the CR3 of then) finds none that may be loaded', (mmu, f) => mmu.call(loadPdptrs, f.lo(V.cr) === 3 ? f.lo(V.value) : mmu.vcpu.cr3Lo, 0) === 0, [
      line('VM-entry interruption information = #GP(0)', { writes: ['vmcs'] }, (mmu) => injectGeneralProtection(mmu.processor)),
      give('to the guest, whose VM entry delivers the fault', RESUME.retry),
    ]),
  ]),
];

export const handleCrAccess = crAccessOf({
  pdptes: pdptesFirst,
  cr0: 'CR0 read shadow = value; guest CR0 = value with PG and WP, since the shadow relies on them; EFER.LMA goes with PG',
  cr4: 'CR4 read shadow = value; guest CR4 = value with PAE, and without what paging off makes of no account',
  protection: [
    when('enter_rmode() or enter_pmode(), where PE has changed, stops the VM', (mmu) => followProtection(mmu, { enterRmode, enterPmode }) === RESUME.stopped, [
      give('the VM stops', RESUME.stopped),
    ]),
  ],
});

const I = { gva: 0 } as const;

/** Gives a `RESUME`. */
export const handleInvlpg: ListingProcedure<ShadowMmu> = {
  name: 'handle_invlpg',
  purpose: 'INVLPG: every write to a shadowed table was trapped, so only the TLB can be stale.',
  values: [{ name: 'gva', kind: 'gva' }],
  parameters: 1,
  body: [
    line('INVVPID of one address: gva', { writes: ['tlb', 'counters'] }, (mmu, f) => mmu.flushAddress(f.lo(I.gva), f.hi(I.gva))),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

const P = { type: 0, gva: 1 } as const;
/** SDM Vol. 2, "INVPCID—Invalidate Process-Context Identifier". */
const ONE_ADDRESS = 0;

/** What INVPCID comes to in one way of keeping the shadow in step, besides INVVPID. */
export interface InvpcidVariation<M extends ShadowMmu> {
  readonly purpose: string;
  /** Values after the operands, which are the first two: type and gva. */
  readonly values: ListingProcedure<M>['values'];
  readonly ofAddress: readonly ListingNode<M>[];
  readonly ofContext: readonly ListingNode<M>[];
}

/** Gives a `RESUME`. */
export const invpcidOf = <M extends ShadowMmu>(variation: InvpcidVariation<M>): ListingProcedure<M> => ({
  name: 'handle_invpcid',
  purpose: variation.purpose,
  values: [{ name: 'type', kind: 'number' }, { name: 'gva', kind: 'gva' }, ...variation.values],
  parameters: 0,
  body: [
    line('type, gva = the operands of the instruction', {}, ({ processor: { pending } }, f) => {
      f.set(P.type, pending.operandLo, pending.operandHi);
      f.set(P.gva, pending.gvaLo, pending.gvaHi);
    }),
    when('they break a rule of the instruction', (mmu, f) => breaksRule(mmu, f), [
      line('VM-entry interruption information = #GP(0)', { writes: ['vmcs'] }, (mmu) => injectGeneralProtection(mmu.processor)),
      give('to the guest, whose VM entry delivers the fault', RESUME.retry),
    ]),
    when('type is 0, an address', (_, f) => f.lo(P.type) === ONE_ADDRESS, variation.ofAddress),
    ...variation.ofContext,
    line('INVVPID', { writes: ['tlb', 'counters'] }, (mmu) => mmu.flushTlbOf(mmu.processor)),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
});

export const handleInvpcid = invpcidOf<ShadowMmu>({
  purpose: 'INVPCID: as with INVLPG, only the TLB can be stale. The guest\'s PCIDs are not used there: one VPID has them all.',
  values: [],
  ofAddress: [
    line('INVVPID of one address: gva', { writes: ['tlb', 'counters'] }, (mmu, f) => mmu.flushAddress(f.lo(P.gva), f.hi(P.gva))),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
  ofContext: [],
});

function breaksRule({ processor, cr4 }: ShadowMmu, f: ListingFrame): boolean {
  const { descriptorLo, descriptorHi } = processor.pending;
  const operand: InvpcidOperand = {
    type: f.lo(P.type), pcidLo: descriptorLo, pcidHi: descriptorHi, cr4, isCanonical: isCanonical(processor.space.compiled, f.hi(P.gva)),
  };
  return invpcidRules.some(({ broken }) => broken(operand));
}
