import type { MessageRow } from './messageRow';

/** What is said of statements: assignments, accesses, loops, expectations, the host, meetings. */
export const statementMessages = {
  'cannot-assign': { sentence: '`<written>` cannot be assigned to; write <advice>.', cpu: 'x = 3\nx.P = 1' },
  'cannot-hold': { sentence: '`<name>` cannot hold <type>; assign a number, an address or a process.', cpu: 'x = boot()' },
  'cannot-store': { sentence: '`<written>` is <type> and cannot be stored; store a number or an address.', cpu: '[0x700000] = p' },
  'entry-bit-alone': {
    sentence: 'Of an entry in memory one bit can be set to 0 or 1; write <memory> |= RW, <memory> &= ~RW, or a whole entry.',
    cpu: 'y = 1\nentry [pte_at(p, 0x600000)].RW = y',
  },
  'does-nothing': { sentence: '`<written>` alone does nothing; <advice>.', cpu: 'user [0x600000]' },
  'linear-wanted': {
    sentence: '`<written>` is <type>, and the guest\'s own code uses linear addresses (gva); <advice>.', cpu: 'x = [gpa:0x5000]',
  },
  'kernel-touches-user': {
    severity: 'warning',
    sentence: 'The kernel (CPL 0) touches a user range of process <process> here; write `user` before it, or stac() above it when that is meant.',
    cpu: '[0x600008] = 1',
  },
  'misaligned-entry': {
    severity: 'warning',
    sentence: 'A paging-structure entry has <bytes> bytes and <address> is no multiple of that; write <below>.',
    cpu: 'x = entry [0xffff888000001004]',
  },
  'address-outside-mode': {
    severity: 'warning',
    sentence: '`<written>` is no linear address of <mode> mode, and an access there always ends in #GP; those up to <last><upper> are. Write `expect general_protection` below when that is meant.',
    cpu: '[0x8000_0000_0000] = 1',
  },
  'always-refused': {
    severity: 'warning',
    sentence: '`<written>` always ends in #GP in <mode> mode: <why>; leave it out, or write `expect general_protection` below when that is meant.',
    cpu: 'cr0.PG = 0',
  },
  'no-entries': {
    sentence: 'With `paging none` there are no paging-structure entries; write dword [a] or qword [a].',
    file: 'machine { paging none }\ncpu 0 { x = entry [0x1000] }',
  },
  // Control flow.
  'not-counted': { sentence: '`<written>` is <type>; <advice>.', cpu: 'for a in p .. 3 { x = a }' },
  'step-zero': { sentence: 'A loop with step 0 never ends; write another step.', cpu: 'for i in 0 .. 8 step 0 { x = i }' },
  'loop-never-runs': { severity: 'warning', sentence: 'This loop never runs, as <from> is not below <to>; the end is not included.', cpu: 'for i in 8 .. 8 { x = i }' },
  'loop-not-over': { sentence: '`<written>` is <type>, and a loop runs over a table or from A .. B; write for k in 0 .. <written>.', cpu: 'for k in 8 { x = k }' },
  'condition-constant': {
    severity: 'warning', sentence: 'This condition is always <value>, so <consequence>; remove it, or compare with something that changes.', cpu: 'if 1 == 2 { x = 1 }',
  },
  'outside-loop': { sentence: '`<what>` stands in no loop; remove it, or put it inside while, for or repeat.', cpu: 'break' },
  'outside-handler': { sentence: '`refuse` gives up the access that a handler was called for; write it in `on page_fault`.', cpu: 'refuse' },
  'refuse-interrupt': {
    sentence: '`refuse` gives up an access, and <kind> is about none; let the handler end instead.', file: 'on interrupt 0x80 { refuse }\ncpu 0 { x = 1 }',
  },
  'return-in-cpu': { sentence: '`return` leaves a procedure or handler; in a <kind> block, let the block end instead.', cpu: 'return' },
  'iret-outside-handler': { sentence: '`iret` leaves a handler, and this is none; remove it.', cpu: 'iret()' },
  'handler-gives-nothing': {
    sentence: 'A handler gives no value; write `return` alone.', file: 'on page_fault(gva a, code) { return 3 }\ncpu 0 { x = 1 }',
  },
  'return-without-value': {
    sentence: 'This procedure gives <type>; write a value after `return`.', file: 'procedure f(c) -> gva { if c { return }\n return 1 }\ncpu 0 { x = f(1) }',
  },
  'unreachable': {
    severity: 'warning', sentence: 'This line is never reached; remove it, or the line above that leaves or never ends.',
    file: 'procedure f() { return\n x = 1 }\ncpu 0 { f() }',
  },
  'braces-in-text': {
    severity: 'warning', sentence: 'A text is printed as it stands, and `<part>` with it; write print <instead>.', cpu: 'r = 3\nprint "r is {r}"',
  },
  'not-printed': { sentence: '`<written>` is <type> and cannot be printed; print a number or an address.', file: 'cpu 0 { x = 1 }\nhost thread h { d = get_dirty_log(ram)\n print d }' },
  // Expectations.
  'refused-reason': { sentence: '`refused` takes no reason; write `refused` alone.', cpu: 'user [0x600000] = 1\nexpect refused(reason)' },
  'unknown-stop': { sentence: '`<why>` is no way to stop<hint>; write stopped(triple_fault) or stopped(internal_error).', cpu: 'user [0x600000] = 1\nexpect stopped(fault)' },
  'stopped-not-last': {
    sentence: 'Nothing runs after a VM has stopped; make `stopped` the last line of its cpu block.', cpu: 'user [0x600000] = 1\nexpect stopped(triple_fault)\nx = 1',
  },
  'unknown-no-claim': {
    sentence: '`no <what>` claims nothing<hint>; write `no page_fault` or `no exits`, or compare a counter with 0.', cpu: 'x = 1\nexpect no hope',
  },
  'unknown-fault-word': { sentence: '`<word>` is no bit of the error code<hint>; write words out of <choices>.', cpu: 'x = 1\nexpect page_fault(usr)' },
  'fault-without-code': {
    sentence: 'The error code of <exception> has no such words; write `<exception>` alone.', cpu: 'x = 1\nexpect general_protection(user)',
  },
  'fault-without-address': { sentence: '`<exception>` tells of no address; write `<exception>` alone.', cpu: 'x = 1\nexpect general_protection at 0x600000' },
  'unknown-technique': { sentence: 'There is no technique `<name>`<hint>; there are <choices>, and shadow for every shadow-*.', cpu: 'x = 1\nexpect under shadw: no exits' },
  'contradicting-claims': {
    severity: 'warning', sentence: 'This contradicts `<other>` in the lines above, of the same statement; one of the two always fails.',
    cpu: 'user [0x600000] = 1\nexpect no page_fault\nexpect page_fault(user)',
  },
  // The host.
  'host-only': { sentence: '`<name>` is an act of the host; write host <name>(…).', cpu: 'swap_out(0x600000)' },
  'host-in-procedure': { sentence: 'A host statement stands in a cpu block; a procedure is the guest\'s.', file: 'procedure f() { host merge_all() }\ncpu 0 { f() }' },
  'host-statement': { sentence: '`<what>` is the guest\'s, and the host acts here; remove `host` before it, or the line.', cpu: 'host [0x600000] = 1' },
  'unknown-host-action': { sentence: 'The host has no action `<name>`<hint>; there are <choices>.', cpu: 'host swapout(0x600000)' },
  'host-action-refused': {
    sentence: 'The host cannot `<name>` with `backing direct`: <why>; write `backing 4K` in `platform`.', file: 'platform { backing direct }\ncpu 0 { host merge_all() }',
  },
  'unknown-slot': { sentence: 'There is no slot `<name>`<hint>; <advice>.', cpu: 'host remove_slot(low)' },
  'slot-wanted': { sentence: '`<written>` is no name of a slot; write the name alone.', cpu: 'host remove_slot(3)' },
  'slot-exists': { sentence: 'There is a slot `<name>` already; choose another name.', file: 'machine { slot low 0 .. 16M ram }\ncpu 0 { host add_slot(low, 32M, 4M) }' },
  'which-vm': { sentence: 'There are several VMs, and this could mean any; write whose it is: <choices>.', file: 'vm a { cpu 0 { x = 1 } }\nvm b { cpu 0 { x = 1 } }\nhost thread h { swap_out(gpa:0x5000) }' },
  'which-process': { sentence: 'A host thread has no CR3; write whose linear address this is: <choices>, or write a gpa.', file: 'process p { 0x1000 .. 0x2000 rw user }\ncpu 0 { switch(p) }\nhost thread h { swap_out(0x1000) }' },
  'unknown-owner': { sentence: 'There is no VM or process `<name>` here<hint>; there are <choices>.', cpu: 'x = q.gva:3' },
  'not-in-vm': { sentence: '`<name>` has no `<field>`<hint>; <advice>.', file: 'vm a { cpu 0 { x = 1 } }\nhost thread h { swap_out(a.p.gva:0x5000) }' },
  // Meetings.
  'alone-at-barrier': { sentence: 'Only <actor> names the barrier `<name>`<hint>, so there is nobody to wait for; name it in another cpu or host thread, or remove it.', cpu: 'barrier b' },
  'nobody-releases': { sentence: 'Nobody releases `<name>`<hint>, so this waits for ever; write release <name> in another cpu or host thread.', file: 'cpu 0 { await w }\ncpu 1 { x = 1 }' },
  'nobody-waits': { severity: 'warning', sentence: 'Nobody waits for `<name>`<hint>; write await <name> or hold <name> before … in another cpu or host thread, or remove it.', file: 'cpu 0 { release w }\ncpu 1 { x = 1 }' },
  'barrier-and-gate': { sentence: '`<name>` is a barrier in one place and awaited or released in another; use two names.', file: 'cpu 0 { barrier b }\ncpu 1 { barrier b\n release b }' },
  'meeting-in-handler': { sentence: 'A handler that waits would never end for its access; move `<what>` to the cpu block.', file: 'on page_fault(gva a, code) { barrier b }\ncpu 0 { barrier b }\ncpu 1 { barrier b }' },
  'hold-root-event': {
    sentence: '`<name>` happens in the hypervisor or the host, and no access is held there; write an event of the processor such as <choices>, or mmu_lock.',
    file: 'cpu 0 { release w }\ncpu 1 { hold w before hidden_fault\n x = 1 }',
  },
  'hold-unknown-event': { sentence: 'There is no event `<name>`<hint>; hold stops before events such as <choices>.', file: 'cpu 0 { release w }\ncpu 1 { hold w before tlb_fil\n x = 1 }' },
  'hold-in-thread': { sentence: '`hold` stops an instruction of a CPU inside itself, and a host thread runs none; use await.', file: 'cpu 0 { release w }\nhost thread h { hold w before tlb_fill\n merge_all() }' },
  'hold-nothing': { sentence: '`hold` stops the next statement inside itself, and none follows here; write it above the access it is for.', file: 'cpu 0 { release w }\ncpu 1 { hold w before tlb_fill }' },
  'hold-count': { sentence: '`<image>` is no count of events; write a number from 1 to 2147483647.', file: 'cpu 0 { release w }\ncpu 1 { hold w before tlb_fill 0\n x = 1 }' },
} as const satisfies Readonly<Record<string, MessageRow>>;
