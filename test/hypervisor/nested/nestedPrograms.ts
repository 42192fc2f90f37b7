import { scenarioText } from '../../engine/onMachine';
import { nestedOperands } from './nestedOperands';
import { mapped, nestedScenario } from './nestedTexts';

const VMXON = 'gpa:0x92000';

/** L1 writes tables of EPT12 that are shadowed: by a store, across a page boundary, and by its own paging. */
export const trackedWrites: readonly string[] = [
  scenarioText('nested'),
  // A store that goes on in the next page, both of them shadowed tables.
  nestedScenario({
    l2: 'byte [0x5000] = 1\nbyte [0x5000] = 2\nhlt()',
    l1: `${mapped(5)}
    next = frame()
    entry [direct(pd) + 8] = epte(next, rwx)
    entry [direct(next)] = epte(frame(), rwx)
    vmcs.guest_rsp = 1
    reason = vmlaunch(l2)
    [direct(pt) + 4092] = 0`,
  }),
  // L1's PML4 as the root of EPT12: setting an accessed flag there is no store that could be emulated.
  nestedScenario({
    l1Parts: 'process p { 0x600000 .. 0x601000 rw user }',
    l2: 'byte [0x5000] = 1',
    l1: `switch(p)
    vmcs.host_cr3 = cr3
    vmcs.eptp = eptp(p.root)
    reason = vmlaunch(l2)
    user x = [0x600000]`,
  }),
];

/**
 * Technique nested: the interrupt of a guest exits to L1, which injects it; its delivery reads the IDT and writes a stack, pages that EPT02 has
 * not, or not any more. Neither EPT12 nor EPT02 lets the delivery come to its end before they are there.
 */
export const interruptedDelivery = `platform { swap 32M, ram 32M }
machine { paging 4-level, ram 16M, delivery memory, mmu nested }
global count = 0
on interrupt 0x40 { count += 1 }
on interrupt 0x51 { count += 1 }
cpu 0 {
  sti()
  ipi(0, 0x40)
  x = [direct(gpa:0x2000)]
  expect count == 1
  host swap_out(gpa:0x60000)
  host migrate_frame(gpa:0x71000)
  host migrate_frame(gpa:0x61000)
  ipi(0, 0x51)
  x = [direct(gpa:0x2000)]
  expect count == 2
}
`;

/** … and its IDT is where L1 has no memory, by an EPT12 that somebody has changed. */
export const undeliverable = `machine { paging 4-level, ram 16M, delivery memory, mmu nested }
on interrupt 0x40 { x = 1 }
cpu 0 {
  sti()
  host set_epte(gpa:0x60000, epte(gpa:1T, rwx))
  ipi(0, 0x40)
}
`;

const PAGED = { l2Machine: 'paging 4-level, ram 4M' } as const;
const FLAGS = 'vmcs.eptp = eptp(root) | 1 << 6\n    reason = vmlaunch(l2)';

/** A paging structure of L2's that lies in ROM of L1's; in the table of EPT12 that maps it. */
export const unmendable: readonly string[] = [
  nestedScenario({
    ...PAGED, ram: 'slot low 0 .. 16M ram, slot bios 16M .. 17M rom', l2: 'cr3 = gpa:0x5000\ncr0.PG = 1\nx = [0x1000]',
    l1: `entry [direct(pt) + 5 * 8] = epte(gpa:16M, rwx)\n    ${FLAGS}`,
  }),
  nestedScenario({
    ...PAGED, l2: 'byte [0x6000] = 1\ncr3 = gpa:0x5000\ncr0.PG = 1\nx = [0x1000]',
    l1: `${mapped(6)}\n    entry [direct(pt) + 5 * 8] = epte(pt, rwx)\n    ${FLAGS}`,
  }),
];

/** … in a table of EPT12 that maps other pages. */
export const mendable = nestedScenario({
  ...PAGED, l2: 'byte [2M] = 1\ncr3 = gpa:0x5000\ncr0.PG = 1\nx = [0x1000]',
  l1: `other = frame()
    entry [direct(pd) + 8] = epte(other, rwx)
    entry [direct(other)] = epte(frame(), rwx)
    entry [direct(pt) + 5 * 8] = epte(other, rwx)
    ${FLAGS}`,
});

