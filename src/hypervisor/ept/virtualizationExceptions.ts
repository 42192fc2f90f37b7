import { REGISTER } from '../../hardware/processor/registers';
import { RESUME } from '../../hardware/processor/rootMode';
import { emulateHypercall } from '../instructionExits';
import { give, line, repeat, when, type ListingFrame, type ListingNode, type ListingProcedure } from '../listing';
import { directPageFaultOf } from '../tdp/directPageFault';
import { unmapGfnRangeOf } from '../tdp/unmapGfnRange';
import { STOP_REASON } from '../vcpuState';
import { EPT_TABLES } from './eptFormat';
import type { EptMmu } from './eptMmu';
import { eptViolation } from './handleEptViolation';
import type { InformationArea } from './informationArea';

/** As Xen numbers HVMOP_altp2m, of which this is vcpu_enable_notify; Linux has its frame from TDX's own module. */
const ENABLE_NOTIFY = 25;
/** KVM_EINVAL. */
const EINVAL = -22;
const RAX = 2 * REGISTER.rax;
const RBX = 2 * REGISTER.rbx;
const H = { nr: 0, gfn: 2, hpa: 3 } as const;
const E = { hpa: 4 } as const;
const U = { gfn: 0, pages: 1 } as const;
const M = { cpu: 0 } as const;

/** The page that backs the area, which the processor is to write: into the value numbered `hpa`. */
function backed(hpa: number, gfnOf: (mmu: EptMmu, f: ListingFrame) => number): readonly ListingNode<EptMmu>[] {
  return [
    line({ layered: 'hpa = get_user_pages(hva of gfn), to be written', direct: 'hpa = the slot\'s frame of gfn' }, {}, (mmu, f) => {
      const frame = mmu.memory.backFor(gfnOf(mmu, f), mmu.cpu);
      f.set(hpa, frame << 12, frame >> 20);
    }),
    when({ layered: 'host memory is used up', direct: '' }, (_, f) => f.hi(hpa) < 0, [
      give('stop the VM', (mmu) => {
        mmu.vcpu.stop = STOP_REASON.hostMemory;
        return RESUME.stopped;
      }, { writes: ['vcpu'] }),
    ]),
    line('virtualization-exception information address = hpa; "EPT-violation #VE" = 1', { writes: ['vmcs', 'vcpu'] }, (mmu, f) => {
      mmu.informationArea.use(gfnOf(mmu, f), f.frame(hpa));
    }),
  ];
}

const hypercall = emulateHypercall<EptMmu>({
  purpose: 'VMCALL: 25 names the page in which virtualization exceptions of this vCPU tell of themselves; other numbers this hypervisor does not know.',
  values: [{ name: 'gfn', kind: 'number' }, { name: 'hpa', kind: 'hpa' }],
  lines: [
    when('nr is 25, vcpu_enable_notify, from CPL 0', ({ processor }, f) => f.lo(H.nr) === ENABLE_NOTIFY && processor.level === 0, [
      line('gfn = RBX', {}, ({ processor: { registers } }, f) => f.set(H.gfn, registers[RBX]!, registers[RBX + 1]!)),
      when('no slot holds gfn as RAM', (mmu, f) => f.hi(H.gfn) !== 0 || !isRam(mmu, f.lo(H.gfn)), [
        line('RAX = -KVM_EINVAL', { writes: ['registers'] }, (mmu) => answer(mmu, EINVAL)),
        give('to the guest, behind the instruction', RESUME.completed),
      ]),
      ...backed(H.hpa, (_, f) => f.lo(H.gfn)),
      line('RAX = 0', { writes: ['registers'] }, (mmu) => answer(mmu, 0)),
      give('to the guest, behind the instruction', RESUME.completed),
    ]),
  ],
});

const violation = directPageFaultOf<EptMmu>(EPT_TABLES, {
  ...eptViolation,
  first: [
    when('"EPT-violation #VE" is 0 because the host has changed the page of the information area', ({ informationArea }) => informationArea.isLost, [
      when('a slot still holds that page, gfn', (mmu) => isRam(mmu, mmu.informationArea.gfn), [
        ...backed(E.hpa, (mmu) => mmu.informationArea.gfn),
        give('to the guest: the access runs again, and may become a virtualization exception', RESUME.retry),
      ]),
      line('the guest has no such page any more', { writes: ['vcpu'] }, (mmu) => mmu.informationArea.forget()),
    ]),
  ],
});

const unmapGfnRange = unmapGfnRangeOf<EptMmu>(EPT_TABLES, [
  repeat('the information area of a vCPU lies in the range, and its VMCS names it', (mmu, f) => namedIn(mmu, f) !== undefined, [
    line('"EPT-violation #VE" = 0 there: violations exit until the page is found again', { writes: ['vmcs'] }, (mmu, f) => namedIn(mmu, f)?.lose()),
  ]),
]);

/** Called for the dirty log. */
export const markInformationAreas: ListingProcedure<EptMmu> = {
  name: 'vmx_mark_information_areas',
  purpose: 'Processors write information areas past EPT, and log nothing: what is named as one is dirty whenever it is asked for.',
  values: [{ name: 'cpu', kind: 'number' }],
  parameters: 0,
  body: [
    line('cpu = none yet', {}, (_, f) => f.set(M.cpu, -1, -1)),
    repeat('cpu = next vCPU with an information area', nextArea, [
      line('mark_page_dirty(gfn of the area)', { writes: ['vm.dirty_bitmap'] }, (mmu, f) => mmu.memory.dirty.mark(mmu.areas[f.lo(M.cpu)]!.gfn, mmu.actor)),
    ]),
  ],
};

/** They stand in the place of those of these names. */
export const virtualizationExceptions = { hypercall, violation, unmapGfnRange } as const;

function isRam({ memory: { slots } }: EptMmu, gfn: number): boolean {
  const slot = slots.find(gfn);
  return slot >= 0 && !slots.isReadOnly(slot);
}

function answer({ processor: { registers } }: EptMmu, value: number): void {
  registers[RAX] = value;
  registers[RAX + 1] = value >> 31;
}

function namedIn({ areas }: EptMmu, f: ListingFrame): InformationArea | undefined {
  return areas.find((area) => area.gfn >= f.lo(U.gfn) && area.gfn < f.lo(U.gfn) + f.lo(U.pages) && !area.isLost);
}

function nextArea({ areas }: EptMmu, f: ListingFrame): boolean {
  const next = areas.findIndex((area, index) => index > f.lo(M.cpu) && area.gfn >= 0);
  f.set(M.cpu, next, next >> 31);
  return next >= 0;
}
