import { mapped, nestedScenario, type NestedText } from './nestedTexts';

/** A scenario of a guest hypervisor whose guest's operand lies in two pages, one of which the host must reach for it. */
export interface NestedOperand {
  readonly claim: string;
  readonly text: string;
}

/** The first page is where L1 has no memory, so that the host emulates; what it finds at the second is the claim. */
const HOLE = 'entry [direct(pt) + 5 * 8] = epte(gpa:1G, rwx)';

const unpaged = (claim: string, { l2, l1, ...rest }: NestedText): NestedOperand => ({
  claim, text: nestedScenario({ ...rest, l2, l1: `${HOLE}\n    ${l1}` }),
});

/**
 * L2 has tables of its own in its pages 1 to 4: `tables` is 7 for user pages, its low 32 KBytes one to one, and by `far` its last page but one
 * below the hole of the address space is page 5.
 */
const paged = (claim: string, { l2, l1, ...rest }: NestedText): NestedOperand => unpaged(claim, {
  l2Machine: 'paging 4-level, ram 4M', ...rest,
  l2: `[0x1000] = 0x2003
      [0x2000] = 0x3003
      [0x3000] = 0x4003
      for k in 0 .. 6 { [gpa:0x4000 + k * 8] = k << 12 | 3 }
      cr3 = gpa:0x1000
      ${l2}`,
  l1: `for k in 0 .. 5 { entry [direct(pt) + k * 8] = epte(frame(), rwx) }
    ${mapped(6)}
    ${l1}`,
});

const FLAGS = 'vmcs.eptp = eptp(root) | 1 << 6';

