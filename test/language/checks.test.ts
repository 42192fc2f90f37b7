import { strict as assert } from 'node:assert';
import { cpuProblems, onCpu, problems } from './scenarioCheck';

/** The lines on a CPU give exactly this one diagnostic (columns and message). */
function check(lines: string, expected: string): void {
  assert.deepEqual(cpuProblems(lines), [expected], lines);
}

/** The whole text gives exactly this one diagnostic. */
function checkFile(text: string, expected: string): void {
  assert.deepEqual(problems(text), [expected], text);
}

describe('names', () => {
  it('have to exist', () => {
    check('x = yy', '5-7 There is no `yy` here; assign a variable or declare a global first.');
    check('abc = 1; x = abd', '14-17 There is no `abd` here (did you mean `abc`?); assign a variable or declare a global first.');
    check('swich(p)', '1-6 There is no procedure `swich` (did you mean `switch`?); declare it with `procedure swich(…)`.');
    check('t[1] = 2', '1-2 There is no table `t`; declare it with `table t`.');
    check('x = cr4.SMAPP', '5-14 `cr4` has no bit `SMAPP` (did you mean `SMAP`?); it has VME, PVI, TSD, DE, PSE, PAE, MCE, PGE, PCE, OSFXSR, OSXMMEXCPT, UMIP, LA57, VMXE, SMXE, FSGSBASE, PCIDE, OSXSAVE, SMEP, SMAP, PKE, PKS.');
    check('x = 3\ny = x.foo', '5-10 An entry has no field `foo`; it has PAT, PCD, PWT, G, PS, D, A, XD, US, RW, P, frame.');
    check('x = p.rot', '5-10 A process has no field `rot` (did you mean `root`?); it has root and pcid.');
    check('x = 1\nexpect walk(0x600000).sice == 4K', '8-27 A walk has no field `sice` (did you mean `size`?); it has fault, references, size, frame, user, writable, executable, pte, pde, pdpte, pml4e.');
    check('x = frame_state.fre', '5-20 `fre` is no state of a frame (did you mean `free`?); the states are free, guest_memory, guest_table, shadow_table, ept_table, host_table, other.');
    check('x = exit_reason.ept', '5-20 `ept` is no exit reason; reasons are named as in `vm_exits`, such as ept_violation.');
  });
  it('of barriers and gates have to be those that others meet at', () => {
    assert.deepEqual(problems('cpu 0 { barrier entered }\ncpu 1 { barrier entred }'), [
      '1:9-24 Only cpu 0 names the barrier `entered` (did you mean `entred`?), so there is nobody to wait for; name it in another cpu or host thread, or remove it.',
      '2:9-23 Only cpu 1 names the barrier `entred` (did you mean `entered`?), so there is nobody to wait for; name it in another cpu or host thread, or remove it.',
    ]);
    assert.deepEqual(problems('cpu 0 { hold stale before tlb_fill; x = 1 }\ncpu 1 { release stael; await stale2 }\nhost thread h { release stale2 }').map((each) => each.split(';')[0]), [
      '1:9-35 Nobody releases `stale` (did you mean `stael`?), so this waits for ever', '2:9-22 warning: Nobody waits for `stael` (did you mean `stale`?)',
    ]);
    checkFile('cpu 0 { await window }\ncpu 1 { barrier b }\nhost thread h { barrier b }', '1:9-21 Nobody releases `window`, so this waits for ever; write release window in another cpu or host thread.');
  });
  it('have a value only below their first assignment', () => {
    check('x = y + 1\ny = 2', '5-6 `y` has no value yet; assign it in a line above.');
    check('x += 1', '1-2 `x` has no value yet; assign it in a line above.');
  });
  it('that mean something cannot be assigned', () => {
    check('rw = 3', '1-3 `rw` has a meaning of its own and cannot be assigned; choose another name.');
    check('p = 3', '1-2 `p` is a process and cannot be assigned; choose another name.');
  });
  it('of entry words stay free for variables', () => {
    assert.deepEqual(cpuProblems('dirty = 3\nlarge = dirty'), []);
  });
  it('of the library may be taken for one\'s own globals', () => {
    assert.deepEqual(problems(`global next_frame = 3\n${onCpu('next_frame += 1')}`), []);
    checkFile(`global rax = 3\n${onCpu('x = 1')}`, '1:1-15 `rax` has a meaning of its own; choose another name.');
    checkFile(`table t; table t\n${onCpu('t[1] = 1')}`, '1:10-17 `t` is declared above as a table; choose another name.');
  });
});

