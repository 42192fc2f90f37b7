/** A word of the language, for hovers and completion. */
export interface KeywordRow {
  readonly word: string;
  /** Where it is offered. */
  readonly place: 'declaration' | 'statement' | 'claim' | 'size' | 'inside';
  /** How it is written. */
  readonly form: string;
  readonly documentation: string;
  /** What completion inserts, as LSP writes snippets; left out: the word. */
  readonly snippet?: string;
}

/** The words of docs/language.md that stand for themselves. */
export const keywordRows: readonly KeywordRow[] = [
  // Declarations.
  { word: 'machine', place: 'declaration', form: 'machine { SETTING VALUE, … }', documentation: 'What the VM is: paging mode, RAM, memslots, technique.', snippet: 'machine { paging ${1:4-level}, ram ${2:16M}, mmu ${3:shadow-wp} }' },
  { word: 'platform', place: 'declaration', form: 'platform { SETTING VALUE, … }', documentation: 'The physical machine: host RAM, vendor, TLB, walk caches.', snippet: 'platform { ${1:tlb 64 entries 4 ways} }' },
  { word: 'process', place: 'declaration', form: 'process NAME { FROM .. TO RIGHTS user|kernel … }', documentation: "A process of the guest and its ranges of linear addresses; the end is not included. `boot` maps them before the scenario's first line, but for the `lazy` ones.", snippet: 'process ${1:p} {\n  ${2:0x600000} .. ${3:0x601000}  ${4|rw,ro,rx,rwx|} user\n}' },
  { word: 'global', place: 'declaration', form: 'global NAME = VALUE', documentation: 'A value outside guest memory, one per VM, shared by its CPUs.', snippet: 'global ${1:next} = ${2:gpa:1M}' },
  { word: 'table', place: 'declaration', form: 'table NAME', documentation: 'Numbers by number, outside guest memory, one per VM. An absent key reads 0.', snippet: 'table ${1:owner}' },
  { word: 'procedure', place: 'declaration', form: 'procedure NAME(TYPE a, b) -> TYPE { … }', documentation: 'A procedure of the guest: one steps into it. A parameter without a type is a number.', snippet: 'procedure ${1:name}(${2:gva address}) {\n  $0\n}' },
  { word: 'override', place: 'declaration', form: 'override procedure NAME(…) { … }', documentation: "Replaces the library's procedure of that name; `original(…)` calls it.", snippet: 'override procedure ${1:map}(${2:process p, gva address, gpa f, rights}) {\n  $0\n}' },
  { word: 'on', place: 'declaration', form: 'on page_fault(gva address, code) { … } · on interrupt N { … }', documentation: "A handler at CPL 0, in the place of the library's. Falling off its end is IRET: the faulting access runs again. `refuse` gives the access up.", snippet: 'on page_fault(gva address, code) {\n  $0\n}' },
  { word: 'cpu', place: 'declaration', form: 'cpu N { … }', documentation: 'What vCPU N does. The number of these blocks is the number of vCPUs.', snippet: 'cpu ${1:0} {\n  $0\n}' },
  { word: 'vm', place: 'declaration', form: 'vm NAME { … }', documentation: 'One VM of several; a `vm` inside a `vm` is its nested guest.', snippet: 'vm ${1:guest} {\n  machine { paging 4-level, ram 16M }\n\n  cpu 0 {\n    $0\n  }\n}' },
  { word: 'import', place: 'declaration', form: 'import "other.guest"', documentation: "Procedures, handlers, globals and processes of another file; its path starts at this file's folder.", snippet: 'import "${1:other.guest}"' },
  { word: 'schedule', place: 'declaration', form: 'schedule every N · schedule random SEED', documentation: 'How the vCPUs take turns: every N statements, or at random between single accesses.', snippet: 'schedule ${1|every,random|} ${2:1000}' },
  { word: 'thread', place: 'declaration', form: 'host thread NAME { … }', documentation: 'An actor beside the vCPUs: host actions need no `host` in it, and it has no guest memory.', snippet: 'host thread ${1:migration} {\n  $0\n}' },
  // Statements.
  { word: 'user', place: 'statement', form: 'user STATEMENT · user { … }', documentation: 'Runs at CPL 3. In an entry: the page is for user mode (US).', snippet: 'user [${1:0x600000}] = ${2:1}' },
  { word: 'host', place: 'statement', form: 'host ACTION(…) · host { … }', documentation: 'The host acts, between two guest instructions; no exit is counted.', snippet: 'host ${0:swap_out(${1:0x600000})}' },
  { word: 'if', place: 'statement', form: 'if E { … } else { … }', documentation: 'Runs the first block when E is true. A number counts as true when it is not 0.', snippet: 'if ${1:condition} {\n  $0\n}' },
  { word: 'else', place: 'inside', form: 'if E { … } else { … }', documentation: 'The block for when the condition is false.' },
  { word: 'while', place: 'statement', form: 'while E { … }', documentation: 'Runs the block as long as E is true.', snippet: 'while ${1:condition} {\n  $0\n}' },
  { word: 'for', place: 'statement', form: 'for a in FROM .. TO step S { … } · for k in TABLE { … }', documentation: 'Runs the block for each value from FROM on, TO not included; of a table, for each key, ascending.', snippet: 'for ${1:a} in ${2:0x600000} .. ${3:0x610000} step 4K {\n  $0\n}' },
  { word: 'in', place: 'inside', form: 'for a in FROM .. TO step S { … }', documentation: 'Where the values of `for` come from.' },
  { word: 'step', place: 'inside', form: 'for a in FROM .. TO step S { … }', documentation: 'What is added at each turn; 1 when it is left out.' },
  { word: 'repeat', place: 'statement', form: 'repeat N { … }', documentation: 'Runs the block N times.', snippet: 'repeat ${1:10} {\n  $0\n}' },
  { word: 'break', place: 'statement', form: 'break', documentation: 'Leaves the innermost loop.' },
  { word: 'continue', place: 'statement', form: 'continue', documentation: 'Goes on with the next turn of the innermost loop.' },
  { word: 'return', place: 'statement', form: 'return · return E', documentation: 'Leaves the procedure; E is what the call gives.' },
  { word: 'refuse', place: 'statement', form: 'refuse', documentation: 'In a handler: the kernel gives the access up (SIGSEGV), and with it the statement of the `cpu` block.' },
  { word: 'measure', place: 'statement', form: 'measure { … }', documentation: 'Nothing but a bracket: the `expect` below it judges all of it.', snippet: 'measure {\n  $0\n}' },
  { word: 'expect', place: 'statement', form: 'expect [under TECHNIQUE or TECHNIQUE:] CLAIM', documentation: 'Judges the statement above it and touches nothing: no access, no TLB fill, no A bit, no exit.', snippet: 'expect ' },
  { word: 'print', place: 'statement', form: 'print "text", E, …', documentation: 'Writes to the debug console and to standard output.', snippet: 'print "${1:text}", ${2:x}' },
  { word: 'barrier', place: 'statement', form: 'barrier NAME', documentation: 'Waits for every CPU or host thread that names it. Interrupts are taken meanwhile.', snippet: 'barrier ${1:ready}' },
  { word: 'await', place: 'statement', form: 'await NAME', documentation: 'Waits until NAME is reached: the point of a `hold` or a `release`.', snippet: 'await ${1:window}' },
  { word: 'release', place: 'statement', form: 'release NAME', documentation: 'Lets the CPU go on that a `hold` of that name has stopped.', snippet: 'release ${1:window}' },
  { word: 'hold', place: 'statement', form: 'hold NAME before EVENT [N]', documentation: 'The next statement stops inside itself before its N-th event of that kind, until another actor does `release NAME`.', snippet: 'hold ${1:window} before ${2:tlb_fill}' },
  { word: 'before', place: 'inside', form: 'hold NAME before EVENT [N]', documentation: 'Names the event that `hold` stops before.' },
  // Claims.
  { word: 'under', place: 'claim', form: 'expect under TECHNIQUE or TECHNIQUE: CLAIM', documentation: 'The claim is made only under these techniques; `shadow` means every shadow-*.', snippet: 'under ${1:shadow-wp}: ' },
  { word: 'page_fault', place: 'claim', form: 'page_fault(user, write, present) at ADDRESS', documentation: 'Exactly such a fault was delivered to the guest. Words that are not named must be 0; without parentheses any error code will do.', snippet: 'page_fault(${1:user}, ${2:write}) at ${3:0x600000}' },
  { word: 'no page_fault', place: 'claim', form: 'no page_fault', documentation: 'No page fault was delivered to the guest.' },
  { word: 'no exits', place: 'claim', form: 'no exits', documentation: 'There was no VM exit.' },
  { word: 'exits are', place: 'claim', form: 'exits are REASON, REASON', documentation: 'Exactly these VM exits, in this order.', snippet: 'exits are ${1:exception_nmi}' },
  { word: 'refused', place: 'claim', form: 'expect refused', documentation: "The guest's handler gave the access up." },
  { word: 'stopped', place: 'claim', form: 'expect stopped(triple_fault)', documentation: 'The VM cannot go on; must be the last line.', snippet: 'stopped(${1|triple_fault,internal_error|})' },
  { word: 'no', place: 'inside', form: 'no page_fault · no exits', documentation: 'None was.' },
  { word: 'exits', place: 'inside', form: 'exits are REASON, … · exits.REASON', documentation: 'The VM exits of the statement above, on this CPU, with its handlers.' },
  { word: 'are', place: 'inside', form: 'exits are REASON, REASON', documentation: 'Exactly these VM exits, in this order.' },
  { word: 'at', place: 'inside', form: 'page_fault(…) at ADDRESS', documentation: 'The linear address that CR2 held.' },
  // Exceptions and types.
  { word: 'general_protection', place: 'inside', form: 'on general_protection(code) { … }', documentation: '#GP, vector 13.' },
  { word: 'double_fault', place: 'inside', form: 'on double_fault(code) { … }', documentation: '#DF, vector 8.' },
  { word: 'virtualization_exception', place: 'inside', form: 'on virtualization_exception(gpa address, qualification) { … }', documentation: '#VE, vector 20: an EPT violation that the guest is told of instead of the hypervisor.' },
  { word: 'interrupt', place: 'inside', form: 'on interrupt N { … }', documentation: 'The handler of vector N.' },
  { word: 'gva', place: 'inside', form: 'gva:0x600000', documentation: "A linear address of the guest. Behind `:` the same is a cast; it binds tighter than any operator." },
  { word: 'gpa', place: 'inside', form: 'gpa:0x3000', documentation: 'A guest-physical address. Behind `:` the same is a cast.' },
  { word: 'hva', place: 'inside', form: 'hva:0x7f0000000000', documentation: "A host-virtual address, in the VMM process. Behind `:` the same is a cast." },
  { word: 'hpa', place: 'inside', form: 'hpa:0x3000', documentation: 'A host-physical address. Behind `:` the same is a cast.' },
  { word: 'number', place: 'inside', form: 'procedure f(number n)', documentation: 'An unsigned 64-bit number. A parameter without a type is one.' },
  // Operands.
  { word: 'entry', place: 'size', form: 'entry [a]', documentation: 'One paging-structure entry: 4 bytes in 32-bit paging, else 8.', snippet: 'entry [${1:slot}]' },
  { word: 'byte', place: 'size', form: 'byte [a]', documentation: '1 byte.', snippet: 'byte [${1:address}]' },
  { word: 'word', place: 'size', form: 'word [a]', documentation: '2 bytes.', snippet: 'word [${1:address}]' },
  { word: 'dword', place: 'size', form: 'dword [a]', documentation: '4 bytes.', snippet: 'dword [${1:address}]' },
  { word: 'qword', place: 'size', form: 'qword [a]', documentation: '8 bytes.', snippet: 'qword [${1:address}]' },
  { word: 'and', place: 'inside', form: 'a and b', documentation: 'True when both are; b is looked at only when a is true.' },
  { word: 'or', place: 'inside', form: 'a or b', documentation: 'True when one is; b is looked at only when a is false.' },
  { word: 'not', place: 'inside', form: 'not a', documentation: 'True when a is 0 or false.' },
  { word: 'every', place: 'inside', form: 'schedule every N', documentation: 'A CPU runs N statements before the next one does.' },
  { word: 'random', place: 'inside', form: 'schedule random SEED', documentation: 'CPUs switch between single accesses, the same way in every run of the same seed.' },
];

