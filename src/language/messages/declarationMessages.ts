import type { MessageRow } from './messageRow';

const RUN = 'cpu 0 { x = 1 }';

/** What is said of files, machines, settings, processes, names and procedures. */
export const declarationMessages = {
  // Files.
  'import-unreadable': {
    sentence: 'The file "<path>" cannot be read; check its path, which starts at this file\'s folder.',
    file: `import "nowhere.guest"\n${RUN}`,
  },
  'import-cycle': {
    severity: 'warning',
    sentence: 'This import leads back to where it began: <chain>; each file is read once, so remove one of these imports.',
    file: `import "a.guest"\ncpu 0 { f() }`,
    imports: { 'a.guest': 'import "b.guest"\nprocedure f() { g() }', 'b.guest': 'import "a.guest"\nprocedure g() { }' },
  },
  'not-in-import': {
    sentence: '`<word>` belongs in the scenario itself; an imported file holds procedures, handlers, globals and processes.',
    file: `import "m.guest"\n${RUN}`,
    imports: { 'm.guest': 'machine { ram 16M }' },
  },
  'kernel-unreadable': {
    sentence: 'The kernel "<path>" cannot be read; check its path, which starts at this scenario\'s folder.',
    file: `machine { kernel "mine.guest" }\n${RUN}`,
  },
  'schedule-twice': { sentence: 'The schedule is set twice; keep one of the two.', file: `schedule every 2\nschedule every 3\n${RUN}` },
  'schedule-number': {
    sentence: '`<image>` cannot be a schedule\'s number; write one from 1 to 2147483647.',
    file: `schedule every 0\n${RUN}`,
  },
  // Machines, CPUs, VMs.
  'machine-twice': {
    sentence: 'A scenario has one `machine` and one `platform`; move these settings into the first one.',
    file: `machine { ram 16M }\nmachine { ram 32M }\n${RUN}`,
  },
  'no-cpu': { sentence: 'The scenario has no `cpu 0 { … }`, so nothing would run; add one.', file: '// nothing\n' },
  'vm-without-cpu': { sentence: 'The VM `<name>` has no `cpu 0 { … }`, so nothing would run in it; add one.', file: 'vm a { machine { ram 16M } }' },
  'cpu-number': { sentence: 'CPUs are numbered from 0 on; write `cpu <number>`.', file: 'cpu 1 { x = 1 }' },
  'too-many-cpus': {
    sentence: 'A VM has at most <most> CPUs; remove this one.',
    file: Array.from({ length: 65 }, (_, number) => `cpu ${number} { x = 1 }`).join('\n'),
  },
  'outside-vm': {
    sentence: '`<word>` belongs to one VM; write it inside a `vm` block, as the file has several.',
    file: `vm a { ${RUN} }\nglobal g = 1`,
  },
  'vm-twice': { sentence: 'The VM `<name>` is declared twice; choose another name.', file: `vm a { ${RUN} }\nvm a { ${RUN} }` },
  'nested-technique': {
    sentence: 'The VM `<parent>` has a nested guest, so its technique must be ept; write `mmu ept` in its `machine`.',
    file: `vm a { machine { mmu shadow-wp }; vm b { machine { kernel none, ram 64K }; ${RUN} }; cpu 0 { x = vmlaunch(b) } }`,
  },
  'vm-never-entered': {
    severity: 'warning',
    sentence: 'The nested guest `<name>` is never entered; call vmlaunch(<name>) in a cpu block of `<parent>`.',
    file: `vm a { machine { mmu ept }; vm b { machine { kernel none, ram 64K }; ${RUN} }; ${RUN} }`,
  },
  // Settings.
  'unknown-setting': {
    sentence: 'There is no <section> setting `<name>`<hint>; there are <choices>.',
    file: `machine { pagin 4-level }\n${RUN}`,
  },
  'setting-elsewhere': { sentence: '`<name>` is a setting of `<section>`; move it there.', file: `platform { mmu ept }\n${RUN}` },
  'setting-twice': { sentence: '`<name>` is set twice; keep one of the two.', file: `machine { ram 16M, ram 32M }\n${RUN}` },
  'setting-value': { sentence: '`<written>` does not fit: <advice>.', file: `machine { mmu shadow wp }\n${RUN}` },
  'setting-number': { sentence: '`<image>` is too large for a setting; write a smaller number.', file: `platform { maxphyaddr 99999999999999999999 }\n${RUN}` },
  'paging-mode': {
    sentence: '`paging <mode>` is no paging mode; write none, 32-bit, pae, 4-level or 5-level.',
    file: `machine { paging 7-level }\n${RUN}`,
  },
  'kernel-kind': { sentence: 'A kernel is `standard`, `none` or a file in quotes; write one of them.', file: `machine { kernel "mine.txt" }\n${RUN}` },
  'ram-size': { sentence: '`ram` takes one size of whole pages; write ram 16M.', file: `machine { ram 1000 }\n${RUN}` },
  'ram-too-small': {
    sentence: 'The loader and the kernel library need at least <least>K of RAM; set a larger `ram`, or `kernel none`.',
    file: `machine { ram 64K }\n${RUN}`,
  },
  'slot-form': {
    sentence: 'A slot has a name, a range and a kind; write slot low 0 .. 16M ram, or rom or mmio.',
    file: `machine { slot low 16M ram }\n${RUN}`,
  },
  'slot-range': {
    sentence: 'The slot `<name>` must hold whole pages from a lower to a higher address; write multiples of 4K, such as 0 .. 16M.',
    file: `machine { slot low 16M .. 0 ram }\n${RUN}`,
  },
  'slot-twice': { sentence: 'There is a slot `<name>` already; choose another name.', file: `machine { slot low 0 .. 16M ram, slot low 16M .. 32M ram }\n${RUN}` },
  'slot-overlap': {
    sentence: 'The slot `<name>` overlaps the slot `<other>`; make them meet at most.',
    file: `machine { slot low 0 .. 16M ram, slot high 8M .. 32M ram }\n${RUN}`,
  },
  'ram-and-slots': {
    sentence: '`ram <size>` is short for `slot ram 0 .. <size> ram`; write either `ram` or slots.',
    file: `machine { ram 16M, slot low 0 .. 16M ram }\n${RUN}`,
  },
  'no-low-ram': {
    sentence: 'No slot has RAM at guest-physical address 0, where the loader puts its tables; write slot low 0 .. 16M ram.',
    file: `machine { slot high 16M .. 32M ram }\n${RUN}`,
  },
  // Ranges of processes.
  'process-without-kernel': {
    sentence: 'With `kernel none` nothing maps a process; remove it, or use the standard kernel.',
    file: `machine { kernel none }\nprocess p { 0x1000 .. 0x2000 rw user }\n${RUN}`,
  },
  'process-without-paging': {
    sentence: 'With `paging none` there are no address spaces; remove the process, or write another paging mode.',
    file: `machine { paging none }\nprocess p { 0x1000 .. 0x2000 rw user }\n${RUN}`,
  },
  'range-overlaps': {
    sentence: 'This range overlaps <from> .. <to> of process <process>; make them meet at most.',
    file: 'process p { 0x1000 .. 0x3000 rw user, 0x2000 .. 0x4000 ro user }\ncpu 0 { switch(p) }',
  },
  'range-number': {
    sentence: 'An address of this range is no number of 64 bits; write a smaller one.',
    file: 'process p { 0x1000 .. 0x10000000000000000 rw user }\ncpu 0 { switch(p) }',
  },
  'range-pages': {
    sentence: 'A range is made of pages, and <odd> is no multiple of <page>; write <below> or <above>.',
    file: 'process p { 0x600000 .. 0x601800 rw user }\ncpu 0 { switch(p) }',
  },
  'range-empty': {
    sentence: 'This range is empty, as its end <to> is not included; write an end above <from>.',
    file: 'process p { 0x600000 .. 0x600000 rw user }\ncpu 0 { switch(p) }',
  },
  'range-not-canonical': {
    sentence: 'This range holds addresses that <lack>; stay below <lower><upper>.',
    file: 'process p { 0x7ffffffff000 .. 0x800000001000 rw user }\ncpu 0 { switch(p) }',
  },
  'range-direct-map': {
    sentence: 'This range overlaps the kernel\'s direct map from <base> on; choose other addresses.',
    file: 'process p { 0xffff888000000000 .. 0xffff888000001000 rw kernel }\ncpu 0 { switch(p) }',
  },
  'range-rights': {
    sentence: 'A range has one of the rights ro, rw, rx and rwx; write exactly one.',
    file: 'process p { 0x1000 .. 0x2000 user }\ncpu 0 { switch(p) }',
  },
  'range-level': {
    sentence: 'A range is `user` or `kernel`; write one of them after the rights.',
    file: 'process p { 0x1000 .. 0x2000 rw }\ncpu 0 { switch(p) }',
  },
  'range-upper-half': {
    severity: 'warning',
    sentence: 'User ranges usually lie in the lower half, below <lower>; write `kernel`, or move the range.',
    file: 'process p { 0xffffffff80000000 .. 0xffffffff80001000 rw user }\ncpu 0 { switch(p) }',
  },
  'unknown-area-word': {
    sentence: 'There is no area word `<word>`<hint>; there are <choices>.',
    file: 'process p { 0x1000 .. 0x2000 rw usr }\ncpu 0 { switch(p) }',
  },
  'area-word-number': {
    sentence: '`<word>` takes no number; remove it.',
    file: 'process p { 0x1000 .. 0x2000 rw user 2 }\ncpu 0 { switch(p) }',
  },
  'shared-name': {
    sentence: '`shared` wants a name that ranges of other processes repeat; write shared zone.',
    file: 'process p { 0x1000 .. 0x2000 rw user shared }\ncpu 0 { switch(p) }',
  },
  'shared-size': {
    sentence: 'Ranges that are `shared <name>` have the same frames, and this one has <bytes>K where another has <other>K; make them equally long.',
    file: 'process p { 0x1000 .. 0x2000 rw user shared zone }\nprocess q { 0x1000 .. 0x3000 rw user shared zone }\ncpu 0 { switch(p); switch(q) }',
  },
  'shared-alone': {
    severity: 'warning',
    sentence: 'No other range is `shared <name>`, so it shares nothing; remove the words, or write them for a second range.',
    file: 'process p { 0x1000 .. 0x2000 rw user shared zone }\ncpu 0 { switch(p) }',
  },
  'page-size': {
    sentence: '`pages <size>` is no page size of <mode> paging; write <choices>.',
    file: 'process p { 0x800000 .. 0xa00000 rw user pages 64K }\ncpu 0 { switch(p) }',
  },
  'ram-does-not-fit': {
    sentence: 'The processes\' ranges take <bytes>K and the machine has <ram>K of RAM, 1M of it the loader\'s; set a larger `ram`, or make ranges lazy.',
    file: 'machine { ram 4M }\nprocess p { 0x1000 .. 0x401000 rw user }\ncpu 0 { switch(p) }',
  },
  // Names.
  'declared-above': { sentence: '`<name>` is declared above as a <kind>; choose another name.', file: 'table t; table t\ncpu 0 { t[1] = 1 }' },
  'reserved-name': { sentence: '`<name>` has a meaning of its own; choose another name.', file: `global rax = 3\n${RUN}` },
  'global-not-constant': {
    sentence: '`<written>` is not known before the machine starts; write a constant, and assign the rest in a cpu block.',
    file: 'global g = frame()\ncpu 0 { g = 2 }',
  },
  'no-global-to-set': {
    sentence: 'The scenario has no global `<name>` to set; declare it with `global <name> = …`.',
    file: RUN,
    globals: { m: 1n },
  },
  'unused': { severity: 'warning', sentence: 'The <kind> `<name>` is never used; remove it.', file: `global g = 1\n${RUN}` },
  'unused-procedure': {
    severity: 'warning',
    sentence: 'The procedure `<name>` is never called; remove it, or call it.',
    file: `procedure f() { }\n${RUN}`,
  },
  'unused-process': {
    severity: 'warning',
    sentence: 'The process `<name>` is never used; switch to it with switch(<name>).',
    file: `process p { 0x1000 .. 0x2000 rw user }\n${RUN}`,
  },
  // Procedures and handlers.
  'procedure-twice': { sentence: 'The procedure `<name>` is declared twice; keep one of the two.', file: 'procedure f() { }\nprocedure f() { }\ncpu 0 { f() }' },
  'builtin-name': { sentence: '`<name>` belongs to the language; choose another name.', file: `procedure pte(x) { }\n${RUN}` },
  'gives-table': { sentence: 'A procedure cannot give a table; give a number or an address.', file: 'procedure f() -> table { return 1 }\ncpu 0 { f() }' },
  'override-missing': {
    sentence: 'The library has a procedure `<name>`; write `override procedure <name>` to replace it, or choose another name.',
    file: `procedure map(process p) { }\n${RUN}`,
  },
  'override-nothing': {
    sentence: '`<name>` replaces nothing, as the library has no such procedure<hint>; remove `override`.',
    file: `override procedure nothing() { }\n${RUN}`,
  },
  'override-shape': {
    sentence: 'This does not fit what it replaces; write override procedure <shape>.',
    file: `override procedure map(process p) { }\n${RUN}`,
  },
  'parameter-twice': { sentence: 'The parameter `<name>` is named twice; choose another name.', file: 'procedure f(a, a) { }\ncpu 0 { f(1, 2) }' },
  'ends-without-value': {
    sentence: '`<name>` can end without giving its <type>; write `return` with a value at its end.',
    file: 'procedure f() -> gva { }\ncpu 0 { x = f() }',
  },
  'handler-parameters': {
    sentence: 'The processor hands a <kind> handler <what>; write <shape>.',
    file: `on page_fault(code, gva address) { }\n${RUN}`,
  },
  'handler-twice': { sentence: 'There is a handler of <kind> already; keep one of the two.', file: `on page_fault(gva a, code) { refuse }\non page_fault(gva a, code) { refuse }\n${RUN}` },
  'vector-number': {
    sentence: '`<written>` is no interrupt vector; write a number from 0 to 255, such as 0x80.',
    file: `on interrupt 300 { }\n${RUN}`,
  },
  'vector-of-exception': {
    sentence: 'Vector <number> is an exception; write <shape>.',
    file: `on interrupt 14 { }\n${RUN}`,
  },
} as const satisfies Readonly<Record<string, MessageRow>>;