describe('a text with braces', () => {
  it('is told to be printed as it stands, with what to write', () => {
    const said = 'is printed as it stands, and';
    check('r = 3\nprint "{r}"', `7-12 warning: A text ${said} \`{r}\` with it; write print r.`);
    check('r = 3\nprint "r is { r.frame } here", r', `7-30 warning: A text ${said} \`{ r.frame }\` with it; write print "r is", r.frame, "here".`);
    assert.deepEqual(cpuProblems('print "{}", "a { b", "{1}"'), []);
  });
});

describe('a hold before an event of root mode', () => {
  it('is an error: no access is held there', () => {
    const text = (event: string): string => `cpu 0 { release w }\ncpu 1 {\n  hold w before ${event}\n  x = 1\n}`;
    checkFile(text('hidden_fault'), '3:3-29 `hidden_fault` happens in the hypervisor or the host, and no access is held there; write an event of the processor such as table_read, tlb_fill, ad_update and vm_exit, or mmu_lock.');
    for (const event of ['mmu_lock', 'page_fault', 'virtualization_exception', 'vm_entry', 'ept_violation', 'structure_cache_fill', 'access_done']) assert.deepEqual(problems(text(event)), [], event);
  });
});

describe('types', () => {
  it('keep address spaces apart and name the question that converts', () => {
    const given = '`gpa:0x5000` is a guest-physical address (gpa)';
    check('invlpg(gpa:0x5000)', `8-18 ${given}, and a linear address (gva) is wanted; write direct(gpa:0x5000).`);
    check('x = [gpa:0x5000]', `6-16 ${given}, and the guest's own code uses linear addresses (gva); write [direct(gpa:0x5000)].`);
    check('p.root = gva:3', '10-15 `gva:3` is a linear address (gva), and a guest-physical address (gpa) is wanted; write gpa_of(gva:3).');
    check('x = gpa:1 == gva:2', '5-19 `gpa:1` is a guest-physical address (gpa) and `gva:2` is a linear address (gva); write direct(gpa:1).');
    check('x = gpa:1 + gva:2', '5-18 Two addresses cannot be added; subtract them, or make one a number by subtracting gva:0.');
    check('x = hpa:1 == gva:2', '5-19 `hpa:1` is a host-physical address (hpa) and `gva:2` is a linear address (gva); write hpa_of(gva:2).');
    check('x = gva:1\nx = gpa:2', '5-10 `gpa:2` is a guest-physical address (gpa), and a linear address (gva) is wanted; write direct(gpa:2).');
    check('map(p, gpa:0, gpa:0, rw)', '8-13 `gpa:0` is a guest-physical address (gpa), and a linear address (gva) is wanted; write direct(gpa:0).');
  });
  it('let a number stand for any address, and an address be counted with', () => {
    assert.deepEqual(cpuProblems('x = gva:0x600000 + 8\nuser [x] = 1\ny = x - gva:0x600000\nz = x >> 12\nuser [0x600000] = z + y\nmap(p, 0x800000, frame(), rw)'), []);
  });
  it('of a process are nothing to count with', () => {
    check('x = p + 1', '5-6 `p` is a process; `+` needs numbers or addresses.');
    check('switch(3)', '8-9 `3` is a number, and a process is wanted.');
    check('x = boot()', '5-11 `x` cannot hold nothing; assign a number, an address or a process.');
  });
  it('of not a == b are told with the fix', () => {
    check('x = 1\nif not x == 3 { x = 2 }', '4-14 `not` binds tighter than `==`; write not (x == 3).');
  });
  it('of the number of arguments', () => {
    check('map(p, 0x800000)', '1-17 `map` takes 4 arguments and gets 2; write map(process p, gva address, gpa f, rights).');
    check('invlpg()', '1-9 `invlpg` takes one operand; write invlpg(a).');
    check('x = pte(frame())', '5-17 `pte` makes an entry of a frame and rights; write pte(frame, rw) or pte(frame, rw, user).');
    check('x = pte(frame(), rw, large)', '22-27 A PTE cannot map a large page; use pde(…, large) or pdpte(…, large).');
  });
});