const byWord: ReadonlyMap<string, KeywordRow> = new Map(keywordRows.map((row) => [row.word, row]));

export function keywordNamed(word: string): KeywordRow | undefined {
  return byWord.get(word);
}

/** Words of a process's ranges. */
export const rangeWords: ReadonlyMap<string, string> = new Map([
  ['ro', 'Read alone.'],
  ['rw', 'Read and write, no instruction fetch.'],
  ['rx', 'Read and fetch instructions.'],
  ['rwx', 'Read, write and fetch instructions.'],
  ['user', 'For user mode (US is 1).'],
  ['kernel', 'For the kernel alone (US is 0).'],
  ['lazy', 'Promised, and mapped at its first touch, by the page-fault handler.'],
  ['shared', '`shared NAME`: ranges of that name have the same frames, in whatever process.'],
  ['pages', '`pages 2M`: the size of the pages that map it.'],
]);

/** Words of `page_fault(…)`: bits of the error code. SDM Vol. 3, "Page-Fault Exceptions". */
export const faultWords: ReadonlyMap<string, string> = new Map([
  ['present', 'P: the translation is there, and the fault is a matter of rights.'],
  ['write', 'W/R: the access was a write.'],
  ['user', 'U/S: the access was made at CPL 3.'],
  ['reserved', 'RSVD: a reserved bit is set in an entry.'],
  ['fetch', 'I/D: the access was an instruction fetch.'],
  ['key', 'PK: the protection key does not allow it.'],
]);
