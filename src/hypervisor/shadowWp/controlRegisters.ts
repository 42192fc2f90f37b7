import { CR_ACCESS } from '../../hardware/vmx/exitQualification';
import { RESUME } from '../../hardware/processor/rootMode';
import { VMCS } from '../../hardware/vmx/vmcs';
import { brokenControlRule, type ControlContext, CR3_NO_FLUSH_HI } from '../../hardware/processor/controlRegisterChecks';
import { CR0, EFER } from '../../hardware/processor/controlRegisters';
import { REGISTER } from '../../hardware/processor/registers';
import { isCanonical } from '../../hardware/paging/compiledFormat';
import { invpcidRules, type InvpcidOperand } from '../../hardware/processor/invpcidInstruction';
import { ALL_RIGHTS } from '../../hardware/paging/accessRights';
import { frameInEntry } from '../../hardware/memory/frameNumber';
import { injectGeneralProtection } from '../injection';
import { cr0ForGuest, cr4ForGuest } from '../prepareVmcs';
import { give, line, when, type ListingFrame, type ListingProcedure } from '../listing';
import { STOP_REASON } from '../vcpuState';
import { getShadowPage } from './getShadowPage';
import { makePagesAvailable } from './makePagesAvailable';
import { roleOf } from './role';
import type { ShadowMmu } from './shadowMmu';

const R = { gfn: 0, role: 1, root: 2 } as const;