export const nestedOperands: readonly NestedOperand[] = [
  {
    claim: 'is not in the guest\'s own tables, when L1 is a hypervisor of ours: L0 delivers the fault, and L1 does nothing',
    text: `machine { paging 4-level, ram 16M, mmu nested }
process p { 0x600000 .. 0x601000 rw user; 0x601000 .. 0x602000 rw user lazy }
cpu 0 {
  switch(p)
  user byte [0x600000] = 1
  page = gpa_of(0x600000)
  host set_epte(page, epte(gpa:1T, rwx))
  user word [0x600fff] = 0x1122
  expect page_fault(user, write) at 0x601000
  user x = word [0x600fff]
  expect x == 0x11ff
  expect exits are ept_violation
}
`,
  },
  unpaged('is RAM: a byte goes nowhere, the other is written', {
    l2: 'word [0x5fff] = 0x1122\nx = word [0x5fff]\nexpect x == 0x11ff\nhlt()',
    l1: `${mapped(6)}
    reason = vmlaunch(l2)
    expect reason == exit_reason.hlt
    expect exits.ept_violation == 2`,
  }),
  unpaged('is not in EPT12: L1 hears of that one, and nothing is written before', {
    l2: 'word [0x4fff] = 0x1122\nhlt()',
    l1: `page = frame()
    entry [direct(pt) + 4 * 8] = epte(page, rwx)
    ${mapped(5)}
    entry [direct(pt) + 4 * 8] = epte(gpa:1G, rw)
    entry [direct(pt) + 5 * 8] = 0
    reason = vmlaunch(l2)
    expect reason == exit_reason.ept_violation and vmcs.guest_physical_address == l2.gpa:0x5000
    expect vmcs.guest_linear_address == 0x5000 and vmcs.exit_qualification == 0x182
    entry [direct(pt) + 4 * 8] = epte(page, rwx)
    ${mapped(5)}
    reason = vmresume(l2)
    expect reason == exit_reason.hlt
    x = word [direct(page) + 4094]
    expect x == 0x2200`,
  }),
  unpaged('is misconfigured in EPT12: L1 hears of that', {
    l2: 'word [0x5fff] = 1',
    l1: `[direct(pt) + 6 * 8] = 2
    reason = vmlaunch(l2)
    expect reason == exit_reason.ept_misconfiguration and vmcs.guest_physical_address == l2.gpa:0x6000`,
  }),
  unpaged('is to be logged, and the page-modification log of L1 is full', {
    l2: 'word [0x5fff] = 0x1122\nhlt()',
    l1: `page = frame()
    entry [direct(pt) + 6 * 8] = epte(page, rwx)
    log = frame()
    vmcs.pml_address = log
    vmcs.pml_index = 0
    vmcs.secondary_controls |= 1 << 17
    ${FLAGS}
    reason = vmlaunch(l2)
    expect reason == exit_reason.pml_full
    x = [direct(log)]
    expect x == 0x5000 and vmcs.pml_index == 0xffff
    vmcs.pml_index = 511
    reason = vmresume(l2)
    expect reason == exit_reason.hlt and vmcs.pml_index == 510
    x = byte [direct(page)]
    expect x == 0x11`,
  }),
  unpaged('is ROM of L1: the first is written, whatever the host takes back for the second', {
    platform: 'platform { swap 1M }', ram: 'slot low 0 .. 16M ram, slot bios 16M .. 17M rom',
    l2: 'byte [0x5000] = 1\ndword [0x5ffe] = 0x11223344\nx = dword [0x5ffe]\nexpect x == 0x3344\nhlt()',
    l1: `entry [direct(pt) + 5 * 8] = epte(gpa:8M, rw)
    entry [direct(pt) + 6 * 8] = epte(gpa:16M, rw)
    reason = vmlaunch(l2)
    expect reason == exit_reason.hlt`,
  }),
  unpaged('is a shadowed table of EPT12, and the first one too', {
    l2: 'x = byte [2M]\nx = byte [0x5000]\nqword [0x5ffc] = 0\nhlt()', l2Machine: 'paging none, ram 4M',
    l1: `other = frame()
    entry [direct(pd) + 8] = epte(other, rwx)
    ${mapped(0).replace('(pt) + 0 * 8', '(other)')}
    entry [direct(other) + 4088] = 1
    entry [direct(pt) + 5 * 8] = epte(other, rw)
    entry [direct(pt) + 6 * 8] = epte(pt, rw)
    reason = vmlaunch(l2)
    expect reason == exit_reason.hlt
    expect page_table_writes_trapped == 2
    x = [direct(other) + 4088]
    expect x == 1`,
  }),
  paged('is not in L2\'s own tables: the page fault is L2\'s, with the address of the second', {
    l2Parts: 'on page_fault(gva address, code) { entry [0x4030] = pte(gpa:0x6000, rw) }',
    l2: `cr0.PG = 1
      word [0x5fff] = 0x1122
      expect page_fault(write) at 0x6000
      x = byte [0x6000]
      expect x == 0x11
      hlt()`,
    l1: 'reason = vmlaunch(l2)\nexpect reason == exit_reason.hlt',
  }),
  paged('is not in L2\'s own tables, and L1 wants to hear of L2\'s page faults', {
    l2: 'cr0.PG = 1\nword [0x5fff] = 1',
    l1: `vmcs.exception_bitmap = 1 << 14
    reason = vmlaunch(l2)
    expect reason == exit_reason.exception_nmi and vmcs.exit_qualification == 0x6000
    expect vmcs.exit_interruption_info == 0x80000b0e and vmcs.exit_interruption_error_code == 2`,
  }),
  ...(['', 'vmcs.exception_bitmap = 1 << 13'] as const).map((wanted) => paged(
    `is beyond the canonical addresses: ${wanted === '' ? 'L2 gets' : 'L1 hears of'} the general-protection fault`, {
      l2Parts: 'on general_protection(code) { refuse }',
      l2: `[0x17f8] = 0x2003
      [0x2ff8] = 0x3003
      [0x3ff8] = 0x4003
      [0x4ff8] = 0x5003
      cr0.PG = 1
      word [0x7fffffffffff] = 1
      expect refused
      hlt()`,
      l1: `${wanted}
    reason = vmlaunch(l2)
    ${wanted === '' ? 'expect reason == exit_reason.hlt' : `expect reason == exit_reason.exception_nmi and vmcs.exit_interruption_info == 0x80000b0d
    expect vmcs.exit_qualification == 0`}`,
    },
  )),
  paged('is behind a paging structure of L2 that is a shadowed table of EPT12: the flag that is set there is followed', {
    l2: `x = byte [2M]
      [0x4ff8] = 0x5003
      [0x3008] = 0x7003
      cr0.PG = 1
      word [0x1fffff] = 0x1122
      x = byte [2M]
      expect x == 0x11
      hlt()`,
    l1: `other = frame()
    entry [direct(pd) + 8] = epte(other, rwx)
    page = frame()
    entry [direct(pt) + 6 * 8] = epte(page, rwx)
    entry [direct(other)] = epte(gpa:0x6000, rwx, 0)
    entry [direct(pt) + 7 * 8] = epte(other, rwx)
    reason = vmlaunch(l2)
    expect reason == exit_reason.hlt
    x = byte [direct(page)]
    expect x == 0x11
    x = [direct(other)]
    expect x & 0x60 == 0x60`,
  }),
];