/** … in the root of another EPT12, by which another CPU runs L2 at that moment. */
export const rootInUse = nestedScenario({
  ...PAGED, l1Parts: 'global other = 0',
  l2: 'barrier entered\ncr3 = gpa:0x5000\ncr0.PG = 1\nx = [0x1000]',
  l2Second: 'byte [0x6000] = 1\nbarrier entered\nbarrier flagged\nbyte [0x6000] = 2\nhlt()',
  l1: `${mapped(6)}
    top = frame()
    entry [direct(top)] = epte(pdpt, rwx)
    entry [direct(pt) + 5 * 8] = epte(top, rwx)
    other = top - gpa:0
    barrier made
    ${FLAGS}
    barrier flagged`,
  l1Second: 'barrier made\nvmcs.eptp = eptp(gpa:other)\nreason = vmlaunch(l2)\nexpect reason == exit_reason.hlt',
});

/** L1 has a page-modification log of L2, with room for one page; a log that is full is L1's business. */
export const loggedByL1 = nestedScenario({
  l2: 'byte [0x5000] = 1\nbyte [0x6000] = 1\nbyte [0x5000] = 2\nhlt()',
  l1: `${mapped(5)}
    ${mapped(6)}
    log = frame()
    vmcs.pml_address = log
    vmcs.pml_index = 0
    vmcs.secondary_controls |= 1 << 17
    vmcs.eptp = eptp(root) | 1 << 6
    reason = vmlaunch(l2)
    expect reason == exit_reason.pml_full
    first = direct(log)
    expect [first] == 0x5000 and vmcs.pml_index == 0xffff
    vmcs.pml_index = 511
    reason = vmresume(l2)
    expect reason == exit_reason.hlt
    expect [first + 511 * 8] == 0x6000 and vmcs.pml_index == 510`,
});