describe('what would never do what it says', () => {
  it('is pointed out', () => {
    check('x = 1 / 0', '9-10 This divides by zero, which stops the scenario; divide by something else.');
    check('for i in 0 .. 8 step 0 { x = i }', '22-23 A loop with step 0 never ends; write another step.');
    check('break', '1-6 `break` stands in no loop; remove it, or put it inside while, for or repeat.');
    check('refuse', '1-7 `refuse` gives up the access that a handler was called for; write it in `on page_fault`.');
    check('return', '1-7 `return` leaves a procedure or handler; in a cpu block, let the block end instead.');
    check('user [0x600000]', '6-16 `[0x600000]` alone does nothing; write x = [0x600000] to load, or [0x600000] = … to store.');
    check('x = 1\nx', '1-2 `x` alone does nothing; assign to it, or remove it.');
    check('walk(0x600000)', '1-15 A walk has no value of its own; ask for a field: walk(a).frame, walk(a).size, walk(a).fault.');
    check('gpa_of(0x600000)', '1-17 `gpa_of(0x600000)` alone does nothing; assign it, or put it into expect or print.');
    check('x = "text"', '5-11 The text "text" is no value; a text stands in `print`, or beside `event.kind ==` in a condition.');
    check('x = 99999999999999999999', '5-25 `99999999999999999999` is no number of 64 bits; write a smaller one.');
  });
  it('is a write or an access that the paging mode has end in #GP every time, unless an expectation below says so', () => {
    const refused = (bit: string, mode: string, why: string): string => (
      `warning: \`${bit}\` always ends in #GP in ${mode} mode: ${why}; leave it out, or write \`expect general_protection\` below when that is meant.`
    );
    const of = (mode: string, line: string): readonly string[] => problems(`machine { paging ${mode} }\ncpu 0 {\n${line}\n}\non general_protection(code) { refuse }`);
    assert.deepEqual(of('32-bit', 'cr4.PCIDE = 1'), [`3:1-10 ${refused('cr4.PCIDE = 1', '32-bit', 'PCIDs are for 4-level and 5-level paging')}`]);
    assert.deepEqual(of('4-level', 'cr4.PAE = 0'), [`3:1-8 ${refused('cr4.PAE = 0', '4-level', 'PAE stays on as long as long mode does')}`]);
    assert.deepEqual(of('pae', 'cr0.PE = 0'), [`3:1-7 ${refused('cr0.PE = 0', 'pae', 'paging needs protected mode')}`]);
    for (const line of ['cr4.PCIDE = 1', 'cr4.PAE = 1', 'cr0.PG = 0\nexpect refused', '[0x8000_0000_0000] = 1\nexpect general_protection\nexpect refused']) {
      assert.deepEqual(of('4-level', line), [], line);
    }
    assert.deepEqual(of('pae', 'cr0.PG = 0'), []);
    assert.match(of('pae', 'x = [0x1_0000_0000]').join(), /no linear address of pae mode, and an access there always ends in #GP; those up to 0xffffffff are\. Write/);
    assert.match(of('4-level', 'x = [0x8000_0000_0000]').join(), /those up to 0x7fffffffffff, and from 0xffff800000000000 on are\./);
    assert.deepEqual(of('5-level', 'x = [0x8000_0000_0000]'), []);
    assert.deepEqual(problems('machine { paging 32-bit, kernel none }\ncpu 0 { cr0.PE = 0 }'), [], 'paging may be off by then');
  });
  it('is a procedure of the library that needs page tables, where there are none', () => {
    assert.match(problems('machine { paging none }\ncpu 0 { map(1, 2, 3, 4) }').join(), /`map` needs page tables, and with `paging none` there are none/);
    assert.deepEqual(problems('machine { paging none }\nprocedure map(a) { x = a }\ncpu 0 { map(1) }'), [], 'a name that is free');
  });
  it('is a line that is never reached, said once', () => {
    checkFile(`${onCpu('f()')}\nprocedure f() { return; x = 1; x = 2 }`, '5:25-30 warning: This line is never reached; remove it, or the line above that leaves or never ends.');
    checkFile(onCpu('while true { x = 1 }\ny = 2'), '4:1-6 warning: This line is never reached; remove it, or the line above that leaves or never ends.');
    for (const going of ['while 1 { break }\ny = 2', 'z = 1\nwhile z { x = 1 }\ny = 2', 'while 0 { x = 1 }\ny = 2']) assert.ok(!problems(onCpu(going)).some((said) => said.includes('never reached')), going);
  });
  it('is a kernel access to a user range, when the address is a literal', () => {
    const said = 'warning: The kernel (CPL 0) touches a user range of process p here; write `user` before it, or stac() above it when that is meant.';
    check('[0x600008] = 1', `1-11 ${said}`);
    assert.deepEqual(cpuProblems('user [0x600008] = 1\nx = [0x700000]\nstac()\n[0x600008] = 1\nexpect [0x600008] == 1'), []);
  });
  it('is a declaration that nothing uses', () => {
    const text = 'table t; global g = 1; procedure f() { }; process p { 0x1000 .. 0x2000 rw user }\ncpu 0 { x = 1 }';
    assert.deepEqual(problems(text), [
      '1:1-8 warning: The table `t` is never used; remove it.',
      '1:10-22 warning: The global `g` is never used; remove it.',
      '1:24-41 warning: The procedure `f` is never called; remove it, or call it.',
      '1:43-81 warning: The process `p` is never used; switch to it with switch(p).',
    ]);
  });
});

describe('expectations', () => {
  it('judge a statement, so one has to stand above', () => {
    checkFile('cpu 0 { expect no exits }', '1:16-24 `no exits` judges what the statement above did, and none stands above in this block; move it below one.');
    checkFile('cpu 0 { expect tlb.hits == 1 }', '1:16-24 `tlb.hits` counts what the statement above did, and none stands above in this block; move it below one.');
    assert.deepEqual(problems('cpu 0 { expect total.tlb.hits == 0 and table_pages.guest > 0 and cr0.WP == 1 }'), []);
  });
  it('touch nothing', () => {
    check('expect frame() == 3', '8-15 `frame` is a procedure that the guest runs, and nothing may be touched here; assign it in a line above: x = frame(…).');
    check('print invlpg(3)', '7-16 `invlpg` is an instruction, and nothing may be touched here; write it in a line above.');
  });
  it('alone know what depends on the technique', () => {
    check('x = tlb.hits', '5-13 `tlb.hits` depends on the technique, and the guest must not; ask it in expect, print or a host statement.');
    check('if exits.total == 0 { x = 1 }', '4-15 `exits.total` depends on the technique, and the guest must not; ask it in expect, print or a host statement.');
    check('x = hpa_of(0x600000)', '5-21 `hpa_of` depends on the technique, and the guest must not; ask it in expect, print or a host statement.');
    check('x = event.kind', '5-15 `event` exists only in the conditions of breakpoints; write an expectation instead.');
  });
  it('name techniques, counters, reasons and error-code bits that exist', () => {
    check('expect under shadw: no exits', '14-19 There is no technique `shadw`; there are native, interpret, deprivileged, shadow-rebuild, shadow-vtlb, shadow-wp, shadow-unsync, ept, npt, nested, and shadow for every shadow-*.');
    check('expect tlb.hit == 1', '8-15 `tlb.hit` is no counter (did you mean `tlb.hits`?); there are tlb.hits, tlb.misses, tlb.flushes.');
    check('expect exits.cr_acces == 1', '8-22 `cr_acces` is no exit reason (did you mean `cr_access`?); write exits.total or exits. and a reason such as cr_access.');
    check('expect exits are cr_acces', '8-26 `cr_acces` is no exit reason (did you mean `cr_access`?); reasons are named as in `vm_exits`, such as cr_access.');
    check('expect page_fault(usr)', '8-23 `usr` is no bit of the error code (did you mean `user`?); write words out of present, write, user, reserved, fetch, key.');
    check('expect no hope', '8-15 `no hope` claims nothing; write `no page_fault` or `no exits`, or compare a counter with 0.');
  });
});
