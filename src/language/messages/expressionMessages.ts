import type { MessageRow } from './messageRow';

/** What is said of names and values. */
export const expressionMessages = {
  // Names.
  'unknown-name': { sentence: 'There is no `<name>` here<hint>; <advice>.', cpu: 'x = yy' },
  'no-value-yet': { sentence: '`<name>` has no value yet<advice>.', cpu: 'x = y + 1\ny = 2' },
  'not-a-variable': { sentence: '`<name>` is a <kind> and cannot be assigned; choose another name.', cpu: 'p = 3' },
  'name-has-meaning': { sentence: '`<name>` has a meaning of its own and cannot be assigned; choose another name.', cpu: 'rw = 3' },
  'procedure-without-call': { sentence: '`<name>` is a procedure; call it with parentheses: <name>(…).', cpu: 'x = frame' },
  'instruction-without-call': { sentence: '`<name>` is an instruction; write it with parentheses: <shape>.', cpu: 'x = cpuid' },
  'table-without-key': { sentence: '`<name>` is a table; name a key: <name>[…].', file: 'table t\ncpu 0 { t[1] = 1; x = t }' },
  'slot-as-value': { sentence: '`<name>` is a memslot and no value; only host actions take it.', file: 'machine { slot low 0 .. 16M ram }\ncpu 0 { x = low }' },
  'vm-as-value': { sentence: '`<name>` is a VM and no value; name something of it, such as <name>.gpa:0x5000.', file: 'vm a { cpu 0 { x = a } }' },
  'user-in-value': { sentence: '`user` stands at the beginning of a statement; write user x = [a] to load at CPL 3.', cpu: 'x = user [0x600000]' },
  'unknown-table': { sentence: 'There is no table `<name>`<hint>; <advice>.', cpu: 't[1] = 2' },
  'not-a-table': { sentence: '`<written>` is no table; only a name declared with `table` has keys.', cpu: 'x = (3)[1]' },
  'key-count': { sentence: 'A table takes one key or two; write t[k] or t[k, j].', file: 'table t\ncpu 0 { t[1, 2, 3] = 1 }' },
  'not-a-key': { sentence: '`<written>` is <type> and no key; use a number or an address.', file: 'table t\nprocedure f() { }\ncpu 0 { x = t[f()] }' },
  'unknown-event-field': { sentence: 'An event has no field `<name>`<hint>; it has <choices>.', condition: 'event.colour == 3' },
  'event-elsewhere': { sentence: '`event` exists only in the conditions of breakpoints; <advice>.', cpu: 'x = event.kind' },
  'event-alone': { sentence: '`event` is what happened; name one of its fields: <choices>.', condition: 'event == 3' },
  'unknown-event-kind': { sentence: 'There is no event kind "<name>"<hint>; see docs/language.md for the kinds.', condition: 'event.kind == "walc"' },
  // Numbers and types.
  'number-too-large': { sentence: '`<image>` is no number of 64 bits; write a smaller one.', cpu: 'x = 99999999999999999999' },
  'text-as-value': {
    sentence: 'The text "<text>" is no value; a text stands in `print`, or beside `event.kind ==` in a condition.', cpu: 'x = "text"',
  },
  'wrong-type': { sentence: '`<written>` is <type>, and <wanted> is wanted<advice>.', cpu: 'invlpg(gpa:0x5000)' },
  'wrong-owner': {
    sentence: '`<written>` is an address of <owner>, and one of <wanted> is wanted; an address means nothing elsewhere.',
    cpu: 'user x = [p.gva:0x600000]',
  },
  'two-spaces': { sentence: '`<left>` is <leftType> and `<right>` is <rightType>; <advice>.', cpu: 'x = gpa:1 == gva:2' },
  'two-owners': {
    sentence: '`<left>` is an address of <leftOwner> and `<right>` one of <rightOwner>; they cannot be compared or subtracted.',
    file: 'process p { 0x1000 .. 0x2000 rw user }\nprocess q { 0x1000 .. 0x2000 rw user }\ncpu 0 { x = p.gva:1 - q.gva:1 }',
  },
  'not-a-condition': { sentence: '`<written>` is <type> and no condition; compare it with something.', cpu: 'if p { x = 1 }' },
  'not-an-address': { sentence: '`<written>` is <type> and no address; <advice>.', cpu: 'x = [p]' },
  'needs-number': { sentence: '`<written>` is <type>; `<operator>` needs <wanted>.', cpu: 'x = p + 1' },
  'not-binds-tighter': { sentence: '`not` binds tighter than `<operator>`; write not (<condition>).', cpu: 'x = 1\nif not x == 3 { x = 2 }' },
  'added-addresses': {
    sentence: 'Two addresses cannot be added; subtract them, or make one a number by subtracting <space>:0.', cpu: 'x = gpa:1 + gva:2',
  },
  'divides-by-zero': { sentence: 'This divides by zero, which stops the scenario; divide by something else.', cpu: 'x = 1 / 0' },
  'shift-too-far': {
    severity: 'warning', sentence: 'A number has 64 bits, so shifting it by <count> always gives 0; shift by less.', cpu: 'y = 1\nx = y << 64',
  },
  'always-same': {
    severity: 'warning', sentence: 'This comparison is always <value>: `<written>` has <bits> bit; compare the bit with 0 or 1.', cpu: 'x = 7\nif x.P == 2 { x = 1 }',
  },
  // Calls.
  'cannot-call': { sentence: '`<written>` cannot be called; <advice>.', cpu: 'x = (3)(1)' },
  'unknown-procedure': { sentence: 'There is no procedure `<name>`<hint><without>; declare it with `procedure <name>(…)`.', cpu: 'swich(p)' },
  'unknown-question': { sentence: 'There is no question `<name>`<hint>; ask <choices>.', condition: 'swich(p)' },
  'argument-count': { sentence: '`<name>` takes <wanted> and gets <count>; write <shape>.', cpu: 'map(p, 0x800000)' },
  'operand-count': { sentence: '`<name>` takes <wanted>; write <shape>.', cpu: 'invlpg()' },
  'call-touches': {
    sentence: '`<name>` is a procedure that the guest runs, and nothing may be touched here; <advice>.', cpu: 'x = 1\nexpect frame() == 3',
  },
  'instruction-touches': {
    sentence: '`<name>` is an instruction, and nothing may be touched here; <advice>.', cpu: 'x = 1\nprint invlpg(3)',
  },
  'host-runs-no-guest': {
    sentence: '`<name>` is the guest\'s, and the host acts here; write it in a line without `host`.', cpu: 'host invlpg(0x600000)',
  },
  'original-of-nothing': {
    sentence: '`original` calls what this procedure or handler replaces, and it replaces nothing; remove the call.', cpu: 'original()',
  },
  'question-argument': { sentence: '`<name>` asks about one address; write <name>(a).', cpu: 'x = gpa_of()' },
  'walk-alone': {
    sentence: 'A walk has no value of its own; ask for a field: walk(a).frame, walk(a).size, walk(a).fault.', cpu: 'walk(0x600000)',
  },
  'unknown-walk-field': { sentence: 'A walk has no field `<field>`<hint>; it has <choices>.', cpu: 'x = 1\nexpect walk(0x600000).sice == 4K' },
  'walk-field-mode': {
    sentence: 'A walk has no field `<field>` in <mode> paging; it has <choices>.', cpu: 'x = walk(0x600000).pml5e',
  },
  'depends-on-technique': {
    sentence: '`<written>` depends on the technique, and the guest must not; ask it in expect, print or a host statement.', cpu: 'x = tlb.hits',
  },
  'needs-paging': {
    sentence: '`<name>` needs page tables, and with `paging none` there are none; write another paging mode, or leave it out.',
    file: 'machine { paging none }\ncpu 0 { x = pte(gpa:0x5000, rw) }',
  },
  'not-in-real-mode': {
    sentence: '`[segment:offset]` is real mode\'s, and this machine has paging; write the linear address: [<segment> * 16 + <offset>].',
    cpu: 'x = [0x40:0x17]',
  },
  'not-a-selector': {
    sentence: '`<written>` does not fit a segment register, which has 16 bits; write the address by 16.',
    file: 'machine { paging none }\ncpu 0 { x = byte [0x12340:5] }',
  },
  'random-of-zero': { sentence: 'There is no number from 0 to -1; write random(n) with n of at least 1.', cpu: 'x = random(0)' },
  'vm-wanted': { sentence: '`<name>` enters a nested guest; write the name of a `vm` that stands inside this one, as in <name>(l2).', cpu: 'x = vmlaunch(3)' },
  'not-nested': { sentence: 'There is no nested guest here, so there is no VMCS; declare a `vm` inside this one.', cpu: 'vmcs.eptp = 3' },
  'unknown-vmcs-field': {
    sentence: 'The VMCS has no field `<field>`<hint>; docs/language.md lists them.',
    file: 'vm a { machine { mmu ept }; vm b { machine { kernel none, ram 64K }; cpu 0 { x = 1 } }; cpu 0 { x = vmlaunch(b); x = vmcs.eptpp } }',
  },
  // Registers and entries.
  'unknown-register-bit': { sentence: '`<register>` has no bit `<bit>`<hint>; <choices>.', cpu: 'x = cr4.SMAPP' },
  'register-bit-combined': { sentence: 'A register\'s bit is set with =; write <written> = 1 or = 0.', cpu: 'cr0.WP |= 1' },
  'register-absent': { sentence: 'There is no `<name>` in <mode> mode; the widest there are is 32 bits, as in <narrow>.', file: 'machine { paging 32-bit }\ncpu 0 { r8 = 3 }' },
  'no-fields': { sentence: '`<written>` is <type> and has no field `<field>`; name an entry or a process.', file: 'procedure f() { }\ncpu 0 { x = f().P }' },
  'field-of-address': {
    sentence: '`<written>` is where an entry lies, and no entry; write entry [<written>].<field>.',
    cpu: 'x = pte_at(p, 0x600000).P',
  },
  'unknown-entry-field': { sentence: 'An entry has no field `<field>`<hint>; it has <choices>.', cpu: 'x = 3\ny = x.foo' },
  'entry-bit-mode': {
    sentence: 'Entries of <mode> paging have no `<name>`; they have <choices>.',
    file: 'machine { paging 32-bit }\ncpu 0 { x = 3\n y = x.XD }',
  },
  'unknown-process-field': { sentence: 'A process has no field `<field>`<hint>; it has root and pcid.', cpu: 'x = p.rot' },
  'entry-arguments': {
    sentence: '`<name>` makes an entry of <parts>; write <shape>.', cpu: 'x = pte(frame())',
  },
  'entry-level-mode': {
    sentence: '<mode> paging has no <entry>; its entries are made by <choices>.', cpu: 'x = pml5e(frame(), rw)',
  },
  'no-large-page': { sentence: 'A <entry> cannot map a large page; use <choices>.', cpu: 'x = pte(frame(), rw, large)' },
  'word-mode': { sentence: 'A <entry> of <mode> paging has nothing for `<word>`; remove it.', file: 'machine { paging 32-bit }\ncpu 0 { x = pte(gpa:0x5000, rw, key(3)) }' },
  'frame-misaligned': { sentence: '<frame> is no address of a <size> frame; write <below> or <above>.', cpu: 'x = pte(gpa:0x5800, rw)' },
  'frame-too-high': { sentence: '<frame> is beyond what a <entry> of <mode> paging can hold; write an address below <limit>.', file: 'machine { paging 32-bit }\ncpu 0 { x = pte(gpa:0x100000000, rw) }' },
  'number-range': { sentence: '`<name>` goes from 0 to <most>; write a number in that range.', cpu: 'x = key(16)' },
  'takes-one-number': { sentence: '`<name>` takes one number; write <name>(3).', cpu: 'x = key()' },
  'ept-entry-size': { sentence: '`<name>` is 8 bytes and `entry` is 4 in <mode> paging; write qword [a] = <name>(…).', file: 'machine { paging 32-bit }\ncpu 0 { entry [0xc0200000] = epte(gpa:0x5000, rw) }' },
  'memory-type': { sentence: '`<written>` is no EPT memory type; write uc, wc, wt, wp or wb.', cpu: 'x = epte(gpa:0x5000, rw, 9)' },
  'unknown-exit-reason': { sentence: '`<name>` is no exit reason<hint>; <advice>.', cpu: 'x = exit_reason.ept' },
  'unknown-frame-state': { sentence: '`<name>` is no state of a frame<hint>; the states are <choices>.', cpu: 'x = frame_state.freee' },
  'unknown-counter': { sentence: '`<path>` is no counter<hint>; there are <choices>.', cpu: 'x = 1\nexpect tlb.hit == 1' },
  'unknown-total': { sentence: '`<path>` is no counter<hint>; after `total.` comes one of <choices>.', cpu: 'x = 1\nexpect total.tlb.hit == 1' },
  'counter-family': { sentence: '`<name>` is a family of counters; write <advice>.', cpu: 'x = 1\nprint exits' },
  'nothing-above': {
    sentence: '<what> what the statement above did, and none stands above in this block; move it below one.',
    file: 'cpu 0 { expect tlb.hits == 1 }',
  },
  'no-cpu-counts': {
    sentence: '`<written>` counts for one CPU, and a host thread is none; write total.<written>.',
    file: 'cpu 0 { x = 1 }\nhost thread h { merge_all()\n expect tlb.hits == 0 }',
  },
  'no-cpu-tlb': {
    sentence: '`tlb.holds` asks the TLB of one CPU, and a host thread is none; ask it in a `cpu` block.',
    file: 'cpu 0 { x = 1 }\nhost thread h { merge_all()\n print tlb.holds(0x600000) }',
  },
} as const satisfies Readonly<Record<string, MessageRow>>;