/** A scenario for every road through `nested.vmm`. */
export const nestedPrograms: readonly string[] = [
  ...trackedWrites,
  rootInUse,
  loggedByL1,
  ...unmendable,
  mendable,
  ...nestedOperands.map(({ text }) => text),
  // Regions: every way in which VMCLEAR and VMPTRLD fail.
  nestedScenario({
    l1Parts: 'on general_protection(code) { refuse }',
    l2: 'hlt()',
    l1: `vmclear(gpa:0x5001)
    vmclear(${VMXON})
    vmclear(gpa:512M)
    vmptrld(gpa:0x5001)
    vmptrld(${VMXON})
    vmptrld(gpa:0x50000)
    vmclear(l2)
    vmcs.eptp = 1
    x = vmcs.eptp
    reason = vmlaunch(l2)
    vmclear(gpa:0x5001)
    vmptrld(l2)
    vmcs.exit_reason = 1
    user vmclear(l2)
    expect refused
    user vmptrld(l2)
    expect refused
    user x = vmcs.eptp
    expect refused
    user vmcs.eptp = 1
    expect refused
    user x = vmlaunch(l2)
    expect refused
    user invept(2, 0)
    expect refused
    user invvpid(2, 0, 0)
    expect refused`,
  }),
  // Launch states, and checks of each kind.
  nestedScenario({
    l2: 'hlt()\nhlt()',
    l1: `reason = vmresume(l2)
    vmcs.eptp = 0
    reason = vmlaunch(l2)
    vmcs.eptp = eptp(root)
    vmcs.host_cr4 = 0
    reason = vmlaunch(l2)
    vmcs.host_cr4 = cr4
    vmcs.guest_rflags = 0
    reason = vmlaunch(l2)
    vmcs.guest_rflags = 2
    reason = vmlaunch(l2)
    reason = vmlaunch(l2)
    invept(3, 0)
    invept(1, 0)
    invept(1, vmcs.eptp)
    invvpid(4, 1, 0)
    invvpid(0, 1, 0)
    invvpid(2, 0, 0)`,
  }),
  // Without VPIDs; an EPT of L1's that cannot be.
  nestedScenario({
    platform: 'platform { tags off }', l2: 'hlt()',
    l1: 'invvpid(1, 1, 0)\nreason = vmlaunch(l2)\nvmcs.eptp = eptp(gpa:1G)\nreason = vmresume(l2)',
  }),
  // A table of EPT12 where no memory is; an entry that is misconfigured.
  nestedScenario({
    l2: 'byte [0x5000] = 1',
    l1: `entry [direct(pt) + 5 * 8] = 2
    reason = vmlaunch(l2)
    entry [direct(pd)] = epte(gpa:1G, rwx)
    reason = vmresume(l2)`,
  }),
  // A right taken away, and the page with it.
  nestedScenario({
    l2: 'byte [0x5000] = 1\nhlt()',
    l1: `${mapped(5)}\n    reason = vmlaunch(l2)\n    entry [direct(pt) + 5 * 8] &= ~2\n    entry [direct(pd)] = 0`,
  }),
  // Where L1 has no memory: L2's operand, in a page and across two; its own table.
  nestedScenario({
    l2: 'x = byte [0x5000]\nbyte [0x5000] = 1\nword [0x5fff] = 1',
    l1: 'entry [direct(pt) + 5 * 8] = epte(gpa:1G, rw)\nreason = vmlaunch(l2)',
  }),
  nestedScenario({
    l2Machine: 'paging 4-level, ram 64K', l2: 'cr3 = gpa:0x5000\ncr0.PG = 1\nx = [0x1000]',
    l1: 'entry [direct(pt) + 5 * 8] = epte(gpa:1G, rw)\nreason = vmlaunch(l2)',
  }),
  // … and the table of the operand's second page; the stack that an interrupt of L2 is delivered on.
  nestedScenario({
    ...PAGED,
    l2: `[0x1000] = 0x2003
      [0x2000] = 0x3003
      [0x3000] = 0x4003
      [0x3008] = 0x8003
      for k in 0 .. 6 { [gpa:0x4000 + k * 8] = k << 12 | 3 }
      [0x4ff8] = 0x5003
      cr3 = gpa:0x1000
      cr0.PG = 1
      word [0x1fffff] = 1`,
    l1: `for k in 0 .. 5 { entry [direct(pt) + k * 8] = epte(frame(), rwx) }
    entry [direct(pt) + 5 * 8] = epte(gpa:1G, rwx)
    entry [direct(pt) + 8 * 8] = epte(gpa:1G, rwx)
    reason = vmlaunch(l2)`,
  }),
  // L2 writes the table of EPT12 that maps it, and ROM.
  nestedScenario({
    ram: 'slot low 0 .. 16M ram, slot bios 16M .. 17M rom',
    l2: 'byte [0x5000] = 1\nx = byte [0x6000]\ndword [0x6000] = 0\nbyte [0x7000] = 1\nhlt()',
    l1: `${mapped(5)}
    entry [direct(pt) + 6 * 8] = epte(pt, rw)
    entry [direct(pt) + 7 * 8] = epte(gpa:16M, rw)
    reason = vmlaunch(l2)`,
  }),
  // A large page of EPT12, with accessed and dirty flags: read, then written.
  nestedScenario({
    l2: 'x = byte [0x5000]\nbyte [0x5000] = 1\nhlt()',
    l1: 'entry [direct(pd)] = epte(gpa:8M, rwx) | 1 << 7\nvmcs.eptp = eptp(root) | 1 << 6\nreason = vmlaunch(l2)',
  }),
  // Few shadow pages.
  nestedScenario({
    machine: ', shadow_pages 16', l2Machine: 'paging 4-level, ram 64M', l2: 'for a in 0 .. 32M step 2M { byte [gpa:a] = 1 }',
    l1: `shared = frame()
    for k in 0 .. 16 {
      leaf = frame()
      entry [direct(leaf)] = epte(shared, rwx)
      entry [direct(pd) + k * 8] = epte(leaf, rwx)
    }
    reason = vmlaunch(l2)`,
  }),
  // L2 on L1's own tables, without an EPT of L1's; MSR bitmaps of L1's, and another VPID.
  nestedScenario({
    l2Machine: 'paging 4-level, ram 64M', l2: 'x = byte [0xffff888000005000]\nx = cpuid(0)\nx = rdmsr(0xc0000100)\nhlt()',
    l1: `vmcs.secondary_controls = 0x1020
    vmcs.primary_controls |= 1 << 28
    bitmap = frame()
    vmcs.msr_bitmap = bitmap
    vmcs.guest_cr0 = cr0
    vmcs.guest_cr3 = cr3
    vmcs.guest_cr4 = cr4
    vmcs.guest_ia32_efer = efer
    vmcs.entry_controls |= 1 << 9
    vmcs.guest_cs_access_rights = 0xa09b
    reason = vmlaunch(l2)
    vmcs.guest_rip += vmcs.exit_instruction_length
    vmcs.vpid = 2
    reason = vmresume(l2)`,
  }),
  // Interrupts for L1 while L2 runs: acknowledged on exit, not acknowledged, and not wanted by L1.
  ...['', 'vmcs.exit_controls &= ~(1 << 15)', 'vmcs.pin_controls &= ~1'].map((change) => nestedScenario({
    l1Parts: 'on interrupt 0x40 { x = 1 }', l2Parts: 'on interrupt 0x40 { y = 1 }',
    l2Machine: 'paging 4-level, ram 64K',
    l2: 'barrier here\nfor i in 0 .. 100 { x = 1 }\nsti()\nx = 2\nx = 3\nhlt()',
    l1: `${change}
    reason = vmlaunch(l2)
    reason = vmresume(l2)
    sti()
    x = 1`,
    l1Second: 'barrier here\nipi(0, 0x40)',
  })),
  // An interrupt that waits when L1 enters L2, wanted by L1 or not.
  ...['', 'vmcs.exit_controls &= ~(1 << 15)', 'vmcs.pin_controls &= ~1'].map((change) => nestedScenario({
    l1Parts: 'on interrupt 0x40 { x = 1 }', l2Parts: 'on interrupt 0x40 { y = 1 }',
    l2Machine: 'paging 4-level, ram 64K', l2: 'x = 1\nsti()\nx = 2\nhlt()',
    l1: `${change}
    cli()
    barrier ready
    barrier sent
    x = 1
    reason = vmlaunch(l2)
    reason = vmresume(l2)
    sti()
    x = 1`,
    l1Second: 'barrier ready\nipi(0, 0x40)\nbarrier sent',
  })),
  // L1's other CPU changes the entry of EPT12 that has been walked, and that L0 has not filled EPT02 by yet.
  nestedScenario({
    l1Parts: 'global tables = 0', l2: 'hold window before mmu_lock\nbyte [0x5000] = 1\nhlt()',
    l1: `${mapped(5)}
    tables = pt - gpa:0
    reason = vmlaunch(l2)
    x = byte [direct(gpa:entry [direct(pt) + 5 * 8].frame)]
    expect x == 1`,
    l1Second: 'await window\nentry [direct(gpa:tables) + 5 * 8] = epte(frame(), rw)\nrelease window',
  }),
  // Two CPUs of L2: one fills EPT02 while the other stands before its exit.
  nestedScenario({
    l2: 'hold window before vm_exit\nbyte [0x5000] = 1\nhlt()', l2Second: 'await window\nx = byte [0x5000]\nbyte [0x5000] = 2\nrelease window\nhlt()',
    l1: `${mapped(5)}
    barrier made
    reason = vmlaunch(l2)`,
    l1Parts: 'global tables = 0',
    l1Second: 'barrier made\nvmcs.eptp = eptp(gpa:tables)\nreason = vmlaunch(l2)',
  }).replace('barrier made\n    reason', 'tables = root - gpa:0\n    barrier made\n    reason'),
];