/** Gives a `RESUME`. */
export const loadRoot: ListingProcedure<ShadowMmu> = {
  name: 'load_root',
  purpose: 'Makes the shadow of the table that guest CR3 names the one that the processor walks.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'role', kind: 'number' }, { name: 'root', kind: 'number' }],
  parameters: 0,
  body: [
    line('gfn = guest CR3 >> 12, role = level 4 with every right, and the mode bits of CR0, CR4 and EFER', {}, (mmu, f) => {
      f.set(R.gfn, frameInEntry(mmu.vcpu.cr3Lo, mmu.vcpu.cr3Hi), 0);
      f.set(R.role, roleOf(mmu.mode, mmu.guestTables().compiled.levels, ALL_RIGHTS), 0);
    }),
    when('no memslot holds gfn', (mmu, f) => mmu.memory.slots.find(f.lo(R.gfn)) < 0, [
      give('stop the VM', (mmu) => {
        mmu.vcpu.stop = STOP_REASON.cr3OutsideSlots;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
    line('make_mmu_pages_available()', {}, (mmu) => void mmu.call(makePagesAvailable)),
    line('root = get_shadow_page(gfn, role)', {}, (mmu, f) => f.set(R.root, mmu.call(getShadowPage, f.lo(R.gfn), 0, f.lo(R.role), 0), 0)),
    when('host memory is used up', (_, f) => f.lo(R.root) === 0, [
      give('stop the VM', (mmu) => {
        mmu.vcpu.stop = STOP_REASON.hostMemory;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
    line('unpin the old root, pin root', { writes: ['shadow.pages', 'vcpu'] }, (mmu, f) => {
      if (mmu.vcpu.rootPage !== 0) mmu.pages.addRoot(mmu.vcpu.rootPage, -1);
      mmu.pages.addRoot(f.lo(R.root), 1);
      mmu.vcpu.rootPage = f.lo(R.root);
    }),
    line('VMCS guest CR3 = the table of root', { writes: ['vmcs'] }, (mmu, f) => {
      const frame = mmu.pages.frameOf(f.lo(R.root));
      mmu.setVmcs(VMCS.guest_cr3, frame << 12, frame >>> 20);
    }),
    line('INVVPID: a load of CR3 drops what the TLB holds', { writes: ['tlb', 'counters'] }, (mmu) => {
      // Shadow pages that gave way may be in the TLB of any vCPU.
      if (mmu.mustFlush === 1) mmu.flushRemoteTlbs();
      else mmu.processor.invvpid();
      mmu.mustFlush = 0;
    }),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

const V = { cr: 0, type: 1, value: 2 } as const;

/** Gives a `RESUME`. */
export const handleCrAccess: ListingProcedure<ShadowMmu> = {
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
    when('the register does not take value', (mmu, f) => !takes(mmu, f), [
      line('VM-entry interruption information = #GP(0)', { writes: ['vmcs'] }, (mmu) => injectGeneralProtection(mmu.processor)),
      give('to the guest, whose VM entry delivers the fault', RESUME.retry),
    ]),
    when('it is a MOV to CR3', (_, f) => f.lo(V.cr) === 3, [
      line('guest CR3 = value, without bit 63, which says what the TLB may keep', { writes: ['vcpu'] }, (mmu, f) => {
        mmu.vcpu.setCr3(f.lo(V.value), f.hi(V.value) & ~CR3_NO_FLUSH_HI);
      }),
    ]),
    when('it is a MOV to CR0', (_, f) => f.lo(V.cr) === 0, [
      line('CR0 read shadow = value; guest CR0 = value with WP, since the shadow relies on it', { writes: ['vmcs'] }, (mmu, f) => {
        mmu.setVmcs(VMCS.cr0_read_shadow, f.lo(V.value), 0);
        mmu.setVmcs(VMCS.guest_cr0, cr0ForGuest(f.lo(V.value)) | CR0.WP, 0);
      }),
    ]),
    when('it is a MOV to CR4', (_, f) => f.lo(V.cr) === 4, [
      line('CR4 read shadow = guest CR4 = value', { writes: ['vmcs'] }, (mmu, f) => {
        mmu.setVmcs(VMCS.cr4_read_shadow, f.lo(V.value), 0);
        mmu.setVmcs(VMCS.guest_cr4, cr4ForGuest(f.lo(V.value)), 0);
      }),
    ]),
    give('load_root()', (mmu) => mmu.call(loadRoot)),
  ],
};

/** The exit comes before the processor has looked at the value: its rules are the hypervisor's to apply. */
function takes(mmu: ShadowMmu, f: ListingFrame): boolean {
  const { processor, vcpu } = mmu;
  const { vendor, maxphyaddr } = processor.settings;
  const efer = processor.registers[2 * REGISTER.efer]!;
  // The guest's own machine has no VMX: what VMX asks of CR0 and CR4 is the hypervisor's business.
  const context: ControlContext = {
    vendor, maxphyaddr, features: processor.features, vmx: 'none', cr0: mmu.cr0, cr3: vcpu.cr3Lo, cr4: mmu.cr4, efer,
    cs: efer & EFER.LMA ? '64-bit' : 'other',
  };
  const register = f.lo(V.cr) === 0 ? 'cr0' : f.lo(V.cr) === 4 ? 'cr4' : 'cr3';
  return brokenControlRule(register, context, f.lo(V.value), f.hi(V.value)) === undefined;
}

const I = { gva: 0 } as const;

/** Gives a `RESUME`. */
export const handleInvlpg: ListingProcedure<ShadowMmu> = {
  name: 'handle_invlpg',
  purpose: 'INVLPG: every write to a shadowed table was trapped, so only the TLB can be stale.',
  values: [{ name: 'gva', kind: 'gva' }],
  parameters: 1,
  body: [
    line('INVVPID of one address: gva', { writes: ['tlb', 'counters'] }, (mmu, f) => mmu.processor.invvpidAddress(f.lo(I.gva), f.hi(I.gva))),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

const P = { type: 0, gva: 1 } as const;
/** SDM Vol. 2, "INVPCID—Invalidate Process-Context Identifier". */
const ONE_ADDRESS = 0;

/** Gives a `RESUME`. */
export const handleInvpcid: ListingProcedure<ShadowMmu> = {
  name: 'handle_invpcid',
  purpose: 'INVPCID: as with INVLPG, only the TLB can be stale. The guest\'s PCIDs are not used there: one VPID has them all.',
  values: [{ name: 'type', kind: 'number' }, { name: 'gva', kind: 'gva' }],
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
    when('type is 0, an address', (_, f) => f.lo(P.type) === ONE_ADDRESS, [
      line('INVVPID of one address: gva', { writes: ['tlb', 'counters'] }, (mmu, f) => mmu.processor.invvpidAddress(f.lo(P.gva), f.hi(P.gva))),
      give('to the guest, behind the instruction', RESUME.completed),
    ]),
    line('INVVPID', { writes: ['tlb', 'counters'] }, (mmu) => mmu.processor.invvpid()),
    give('to the guest, behind the instruction', RESUME.completed),
  ],
};

function breaksRule({ processor, cr4 }: ShadowMmu, f: ListingFrame): boolean {
  const { descriptorLo, descriptorHi } = processor.pending;
  const operand: InvpcidOperand = {
    type: f.lo(P.type), pcidLo: descriptorLo, pcidHi: descriptorHi, cr4, isCanonical: isCanonical(processor.space.compiled, f.hi(P.gva)),
  };
  return invpcidRules.some(({ broken }) => broken(operand));
}
